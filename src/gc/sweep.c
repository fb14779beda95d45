/* sweep.c - taking back what was not marked.
 *
 * After marking, alloc & mark is what lives. Sweeping a span makes that its alloc bits, and the complement its mark bits
 * (map.h, I1), and hands the span to its layout's list if it has room, or its pages to the page heap if nothing in it
 * lives. Objects are not touched: they are zeroed when their slots are claimed again.
 *
 * Pages are taken in blocks, in address order, from one cursor: by the collector in the background, by any thread that
 * needs a span and finds its layout's list empty, and by threads that claim memory faster than the collector sweeps: they
 * owe pages in proportion (Go's proportional sweep), so that all is swept, and what is dead used again, before the next
 * cycle. A span belongs to the block of its first page.
 *
 *   I1  A span is swept once a generation, by whoever changes state.swept from the old generation to SWEEPING.
 *   I2  No marking begins before all spans are swept (trix_sweep_finish), nor does a thread scan itself for one: until then its live
 *       objects bear the marks of the last cycle, and would be taken as marked in this one.
 *   I3  No run refers to an unswept span: runs are retired before sweeping begins.
 */
#include "sweep.h"
#include "gc.h"
#include "life.h"
#include "../base/options.h"
#include "../heap/central.h"
#include "../heap/gate.h"
#include "../heap/large.h"
#include "../heap/pageheap.h"
#include "../os/os.h"

#include <string.h>

enum { BLOCK_PAGES = 32, AWAIT_NS = 1000 * 1000 };

uint32_t trix_sweep_generation;

static struct {
    uint64_t cursor;   /* next page to take; atomic */
    uint64_t end;      /* pages in use at the flip; constant while active */
    uint32_t sweepers; /* threads that sweep just now; seq_cst */
    uint32_t active;   /* blocks may be taken; futex, seq_cst */
    uint32_t waiting;  /* threads that sleep until they may; seq_cst */

    /* what allocating threads owe: relaxed, written under gc.lock. Read while they change, one new and one old, they are
     * wrong once. */
    double pace;        /* pages a byte */
    int64_t paced_live; /* `live` from which the bytes count */
    uint64_t paced_at;  /* the cursor then */
} sweep;

/* ---- what a block yields, handed over in batches ---- */

struct yield {
    uint32_t free_page;   /* pages side by side to give back */
    uint64_t free_npages; /* 0: none */
    struct layout *layout; /* spans with room, linked by state.next */
    uint32_t first, last;  /* 0: none */
    uint64_t freed;        /* objects of that layout */
};

static void yield_pages(struct yield *y) {
    if (y->free_npages) trix_pages_free(y->free_page, y->free_npages);
    y->free_npages = 0;
}

static void yield_spans(struct yield *y) {
    if (y->layout && (y->first || y->freed)) {
        trix_central_append(y->layout, y->first, y->last, y->freed);
        fetch_sub_relaxed(&trix_gc.unswept, (int64_t)(y->freed * y->layout->size));
    }
    y->layout = NULL;
    y->first = y->last = 0;
    y->freed = 0;
}

static void yield_add_pages(struct yield *y, uint32_t page, uint64_t npages) {
    if (y->free_npages && y->free_page + y->free_npages != page) yield_pages(y);
    if (!y->free_npages) y->free_page = page;
    y->free_npages += npages;
}

static void yield_layout(struct yield *y, struct layout *l) {
    if (y->layout == l) return;
    yield_spans(y);
    y->layout = l;
}

static void yield_add_span(struct yield *y, uint32_t page) {
    map_state(page)->flags |= PAGE_LISTED;
    map_state(page)->next = 0;
    if (y->last) map_state(y->last)->next = page;
    else y->first = page;
    y->last = page;
}

/* ---- spans ---- */

static void clobber(uint32_t page, const struct layout *l, unsigned word, uint64_t freed) {
    for (; freed; freed &= freed - 1) trix_central_clobber(page, l, word * 64 + bits_lowest(freed));
}

