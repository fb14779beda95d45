/* pageheap.c - see pageheap.h. */
#include "pageheap.h"
#include "../os/os.h"

static struct {
    struct lock lock;
    uint64_t free_pages, clean_pages; /* lock */
    uint32_t hint;                    /* chunks below have no free page; lock */
} heap = {.lock = LOCK_INIT(PAGEHEAP)};

static uint32_t chunks_in_use(void) { return (uint32_t)(trix_map.extent >> CHUNK_SHIFT); }

/* ---- summaries ---- */

static void chunk_summarise(struct chunk *c) {
    uint16_t longest = 0, count = 0;
    for (size_t i = bits_next(c->free, 0, CHUNK_PAGES); i < CHUNK_PAGES;) {
        size_t run = bits_run(c->free, i, CHUNK_PAGES);
        if (run > longest) longest = (uint16_t)run;
        count += (uint16_t)run;
        i = bits_next(c->free, i + run, CHUNK_PAGES);
    }
    c->longest = longest;
    c->count = count;
    c->head = (uint16_t)bits_run(c->free, 0, CHUNK_PAGES);
    c->tail = 0;
    while (c->tail < CHUNK_PAGES && bits_test(c->free, CHUNK_PAGES - 1u - c->tail)) c->tail++;
}

/* Calls `step` on the part of [page, page + npages) that lies in each chunk. */
static void for_chunks(uint32_t page, uint64_t npages, void (*step)(struct chunk *, unsigned from, unsigned n)) {
    while (npages) {
        unsigned from = page % CHUNK_PAGES;
        unsigned n = (unsigned)min_u64(CHUNK_PAGES - from, npages);
        struct chunk *c = &trix_map.chunks[page / CHUNK_PAGES];
        step(c, from, n);
        chunk_summarise(c);
        page += n;
        npages -= n;
    }
}

static void step_take(struct chunk *c, unsigned from, unsigned n) {
    heap.free_pages -= n;
    heap.clean_pages -= bits_count_range(c->clean, from, n);
    bits_fill(c->free, from, n, false);
    bits_fill(c->clean, from, n, false);
}

static void step_give(struct chunk *c, unsigned from, unsigned n) {
    heap.free_pages += n;
    bits_fill(c->free, from, n, true);
}

static void step_fresh(struct chunk *c, unsigned from, unsigned n) {
    step_give(c, from, n);
    heap.clean_pages += n;
    bits_fill(c->clean, from, n, true);
}

static bool all_clean(uint32_t page, uint64_t npages) {
    while (npages) {
        unsigned from = page % CHUNK_PAGES;
        unsigned n = (unsigned)min_u64(CHUNK_PAGES - from, npages);
        if (bits_count_range(trix_map.chunks[page / CHUNK_PAGES].clean, from, n) != n) return false;
        page += n;
        npages -= n;
    }
    return true;
}

/* ---- finding ---- */

/* The first page at or after `page` at a multiple of align_pages in the address space; the base is aligned to an arena only. */
static uint64_t align_page(uint64_t page, uint64_t align_pages) {
    uint64_t base = trix_map.base >> PAGE_SHIFT;
    return round_up(base + page, align_pages) - base;
}

/* First fit inside chunk `index`; 0 when none. */
static uint32_t find_in_chunk(uint32_t index, uint64_t npages, uint64_t align_pages) {
    struct chunk *c = &trix_map.chunks[index];
    for (size_t i = bits_next(c->free, 0, CHUNK_PAGES); i < CHUNK_PAGES;) {
        size_t run = bits_run(c->free, i, CHUNK_PAGES);
        uint64_t first = (uint64_t)index * CHUNK_PAGES + i;
        uint64_t at = align_page(first, align_pages);
        if (at + npages <= first + run) return (uint32_t)at;
        i = bits_next(c->free, i + run, CHUNK_PAGES);
    }
    return 0;
}

