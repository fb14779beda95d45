/* tricolor/builder.h - building a string piece by piece, as Go's strings.Builder: the bytes are never copied at the end.
 *
 *     tri_builder b = {0};
 *     tri_builder_printf(&b, "%d items:", n);
 *     for (...) tri_builder_write_string(&b, item);
 *     tri_string s = tri_builder_string(&b);       // no copy; writing on is allowed
 *
 * A builder lies anywhere: on the stack, in a global, in a heap object (declare `data` in its TRI_TYPE, or the whole builder). It is not copied once used:
 * the copy's first write panics in Go's words. One thread at a time.
 */
#ifndef TRICOLOR_BUILDER_H
#define TRICOLOR_BUILDER_H

#include "string.h"

TRI__EXTERN_C_BEGIN

typedef struct tri_builder {
    char *data;         /* leaf memory: bytes up to len are never written again */
    size_t len, cap;
    uintptr_t tri__own; /* this builder's address, hidden: to catch copies */
} tri_builder;

TRI_API void tri__builder_grow(tri_builder *b, size_t n);

/* Room for n more bytes without another allocation. Panics with "strings.Builder.Grow: negative count". */
TRI_API void tri_builder_grow(tri_builder *b, int64_t n);

TRI__INLINE char *tri__builder_room(tri_builder *b, size_t n) {
    if (TRI__UNLIKELY(b->cap - b->len < n || b->tri__own != ~(uintptr_t)b)) tri__builder_grow(b, n);
    return b->data + b->len;
}

TRI__INLINE void tri_builder_write(tri_builder *b, const void *bytes, size_t n) {
    if (!n) return;
    __builtin_memcpy(tri__builder_room(b, n), bytes, n);
    b->len += n;
}
TRI__INLINE void tri_builder_write_string(tri_builder *b, tri_string s) { tri_builder_write(b, s.data, s.len); }
TRI__INLINE void tri_builder_write_c(tri_builder *b, const char *text) { tri_builder_write(b, text, __builtin_strlen(text)); }
TRI__INLINE void tri_builder_write_byte(tri_builder *b, char byte) {
    *tri__builder_room(b, 1) = byte;
    b->len++;
}
TRI_API void tri_builder_write_rune(tri_builder *b, int32_t rune);
TRI_API void tri_builder_printf(tri_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What has been written, without a copy. */
TRI__INLINE tri_string tri_builder_string(const tri_builder *b) {
    tri_string s = {b->data, b->len};
    return s;
}
TRI__INLINE size_t tri_builder_len(const tri_builder *b) { return b->len; }
TRI__INLINE size_t tri_builder_cap(const tri_builder *b) { return b->cap; }

/* Empty again, with no memory: strings made keep theirs. */
TRI_API void tri_builder_reset(tri_builder *b);

TRI__EXTERN_C_END
#endif
