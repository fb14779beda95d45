/* central.c - see central.h. */
#include "central.h"
#include "scavenge.h"
#include "../base/options.h"

#include <string.h>

enum { SWEEP_BLOCKS = 2 };

/* ---- the list; layout's lock ---- */

static void list_check_generation(struct layout *l) {
    if (l->generation == trix_sweep_generation) return;
    store_relaxed(&l->first, 0);
    l->last = 0;
    store_relaxed(&l->generation, trix_sweep_generation);
}

/* Without the lock: what another thread appends just now may not be seen yet. */
static bool list_is_empty(const struct layout *l) {
    return load_relaxed(&l->generation) != trix_sweep_generation || !load_relaxed(&l->first);
}

static void list_append(struct layout *l, uint32_t first, uint32_t last) {
    list_check_generation(l);
    map_state(last)->next = 0;
    if (l->first) map_state(l->last)->next = first;
    else store_relaxed(&l->first, first);
    l->last = last;
}

static void list_drop_first(struct layout *l) {
    struct page_state *s = map_state(l->first);
    s->flags &= (uint8_t)~PAGE_LISTED;
    store_relaxed(&l->first, s->next);
}

/* ---- spans ---- */

/* A new span, all its slots free, which nobody sees yet; one claim is made on it. False: no memory for its alloc bits. */
static bool span_init(const struct layout *l, uint32_t page, bool clean) {
    struct page *p = map_page(page);
    if (UNLIKELY(l->size == 16) && !trix_map_wide(page)) return false;
    p->magic = l->magic;
    p->layout = l->id;
    p->exact = l->exact;
    p->size = l->size;
    memset(p->mark, 0xff, sizeof p->mark);
    memset(map_alloc_bits(page), 0, (size_t)(l->slots + 63) / 64 * sizeof(uint64_t));
    span_state_init(page, l->slots, clean ? 0 : PAGE_DIRTY, 1);
    return true;
}

static void span_show(const struct layout *l, uint32_t page) {
    for (unsigned i = 1; i < l->span_pages; i++) {
        map_page(page + i)->size = page;
        store_release(&map_page(page + i)->kind, PAGE_TAIL);
    }
    store_release(&map_page(page)->kind, l->kind == LAYOUT_LEAF ? PAGE_LEAF : PAGE_SCAN);
}

/* ---- claiming ---- */

static uint64_t lowest_bits(uint64_t w, unsigned n) {
    uint64_t taken = 0;
    for (; n && w; n--) {
        taken |= w & -w;
        w &= w - 1;
    }
    return taken;
}

/* Claims up to `want` free slots of the span; layout's lock, or nobody sees it yet. */
static void span_claim(const struct layout *l, uint32_t page, unsigned want, struct claim *claim) {
    struct page *p = map_page(page);
    struct page_state *s = map_state(page);
    uint64_t *alloc = map_alloc_bits(page);
    unsigned taken = 0;
    bool black = gate_marking();
    for (unsigned w = 0; w * 64 < l->slots; w++) {
        uint64_t bits = ~alloc[w] & layout_valid(l, w);
        if (bits_count(bits) > want - taken) bits = lowest_bits(bits, want - taken);
        alloc[w] |= bits;
        if (!black) p->mark[w] &= ~bits;
        claim->slots[w] = bits;
        taken += bits_count(bits);
    }
    claim->page = page;
    claim->count = (uint16_t)taken;
    claim->dirty = s->flags & PAGE_DIRTY;
    s->nfree -= (uint16_t)taken;
}

static bool claim_listed(struct layout *l, unsigned want, struct claim *claim) {
    if (list_is_empty(l)) return false;
    lock_acquire(&l->lock);
    list_check_generation(l);
    bool found = l->first != 0;
    if (found) {
        uint32_t page = l->first;
        __builtin_prefetch(map_page(map_state(page)->next));
        fetch_add_relaxed(&map_state(page)->claims, 1);
        span_claim(l, page, want, claim);
        DEBUG_CHECK(claim->count > 0, "a listed span has no free slot");
        if (map_state(page)->nfree == 0) list_drop_first(l);
    }
    lock_release(&l->lock);
    return found;
}

