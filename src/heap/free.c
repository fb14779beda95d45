/* free.c - giving an object back by hand, moving it to another size, asking about it.
 *
 * tri_free is a hint. While a cycle marks it does nothing: the object may hold the last pointer to something a thread
 * has just loaded (a release is a store too), and the cycle after will find it dead anyway.
 */
#include "alloc.h"
#include "cache.h"
#include "large.h"
#include "object.h"
#include "../../include/tricolor/alloc.h"

#include <string.h>

/* The object that begins at p, or the end of the program. */
static struct object demand_object(const char *call, const void *p) {
    struct object o;
    if (!trix_object_find((uintptr_t)p, &o))
        trix_misuse(call, "%p is not a live object of the collected heap (freed already, or from elsewhere)", p);
    if (o.start != (uintptr_t)p)
        trix_misuse(call, "%p points %zu bytes into the object at %p; pass the object's start", p,
                    (size_t)((uintptr_t)p - o.start), (void *)o.start);
    return o;
}

static void free_small(struct gate *g, const struct object *o) {
    struct layout *l = layout_by_id(map_page(o->page)->layout);
    if (l->id == LAYOUT_ID_TINY) return; /* the pieces of a block live and die together */
    if (!trix_central_free_slot(l, o->page, o->slot))
        trix_misuse("tri_free", "%p was freed twice; drop the second call", (void *)o->start);
    trix_gate_account(g, -(int64_t)l->size);
}

EXPORT void tri_free(void *p) {
    if (!p) return;
    struct gate *g = gate_enter();
    struct object o = demand_object("tri_free", p);
    trix_gate_unpin_all(&o);
    if (!gate_marking() && !trix_gate_has_specials(&o) && !page_is_arena(map_page(o.page))) {
        if (page_is_file(o.page)) {
            if (trix_large_unmap_file(o.page)) trix_gate_account(g, -PAGE_SIZE);
        } else if (page_is_large(map_page(o.page))) {
            uint64_t bytes = map_page(o.page)->size;
            trix_large_free(o.page);
            trix_gate_account(g, -(int64_t)bytes);
        } else {
            free_small(g, &o);
        }
    }
    gate_leave(g);
}

/* ---- realloc ---- */

/* Bytes of the object's slot or span that a block of its kind can use. */
static size_t room_in_place(const struct object *o) {
    const struct page *p = map_page(o->page);
    if (page_is_arena(p) || page_is_file(o->page)) return 0;
    if (page_is_large(p)) return p->size - 1;
    const struct layout *l = layout_by_id(p->layout);
    if (l->exact || l->id == LAYOUT_ID_TINY) return o->bytes;
    return l->kind == LAYOUT_TRAILED ? l->size - 8 : l->size - 1;
}

static void *alloc_like(struct gate *g, uint64_t type, size_t bytes) {
    return trix_alloc_repeated(g, bytes, 16, layout_by_id(type ? trailer_layout(type) : LAYOUT_ID_BYTES));
}

/* Into the pages behind it, if they are free. */
static bool grow_in_place(struct gate *g, const struct object *o, size_t size) {
    if (!page_is_large(map_page(o->page))) return false;
    uint64_t more = trix_large_extend(g, o->page, size);
    if (!more) return false;
    trix_gate_account_at_once(g, (int64_t)more);
    trix_large_sample(g, (void *)o->start, large_span_bytes(size), more);
    return true;
}

/* Makes the object `size` bytes long where it is, if that neither takes another's place nor wastes most of its own. */
static bool resize_in_place(struct gate *g, const struct object *o, size_t size) {
    void *p = (void *)o->start;
    size_t room = room_in_place(o);
    if (!room || size < room / 2) return false;
    if (size > room) return grow_in_place(g, o, size);
    size_t used = min_u64(o->bytes, room);
    if (size < used) trix_gate_zero(g, (char *)p + size, used - size);
    const struct page *page = map_page(o->page);
    if (page_is_large(page)) {
        store_relaxed(&map_page(o->page)->large.bytes, size);
    } else if (layout_by_id(page->layout)->kind == LAYOUT_TRAILED) {
        uint64_t type = trix_object_type(o);
        trix_object_set_trailer(p, layout_by_id(page->layout), trailer_make(trailer_layout(type), size));
    }
    return true;
}

EXPORT void *tri_realloc(void *p, size_t size) {
    if (!p) return tri_alloc(size);
    struct gate *g = gate_enter();
    struct object o = demand_object("tri_realloc", p);
    void *result = p;
    if (!resize_in_place(g, &o, size)) {
        size_t room = room_in_place(&o), used = room ? min_u64(o.bytes, room) : o.bytes;
        result = alloc_like(g, trix_object_type(&o), size);
        trix_gate_copy(g, result, p, min_u64(used, size));
    }
    gate_leave(g);
    return result;
}

/* A large block that has grown once will grow again: an eighth more of address space, so that n small steps do not copy it n
 * times. What is not touched costs no memory. */
static void *alloc_moved(struct gate *g, size_t bytes) {
    if (bytes <= MAX_SMALL) return trix_alloc_try(g, bytes, 16, false);
    void *p = trix_alloc_try(g, bytes + bytes / 8, 16, false);
    if (p) store_relaxed(&map_page(map_page_of((uintptr_t)p))->large.bytes, bytes);
    return p ? p : trix_alloc_try(g, bytes, 16, false);
}

void *trix_resize_try(struct gate *g, const struct object *o, size_t size) {
    uint64_t type = trix_object_type(o);
    if (type && trailer_layout(type) == LAYOUT_ID_WORDS && resize_in_place(g, o, size)) return (void *)o->start;
    void *moved = alloc_moved(g, size);
    if (moved) trix_gate_copy(g, moved, (void *)o->start, min_u64(o->bytes, size));
    return moved;
}

/* ---- questions ---- */

static bool find_from_outside(const void *p, struct object *o) {
    struct gate *g = gate_enter();
    bool found = trix_object_find((uintptr_t)p, o);
    gate_leave(g);
    return found;
}

EXPORT size_t tri_size(const void *p) {
    struct object o;
    if (!find_from_outside(p, &o)) return 0;
    size_t before = (uintptr_t)p - o.start;
    return before < o.bytes ? o.bytes - before : 0;
}

EXPORT void *tri_base(const void *p) {
    struct object o;
    return find_from_outside(p, &o) ? (void *)o.start : NULL;
}

EXPORT bool tri_is_heap(const void *p) {
    struct object o;
    return find_from_outside(p, &o);
}
