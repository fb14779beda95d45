/* object.c - see object.h. */
#include "object.h"
#include "cache.h"

/* Bytes of a slot that are the program's. */
static uint64_t usable_bytes(const struct page *p, uintptr_t start) {
    const struct layout *l = layout_by_id(p->layout);
    if (l->exact) return l->size;
    if (l->kind != LAYOUT_TRAILED) return l->size - 1;
    uint64_t trailer = load_relaxed(slot_trailer(start, l->size));
    return trailer_valid(trailer) && trailer_bytes(trailer) <= l->size - 8 ? trailer_bytes(trailer) : l->size - 8;
}

/* Whether the slot lies in a run of some thread, claimed but not handed out. (By the lock, who has seen the alloc bit sees the claim that set it.) */
static bool slot_in_run(uint32_t page, const struct layout *l, uint32_t slot) {
    bool found = false;
    lock_acquire(&layout_by_id(l->id)->lock);
    bool claimed = load_acquire(&map_state(page)->claims) > 0;
    lock_release(&layout_by_id(l->id)->lock);
    if (claimed) found = trix_gate_slot_in_run(page, l->id, slot);
    return found;
}

static bool find_small(uintptr_t p, uint32_t page, struct object *o) {
    struct page *entry = map_page(page);
    const struct layout *l = layout_by_id(entry->layout);
    o->slot = page_slot(entry, p - map_address(page));
    if (o->slot >= l->slots || !bits_test(map_alloc_bits(page), o->slot) || slot_in_run(page, l, o->slot)) return false;
    o->start = map_address(page) + (uint64_t)o->slot * l->size;
    if (l->id == LAYOUT_ID_TINY) {
        o->start += (p - o->start) & ~(uintptr_t)(TINY_PIECE - 1);
        o->bytes = TINY_PIECE;
    } else {
        o->bytes = usable_bytes(entry, o->start);
    }
    return true;
}

bool trix_object_find(uintptr_t p, struct object *o) {
    if (!map_contains(p)) return false;
    uint32_t page = trix_map_span(map_page_of(p));
    if (!page) return false;
    trix_gate_sweep_span(page);
    struct page *entry = map_page(page);
    o->page = page;
    switch (load_acquire(&entry->kind)) { /* sweeping may have freed it */
    case PAGE_SCAN:
    case PAGE_LEAF: break;
    default: return false;
    }
    if (!page_is_large(entry)) return find_small(p, page, o);
    if (UNLIKELY(entry->size == 0)) return false; /* a freed arena's */
    if (UNLIKELY(page_is_arena(entry))) return trix_gate_find_in_arena(p, o);
    o->slot = 0;
    o->start = map_address(page);
    o->bytes = load_relaxed(&entry->large.bytes); /* no more is scanned */
    return true;
}

uint64_t trix_object_type(const struct object *o) {
    const struct page *p = map_page(o->page);
    if (page_is_arena(p)) return p->kind == PAGE_LEAF ? 0 : trailer_make(LAYOUT_ID_WORDS, o->bytes);
    if (page_is_large(p)) return p->large.type;
    const struct layout *l = layout_by_id(p->layout);
    if (l->kind == LAYOUT_LEAF) return 0;
    if (l->kind == LAYOUT_ANY) return trailer_make(LAYOUT_ID_WORDS, o->bytes);
    if (l->kind == LAYOUT_MASK) return trailer_make(l->id, o->bytes);
    uint64_t trailer = load_relaxed(slot_trailer(o->start, l->size));
    return trailer_valid(trailer) ? trailer : trailer_make(LAYOUT_ID_WORDS, o->bytes);
}

void trix_object_set_trailer(void *start, const struct layout *l, uint64_t trailer) {
    store_release(slot_trailer((uintptr_t)start, l->size), trailer);
}