/* First fit across chunk borders; 0 when none. */
static uint32_t find_across(uint64_t npages, uint64_t align_pages) {
    uint64_t start = 0, run = 0; /* the free run that ends where chunk i begins */
    for (uint32_t i = heap.hint; i < chunks_in_use(); i++) {
        struct chunk *c = &trix_map.chunks[i];
        uint64_t first = (uint64_t)i * CHUNK_PAGES;
        if (run == 0) start = first;
        uint64_t at = align_page(start, align_pages);
        if (at + npages <= start + run + c->head) return (uint32_t)at;
        if (c->head == CHUNK_PAGES) {
            run += CHUNK_PAGES;
        } else {
            run = c->tail;
            start = first + CHUNK_PAGES - c->tail;
        }
    }
    return 0;
}

static uint32_t find(uint64_t npages, uint64_t align_pages) {
    uint32_t chunks = chunks_in_use();
    while (heap.hint < chunks && trix_map.chunks[heap.hint].count == 0) heap.hint++;
    if (npages <= CHUNK_PAGES)
        for (uint32_t i = heap.hint; i < chunks; i++) {
            if (trix_map.chunks[i].longest < npages) continue;
            uint32_t page = find_in_chunk(i, npages, align_pages);
            if (page) return page;
        }
    return find_across(npages, align_pages);
}

/* Moves the frontier so that npages (aligned) fit at the end of the heap. */
static bool grow(uint64_t npages, uint64_t align_pages) {
    uint64_t pages = trix_map.extent >> PAGE_SHIFT;
    uint64_t tail = pages ? trix_map.chunks[pages / CHUNK_PAGES - 1].tail : 0;
    uint64_t at = align_page(pages - tail, align_pages);
    if (npages > trix_map.reserved >> PAGE_SHIFT) return false;
    uint64_t extent = round_up((at + npages) << PAGE_SHIFT, CHUNK_SIZE);
    if (!trix_map_commit(extent)) return false;
    for_chunks((uint32_t)pages, (extent >> PAGE_SHIFT) - pages, step_fresh);
    store_release(&trix_map.extent, extent);
    return true;
}

void trix_pageheap_init(void) {
    lock_acquire(&heap.lock);
    bool done = grow(1, 1);
    CHECK(done, "cannot commit the first chunk of the heap");
    for_chunks(0, 1, step_take); /* page 0 is nobody's: 0 means none */
    lock_release(&heap.lock);
}

/* ---- taking and giving ---- */

uint32_t trix_pages_alloc(uint64_t npages, uint64_t align_pages, bool *clean) {
    lock_acquire(&heap.lock);
    uint32_t page = find(npages, align_pages);
    if (!page && grow(npages, align_pages)) page = find(npages, align_pages);
    if (page) {
        *clean = all_clean(page, npages);
        for_chunks(page, npages, step_take);
    }
    lock_release(&heap.lock);
    return page;
}

void trix_pages_free(uint32_t page, uint64_t npages) {
    lock_acquire(&heap.lock);
    for_chunks(page, npages, step_give);
    heap.hint = (uint32_t)min_u64(heap.hint, page / CHUNK_PAGES);
    lock_release(&heap.lock);
}

void trix_pages_free_clean(uint32_t page, uint64_t npages) {
    lock_acquire(&heap.lock);
    for_chunks(page, npages, step_fresh);
    heap.hint = (uint32_t)min_u64(heap.hint, page / CHUNK_PAGES);
    lock_release(&heap.lock);
}

/* ---- huge pages ---- */

static uint8_t huge_bit(uint32_t page) { return (uint8_t)(1u << page % CHUNK_PAGES / HUGE_PAGES); }

/* Whoever takes a page of what may become a huge page has the whole backed, if nobody has done so. */
static void note_fresh(struct page_window *window, uint32_t page) {
    struct chunk *c = &trix_map.chunks[page / CHUNK_PAGES];
    if (trix_map_huge(page) && !(load_relaxed(&c->backed) & huge_bit(page))) window->fresh = page;
}

