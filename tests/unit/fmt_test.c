/* fmt_test.c - formatting without malloc: conversions, what does not fit, milliseconds as Go's trace has them. */
#include "unit.h"

#include "base/fmt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void text_is(const struct text *t, const char *expected) {
    size_t n = (size_t)(t->at - t->begin);
    if (n != strlen(expected) || memcmp(t->begin, expected, n) != 0)
        fail_msg("\"%.*s\" instead of \"%s\"", (int)n, t->begin, expected);
}

#define EXPECT(expected, ...)                                                                                  \
    do {                                                                                                       \
        char buffer[200];                                                                                      \
        struct text t = text_over(buffer, sizeof buffer);                                                      \
        trix_text_add(&t, __VA_ARGS__);                                                                        \
        text_is(&t, expected);                                                                                 \
    } while (0)

static void test_conversions(void **state) {
    (void)state;
    EXPECT("nothing", "nothing");
    EXPECT("<a string>", "<%s>", "a string");
    const char *volatile none = NULL;
    EXPECT("<(null)>", "<%s>", none);
    EXPECT("x=y", "%c=%c", 'x', 'y');
    EXPECT("0 -1 2147483647 -2147483648", "%d %d %d %d", 0, -1, INT32_MAX, INT32_MIN);
    EXPECT("-9223372036854775808 9223372036854775807", "%ld %ld", INT64_MIN, INT64_MAX);
    EXPECT("4294967295 18446744073709551615 7", "%u %lu %zu", UINT32_MAX, UINT64_MAX, (size_t)7);
    EXPECT("deadbeef ffffffffffffffff 0", "%x %lx %llx", 0xdeadbeef, UINT64_MAX, 0ull);
    EXPECT("0x1f", "%p", (void *)0x1f);
    EXPECT("100%", "%d%%", 100);
}

/* One argument list may be used twice. */
static void add_twice(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    trix_text_vadd(t, format, args);
    trix_text_vadd(t, format, args);
    va_end(args);
}

static void test_argument_list(void **state) {
    (void)state;
    char buffer[100];
    struct text t = text_over(buffer, sizeof buffer);
    add_twice(&t, "%d,%s;", 5, "six");
    text_is(&t, "5,six;5,six;");
}

static void test_too_long(void **state) {
    (void)state;
    char buffer[12];
    memset(buffer, '#', sizeof buffer);
    struct text t = text_over(buffer, 10);
    trix_text_add(&t, "12345");
    trix_text_add(&t, "%s and %d", "678", 12345);
    text_is(&t, "12345678 a");
    trix_text_add(&t, "more");
    text_is(&t, "12345678 a");
    assert_memory_equal(buffer + 10, "##", 2);
}

/* Go's runtime.fmtNSAsMS on the same numbers. */
static void test_milliseconds(void **state) {
    (void)state;
    static const struct {
        uint64_t ns;
        const char *ms;
    } table[] = {
        {0, "0"},           {999, "0"},           {1000, "0.001"},     {15999, "0.015"},     {99000, "0.099"},
        {100000, "0.10"},   {109999, "0.10"},     {123456, "0.12"},    {999999, "0.99"},     {1000000, "1.0"},
        {1999999, "1.9"},   {9999999, "9.9"},     {10000000, "10"},    {10999999, "10"},     {1234567890, "1234"},
        {5000, "0.005"},    {2500000, "2.5"},     {70000, "0.070"},    {700000, "0.70"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char buffer[40];
        struct text t = text_over(buffer, sizeof buffer);
        trix_text_ms(&t, table[i].ns);
        text_is(&t, table[i].ms);
    }
}

static void test_writing(void **state) {
    (void)state;
    int ends[2];
    char got[2000];
    assert_int_equal(pipe(ends), 0);
    errno = ENOENT;
    trix_print(ends[1], "%s %d\n", "line", 1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(read(ends[0], got, sizeof got), 7);
    assert_memory_equal(got, "line 1\n", 7);

    char longer[1500];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    trix_print(ends[1], "%s", longer); /* one write of at most 1,024 bytes */
    assert_int_equal(read(ends[0], got, sizeof got), 1024);
    close(ends[0]);
    close(ends[1]);
    errno = ENOENT;
    trix_print(ends[1], "into the void");
    assert_int_equal(errno, ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversions), cmocka_unit_test(test_argument_list), cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_milliseconds), cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests_name("fmt", tests, NULL, NULL);
}
