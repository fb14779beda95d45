/* builder.c - see tricolor/builder.h, which has the fast paths. */
#include "panic.h"
#include "utf8.h"
#include "../base/check.h"
#include "../heap/alloc.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/barrier.h"
#include "../../include/tricolor/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SMALLEST = 31 }; /* a block of 32 with its spare byte */

/* Twice as much up to 1 MiB, then by half: fewer bytes are held in vain. */
static size_t next_cap(size_t cap, size_t wanted) {
    size_t next = max_u64(cap < 1 << 20 ? 2 * cap : cap + cap / 2, SMALLEST);
    return max_u64(next, wanted);
}

static void move_to(tri_builder *b, size_t cap) {
    char *data = b->len ? trix_alloc_leaf_over(cap, b->len) : tri_alloc_leaf(cap);
    if (b->len) memcpy(data, b->data, b->len);
    tri_set(b->data, data);
    b->cap = tri_size(data);
}

static void own(tri_builder *b) {
    if (b->tri__own && b->tri__own != ~(uintptr_t)b)
        trix_panic_words("strings: illegal use of non-zero Builder copied by value");
    b->tri__own = ~(uintptr_t)b;
}

EXPORT void tri__builder_grow(tri_builder *b, size_t n) {
    own(b);
    if (b->cap - b->len >= n) return;
    if (n > (size_t)1 << 47) trix_panic_runtime("growslice: len out of range");
    move_to(b, next_cap(b->cap, b->len + n));
}

EXPORT void tri_builder_grow(tri_builder *b, int64_t n) {
    if (n < 0) trix_panic_words("strings.Builder.Grow: negative count");
    own(b);
    if (b->cap - b->len < (size_t)n) move_to(b, 2 * b->cap + (size_t)n);
}

EXPORT void tri_builder_write_rune(tri_builder *b, int32_t rune) {
    char bytes[UTF8_MOST];
    tri_builder_write(b, bytes, utf8_encode(bytes, rune));
}

EXPORT void tri_builder_printf(tri_builder *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char *at = tri__builder_room(b, 1);
    size_t room = b->cap - b->len;
    int n = vsnprintf(at, room, format, args);
    if (n >= 0 && (size_t)n >= room) vsnprintf(tri__builder_room(b, (size_t)n + 1), (size_t)n + 1, format, again);
    va_end(args);
    va_end(again);
    if (n < 0) trix_misuse("tri_builder_printf", "printf refuses the format \"%s\"", format);
    b->len += (size_t)n;
}

EXPORT void tri_builder_reset(tri_builder *b) {
    tri_set(b->data, NULL);
    b->len = b->cap = 0;
    b->tri__own = 0;
}
