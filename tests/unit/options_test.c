/* options_test.c - what GOGC, GOMEMLIMIT, GOMAXPROCS, TRITRACK and GODEBUG accept, and what is said of the rest. */
#include "unit.h"

#include "base/options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- one value ---- */

static void test_gc_percent(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int percent; /* 0: malformed */
    } table[] = {
        {"100", 100}, {"1", 1},    {"off", -1},  {"2147483647", INT_MAX}, {"007", 7},    {"0", 0},   {"-1", 0},
        {"", 0},      {"100%", 0}, {" 100", 0},  {"2147483648", 0},       {"1e3", 0},    {"OFF", 0}, {"of", 0},
        {"+5", 0},    {"0x10", 0}, {"10 ", 0},   {"99999999999999999999999", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        int percent = 12345;
        bool good = trix_parse_gc_percent(table[i].text, &percent);
        if (good != (table[i].percent != 0) || percent != (good ? table[i].percent : 12345))
            fail_msg("GOGC=%s: %s, %d", table[i].text, good ? "taken" : "refused", percent);
    }
}

static void test_memory_limit(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes; /* -1: malformed */
    } table[] = {
        {"0", 0}, {"1", 1}, {"512", 512}, {"512B", 512}, {"3KiB", 3 << 10}, {"3MiB", 3 << 20}, {"3GiB", 3ll << 30},
        {"3TiB", 3ll << 40}, {"off", INT64_MAX}, {"9223372036854775807", INT64_MAX}, {"8388607TiB", 8388607ll << 40},
        {"9223372036854775808", -1}, {"8388608TiB", -1}, {"9007199254740992KiB", -1}, {"", -1}, {"MiB", -1},
        {"3 MiB", -1}, {"3MB", -1}, {"3mib", -1}, {"3MiBx", -1}, {"-3MiB", -1}, {"1.5GiB", -1}, {"3K", -1}, {"3PiB", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        int64_t bytes = 12345;
        bool good = trix_parse_memory_limit(table[i].text, &bytes);
        if (good != (table[i].bytes >= 0) || bytes != (good ? table[i].bytes : 12345))
            fail_msg("GOMEMLIMIT=%s: %s, %lld", table[i].text, good ? "taken" : "refused", (long long)bytes);
    }
}

/* ---- a whole environment ---- */

static const struct options defaults = {
    .gc_percent = 100,
    .memory_limit = INT64_MAX,
    .debug = {.madvdontneed = 1},
};

/* Reads the environment of one or two entries; `said` holds what went to stderr. */
static char said[4096];

static void read_environment(const char *first, const char *second) {
    char *environment[] = {(char *)"PATH=/bin", (char *)first, (char *)second, NULL};
    FILE *file = tmpfile();
    int old = dup(2);
    assert_non_null(file);
    trix_options = defaults;
    dup2(fileno(file), 2);
    trix_options_read(environment);
    dup2(old, 2);
    close(old);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = 0;
    fclose(file);
}

static void test_good(void **state) {
    (void)state;
    read_environment("GOGC=50", "GOMEMLIMIT=2GiB");
    assert_int_equal(trix_options.gc_percent, 50);
    assert_int_equal(trix_options.memory_limit, 2ll << 30);
    read_environment("GOMAXPROCS=3", "TRITRACK=none");
    assert_int_equal(trix_options.max_procs, 3);
    assert_int_equal(trix_options.tracking, TRACK_NONE);
    read_environment("TRITRACK=pages", "TRITRACK=barrier"); /* as getenv: the first one counts */
    assert_int_equal(trix_options.tracking, TRACK_PAGES);
    assert_string_equal(said, "");
}

/* Not set, and set to nothing, are the same. */
static void test_empty(void **state) {
    (void)state;
    read_environment("GOGC=", "GODEBUG=");
    assert_memory_equal(&trix_options, &defaults, sizeof defaults);
    read_environment("GOGCX=5", "XGOGC=5");
    assert_memory_equal(&trix_options, &defaults, sizeof defaults);
    assert_string_equal(said, "");
    trix_options_read(NULL);
    assert_memory_equal(&trix_options, &defaults, sizeof defaults);
}

static void test_bad(void **state) {
    (void)state;
    static const struct {
        const char *entry, *says;
    } table[] = {
        {"GOGC=many", "tricolor: GOGC=many is not understood; it takes a percentage above 0, or off; using 100\n"},
        {"GOMEMLIMIT=4G", "tricolor: GOMEMLIMIT=4G is not understood; it takes bytes, with B, KiB, MiB, GiB or TiB behind "
                          "the number, off, or auto; using off\n"},
        {"GOMAXPROCS=0", "tricolor: GOMAXPROCS=0 is not understood; it takes a number of processors above 0; using the "
                         "number of CPUs\n"},
        {"TRITRACK=some", "tricolor: TRITRACK=some is not understood; it takes barrier, pages or none; using barrier\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        read_environment(table[i].entry, NULL);
        assert_string_equal(said, table[i].says);
        assert_memory_equal(&trix_options, &defaults, sizeof defaults);
    }
}

static void test_debug(void **state) {
    (void)state;
    read_environment("GODEBUG=gctrace=1,gcstoptheworld=2,,madvdontneed=0,schedtrace=1000", NULL);
    assert_int_equal(trix_options.debug.gctrace, 1);
    assert_int_equal(trix_options.debug.gcstoptheworld, 2);
    assert_int_equal(trix_options.debug.madvdontneed, 0);
    assert_int_equal(trix_options.debug.schedtrace, 1000);
    assert_int_equal(trix_options.debug.gccheckmark, 0);
    assert_string_equal(said, "");
    read_environment("GODEBUG=gctrace=1,gctrace=2", NULL); /* the last one counts */
    assert_int_equal(trix_options.debug.gctrace, 2);
}

/* A bad item is named, with what would be good; the others count. */
static void test_bad_debug(void **state) {
    (void)state;
    static const char *const bad[] = {"gctrace", "gctrace=", "gctrace=3", "gctrace=-1", "gctrace=1x", "gctracex=1", "=1",
                                      "gctrac=1", "schedtrace=1000001", "gctrace=99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char entry[200], start[200];
        snprintf(entry, sizeof entry, "GODEBUG=clobberfree=1,%s,inittrace=1", bad[i]);
        snprintf(start, sizeof start, "tricolor: GODEBUG: bad item \"%s\" ignored; accepted are gctrace=0..2,", bad[i]);
        read_environment(entry, NULL);
        if (strncmp(said, start, strlen(start)) != 0) fail_msg("%s: said \"%s\"", bad[i], said);
        assert_string_equal(strchr(said, '\n'), "\n");
        assert_int_equal(trix_options.debug.gctrace, 0);
        assert_int_equal(trix_options.debug.clobberfree, 1);
        assert_int_equal(trix_options.debug.inittrace, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gc_percent), cmocka_unit_test(test_memory_limit), cmocka_unit_test(test_good),
        cmocka_unit_test(test_empty),      cmocka_unit_test(test_bad),          cmocka_unit_test(test_debug),
        cmocka_unit_test(test_bad_debug),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
