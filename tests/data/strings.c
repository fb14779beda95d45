/* Strings and builders: each function by example, the answers being Go's; UTF-8 at its edges; panics by exact words. */
#include "data_test.h"

#define S(literal) TRI_STR(literal)
#define IS(string, text)                                                                                        \
    do {                                                                                                        \
        tri_string is__s = (string);                                                                            \
        REQUIRE(tri_string_equal(is__s, tri_string_view(text)), "\"" TRI_FMT "\" is not \"%s\"", TRI_ARG(is__s), text); \
    } while (0)

static void conversions(void) {
    IS(tri_string_from("abc"), "abc");
    IS(tri_string_from(NULL), "");
    IS(tri_string_from_int(-42), "-42");
    IS(tri_string_from_int(INT64_MIN), "-9223372036854775808");
    IS(tri_string_from_rune(0x20ac), "\xe2\x82\xac");
    IS(tri_string_from_rune(0x1f600), "\xf0\x9f\x98\x80");
    IS(tri_string_from_rune(0xd800), "\xef\xbf\xbd");
    IS(tri_string_format("%d-%s", 7, "x"), "7-x");
    tri_string longer = tri_string_format("%0500d", 1);
    REQUIRE(longer.len == 500 && tri_string_at(longer, 499) == '1', "a long format");
    REQUIRE(strcmp(tri_string_c(tri_string_slice(S("hello"), 1, 3)), "el") == 0, "to C");
    tri_bytes b = tri_string_bytes(S("hello"));
    tri_at(b, 0) = 'j';
    IS(tri_string_from_bytes(b), "jello");
    int64_t n;
    REQUIRE(tri_string_to_int(S("-9223372036854775808"), &n) && n == INT64_MIN, "the least");
    REQUIRE(tri_string_to_int(S("+9223372036854775807"), &n) && n == INT64_MAX, "the most");
    REQUIRE(!tri_string_to_int(S("9223372036854775808"), &n) && !tri_string_to_int(S(""), &n) && !tri_string_to_int(S("-"), &n) &&
            !tri_string_to_int(S("1x"), &n) && !tri_string_to_int(S("99999999999999999999"), &n), "no numbers");
    double d;
    REQUIRE(tri_string_to_double(S("1.5e3"), &d) && d == 1500, "a double");
    REQUIRE(!tri_string_to_double(S("1.5x"), &d) && !tri_string_to_double(S(""), &d) && !tri_string_to_double(S(" 1"), &d), "no doubles");
}

static void looking(void) {
    REQUIRE(tri_string_compare(S("a"), S("b")) < 0 && tri_string_compare(S("ab"), S("a")) > 0 && !tri_string_compare(S(""), S("")), "compare");
    REQUIRE(tri_string_compare(S("\x80"), S("a")) > 0, "bytes are unsigned");
    REQUIRE(tri_string_index(S("chicken"), S("ken")) == 4 && tri_string_index(S("chicken"), S("dmr")) == -1 && tri_string_index(S(""), S("")) == 0, "index");
    REQUIRE(tri_string_last_index(S("go gopher"), S("go")) == 3 && tri_string_last_index(S("go"), S("rodent")) == -1, "last index");
    REQUIRE(tri_string_index_byte(S("abc"), 'c') == 2 && tri_string_index_byte(S(""), 'c') == -1, "index of a byte");
    REQUIRE(tri_string_has_prefix(S("Gopher"), S("Go")) && !tri_string_has_prefix(S("G"), S("Go")) && tri_string_has_suffix(S("Amigo"), S("go")), "ends");
    REQUIRE(tri_string_hash(S("abc"), 1) == tri_string_hash(tri_string_from("abc"), 1) && tri_string_hash(S("abc"), 1) != tri_string_hash(S("abd"), 1), "hash");
}

static void parts(void) {
    IS(tri_string_slice(S("hello"), 1, 4), "ell");
    IS(tri_string_trim_space(S(" \t\n a b \r\n")), "a b");
    IS(tri_string_trim(S("xxabcxx"), S("xa")), "bc");
    tri_string before, after;
    REQUIRE(tri_string_cut(S("key=value=x"), S("="), &before, &after), "cut");
    IS(before, "key");
    IS(after, "value=x");
    REQUIRE(!tri_string_cut(S("key"), S("="), &before, &after), "cut nothing");
    tri_strings p = tri_string_split(S("a,b,,c"), S(","));
    REQUIRE(p.len == 4 && tri_at(p, 2).len == 0, "split into %zu", p.len);
    IS(tri_string_join(p, S("--")), "a--b----c");
    REQUIRE(tri_string_split(S(""), S(",")).len == 1 && tri_string_split(S(""), S("")).len == 0, "split nothing");
    REQUIRE(tri_string_split(S("a\xe2\x82\xac" "b"), S("")).len == 3, "split into runes");
    p = tri_string_fields(S("  foo bar  baz   "));
    REQUIRE(p.len == 3, "fields: %zu", p.len);
    IS(tri_at(p, 2), "baz");
}

