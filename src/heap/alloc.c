/* alloc.c - the public allocation calls: from a size or a type to a path.
 *
 *   typed object      its own layout's run, once the type is no longer rare; a trailed slot before that
 *   untyped block     the class's run, any or leaf
 *   < 8 bytes, leaf   a piece of a tiny block
 *   array, flexible   a trailed slot, or an untyped block when all or none of its words are pointers
 *   > 32 KiB          a span of its own
 *
 * The fast paths are tri__bump, in the header for types and here for blocks. Everything else runs inside the gate.
 */
#include "alloc.h"
#include "cache.h"
#include "large.h"
#include "object.h"
#include "type.h"
#include "../base/wipe.h"
#include "../../include/tricolor/alloc.h"

#include <string.h>

/* ---- between the fast path and the slow ones ---- */

/* Goes inside for the next stretch of what the thread has claimed; NULL: it takes the slow path. Only a stop that comes meanwhile can
 * make it wait, so seldom are its frames scanned, and the stack below need not be cleared each time (base/wipe.h). */
static NOINLINE void *alloc_claimed(const struct layout *l) {
    if (UNLIKELY(!trix_self || gate_marking())) return NULL;
    struct gate *g = gate_enter();
    void *p = trix_cache_alloc_claimed((struct thread_cache *)g, l);
    if (UNLIKELY(load_relaxed(&g->pending))) trix_stack_wipe();
    return gate_leave_with(g, p);
}

/* ---- slow paths; inside ---- */

/* Calls that find no memory come here; returns when it is worth trying again. */
static void exhausted(struct gate *g, size_t bytes, int attempt) {
    if (!trix_gate_exhausted(g, bytes, attempt)) trix_fatal("out of memory");
}

static void *alloc_slot(struct gate *g, struct layout *l) {
    for (int attempt = 0;; attempt++) {
        void *p = trix_cache_alloc((struct thread_cache *)g, l);
        if (LIKELY(p)) return p;
        exhausted(g, l->size, attempt);
    }
}

static void *alloc_tiny(struct gate *g) {
    for (int attempt = 0;; attempt++) {
        void *p = trix_cache_alloc_tiny((struct thread_cache *)g);
        if (LIKELY(p)) return p;
        exhausted(g, TINY_BLOCK, attempt);
    }
}

/* `over`: see trix_large_alloc_over; a leaf then. */
static void *alloc_large_over(struct gate *g, size_t bytes, size_t align, uint64_t type, size_t over) {
    for (int attempt = 0;; attempt++) {
        void *p = over ? trix_large_alloc_over(g, bytes, over) : trix_large_alloc(g, bytes, align, type);
        if (LIKELY(p)) {
            trix_large_sample(g, p, large_span_bytes(bytes), large_span_bytes(bytes));
            return p;
        }
        exhausted(g, bytes, attempt);
    }
}

static void *alloc_large(struct gate *g, size_t bytes, size_t align, uint64_t type) {
    return alloc_large_over(g, bytes, align, type, 0);
}

/* The smallest class whose slots all lie at multiples of `align` and hold the block and a spare byte; 0: none. */
static unsigned class_aligned(size_t align, size_t bytes) {
    if (bytes >= MAX_SMALL || align > PAGE_SIZE) return 0;
    for (unsigned c = class_of_block(bytes); c < NUM_CLASSES; c++)
        if (trix_class_size[c] % align == 0) return c;
    return 0;
}

/* An untyped block, from one of the rows LEAF and ANY. */
static void *alloc_in_row(struct gate *g, size_t bytes, size_t align, unsigned row) {
    unsigned class = align > 16 ? class_aligned(align, bytes) : bytes < MAX_SMALL ? class_of_block(bytes) : 0;
    if (class) return alloc_slot(g, layout_by_id(row + class));
    return alloc_large(g, bytes, align, row == LAYOUT_ROW_LEAF ? 0 : trailer_make(LAYOUT_ID_WORDS, bytes));
}

/* A slot of the layout, or a large block; NULL when memory is exhausted, after a collection. */
static void *alloc_try(struct gate *g, struct layout *l, size_t bytes, size_t align, uint64_t type) {
    uint64_t span = large_span_bytes(bytes);
    if (!l && (span < bytes || span > trix_map.reserved)) return NULL;
    for (int attempt = 0; attempt < 2; attempt++) {
        void *p = l ? trix_cache_alloc((struct thread_cache *)g, l) : trix_large_alloc(g, bytes, align, type);
        if (LIKELY(p)) return p;
        if (attempt == 0) trix_gate_exhausted(g, bytes, attempt); /* a collection */
    }
    return NULL;
}

