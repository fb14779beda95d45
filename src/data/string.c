/* string.c - strings: see tricolor/string.h. Parts share the whole's bytes; whatever makes new ones allocates once. */
#include "panic.h"
#include "utf8.h"
#include "../base/check.h"
#include "../../include/tricolor/string.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- from and to ---- */

static tri_string fresh(size_t n, char **bytes) {
    *bytes = n ? tri_alloc_leaf(n) : NULL;
    return (tri_string){*bytes, n};
}

EXPORT tri_string tri_string_copy(const void *bytes, size_t n) {
    char *to;
    tri_string s = fresh(n, &to);
    if (n) memcpy(to, bytes, n);
    return s;
}

EXPORT tri_string tri_string_from(const char *text) { return text ? tri_string_copy(text, strlen(text)) : (tri_string){0}; }
EXPORT tri_string tri_string_view(const char *text) { return (tri_string){text, text ? strlen(text) : 0}; }
EXPORT tri_string tri_string_clone(tri_string s) { return tri_string_copy(s.data, s.len); }
EXPORT tri_string tri_string_from_bytes(tri_bytes b) { return tri_string_copy(b.data, b.len); }

EXPORT char *tri_string_c(tri_string s) {
    char *text = tri_alloc_leaf(s.len + 1);
    if (s.len) memcpy(text, s.data, s.len);
    return text;
}

EXPORT tri_bytes tri_string_bytes(tri_string s) {
    tri_bytes b = tri_make(tri_bytes, (int64_t)s.len, (int64_t)s.len);
    if (s.len) memcpy(b.data, s.data, s.len);
    return b;
}

EXPORT tri_string tri_string_from_int(int64_t n) {
    char digits[24];
    return tri_string_copy(digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)n));
}

EXPORT tri_string tri_string_from_rune(int32_t rune) {
    char bytes[UTF8_MOST];
    return tri_string_copy(bytes, utf8_encode(bytes, rune));
}

