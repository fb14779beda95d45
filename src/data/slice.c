/* slice.c - slices: see tricolor/slice.h. Growth and its rounding are Go's (runtime/slice.go, growslice and nextslicecap), with Go's size
 * classes, so capacities are Go's; blocks here have a spare byte for the pointer just past the end, so they lie in the class above
 * where Go's fill theirs. */
#include "panic.h"
#include "../heap/alloc.h"
#include "../heap/type.h"
#include "../../include/tricolor/slice.h"

#include <string.h>

enum { DOUBLE_BELOW = 256, HEADER_FROM = 512 };
#define MOST_BYTES ((size_t)1 << 47)

static bool is_leaf(const tri_type *type) { return load_acquire(&type->kind) == TRI__KIND_LEAF; }

/* In C++ a type that is only used by tri_slice_make, or a value that is appended, has no name. */
static const char *name_of(const tri_type *type) { return *type->name ? type->name : "a type"; }

/* ---- memory ---- */

/* cap zeroed elements; joins the type to its declaration. */
static void *new_array(const tri_type *type, size_t cap) {
    if (!cap || !type->size) return NULL;
    return is_leaf(type) ? tri_alloc_leaf(cap * type->size) : tri__alloc_array(type, cap);
}

static void move(const tri_type *type, void *to, const void *from, size_t n) {
    if (!n) return;
    if (is_leaf(type)) memmove(to, from, n * type->size);
    else tri_memmove(to, from, n * type->size);
}

static void clear(const tri_type *type, void *at, size_t n) {
    if (!n) return;
    if (is_leaf(type)) memset(at, 0, n * type->size);
    else tri_memset(at, 0, n * type->size);
}

/* ---- making ---- */

EXPORT tri_slice tri__slice_make(const tri_type *type, int64_t len, int64_t cap) {
    size_t most = MOST_BYTES / (type->size ? type->size : 1);
    if (len < 0 || (size_t)len > most) trix_panic_runtime("makeslice: len out of range");
    if (cap < len || (size_t)cap > most) trix_panic_runtime("makeslice: cap out of range");
    return (tri_slice){new_array(type, (size_t)cap), (size_t)len, (size_t)cap, type};
}

/* ---- growing ---- */

static tri_type *type_of(const tri_slice *s) { return (tri_type *)(uintptr_t)s->type; }

static size_t next_cap(size_t wanted, size_t cap) {
    if (wanted > 2 * cap) return wanted;
    if (cap < DOUBLE_BELOW) return 2 * cap;
    size_t next = cap;
    do next += (next + 3 * DOUBLE_BELOW) >> 2;
    while (next < wanted);
    return next;
}

/* Up to a size class, less the word that says what is in it, if something is scanned; whole pages beyond the largest. (Go's
 * roundupsize: its word is a header, ours a trailer.) */
static size_t round_up_bytes(size_t bytes, bool leaf) {
    size_t word = !leaf && bytes > HEADER_FROM ? 8 : 0;
    if (bytes > MAX_SMALL - 8) return round_up(bytes, PAGE_SIZE);
    return trix_class_size[trix_class_of(bytes + word)] - word;
}

static NORETURN void too_long(void) { trix_panic_runtime("growslice: len out of range"); }

static void move_to(tri_slice *s, size_t cap) {
    size_t used = s->len * s->type->size;
    void *to = used && is_leaf(s->type) ? trix_alloc_leaf_over(cap * s->type->size, used) : new_array(s->type, cap);
    move(s->type, to, s->data, s->len);
    s->data = to;
    s->cap = cap;
}

/* Inside, since types are joined under a lock. */
static bool in_leaf_blocks(const tri_slice *s) {
    struct gate *g = gate_enter();
    bool in = trix_layout_of_element(type_of(s))->id == LAYOUT_ID_BYTES;
    gate_leave(g);
    return in;
}

static void grow_to(tri_slice *s, size_t wanted) {
    size_t size = s->type->size ? s->type->size : 1;
    if (wanted > MOST_BYTES / size) too_long();
    move_to(s, round_up_bytes(next_cap(wanted, s->cap) * size, in_leaf_blocks(s)) / size);
}

/* What the compiler says of the elements serves slices that were nil; others know better. */
EXPORT void tri__slice_grow(tri_slice *s, size_t n, const tri_type *type) {
    if (!s->type) s->type = type;
    if (s->type->size != type->size)
        trix_misuse("tri_append", "a value of %zu bytes does not go into a slice of %s, of %zu bytes each; convert it first",
                    type->size, name_of(s->type), s->type->size);
    if (s->cap - s->len >= n) return;
    if (n > SIZE_MAX - s->len) too_long();
    grow_to(s, s->len + n);
}