void *trix_alloc_try(struct gate *g, size_t bytes, size_t align, bool leaf) {
    unsigned row = leaf ? LAYOUT_ROW_LEAF : LAYOUT_ROW_ANY, class = 0;
    if (bytes < MAX_SMALL) class = align > 16 ? class_aligned(align, bytes) : class_of_block(bytes);
    return alloc_try(g, class ? layout_by_id(row + class) : NULL, bytes, align, leaf ? 0 : trailer_make(LAYOUT_ID_WORDS, bytes));
}

void *trix_alloc_elements_try(struct gate *g, tri_type *type, size_t bytes) {
    const struct layout *element = trix_layout_of_element(type);
    if (element->kind != LAYOUT_MASK) return trix_alloc_try(g, bytes, 16, false);
    uint64_t trailer = trailer_make(element->id, bytes);
    if (bytes >= MAX_SMALL - 8) return alloc_try(g, NULL, bytes, 16, trailer);
    struct layout *l = layout_by_id(LAYOUT_ROW_TRAILED + class_of_block(bytes + 7));
    void *p = alloc_try(g, l, bytes, 16, 0);
    if (p) trix_object_set_trailer(p, l, trailer);
    return p;
}

void *trix_alloc_repeated(struct gate *g, size_t bytes, size_t align, const struct layout *element) {
    if (element->kind == LAYOUT_LEAF) return alloc_in_row(g, bytes, align, LAYOUT_ROW_LEAF);
    if (element->kind == LAYOUT_ANY || align > 16) return alloc_in_row(g, bytes, align, LAYOUT_ROW_ANY);
    uint64_t type = trailer_make(element->id, bytes);
    if (bytes >= MAX_SMALL - 8) return alloc_large(g, bytes, 16, type);
    struct layout *l = layout_by_id(LAYOUT_ROW_TRAILED + class_of_block(bytes + 7));
    void *p = alloc_slot(g, l);
    trix_object_set_trailer(p, l, type);
    return p;
}

/* ---- single objects ---- */

/* One object of a type: in spans of its own from its RARE_OBJECTS-th on. */
static void *alloc_object(struct gate *g, tri_type *type) {
    struct layout *l = trix_layout_of_type(type);
    if (l->id == LAYOUT_ID_TINY) {
        store_relaxed(&type->slot, LAYOUT_ID_TINY * (uint32_t)sizeof(struct tri__run));
        return alloc_tiny(g);
    }
    bool rare = !type->slot && type->align <= 16 && fetch_add_relaxed(&l->seen, 1) < RARE_OBJECTS;
    if (l->id == LAYOUT_ID_LARGE || rare)
        return trix_alloc_repeated(g, type->size, type->align, trix_layout_of_element(type));
    store_relaxed(&type->slot, l->id * (uint32_t)sizeof(struct tri__run));
    return alloc_slot(g, l);
}

static NOINLINE void *alloc_typed_slow(const tri_type *type) {
    struct gate *g = gate_enter();
    void *p = alloc_object(g, (tri_type *)(uintptr_t)type);
    return gate_leave_with(g, p);
}

EXPORT void *tri__alloc_slow(const tri_type *type, size_t exact) {
    (void)exact;
    unsigned id = load_relaxed(&type->slot) / sizeof(struct tri__run);
    void *p = LIKELY(id > LAYOUT_ID_TINY) ? alloc_claimed(layout_by_id(id)) : NULL;
    if (LIKELY(p)) return p;
    trix_stack_wipe();
    return alloc_typed_slow(type);
}

void *trix_alloc_object_try(struct gate *g, tri_type *type) {
    struct layout *l = trix_layout_of_type(type);
    DEBUG_CHECK(type->size % 16 == 0 && type->size, "a block has 16-byte alignment");
    bool rare = !type->slot && fetch_add_relaxed(&l->seen, 1) < RARE_OBJECTS;
    if (l->id == LAYOUT_ID_LARGE || rare) return trix_alloc_elements_try(g, type, type->size);
    store_relaxed(&type->slot, l->id * (uint32_t)sizeof(struct tri__run));
    return alloc_try(g, l, type->size, 16, 0);
}

/* ---- arrays ---- */

static NOINLINE size_t array_bytes(const char *call, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > (uint64_t)INT64_MAX / 2)
        trix_misuse(call, "%zu elements of %zu bytes do not fit the address space; check the count", n, size);
    return bytes;
}

EXPORT void *tri__alloc_array(const tri_type *type, size_t n) {
    size_t bytes = array_bytes("tri_new_array", n, type->size);
    struct gate *g = gate_enter();
    void *p = trix_alloc_repeated(g, bytes, type->align, trix_layout_of_element((tri_type *)(uintptr_t)type));
    return gate_leave_with(g, p);
}

static NOINLINE COLD void no_type(const char *call) {
    trix_misuse(call, "the type is NULL; pass tri_type_of(T)");
}