EXPORT bool tri_string_to_int(tri_string s, int64_t *n) {
    bool minus = s.len && s.data[0] == '-';
    size_t i = s.len && (minus || s.data[0] == '+');
    if (i == s.len) return false;
    uint64_t value = 0, most = (uint64_t)INT64_MAX + minus;
    for (; i < s.len; i++) {
        unsigned digit = (unsigned char)s.data[i] - (unsigned)'0';
        if (digit > 9 || value > (most - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *n = minus ? (int64_t)-value : (int64_t)value;
    return true;
}

EXPORT bool tri_string_to_double(tri_string s, double *d) {
    char *end, *text = tri_string_c(s);
    int kept = errno;
    double value = strtod(text, &end);
    errno = kept;
    if (!s.len || end != text + s.len || strchr(" \t\n\v\f\r", text[0])) return false;
    *d = value;
    return true;
}

EXPORT tri_string tri_string_format(const char *format, ...) {
    char small[256], *to = small;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    if (n >= (int)sizeof small) vsnprintf(to = tri_alloc_leaf((size_t)n + 1), (size_t)n + 1, format, again);
    va_end(args);
    va_end(again);
    if (n < 0) trix_misuse("tri_string_format", "printf refuses the format \"%s\"", format);
    return to == small ? tri_string_copy(small, (size_t)n) : (tri_string){to, (size_t)n};
}

/* ---- looking ---- */

EXPORT int tri_string_compare(tri_string a, tri_string b) {
    size_t n = min_u64(a.len, b.len);
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_at(tri_string s, size_t i, tri_string part) {
    return !part.len || memcmp(s.data + i, part.data, part.len) == 0;
}

EXPORT int64_t tri_string_index(tri_string s, tri_string part) {
    if (part.len > s.len) return -1;
    if (!part.len) return 0;
    const char *found = memmem(s.data, s.len, part.data, part.len);
    return found ? found - s.data : -1;
}

EXPORT int64_t tri_string_last_index(tri_string s, tri_string part) {
    if (part.len > s.len) return -1;
    for (size_t i = s.len - part.len + 1; i-- > 0;)
        if (is_at(s, i, part)) return (int64_t)i;
    return -1;
}

EXPORT int64_t tri_string_index_byte(tri_string s, char byte) {
    const char *found = s.len ? memchr(s.data, byte, s.len) : NULL;
    return found ? found - s.data : -1;
}

EXPORT bool tri_string_has_prefix(tri_string s, tri_string prefix) {
    return prefix.len <= s.len && is_at(s, 0, prefix);
}
EXPORT bool tri_string_has_suffix(tri_string s, tri_string suffix) {
    return suffix.len <= s.len && is_at(s, s.len - suffix.len, suffix);
}

EXPORT int32_t tri_string_next_rune(tri_string s, size_t *at) {
    size_t length;
    if (*at >= s.len) return -1;
    int32_t r = utf8_decode(s.data + *at, s.len - *at, &length);
    *at += length;
    return r;
}

EXPORT size_t tri_string_rune_count(tri_string s) {
    size_t n = 0;
    for (size_t at = 0; tri_string_next_rune(s, &at) >= 0;) n++;
    return n;
}

EXPORT bool tri_string_valid_utf8(tri_string s) {
    for (size_t at = 0, length; at < s.len; at += length)
        if (utf8_decode(s.data + at, s.len - at, &length) == RUNE_ERROR && length == 1) return false;
    return true;
}

/* ---- parts ---- */

static tri_string part(tri_string s, size_t lo, size_t hi) {
    return lo == hi ? (tri_string){s.data, 0} : (tri_string){s.data + lo, hi - lo};
}

EXPORT tri_string tri_string_slice(tri_string s, int64_t lo, int64_t hi) {
    if (hi < 0) trix_panic_runtime("slice bounds out of range [:%ld]", (long)hi);
    if ((uint64_t)hi > s.len) trix_panic_runtime("slice bounds out of range [:%ld] with length %zu", (long)hi, s.len);
    if (lo < 0) trix_panic_runtime("slice bounds out of range [%ld:]", (long)lo);
    if (lo > hi) trix_panic_runtime("slice bounds out of range [%ld:%ld]", (long)lo, (long)hi);
    return part(s, (size_t)lo, (size_t)hi);
}

EXPORT tri_string tri_string_trim(tri_string s, tri_string bytes) {
    size_t lo = 0, hi = s.len;
    while (lo < hi && tri_string_index_byte(bytes, s.data[lo]) >= 0) lo++;
    while (hi > lo && tri_string_index_byte(bytes, s.data[hi - 1]) >= 0) hi--;
    return part(s, lo, hi);
}

static const tri_string white = {" \t\n\v\f\r", 6};
EXPORT tri_string tri_string_trim_space(tri_string s) { return tri_string_trim(s, white); }

EXPORT bool tri_string_cut(tri_string s, tri_string separator, tri_string *before, tri_string *after) {
    int64_t at = tri_string_index(s, separator);
    *before = at < 0 ? s : part(s, 0, (size_t)at);
    *after = at < 0 ? (tri_string){0} : part(s, (size_t)at + separator.len, s.len);
    return at >= 0;
}

static size_t count(tri_string s, tri_string separator) {
    size_t n = 0;
    for (int64_t at; (at = tri_string_index(s, separator)) >= 0; n++)
        s = part(s, (size_t)at + separator.len, s.len);
    return n;
}

static tri_strings split_runes(tri_string s) {
    tri_strings parts = tri_make(tri_strings, 0, (int64_t)tri_string_rune_count(s));
    for (size_t at = 0, from = 0; tri_string_next_rune(s, &at) >= 0; from = at) parts = tri_append(parts, part(s, from, at));
    return parts;
}

EXPORT tri_strings tri_string_split(tri_string s, tri_string separator) {
    if (!separator.len) return split_runes(s);
    tri_strings parts = tri_make(tri_strings, 0, (int64_t)count(s, separator) + 1);
    for (int64_t at; (at = tri_string_index(s, separator)) >= 0;) {
        parts = tri_append(parts, part(s, 0, (size_t)at));
        s = part(s, (size_t)at + separator.len, s.len);
    }
    return tri_append(parts, s);
}

EXPORT tri_strings tri_string_fields(tri_string s) {
    tri_strings parts = tri_make(tri_strings, 0, 0);
    for (size_t i = 0; i < s.len;) {
        size_t from = i;
        while (i < s.len && tri_string_index_byte(white, s.data[i]) < 0) i++;
        if (i > from) parts = tri_append(parts, part(s, from, i));
        else i++;
    }
    return parts;
}

/* ---- new ones ---- */

EXPORT tri_string tri__string_concat(const tri_string *parts, size_t n) {
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += parts[i].len;
    char *to;
    tri_string s = fresh(bytes, &to);
    for (size_t i = 0; i < n; i++)
        if (parts[i].len) to = mempcpy(to, parts[i].data, parts[i].len);
    return s;
}

EXPORT tri_string tri_string_join(tri_strings parts, tri_string separator) {
    if (!parts.len) return (tri_string){0};
    size_t bytes = separator.len * (parts.len - 1);
    for (size_t i = 0; i < parts.len; i++) bytes += parts.data[i].len;
    char *to;
    tri_string s = fresh(bytes, &to);
    for (size_t i = 0; i < parts.len; i++) {
        if (i && separator.len) to = mempcpy(to, separator.data, separator.len);
        if (parts.data[i].len) to = mempcpy(to, parts.data[i].data, parts.data[i].len);
    }
    return s;
}

EXPORT tri_string tri_string_repeat(tri_string s, int64_t n) {
    size_t bytes;
    if (n < 0) trix_panic_words("strings: negative Repeat count");
    if (__builtin_mul_overflow(s.len, (size_t)n, &bytes) || bytes > (size_t)1 << 47)
        trix_panic_words("strings: Repeat output length overflow");
    char *to;
    tri_string all = fresh(bytes, &to);
    for (int64_t i = 0; bytes && i < n; i++) to = mempcpy(to, s.data, s.len);
    return all;
}

EXPORT tri_string tri_string_replace(tri_string s, tri_string old, tri_string by) {
    if (!old.len || tri_string_index(s, old) < 0) return s;
    size_t n = count(s, old);
    char *to;
    tri_string made = fresh(s.len - n * old.len + n * by.len, &to);
    for (int64_t at; (at = tri_string_index(s, old)) >= 0; s = part(s, (size_t)at + old.len, s.len)) {
        if (at) to = mempcpy(to, s.data, (size_t)at);
        if (by.len) to = mempcpy(to, by.data, by.len);
    }
    if (s.len) memcpy(to, s.data, s.len);
    return made;
}

static tri_string with_case(tri_string s, char first, char last) {
    char *to;
    tri_string made = fresh(s.len, &to);
    for (size_t i = 0; i < s.len; i++) to[i] = s.data[i] >= first && s.data[i] <= last ? (char)(s.data[i] ^ 0x20) : s.data[i];
    return made;
}
EXPORT tri_string tri_string_to_upper(tri_string s) { return with_case(s, 'a', 'z'); }
EXPORT tri_string tri_string_to_lower(tri_string s) { return with_case(s, 'A', 'Z'); }
