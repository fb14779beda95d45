/* tricolor/string.h - strings, as Go's: immutable bytes with a length, and UTF-8 by convention.
 *
 *     tri_string s = tri_string_format("%s, %d", name, age);
 *     tri_string word = tri_string_slice(s, 0, 5);          // the same bytes, no copy
 *     printf(TRI_FMT "\n", TRI_ARG(word));
 *
 * Two words, passed by value: where and how many. The bytes are leaf memory of the collected heap, a literal, or any memory that
 * outlives the string; nobody changes them. A part of a string keeps the whole string's memory: tri_string_clone a small part
 * that is kept for long. A string that lies in a heap object is stored by tri_assign(object->name, s).
 * The zero value is the empty string.
 */
#ifndef TRICOLOR_STRING_H
#define TRICOLOR_STRING_H

#include "slice.h"

TRI__EXTERN_C_BEGIN

typedef struct tri_string {
    const char *data; /* not ended by a NUL */
    size_t len;       /* bytes */
} tri_string;

TRI_SLICE(tri_strings, tri_string)
TRI_SLICE(tri_bytes, unsigned char)

/* A string literal: no copy. */
#ifdef __cplusplus
#define TRI_STR(LITERAL) (tri_string{"" LITERAL, sizeof(LITERAL) - 1})
#else
#define TRI_STR(LITERAL) ((tri_string){"" LITERAL, sizeof(LITERAL) - 1})
#endif

/* For printf: printf("[" TRI_FMT "]", TRI_ARG(s)). */
#define TRI_FMT    "%.*s"
#define TRI_ARG(s) (int)(s).len, (s).data ? (s).data : ""

/* ---- from and to ---- */

TRI_API tri_string tri_string_from(const char *text);                  /* a copy; NULL gives the empty string */
TRI_API tri_string tri_string_copy(const void *bytes, size_t n);       /* a copy */
TRI_API tri_string tri_string_view(const char *text);                  /* no copy: the text must live and stay */
TRI_API char *tri_string_c(tri_string s);                              /* a copy with a NUL behind */
TRI_API tri_string tri_string_from_bytes(tri_bytes bytes);             /* string(b): a copy */
TRI_API tri_bytes tri_string_bytes(tri_string s);                      /* []byte(s): a copy */
TRI_API tri_string tri_string_from_int(int64_t n);                     /* strconv.Itoa */
TRI_API tri_string tri_string_from_rune(int32_t rune);                 /* UTF-8; U+FFFD for what is no rune */
TRI_API bool tri_string_to_int(tri_string s, int64_t *n);              /* decimal, with sign; false: no number, or too big */
TRI_API bool tri_string_to_double(tri_string s, double *d);            /* as strtod, all of it */
TRI_API tri_string tri_string_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
TRI_API tri_string tri_string_clone(tri_string s);                     /* bytes of its own */

/* ---- looking ---- */

/* s[i]. Panics with "index out of range [i] with length n". */
TRI__INLINE unsigned char tri_string_at(tri_string s, int64_t i) {
    if (TRI__UNLIKELY((uint64_t)i >= s.len)) tri__panic_index(i, s.len);
    return (unsigned char)s.data[i];
}
TRI__INLINE bool tri_string_equal(tri_string a, tri_string b) {
    return a.len == b.len && (a.data == b.data || a.len == 0 || __builtin_memcmp(a.data, b.data, a.len) == 0);
}
TRI_API int tri_string_compare(tri_string a, tri_string b);            /* by bytes: < 0, 0, > 0 */
TRI_API int64_t tri_string_index(tri_string s, tri_string part);       /* the first place, or -1 */
TRI_API int64_t tri_string_last_index(tri_string s, tri_string part);
TRI_API int64_t tri_string_index_byte(tri_string s, char byte);
TRI_API bool tri_string_has_prefix(tri_string s, tri_string prefix);
TRI_API bool tri_string_has_suffix(tri_string s, tri_string suffix);
TRI_API uint64_t tri_string_hash(tri_string s, uint64_t seed);
TRI_API bool tri_string_valid_utf8(tri_string s);
TRI_API size_t tri_string_rune_count(tri_string s);                    /* utf8.RuneCountInString */

/* The rune that begins at *at, which moves behind it; U+FFFD and one byte for bad UTF-8; -1 at the end. As Go's range:
 *     for (size_t i = 0; (r = tri_string_next_rune(s, &i)) >= 0;) */
TRI_API int32_t tri_string_next_rune(tri_string s, size_t *at);

/* ---- parts, no copy ---- */

TRI_API tri_string tri_string_slice(tri_string s, int64_t lo, int64_t hi); /* s[lo:hi]; panics as Go */
TRI_API tri_string tri_string_trim_space(tri_string s);
TRI_API tri_string tri_string_trim(tri_string s, tri_string bytes);        /* off both ends, any of these bytes */
TRI_API tri_strings tri_string_split(tri_string s, tri_string separator);  /* at an empty one, behind each rune */
TRI_API tri_strings tri_string_fields(tri_string s);                       /* at white space */
TRI_API bool tri_string_cut(tri_string s, tri_string separator, tri_string *before, tri_string *after);

/* ---- new ones ---- */

/* tri_string_concat(a, b, ...): one allocation. */
#ifdef __cplusplus
#define tri_string_concat(...)                                                                                  \
    (__extension__({                                                                                            \
        const tri_string tri__parts[] = {__VA_ARGS__};                                                          \
        tri__string_concat(tri__parts, sizeof(tri__parts) / sizeof(tri__parts[0]));                             \
    }))
#else
#define tri_string_concat(...)                                                                                  \
    tri__string_concat((const tri_string[]){__VA_ARGS__},                                                       \
                       sizeof((const tri_string[]){__VA_ARGS__}) / sizeof(tri_string))
#endif
TRI_API tri_string tri__string_concat(const tri_string *parts, size_t n);
TRI_API tri_string tri_string_join(tri_strings parts, tri_string separator);
TRI_API tri_string tri_string_repeat(tri_string s, int64_t n);             /* panics with "strings: negative Repeat count" */
TRI_API tri_string tri_string_replace(tri_string s, tri_string old, tri_string by); /* all */
TRI_API tri_string tri_string_to_upper(tri_string s);                      /* ASCII letters only */
TRI_API tri_string tri_string_to_lower(tri_string s);

TRI__EXTERN_C_END
#endif