void trix_window_back(void *page, size_t bytes) {
    uint32_t number = map_page_of((uintptr_t)page);
    trix_os_populate(page, bytes);
    fetch_or_relaxed(&trix_map.chunks[number / CHUNK_PAGES].backed, huge_bit(number));
}

/* ---- windows ---- */

/* Cuts the first 64-page group with a free page out of the heap. */
static void window_refill(struct page_window *window) {
    lock_acquire(&heap.lock);
    uint32_t page = find(1, 1);
    if (!page && grow(1, 1)) page = find(1, 1);
    if (page) {
        struct chunk *c = &trix_map.chunks[page / CHUNK_PAGES];
        unsigned word = page % CHUNK_PAGES / 64;
        window->page = page & ~63u;
        window->free = c->free[word];
        window->clean = c->clean[word];
        heap.free_pages -= bits_count(c->free[word]);
        heap.clean_pages -= bits_count(c->clean[word]);
        c->free[word] = c->clean[word] = 0;
        chunk_summarise(c);
        if (window->clean) note_fresh(window, page);
    }
    lock_release(&heap.lock);
}

uint32_t trix_window_pages(struct page_window *window, uint64_t npages, bool *clean) {
    if (npages > 1) {
        uint32_t page = trix_pages_alloc(npages, 1, clean);
        if (page && *clean) note_fresh(window, page);
        return page;
    }
    if (!window->free) window_refill(window);
    if (!window->free) return 0;
    unsigned bit = bits_lowest(window->free);
    *clean = window->clean >> bit & 1;
    window->free &= window->free - 1;
    return window->page + bit;
}

void trix_window_return(struct page_window *window) {
    if (!window->free) return;
    lock_acquire(&heap.lock);
    struct chunk *c = &trix_map.chunks[window->page / CHUNK_PAGES];
    unsigned word = window->page % CHUNK_PAGES / 64;
    uint64_t clean = window->clean & window->free;
    c->free[word] |= window->free;
    c->clean[word] |= clean;
    heap.free_pages += bits_count(window->free);
    heap.clean_pages += bits_count(clean);
    heap.hint = (uint32_t)min_u64(heap.hint, window->page / CHUNK_PAGES);
    chunk_summarise(c);
    lock_release(&heap.lock);
    *window = (struct page_window){0};
}

/* ---- figures ---- */

void trix_pageheap_stats(struct pageheap_stats *stats) {
    lock_acquire(&heap.lock);
    stats->free_pages = heap.free_pages;
    stats->clean_pages = heap.clean_pages;
    lock_release(&heap.lock);
}

void trix_pageheap_fork(bool before) {
    if (before) lock_acquire(&heap.lock);
    else lock_release(&heap.lock);
}

void trix_pageheap_check(void) {
    lock_acquire(&heap.lock);
    uint64_t free_pages = 0, clean_pages = 0;
    for (uint32_t i = 0; i < chunks_in_use(); i++) {
        struct chunk *c = &trix_map.chunks[i], copy = *c;
        chunk_summarise(&copy);
        CHECK(copy.longest == c->longest && copy.head == c->head && copy.tail == c->tail && copy.count == c->count,
              "a chunk's summary is stale");
        CHECK(i >= heap.hint || c->count == 0, "free page below the page heap's hint");
        for (unsigned w = 0; w < CHUNK_PAGES / 64; w++)
            CHECK((c->clean[w] & ~c->free[w]) == 0, "clean page that is not free");
        free_pages += c->count;
        clean_pages += bits_count_range(c->clean, 0, CHUNK_PAGES);
    }
    CHECK(free_pages == heap.free_pages && clean_pages == heap.clean_pages, "the page heap miscounts");
    lock_release(&heap.lock);
}