static void new_ones(void) {
    IS(tri_string_concat(S("a"), S(""), S("bc")), "abc");
    IS(tri_string_repeat(S("na"), 3), "nanana");
    IS(tri_string_repeat(S("na"), 0), "");
    IS(tri_string_replace(S("oink oink oink"), S("k"), S("ky")), "oinky oinky oinky");
    IS(tri_string_replace(S("aaa"), S("a"), S("")), "");
    IS(tri_string_replace(S("abc"), S("x"), S("y")), "abc");
    IS(tri_string_to_upper(S("Gopher 1")), "GOPHER 1");
    IS(tri_string_to_lower(S("Gopher 1")), "gopher 1");
}

/* Go's range over the same bytes. */
static void runes(void) {
    static const struct {
        tri_string s;
        int32_t runes[5];
        size_t n;
        bool valid;
    } cases[] = {
        {{"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10}, {'a', 0xe9, 0x20ac, 0x1f600}, 4, true},
        {{"\x80\xff", 2}, {0xfffd, 0xfffd}, 2, false},
        {{"\xc0\x80", 2}, {0xfffd, 0xfffd}, 2, false},                     /* too long a form */
        {{"\xed\xa0\x80", 3}, {0xfffd, 0xfffd, 0xfffd}, 3, false},         /* a surrogate */
        {{"\xf4\x90\x80\x80", 4}, {0xfffd, 0xfffd, 0xfffd, 0xfffd}, 4, false}, /* beyond the last */
        {{"\xe2\x82", 2}, {0xfffd, 0xfffd}, 2, false},                     /* cut short */
        {{"\xef\xbf\xbd", 3}, {0xfffd}, 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = 0;
        int32_t r;
        for (size_t at = 0; (r = tri_string_next_rune(cases[i].s, &at)) >= 0; n++)
            REQUIRE(n < cases[i].n && r == cases[i].runes[n], "case %zu: rune %zu is %x", i, n, (unsigned)r);
        REQUIRE(n == cases[i].n && tri_string_rune_count(cases[i].s) == n, "case %zu: %zu runes", i, n);
        REQUIRE(tri_string_valid_utf8(cases[i].s) == cases[i].valid, "case %zu: valid", i);
    }
}

/* ---- builders ---- */

static void builders(void) {
    tri_builder b = {0};
    IS(tri_builder_string(&b), "");
    tri_builder_write_c(&b, "one");
    tri_string first = tri_builder_string(&b);
    tri_builder_printf(&b, ", %d", 2);
    tri_builder_write_byte(&b, '.');
    tri_builder_write_rune(&b, 0x20ac);
    tri_builder_write_string(&b, tri_builder_string(&b));
    IS(first, "one");
    IS(tri_builder_string(&b), "one, 2.\xe2\x82\xac" "one, 2.\xe2\x82\xac");
    REQUIRE(tri_builder_string(&b).data == b.data, "no copy");
    tri_builder_printf(&b, "%01000d", 5);
    REQUIRE(tri_builder_len(&b) == 1020, "%zu", tri_builder_len(&b));
    tri_builder_reset(&b);
    tri_builder_grow(&b, 1000);
    const char *data = b.data;
    for (int i = 0; i < 1000; i++) tri_builder_write_byte(&b, 'x');
    REQUIRE(b.data == data && b.len == 1000, "Grow made room");
    tri_builder *heap = tri_new(tri_builder);
    for (int i = 0; i < 100000; i++) tri_builder_printf(heap, "%d,", i);
    tri_strings p = tri_string_split(tri_builder_string(heap), S(","));
    REQUIRE(p.len == 100001, "%zu", p.len);
    for (int i = 0; i < 100000; i++) {
        int64_t n;
        REQUIRE(tri_string_to_int(tri_at(p, i), &n) && n == i, "part %d", i);
    }
}

static tri_builder original, copied;
static void write_copy(void *unused) { (void)unused, tri_builder_write_byte(&copied, 'x'); }
static void grow_negative(void *unused) { (void)unused, tri_builder_grow(&original, -1); }
static void string_index(void *unused) { (void)unused, tri_string_at(S("abc"), 3); }
static void string_bound(void *unused) { (void)unused, tri_string_slice(S("abc"), 1, 4); }
static void string_cross(void *unused) { (void)unused, tri_string_slice(S("abc"), 2, 1); }
static void repeat_negative(void *unused) { (void)unused, tri_string_repeat(S("a"), -1); }

static void panics(void) {
    tri_builder_write_byte(&original, 'a');
    copied = original;
    must_panic(write_copy, NULL, "strings: illegal use of non-zero Builder copied by value");
    must_panic(grow_negative, NULL, "strings.Builder.Grow: negative count");
    must_panic(string_index, NULL, "runtime error: index out of range [3] with length 3");
    must_panic(string_bound, NULL, "runtime error: slice bounds out of range [:4] with length 3");
    must_panic(string_cross, NULL, "runtime error: slice bounds out of range [2:1]");
    must_panic(repeat_negative, NULL, "strings: negative Repeat count");
}

int main(void) {
    conversions();
    looking();
    parts();
    new_ones();
    runes();
    builders();
    panics();
    return 0;
}