EXPORT void *tri_alloc_type(const tri_type *type, size_t n) {
    if (UNLIKELY(!type)) no_type("tri_alloc_type");
    return n == 1 ? tri__alloc_slow(type, type->size) : tri__alloc_array(type, n);
}

EXPORT void *tri__alloc_flex(const tri_type *type, size_t head, size_t elem, size_t n, int tail_kind) {
    size_t bytes = array_bytes("tri_new_flex", n, elem);
    if (__builtin_add_overflow(bytes, head, &bytes)) array_bytes("tri_new_flex", n, SIZE_MAX);
    bytes = max_u64(bytes, type->size);
    struct gate *g = gate_enter();
    tri_type *t = (tri_type *)(uintptr_t)type;
    void *p = trix_alloc_repeated(g, bytes, t->align, trix_layout_of_flex(t, head, tail_kind != TRI__KIND_LEAF));
    return gate_leave_with(g, p);
}

/* ---- blocks ---- */

static NOINLINE void *alloc_block_inside(size_t bytes, size_t align, unsigned row) {
    struct gate *g = gate_enter();
    void *p = alloc_in_row(g, bytes, align, row);
    return gate_leave_with(g, p);
}

static NOINLINE void *alloc_block_slow(size_t bytes, size_t align, unsigned row) {
    trix_stack_wipe();
    return alloc_block_inside(bytes, align, row);
}

/* The fast path below ends in calls of this, so that it needs no frame. */
static NOINLINE void *alloc_block_refill(size_t bytes, unsigned row) {
    void *p = bytes < MAX_SMALL ? alloc_claimed(layout_by_id(row + class_of_block(bytes))) : NULL;
    return LIKELY(p) ? p : alloc_block_slow(bytes, 16, row);
}

INLINE void *alloc_block(size_t bytes, unsigned row) {
    if (LIKELY(bytes < MAX_SMALL)) {
        unsigned id = row + class_of_block(bytes);
        void *p = tri__bump(id * sizeof(struct tri__run), trix_layouts[id].size);
        if (LIKELY(p)) return p;
    }
    return alloc_block_refill(bytes, row);
}

EXPORT void *tri_alloc(size_t size) { return alloc_block(size, LAYOUT_ROW_ANY); }

static NOINLINE void *alloc_tiny_inside(void) {
    struct gate *g = gate_enter();
    void *p = alloc_tiny(g);
    return gate_leave_with(g, p);
}

EXPORT void *tri_alloc_leaf(size_t size) {
    if (size >= TINY_PIECE) return alloc_block(size, LAYOUT_ROW_LEAF);
    void *p = tri__bump(LAYOUT_ID_TINY * sizeof(struct tri__run), TINY_PIECE);
    return LIKELY(p) ? p : alloc_tiny_inside();
}

void *trix_alloc_leaf_over(size_t bytes, size_t over) {
    if (bytes < MAX_SMALL) return tri_alloc_leaf(bytes);
    struct gate *g = gate_enter();
    void *p = alloc_large_over(g, bytes, 16, 0, over);
    return gate_leave_with(g, p);
}

EXPORT void *tri_alloc_array(size_t n, size_t size) { return tri_alloc(array_bytes("tri_alloc_array", n, size)); }

EXPORT void *tri_alloc_aligned(size_t align, size_t size) {
    if (align == 0 || align & (align - 1))
        trix_misuse("tri_alloc_aligned", "alignment %zu is not a power of two; use one", align);
    return align <= 16 ? tri_alloc(size) : alloc_block_slow(size, align, LAYOUT_ROW_ANY);
}

EXPORT char *tri_strdup(const char *string) {
    if (UNLIKELY(!string)) trix_misuse("tri_strdup", "the string is NULL; pass a string, or keep NULL as it is");
    size_t bytes = strlen(string) + 1;
    return memcpy(tri_alloc_leaf(bytes), string, bytes);
}

EXPORT void tri_prealloc(const tri_type *type, size_t n) {
    if (UNLIKELY(!type)) no_type("tri_prealloc");
    struct gate *g = gate_enter();
    tri_type *t = (tri_type *)(uintptr_t)type;
    struct layout *l = trix_layout_of_type(t);
    if (l->id == LAYOUT_ID_LARGE)
        trix_misuse("tri_prealloc", "objects of %zu bytes have spans of their own; preallocation is for up to %d bytes",
                    type->size, MAX_SMALL - 8);
    array_bytes("tri_prealloc", n, type->size);
    size_t blocks = l->id == LAYOUT_ID_TINY ? (n + TINY_BLOCK / TINY_PIECE - 1) / (TINY_BLOCK / TINY_PIECE) : n;
    store_relaxed(&t->slot, l->id * (uint32_t)sizeof(struct tri__run));
    for (int attempt = 0; !trix_cache_prealloc((struct thread_cache *)g, l, blocks); attempt++)
        exhausted(g, blocks * l->size, attempt);
    gate_leave(g);
}
