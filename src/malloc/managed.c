/* managed.c - the malloc of managed programs, and the one their libraries get: see managed.h.
 *
 * Whose a pointer is shows in its address: in the reservation of the collected heap, in that of the foreign one, or in
 * neither. The third kind is memory of a malloc that is not ours (a plugin compiled with -fmanaged-malloc in a host that is
 * not), or no block at all.
 */
#include "managed.h"
#include "foreign.h"
#include "../gc/init.h"
#include "../gc/thread.h"
#include "../heap/alloc.h"
#include "../heap/object.h"
#include "../os/os.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/barrier.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

bool trix_interposed;

static bool power_of_two(size_t n) { return n && !(n & (n - 1)); }

static void *no_memory(void) {
    errno = ENOMEM;
    return NULL;
}

/* ---- blocks of the collected heap ---- */

static NOINLINE void *block_slow(size_t bytes, size_t align, bool leaf) {
    struct gate *g = gate_enter();
    void *p = trix_alloc_try(g, bytes, align, leaf);
    gate_leave(g);
    return p ? p : no_memory();
}

INLINE void *block(size_t bytes, bool leaf) {
    if (LIKELY(bytes < MAX_SMALL)) {
        unsigned id = (leaf ? LAYOUT_ROW_LEAF : LAYOUT_ROW_ANY) + class_of_block(bytes);
        void *p = tri__bump(id * sizeof(struct tri__run), trix_layouts[id].size);
        if (LIKELY(p)) return p;
    }
    return block_slow(bytes, 16, leaf);
}

EXPORT void *tri__malloc_leaf(size_t bytes) { return block(bytes, true); }

EXPORT void *tri__malloc(size_t bytes) { return block(bytes, false); }

EXPORT void *tri__calloc(size_t n, size_t size) {
    size_t bytes;
    if (UNLIKELY(__builtin_mul_overflow(n, size, &bytes))) return no_memory();
    return block(bytes, false);
}

/* ---- blocks that tricc has seen to be of a type: tricc/types/mallocs.c ---- */

EXPORT void *tri__malloc_type(const tri_type *type) {
    void *p = tri__bump(type->slot, type->size);
    if (LIKELY(p)) return p;
    struct gate *g = gate_enter();
    p = trix_alloc_object_try(g, (tri_type *)(uintptr_t)type);
    gate_leave(g);
    return p ? p : no_memory();
}

EXPORT void *tri__calloc_type(const tri_type *type, size_t n) {
    size_t bytes;
    if (UNLIKELY(__builtin_mul_overflow(n, type->size, &bytes) || bytes > PTRDIFF_MAX)) return no_memory();
    struct gate *g = gate_enter();
    void *p = trix_alloc_elements_try(g, (tri_type *)(uintptr_t)type, bytes);
    gate_leave(g);
    return p ? p : no_memory();
}

static void *block_aligned(size_t align, size_t bytes) {
    return align <= 16 ? block(bytes, false) : block_slow(bytes, align, false);
}

/* As glibc's: an alignment that is no power of two is raised to one; 0 and EINVAL where there is none. */
static size_t alignment(size_t align) {
    if (align > SIZE_MAX / 2 + 1) return errno = EINVAL, 0;
    return power_of_two(align) ? align : align ? 1ull << bits_width(align) : 16;
}

EXPORT void *tri__memalign(size_t align, size_t bytes) {
    align = alignment(align);
    return align ? block_aligned(align, bytes) : NULL;
}

EXPORT void *tri__aligned_alloc(size_t align, size_t bytes) { return tri__memalign(align, bytes); }
EXPORT void *tri__valloc(size_t bytes) { return block_aligned(trix_os_page, bytes); }

EXPORT void *tri__pvalloc(size_t bytes) {
    if (bytes > SIZE_MAX - trix_os_page) return no_memory();
    return block_aligned(trix_os_page, round_up(bytes, trix_os_page));
}