static bool claim_new(struct layout *l, struct page_window *window, unsigned want, struct claim *claim) {
    bool clean = false;
    uint32_t page = trix_window_pages(window, l->span_pages, &clean);
    if (!page) return false;
    if (!span_init(l, page, clean)) {
        trix_pages_free(page, l->span_pages);
        return false;
    }
    span_claim(l, page, want, claim);
    span_show(l, page);
    if (!map_state(page)->nfree) return true; /* most often: it is this thread's alone, and no lock is needed */
    lock_acquire(&l->lock);
    map_state(page)->flags |= PAGE_LISTED;
    list_append(l, page, page);
    lock_release(&l->lock);
    return true;
}

bool trix_central_claim_span(struct layout *l, struct page_window *window, struct claim *claim) {
    return claim_new(l, window, l->slots, claim);
}

/* Sweeping a little first may find a span with room, or free pages; but nobody sweeps the whole heap for one object, unless
 * the memory limit leaves nothing else. */
static bool sweep_more(int blocks) {
    if (UNLIKELY(trix_pageheap_tight(WINDOW_PAGES))) return trix_gate_sweep_for_room();
    return blocks > 0 && trix_gate_sweep_some();
}

bool trix_central_claim(struct layout *l, struct page_window *window, unsigned want, struct claim *claim) {
    int blocks = SWEEP_BLOCKS;
    do {
        if (claim_listed(l, want, claim)) return true;
    } while (sweep_more(blocks--));
    bool done = claim_new(l, window, want, claim);
    trix_scavenge_over(NULL);
    return done;
}

/* ---- giving back ---- */

/* Marks slots free again: the mark bits rise, so that no stale pointer finds them. Layout's lock. */
static unsigned span_release(struct layout *l, uint32_t page, const uint64_t *slots) {
    struct page *p = map_page(page);
    uint64_t *alloc = map_alloc_bits(page);
    unsigned count = 0;
    for (unsigned w = 0; w * 64 < l->slots; w++) {
        if (!slots[w]) continue;
        alloc[w] &= ~slots[w];
        fetch_or_relaxed(&p->mark[w], slots[w]);
        count += bits_count(slots[w]);
    }
    struct page_state *s = map_state(page);
    s->nfree += (uint16_t)count;
    s->flags |= PAGE_DIRTY;
    if (count && load_relaxed(&s->swept) == sweep_parity() && !(s->flags & PAGE_LISTED)) {
        s->flags |= PAGE_LISTED;
        list_append(l, page, page);
    }
    return count;
}

void trix_central_unclaim(struct layout *l, uint32_t page, const uint64_t *slots) {
    lock_acquire(&l->lock);
    span_release(l, page, slots);
    lock_release(&l->lock);
    trix_central_finish(page);
}

void trix_central_finish(uint32_t page) { fetch_sub_release(&map_state(page)->claims, 1); }

void trix_central_count(struct layout *l, uint64_t mallocs) {
    lock_acquire(&l->lock);
    l->mallocs += mallocs;
    lock_release(&l->lock);
}

void trix_central_clobber(uint32_t page, const struct layout *l, unsigned slot) {
    uint32_t *at = (uint32_t *)(map_address(page) + slot * (uint64_t)l->size);
    for (uint32_t i = 0; i < l->size / 4; i++) at[i] = 0xdeadbeef;
}

bool trix_central_free_slot(struct layout *l, uint32_t page, unsigned slot) {
    uint64_t slots[SPAN_SLOTS / 64] = {0};
    bits_set(slots, slot);
    lock_acquire(&l->lock);
    bool allocated = bits_test(map_alloc_bits(page), slot);
    if (allocated) {
        if (UNLIKELY(trix_options.debug.clobberfree)) trix_central_clobber(page, l, slot);
        span_release(l, page, slots);
        l->frees++;
    }
    lock_release(&l->lock);
    return allocated;
}

void trix_central_append(struct layout *l, uint32_t first, uint32_t last, uint64_t freed) {
    lock_acquire(&l->lock);
    if (first) list_append(l, first, last);
    l->frees += freed;
    lock_release(&l->lock);
}