/* A list is worth walking only for spans with some room: below a sixteenth the few slots wait for company. */
static bool worth_listing(const struct layout *l, unsigned nfree) {
#ifdef TRIX_TORTURE
    return (void)l, nfree > 0;
#else
    return nfree * 16 >= l->slots;
#endif
}

static void span_free_pages(uint32_t page, const struct layout *l, struct yield *y) {
    for (unsigned i = 0; i < l->span_pages; i++) store_release(&map_page(page + i)->kind, PAGE_FREE);
    yield_add_pages(y, page, l->span_pages);
}

static void sweep_slots(uint32_t page, struct yield *y) {
    struct page *p = map_page(page);
    struct page_state *s = map_state(page);
    struct layout *l = layout_by_id(p->layout);
    uint64_t *alloc = map_alloc_bits(page);
    unsigned live = 0, freed = 0;
    DEBUG_CHECK(s->claims == 0, "an unswept span is claimed");
    if (UNLIKELY(load_relaxed(&s->specials))) trix_life_sweep(page);
    for (unsigned w = 0; w * 64 < l->slots; w++) {
        uint64_t lives = alloc[w] & p->mark[w], dies = alloc[w] & ~p->mark[w];
        if (UNLIKELY(trix_options.debug.clobberfree)) clobber(page, l, w, dies);
        live += bits_count(lives);
        freed += bits_count(dies);
        alloc[w] = lives;
        p->mark[w] = ~lives;
    }
    yield_layout(y, l);
    y->freed += freed;
    s->nfree = (uint16_t)(l->slots - live);
    s->live = (uint16_t)live;
    s->flags = freed || s->flags & PAGE_DIRTY ? PAGE_DIRTY : 0;
    if (live == 0) span_free_pages(page, l, y);
    else if (worth_listing(l, s->nfree)) yield_add_span(y, page);
}

static void sweep_large(uint32_t page) {
    struct page *p = map_page(page);
    if (UNLIKELY(load_relaxed(&map_state(page)->specials))) trix_life_sweep(page);
    if (p->mark[0] & 1) p->mark[0] = ~1ull;
    else if (page_is_file(page)) p->mark[0] = trix_large_unmap_file(page) ? ~0ull : ~1ull; /* the next cycle tries again */
    else if (LIKELY(p->size)) {
        fetch_sub_relaxed(&trix_gc.unswept, (int64_t)p->size);
        trix_large_free(page);
    }
    else if (trix_life_reuse_arena(page)) trix_large_free_clean(page);
    else p->mark[0] = ~1ull;
}

/* Sweeps the span that begins at `page`, if it is this thread's to sweep. */
static void sweep_span(uint32_t page, struct yield *y) {
    struct page_state *s = map_state(page);
    uint8_t old = sweep_parity() ^ 1;
    if (load_relaxed(&s->swept) != old || !cas_seq(&s->swept, &old, SWEEPING)) return;
    if (page_is_large(map_page(page))) sweep_large(page);
    else sweep_slots(page, y);
    store_release(&s->swept, sweep_parity());
}

/* ---- blocks ---- */

_Static_assert(CHUNK_PAGES % BLOCK_PAGES == 0, "a block lies in one chunk");

/* Whether no span begins in the page's chunk, which is free or inside a large object: its entries, which may never have been touched, need
 * not be looked at. What has begun there since marking ended is swept already. */
static bool holds_nothing(uint64_t page) {
    uint32_t head = load_acquire(&trix_map.chunk_head[page / CHUNK_PAGES]);
    return (head && head < page) || load_relaxed(&trix_map.chunks[page / CHUNK_PAGES].count) == CHUNK_PAGES;
}

static void sweep_block(uint64_t from) {
    struct yield y = {0};
    uint64_t to = min_u64(from + BLOCK_PAGES, sweep.end);
    if (holds_nothing(from)) return;
    for (uint64_t page = from; page < to; page++) {
        __builtin_prefetch(map_page((uint32_t)page + 2), 1);
        uint8_t kind = load_acquire(&map_page((uint32_t)page)->kind);
        if (kind == PAGE_SCAN || kind == PAGE_LEAF) sweep_span((uint32_t)page, &y);
    }
    yield_pages(&y);
    yield_spans(&y);
}