EXPORT void tri__slice_reserve(tri_slice *s, size_t n) {
    if (s->cap - s->len >= n) return;
    if (!s->type) trix_misuse("tri_slice_grow", "the slice is nil and knows no type; make it by tri_make");
    if (n > SIZE_MAX - s->len) too_long();
    grow_to(s, s->len + n);
}

EXPORT void tri__slice_append(tri_slice *s, const tri_slice *more) {
    if (!more->len) return;
    tri__slice_grow(s, more->len, more->type);
    move(s->type, (char *)s->data + s->len * s->type->size, more->data, more->len);
    s->len += more->len;
}

EXPORT void tri__slice_clone(tri_slice *s) {
    if (s->type) move_to(s, s->len);
}

/* ---- elements ---- */

EXPORT void tri__panic_index(int64_t i, size_t len) {
    if (i < 0) trix_panic_runtime("index out of range [%ld]", (long)i);
    trix_panic_runtime("index out of range [%ld] with length %zu", (long)i, len);
}

EXPORT void *tri__slice_at(tri_slice s, int64_t i, size_t size) {
    if ((uint64_t)i >= s.len) tri__panic_index(i, s.len);
    if (s.type->size != size)
        trix_misuse("tri_slice_at", "the elements are %s of %zu bytes, not of %zu", name_of(s.type), s.type->size, size);
    return (char *)s.data + (size_t)i * size;
}

EXPORT size_t tri__slice_copy(const tri_slice *dst, const tri_slice *src) {
    size_t n = min_u64(dst->len, src->len);
    if (!n) return 0;
    if (dst->type->size != src->type->size)
        trix_misuse("tri_copy", "the elements differ: %s of %zu bytes and %s of %zu", name_of(dst->type), dst->type->size,
                    name_of(src->type), src->type->size);
    move(dst->type, dst->data, src->data, n);
    return n;
}

EXPORT void tri__slice_clear(const tri_slice *s) {
    if (s->len) clear(s->type, s->data, s->len);
}

/* ---- windows ---- */

/* A window of capacity 0 does not point behind the array, whose neighbour is somebody else's. */
static void window(tri_slice *s, size_t lo, size_t hi, size_t max) {
    s->len = hi - lo;
    s->cap = max - lo;
    if (s->cap) s->data = (char *)s->data + lo * s->type->size;
}

EXPORT void tri__slice_window(tri_slice *s, int64_t lo, int64_t hi) {
    if (hi < 0) trix_panic_runtime("slice bounds out of range [:%ld]", (long)hi);
    if ((uint64_t)hi > s->cap) trix_panic_runtime("slice bounds out of range [:%ld] with capacity %zu", (long)hi, s->cap);
    if (lo < 0) trix_panic_runtime("slice bounds out of range [%ld:]", (long)lo);
    if (lo > hi) trix_panic_runtime("slice bounds out of range [%ld:%ld]", (long)lo, (long)hi);
    window(s, (size_t)lo, (size_t)hi, s->cap);
}

EXPORT void tri__slice_window3(tri_slice *s, int64_t lo, int64_t hi, int64_t max) {
    if (max < 0) trix_panic_runtime("slice bounds out of range [::%ld]", (long)max);
    if ((uint64_t)max > s->cap) trix_panic_runtime("slice bounds out of range [::%ld] with capacity %zu", (long)max, s->cap);
    if (hi < 0) trix_panic_runtime("slice bounds out of range [:%ld:]", (long)hi);
    if (hi > max) trix_panic_runtime("slice bounds out of range [:%ld:%ld]", (long)hi, (long)max);
    if (lo < 0) trix_panic_runtime("slice bounds out of range [%ld::]", (long)lo);
    if (lo > hi) trix_panic_runtime("slice bounds out of range [%ld:%ld:]", (long)lo, (long)hi);
    window(s, (size_t)lo, (size_t)hi, (size_t)max);
}

EXPORT void tri__slice_delete(tri_slice *s, int64_t lo, int64_t hi) {
    tri_slice checked = *s;
    checked.cap = s->len;
    tri__slice_window(&checked, lo, hi);
    if (lo == hi) return;
    char *data = (char *)s->data;
    size_t size = s->type->size, gone = (size_t)(hi - lo);
    move(s->type, data + (size_t)lo * size, data + (size_t)hi * size, s->len - (size_t)hi);
    s->len -= gone;
    clear(s->type, data + s->len * size, gone);
}
