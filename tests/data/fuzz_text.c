/* Fuzz target: strings and slices of bytes by what must hold of any: split and join, runes there and back, cut, replace, numbers,
 * searching against the plain way. Built with libFuzzer by fuzz.sh. */
#include "data_test.h"

static int64_t plain_index(tri_string s, tri_string part) {
    for (size_t i = 0; i + part.len <= s.len; i++)
        if (!part.len || memcmp(s.data + i, part.data, part.len) == 0) return (int64_t)i;
    return -1;
}

static void runes(tri_string s) {
    tri_builder b = {0};
    size_t n = 0;
    int32_t r;
    for (size_t at = 0; (r = tri_string_next_rune(s, &at)) >= 0; n++) tri_builder_write_rune(&b, r);
    tri_string back = tri_builder_string(&b);
    REQUIRE(tri_string_rune_count(s) == n && tri_string_valid_utf8(back), "runes");
    if (tri_string_valid_utf8(s)) REQUIRE(tri_string_equal(s, back), "valid UTF-8 comes back as it was");
    tri_strings each = tri_string_split(s, TRI_STR(""));
    REQUIRE(each.len == n && tri_string_equal(tri_string_join(each, TRI_STR("")), s), "split at runes");
}

static void parts(tri_string s, tri_string separator) {
    REQUIRE(tri_string_index(s, separator) == plain_index(s, separator), "index");
    if (!separator.len) return;
    tri_strings p = tri_string_split(s, separator);
    REQUIRE(tri_string_equal(tri_string_join(p, separator), s), "split and join");
    for (size_t i = 0; i < p.len; i++) REQUIRE(tri_string_index(p.data[i], separator) < 0, "a part holds the separator");
    REQUIRE(tri_string_equal(tri_string_replace(s, separator, TRI_STR("<>")), tri_string_join(p, TRI_STR("<>"))), "replace");
    tri_string before, after;
    bool found = tri_string_cut(s, separator, &before, &after);
    REQUIRE(found == (p.len > 1) && tri_string_equal(before, p.data[0]), "cut");
    if (found) REQUIRE(tri_string_equal(tri_string_concat(before, separator, after), s), "cut and concat");
}

static void bytes(tri_string s) {
    tri_bytes b = tri_string_bytes(s), c = tri_make(tri_bytes, 0, 0);
    for (size_t i = 0; i < b.len; i++) c = tri_append(c, tri_at(b, i));
    REQUIRE(tri_string_equal(tri_string_from_bytes(c), s), "byte by byte");
    int64_t lo = (int64_t)(b.len / 3), hi = (int64_t)(b.len / 2);
    tri_bytes cut = tri_slice_delete(tri_slice_clone(c), lo, hi);
    cut = tri_append_slice(tri_slice_of(cut, 0, lo, lo), tri_append_slice(tri_slice_clone(tri_slice_of(c, lo, hi)), tri_slice_of(cut, lo, (int64_t)cut.len)));
    REQUIRE(tri_string_equal(tri_string_from_bytes(cut), s), "delete and put back");
    REQUIRE(tri_string_compare(s, tri_string_clone(s)) == 0 && tri_string_hash(s, 7) == tri_string_hash(tri_string_clone(s), 7), "equal ones");
}

static void numbers(tri_string s) {
    int64_t n;
    char *end, *text = tri_string_c(s);
    if (tri_string_to_int(s, &n)) REQUIRE(strtoll(text, &end, 10) == n && end == text + s.len, "a number");
    if (s.len >= 8) {
        memcpy(&n, s.data, 8);
        int64_t again;
        REQUIRE(tri_string_to_int(tri_string_from_int(n), &again) && again == n, "there and back");
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (!size) return 0;
    size_t n = data[0] % 4;
    if (n + 1 > size) return 0;
    tri_string separator = tri_string_copy(data + 1, n), s = tri_string_copy(data + 1 + n, size - 1 - n);
    runes(s);
    parts(s, separator);
    bytes(s);
    numbers(s);
    REQUIRE(tri_string_trim_space(s).len <= s.len && tri_string_fields(s).len <= s.len, "fields");
    return 0;
}