void trix_sweep_flip(void) {
    CHECK(!sweep.active, "a cycle ended while the last one was being swept");
    trix_sweep_generation++;
    sweep.end = trix_map.extent >> PAGE_SHIFT;
    store_seq(&sweep.cursor, 0);
}

void trix_sweep_begin(void) {
    store_seq(&sweep.active, 1);
    if (load_seq(&sweep.waiting)) trix_os_futex_wake(&sweep.active, INT32_MAX);
}
bool trix_sweep_active(void) { return load_seq(&sweep.active); }

uint64_t trix_sweep_left(void) {
    uint64_t at = load_relaxed(&sweep.cursor);
    return load_relaxed(&sweep.active) && at < sweep.end ? sweep.end - at : 0;
}

/* Whoever sweeps is counted, one span too: while it is under way, sweeping is not over (I2). */
static void sweeper_ends(void) { fetch_sub_seq(&sweep.sweepers, 1); }
static bool sweeper_begins(void) {
    fetch_add_seq(&sweep.sweepers, 1);
    bool active = load_seq(&sweep.active);
    if (!active) sweeper_ends();
    return active;
}

bool trix_sweep_some(void) {
    if (LIKELY(!load_relaxed(&sweep.active)) || !sweeper_begins()) return false;
    uint64_t from = fetch_add_seq(&sweep.cursor, BLOCK_PAGES);
    bool took = from < sweep.end;
    if (took) sweep_block(from);
    sweeper_ends();
    return took;
}

/* Whether marking has ended and sweeping is about to begin. Only a moment, but a long one if the collector does not get a processor:
 * so who waits for it sleeps. */
static bool about_to_begin(void) { return !load_seq(&sweep.active) && load_seq(&sweep.cursor) < sweep.end; }

static void await_begin(void) {
    fetch_add_seq(&sweep.waiting, 1);
    if (about_to_begin()) trix_os_futex_wait(&sweep.active, 0, AWAIT_NS);
    fetch_sub_seq(&sweep.waiting, 1);
}

/* In that moment a thread at the memory limit would take pages by the MiB, and there is about to be room. */
bool trix_sweep_for_room(void) {
    while (UNLIKELY(about_to_begin())) await_begin();
    return trix_sweep_some();
}

void trix_sweep_finish(void) {
    if (!load_seq(&sweep.active)) return;
    while (trix_sweep_some()) {}
    while (load_seq(&sweep.sweepers)) trix_os_yield();
    store_seq(&sweep.active, 0);
    while (load_seq(&sweep.sweepers)) trix_os_yield(); /* those that looked at `active` before */
}

void trix_sweep_repace(const struct pacer *p, int64_t live) {
    store_relaxed(&sweep.paced_live, live);
    store_relaxed(&sweep.paced_at, load_relaxed(&sweep.cursor));
    store_double(&sweep.pace, trix_pacer_sweep_pace(p, live > 0 ? (uint64_t)live : 0, trix_sweep_left()));
}

void trix_sweep_pay(const struct gate *g, int64_t live) {
    if (LIKELY(!load_relaxed(&sweep.active))) return;
    double owed = (double)(live - load_relaxed(&sweep.paced_live)) * load_double(&sweep.pace);
    uint64_t from = load_relaxed(&sweep.paced_at);
    while ((double)(load_relaxed(&sweep.cursor) - from) < owed && !load_relaxed(&g->pending))
        if (!trix_sweep_some()) break;
}

/* Another thread takes only a moment to sweep the span. */
void trix_sweep_span(uint32_t page) {
    struct page_state *s = map_state(page);
    while (UNLIKELY(load_acquire(&s->swept) != sweep_parity())) {
        if (load_acquire(&s->swept) != SWEEPING && sweeper_begins()) {
            struct yield y = {0};
            sweep_span(page, &y);
            yield_pages(&y);
            yield_spans(&y);
            sweeper_ends();
        } else if (about_to_begin()) {
            await_begin();
        } else {
            trix_os_yield();
        }
    }
}

void trix_sweep_reset_after_fork(void) { sweep.sweepers = sweep.waiting = 0; }