EXPORT int tri__posix_memalign(void **where, size_t align, size_t bytes) {
    if (!power_of_two(align) || align % sizeof(void *)) return EINVAL;
    int saved = errno;
    void *p = block_aligned(align, bytes);
    errno = saved;
    if (!p) return ENOMEM;
    tri_set(*where, p);
    return 0;
}

/* ---- what is neither the heap's nor a foreign block ---- */

/* Allocations that do not escape are on the stack, and their free may be in another function. On a stack that is not the thread's own
 * (a goroutine's) what lies near above the frame is taken for it: a free too few is no harm. */
static bool on_own_stack(const void *p) {
    enum { NEAR = 1 << 20 };
    const struct thread *t = thread_self();
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    if (!t || frame < t->stack.lo || frame >= t->stack.hi) return (uintptr_t)p - frame < NEAR;
    return (uintptr_t)p >= t->stack.lo && (uintptr_t)p < t->stack.hi;
}

static NOINLINE void free_elsewhere(void *p) {
    if (foreign_contains(p)) trix_foreign_free(p);
    else if (p && !trix_interposed && !on_own_stack(p)) free(p);
}

static void *resize_elsewhere(void *p, size_t bytes) {
    if (trix_foreign_size(p)) return trix_foreign_resize(p, bytes);
    if (!trix_interposed) return realloc(p, bytes);
    trix_misuse("realloc", "%p is no block of malloc's; pass what malloc or realloc returned", p);
}

/* ---- resizing ---- */

static void *resize(void *p, size_t bytes) {
    struct object o;
    struct gate *g = gate_enter();
    if (!trix_object_find((uintptr_t)p, &o) || o.start != (uintptr_t)p)
        trix_misuse("realloc", "%p is not the start of a block; pass what malloc or realloc returned", p);
    void *moved = trix_resize_try(g, &o, bytes);
    gate_leave(g);
    return moved;
}

EXPORT void *tri__realloc(void *p, size_t bytes) {
    if (!p) return tri__malloc(bytes);
    if (bytes == 0) { /* glibc's way */
        tri__free(p);
        return NULL;
    }
    if (bytes > PTRDIFF_MAX) return no_memory();
    void *moved = map_contains((uintptr_t)p) ? resize(p, bytes) : resize_elsewhere(p, bytes);
    return moved ? moved : no_memory();
}

EXPORT void *tri__reallocarray(void *p, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) return no_memory();
    return tri__realloc(p, bytes);
}

EXPORT void tri__free(void *p) {
    if (LIKELY(map_contains((uintptr_t)p))) return;
    free_elsewhere(p);
}

EXPORT size_t tri__malloc_usable_size(void *p) {
    if (map_contains((uintptr_t)p)) return tri_base(p) == p ? tri_size(p) : 0;
    if (foreign_contains(p)) return trix_foreign_size(p);
    return p && !trix_interposed && !on_own_stack(p) ? malloc_usable_size(p) : 0;
}

/* ---- for code that is not compiled by tricc ---- */

EXPORT void tri__interposed(void) { trix_interposed = true; }

EXPORT void *tri__foreign_malloc(size_t bytes) {
    void *p = trix_foreign_alloc(bytes, 16);
    return LIKELY(p) ? p : no_memory();
}

EXPORT void *tri__foreign_calloc(size_t n, size_t size) {
    size_t bytes;
    void *p = __builtin_mul_overflow(n, size, &bytes) ? NULL : trix_foreign_alloc_zeroed(bytes);
    return LIKELY(p) ? p : no_memory();
}

/* A block of the program's stays one: libc may resize what the program has given it. */
EXPORT void *tri__foreign_realloc(void *p, size_t bytes) {
    if (!p) return tri__foreign_malloc(bytes);
    return tri__realloc(p, bytes);
}

EXPORT void tri__foreign_free(void *p) { tri__free(p); }

EXPORT void *tri__foreign_memalign(size_t align, size_t bytes) {
    align = alignment(align);
    if (!align) return NULL;
    void *p = trix_foreign_alloc(bytes, align);
    return LIKELY(p) ? p : no_memory();
}
