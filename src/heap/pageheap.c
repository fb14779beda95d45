/* pageheap.c - see pageheap.h. */
#include "pageheap.h"
#include "../base/fmt.h"
#include "../os/os.h"

static struct {
    struct lock lock;
    uint64_t free_pages, clean_pages;   /* lock */
    uint64_t released_pages;            /* lock to write; relaxed */
    uint32_t hint;                      /* chunks below have no free page; lock */
    uint32_t top[RELEASE_KINDS];        /* chunks from here on have nothing of the kind to give back; lock */
    struct release *out;                /* being given back; lock */
    uint64_t files;                     /* pages; atomic */
    uint64_t retain;                    /* pages; relaxed */
    uint64_t expected;                  /* pages; relaxed */
    uint32_t newest;                    /* a page taken lately of memory that was never touched; relaxed */
    bool backing;                       /* a unit is being backed in advance; lock to set */
    uint64_t grown;                     /* pages by which the heap has grown since trix_pageheap_over; relaxed */
} heap = {.lock = LOCK_INIT(PAGEHEAP), .retain = UINT64_MAX, .expected = UINT64_MAX};

uint64_t trix_pageheap_most = UINT64_MAX;

static uint32_t chunks_in_use(void) { return (uint32_t)(load_relaxed(&trix_map.extent) >> CHUNK_SHIFT); }

/* ---- summaries ---- */

/* The length of the longest run of ones in the word, which is not all ones, if it is more than `longest`, else that. In each of the
 * words in `from`, ones are where runs of 1, 2, 4 ... begin; from the longest of these on the length is made up, as a number of its bits. */
INLINE unsigned word_longest(uint64_t word, unsigned longest) {
    uint64_t from[6], begin = 0;
    unsigned k = 0, n = 0;
    for (; word; word &= word >> (1u << k++)) from[k] = word;
    while (k-- > 0) {
        uint64_t longer = n ? begin & from[k] >> n : from[k];
        if (!longer) continue;
        begin = longer;
        n += 1u << k;
    }
    return n > longest ? n : longest;
}

/* A word at a time: a sweep gives back many single pages of a chunk, one after the other. */
static NOINLINE void chunk_summarise(struct chunk *c) {
    unsigned longest = 0, count = 0, run = 0;
    bool broken = false;
    for (unsigned w = 0; w < CHUNK_PAGES / 64; w++) {
        uint64_t used = ~c->free[w];
        count += 64 - bits_count(used);
        run += used ? bits_lowest(used) : 64;
        if (!used) continue;
        if (!broken) c->head = (uint16_t)run;
        broken = true;
        longest = word_longest(c->free[w], run > longest ? run : longest);
        run = 64 - bits_width(used);
    }
    if (!broken) c->head = (uint16_t)run;
    c->tail = (uint16_t)run;
    c->longest = (uint16_t)(run > longest ? run : longest);
    store_relaxed(&c->count, (uint16_t)count);
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

static uint32_t chunk_index(const struct chunk *c) { return (uint32_t)(c - trix_map.chunks); }

static uint8_t unit_bit(unsigned page) { return (uint8_t)(1u << page % CHUNK_PAGES / HUGE_PAGES); }

bool trix_pageheap_huge(uint32_t page) {
    return trix_map_huge(page) && !(trix_map.chunks[page / CHUNK_PAGES].broken & unit_bit(page));
}

static void count_released(uint64_t more, uint64_t fewer) {
    store_relaxed(&heap.released_pages, heap.released_pages + more - fewer);
}

/* The pages are about to be touched. */
static void chunk_back(struct chunk *c, unsigned from, unsigned n) {
    uint32_t first = chunk_index(c) * CHUNK_PAGES;
    unsigned end = from + n;
    if (trix_pageheap_huge(first + from)) from = (unsigned)round_down(from, HUGE_PAGES);
    if (trix_pageheap_huge(first + end - 1)) end = (unsigned)round_up(end, HUGE_PAGES);
    count_released(0, trix_bits_count_range(c->released, from, end - from));
    bits_fill(c->released, from, end - from, false);
}

static void step_take(struct chunk *c, unsigned from, unsigned n) {
    heap.free_pages -= n;
    heap.clean_pages -= trix_bits_count_range(c->clean, from, n);
    chunk_back(c, from, n);
    bits_fill(c->free, from, n, false);
    bits_fill(c->clean, from, n, false);
}

/* The chunk has pages that may be given back. */
static void raise_top(const struct chunk *c) {
    for (int kind = 0; kind < RELEASE_KINDS; kind++) heap.top[kind] = (uint32_t)max_u64(heap.top[kind], chunk_index(c) + 1);
}

static void step_give(struct chunk *c, unsigned from, unsigned n) {
    heap.free_pages += n;
    bits_fill(c->free, from, n, true);
    raise_top(c);
}

static void step_fresh(struct chunk *c, unsigned from, unsigned n) {
    step_give(c, from, n);
    heap.clean_pages += n;
    count_released(n, 0);
    bits_fill(c->clean, from, n, true);
    bits_fill(c->released, from, n, true);
}

/* Whether all are free, or clean (and free). */
static bool all_are(uint32_t page, uint64_t npages, bool clean) {
    while (npages) {
        unsigned from = page % CHUNK_PAGES;
        unsigned n = (unsigned)min_u64(CHUNK_PAGES - from, npages);
        const struct chunk *c = &trix_map.chunks[page / CHUNK_PAGES];
        if (trix_bits_count_range(clean ? c->clean : c->free, from, n) != n) return false;
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

static void raise_hint(void) {
    while (heap.hint < chunks_in_use() && trix_map.chunks[heap.hint].count == 0) heap.hint++;
}

static uint32_t find(uint64_t npages, uint64_t align_pages) {
    uint32_t chunks = chunks_in_use();
    raise_hint();
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
    store_relaxed(&heap.grown, heap.grown + (extent >> PAGE_SHIFT) - pages);
    return true;
}

void trix_pageheap_init(void) {
    lock_acquire(&heap.lock);
    if (!grow(1, 1)) {
        trix_print(2, "tricolor: cannot get the first %d MiB for the heap; raise ulimit -d (or ulimit -v, or the system's limit)\n",
                   ARENA_SIZE >> 20);
        trix_fatal("out of memory");
    }
    for_chunks(0, 1, step_take); /* page 0 is nobody's: 0 means none */
    lock_release(&heap.lock);
}

/* ---- taking and giving ---- */

uint32_t trix_pages_alloc(uint64_t npages, uint64_t align_pages, bool *clean) {
    lock_acquire(&heap.lock);
    uint32_t page = find(npages, align_pages);
    if (!page && grow(npages, align_pages)) page = find(npages, align_pages);
    if (page) {
        *clean = all_are(page, npages, true);
        for_chunks(page, npages, step_take);
    }
    lock_release(&heap.lock);
    return page;
}

/* The heap's last pages from `page` on are free: moves the frontier so that there are npages of them. */
static bool grow_to(uint32_t page, uint64_t npages) {
    uint64_t pages = trix_map.extent >> PAGE_SHIFT, tail = trix_map.chunks[pages / CHUNK_PAGES - 1].tail;
    return grow(page + npages - (pages - tail), 1);
}

bool trix_pages_extend(uint32_t page, uint64_t npages, bool *clean) {
    lock_acquire(&heap.lock);
    uint64_t pages = trix_map.extent >> PAGE_SHIFT, there = page < pages ? min_u64(npages, pages - page) : 0;
    bool done = all_are(page, there, false) && (there == npages || grow_to(page, npages));
    if (done) {
        *clean = all_are(page, npages, true);
        for_chunks(page, npages, step_take);
    }
    lock_release(&heap.lock);
    return done;
}

void trix_pages_free(uint32_t page, uint64_t npages) {
    lock_acquire(&heap.lock);
    for_chunks(page, npages, step_give);
    heap.hint = (uint32_t)min_u64(heap.hint, page / CHUNK_PAGES);
    lock_release(&heap.lock);
}

static void step_clean(struct chunk *c, unsigned from, unsigned n) {
    bits_fill(c->clean, from, n, true);
    heap.clean_pages += n;
}

static void step_released(struct chunk *c, unsigned from, unsigned n) {
    bits_fill(c->released, from, n, true);
    count_released(n, 0);
}

/* Parts of a unit that may be a huge page do not count as released (P2). */
static void free_released(uint32_t page, uint64_t npages) {
    for (uint64_t at = page, end = page + npages, next; at < end; at = next) {
        next = min_u64(round_down(at, HUGE_PAGES) + HUGE_PAGES, end);
        bool huge = trix_pageheap_huge((uint32_t)at), whole = next - at == HUGE_PAGES;
        if (huge && !whole) continue;
        for_chunks((uint32_t)at, next - at, step_released);
        if (huge) fetch_and_relaxed(&trix_map.chunks[at / CHUNK_PAGES].backed, (uint8_t)~unit_bit((uint32_t)at));
    }
}

void trix_pages_free_clean(uint32_t page, uint64_t npages) {
    lock_acquire(&heap.lock);
    for_chunks(page, npages, step_give);
    for_chunks(page, npages, step_clean);
    free_released(page, npages);
    heap.hint = (uint32_t)min_u64(heap.hint, page / CHUNK_PAGES);
    lock_release(&heap.lock);
}

/* ---- huge pages ---- */

static bool unit_backed(uint32_t page) {
    return load_relaxed(&trix_map.chunks[page / CHUNK_PAGES].backed) & unit_bit(page);
}

/* Units that are backed in advance: a sixteenth of the heap, since a fill that is faster than the kernel comes in bursts, but not
 * more than the heap is expected to need. None in small heaps, and none under a limit, where memory has better uses. */
enum { AHEAD_PER = 32 << 20, MOST_AHEAD = 8, AHEAD_RETRY_NS = 100 * 1000 };
static uint32_t units_ahead(void) {
    if (load_relaxed(&trix_pageheap_most) != UINT64_MAX) return 0;
    uint64_t backed = trix_pageheap_backed(), expected = load_relaxed(&heap.expected);
    uint64_t needed = (expected > backed ? expected - backed : 0) / HUGE_PAGES;
    return (uint32_t)min_u64(min_u64(load_relaxed(&trix_map.extent) / AHEAD_PER, MOST_AHEAD), needed);
}

/* The first unit behind the page's that may be a huge page and is none yet; 0: the next ones all are. It may lie behind the end
 * of the heap. */
static uint32_t unit_ahead(uint32_t page) {
    uint32_t unit = (uint32_t)round_down(page, HUGE_PAGES), end = chunks_in_use() * CHUNK_PAGES;
    for (uint32_t n = units_ahead(); n; n--) {
        unit += HUGE_PAGES;
        if (unit >= end || (trix_pageheap_huge(unit) && !unit_backed(unit))) return unit;
    }
    return 0;
}

/* Whoever takes a page of what may become a huge page has the whole backed, if nobody has done so. */
static void note_fresh(struct page_window *window, uint32_t page) {
    if (!trix_pageheap_huge(page)) return;
    if (!unit_backed(page)) window->fresh = page;
    if (!unit_ahead(page)) return;
    store_relaxed(&heap.newest, page);
    window->ahead = true;
}

static bool is_untouched(uint32_t unit) {
    const struct chunk *c = &trix_map.chunks[unit / CHUNK_PAGES];
    return trix_bits_count_range(c->free, unit % CHUNK_PAGES, HUGE_PAGES) == HUGE_PAGES &&
           trix_bits_count_range(c->clean, unit % CHUNK_PAGES, HUGE_PAGES) == HUGE_PAGES;
}

static bool is_going(uint32_t unit) {
    for (const struct release *r = heap.out; r; r = r->next)
        if (r->page < unit + HUGE_PAGES && unit < r->page + r->npages) return true;
    return false;
}

/* What is being given back counts as released when that is done, so then comes later. A unit that was taken meanwhile is
 * backed anyway. */
static bool count_backed(uint32_t unit) {
    lock_acquire(&heap.lock);
    struct chunk *c = &trix_map.chunks[unit / CHUNK_PAGES];
    bool done = !is_going(unit);
    if (done) {
        chunk_back(c, unit % CHUNK_PAGES, HUGE_PAGES);
        raise_top(c);
    }
    lock_release(&heap.lock);
    return done;
}

/* One unit behind the end of the heap becomes part of it. */
static bool grow_by_unit(void) {
    uint32_t chunks = chunks_in_use();
    return grow(trix_map.chunks[chunks - 1].tail + HUGE_PAGES, 1) && chunks_in_use() > chunks;
}

static void note_backed(uint32_t page) {
    fetch_or_relaxed(&trix_map.chunks[page / CHUNK_PAGES].backed, unit_bit(page));
}

/* A unit behind the page that is to be backed and nobody has taken of. Where somebody has, the kernel has done what it can. */
static uint32_t find_ahead(uint32_t page) {
    uint32_t unit;
    while ((unit = unit_ahead(page))) {
        if (unit >= chunks_in_use() * CHUNK_PAGES && !grow_by_unit()) return 0;
        if (!trix_pageheap_huge(unit)) return 0;
        if (is_untouched(unit)) return unit;
        note_backed(unit);
    }
    return 0;
}

static uint32_t choose_ahead(void) {
    lock_acquire(&heap.lock);
    uint32_t unit = load_relaxed(&heap.newest) ? find_ahead(load_relaxed(&heap.newest)) : 0;
    if (unit) store_relaxed(&heap.backing, true);
    else store_relaxed(&heap.newest, 0);
    lock_release(&heap.lock);
    return unit;
}

bool trix_pageheap_back_ahead(void) {
    uint32_t unit = choose_ahead();
    bool begun = unit && count_backed(unit);
    if (begun) {
        trix_window_back((void *)map_address(unit), PAGE_SIZE);
        while (!count_backed(unit)) trix_os_sleep(AHEAD_RETRY_NS);
    }
    store_release(&heap.backing, false);
    return begun;
}

/* Under the lock, so that what was chosen before is seen. */
void trix_pageheap_end_ahead(void) {
    lock_acquire(&heap.lock);
    store_relaxed(&heap.newest, 0);
    lock_release(&heap.lock);
}

void trix_pageheap_await_ahead(void) {
    while (load_acquire(&heap.backing)) trix_os_sleep(AHEAD_RETRY_NS);
}

void trix_window_back(void *page, size_t bytes) {
    uint32_t number = map_page_of((uintptr_t)page);
    trix_os_populate(page, bytes);
    note_backed(number);
}

/* ---- windows ---- */

/* The bits where runs of n ones begin. */
static uint64_t run_starts(uint64_t word, unsigned n) {
    while (word && --n) word &= word >> 1;
    return word;
}

/* The first npages free side by side in a 64-page group; 0 when there are none. */
static uint32_t find_in_groups(unsigned npages) {
    raise_hint();
    for (uint32_t i = heap.hint; i < chunks_in_use(); i++) {
        if (trix_map.chunks[i].longest < npages) continue;
        for (unsigned word = 0; word < CHUNK_PAGES / 64; word++) {
            uint64_t fits = run_starts(trix_map.chunks[i].free[word], npages);
            if (fits) return i * CHUNK_PAGES + word * 64 + bits_lowest(fits);
        }
    }
    return 0;
}

/* Cuts the first 64-page group with npages free side by side out of the heap. */
static void window_refill(struct page_window *window, unsigned npages) {
    lock_acquire(&heap.lock);
    uint32_t page = find_in_groups(npages);
    if (!page && grow(npages, 1)) page = find_in_groups(npages);
    if (page) {
        struct chunk *c = &trix_map.chunks[page / CHUNK_PAGES];
        unsigned word = page % CHUNK_PAGES / 64;
        window->page = page & ~63u;
        window->free = c->free[word];
        window->clean = c->clean[word];
        heap.free_pages -= bits_count(c->free[word]);
        heap.clean_pages -= bits_count(c->clean[word]);
        chunk_back(c, word * 64, 64);
        c->free[word] = c->clean[word] = 0;
        chunk_summarise(c);
        if (window->clean) note_fresh(window, page);
    }
    lock_release(&heap.lock);
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
    raise_top(c);
    chunk_summarise(c);
    lock_release(&heap.lock);
    *window = (struct page_window){0};
}

uint32_t trix_window_pages(struct page_window *window, unsigned npages, bool *clean) {
    uint64_t fits = run_starts(window->free, npages);
    if (!fits) {
        trix_window_return(window);
        window_refill(window, npages);
        fits = run_starts(window->free, npages);
    }
    if (UNLIKELY(!fits)) return npages > 1 ? trix_pages_alloc(npages, 1, clean) : 0; /* across groups */
    unsigned bit = bits_lowest(fits);
    uint64_t taken = bits_below(npages) << bit;
    *clean = (window->clean & taken) == taken;
    window->free &= ~taken;
    return window->page + bit;
}

/* ---- giving back ---- */

/* The highest bits set side by side in the word, as a mask. */
static uint64_t highest_run(uint64_t w) {
    unsigned top = bits_width(w);
    uint64_t gaps = ~w & bits_below(top);
    return bits_below(top) & ~bits_below(bits_width(gaps));
}

/* Of the pages of 64-page group `word`: free, with memory, and of the kind (which decides by unit). A broken unit that is
 * free as a whole is of the first kind even without memory: it can be mended. */
static uint64_t group_releasable(const struct chunk *c, unsigned word, enum release_kind kind, unsigned least_broken) {
    unsigned unit = (unsigned)round_down(word * 64, HUGE_PAGES);
    uint32_t page = chunk_index(c) * CHUNK_PAGES + unit;
    uint64_t found = c->free[word] & ~c->released[word];
    bool broken = c->broken & unit_bit(unit);
    if (!found && !broken) return 0;
    if (!trix_map_huge(page)) return kind == RELEASE_PAGES ? found : 0;
    unsigned count = (unsigned)trix_bits_count_range(c->free, unit, HUGE_PAGES);
    if (count == HUGE_PAGES) return kind == RELEASE_UNITS ? found | (broken ? c->free[word] : 0) : 0;
    if (broken) return kind == RELEASE_PAGES ? found : 0;
    return kind == RELEASE_BROKEN && count >= least_broken ? found : 0;
}

/* The highest in the chunk; false when there are none. */
static bool chunk_releasable(const struct chunk *c, struct release *r, enum release_kind kind, unsigned least_broken) {
    for (unsigned word = CHUNK_PAGES / 64; word-- > 0;) {
        uint64_t found = group_releasable(c, word, kind, least_broken);
        if (!found) continue;
        uint32_t group = chunk_index(c) * CHUNK_PAGES + word * 64;
        uint64_t run = highest_run(found);
        r->kind = kind;
        r->page = kind == RELEASE_UNITS ? (uint32_t)round_down(group, HUGE_PAGES) : group + bits_lowest(run);
        r->npages = kind == RELEASE_UNITS ? HUGE_PAGES : bits_count(run);
        return true;
    }
    return false;
}

static void release_link(struct release *r) {
    r->next = heap.out;
    r->link = &heap.out;
    if (heap.out) heap.out->link = &r->next;
    heap.out = r;
}

static void release_unlink(struct release *r) {
    *r->link = r->next;
    if (r->next) r->next->link = r->link;
}

bool trix_release_take(struct release *r, enum release_kind kind, struct release_cursor *from, unsigned least,
                       unsigned least_broken) {
    bool found = false;
    lock_acquire(&heap.lock);
    uint32_t at = (uint32_t)min_u64(min_u64(heap.top[kind], from->chunk[kind]), chunks_in_use());
    for (; at > 0; at--) {
        const struct chunk *c = &trix_map.chunks[at - 1];
        bool any = c->count && chunk_releasable(c, r, kind, 0);
        if (!any && heap.top[kind] == at) heap.top[kind] = at - 1;
        found = any && c->count >= least && chunk_releasable(c, r, kind, least_broken);
        if (found) break;
    }
    from->chunk[kind] = at;
    /* What is left of a unit when it has been broken is of the kind before. */
    if (kind == RELEASE_BROKEN) from->chunk[RELEASE_PAGES] = (uint32_t)max_u64(from->chunk[RELEASE_PAGES], at);
    if (found) {
        r->backed = r->npages - (uint32_t)trix_bits_count_range(trix_map.chunks[at - 1].released, r->page % CHUNK_PAGES, r->npages);
        r->mend = trix_map.chunks[at - 1].broken & unit_bit(r->page) && kind == RELEASE_UNITS;
        for_chunks(r->page, r->npages, step_take);
        release_link(r);
    }
    lock_release(&heap.lock);
    return found;
}

/* Whether the unit is to have huge pages, once its advice has been changed. */
static void note_advice(const struct release *r) {
    struct chunk *c = &trix_map.chunks[r->page / CHUNK_PAGES];
    if (r->kind == RELEASE_BROKEN) c->broken |= unit_bit(r->page);
    if (r->mend) c->broken &= (uint8_t)~unit_bit(r->page);
}

void trix_release_done(struct release *r, enum release_result result) {
    lock_acquire(&heap.lock);
    release_unlink(r);
    for_chunks(r->page, r->npages, step_give);
    if (result != RELEASE_REFUSED) {
        note_advice(r);
        free_released(r->page, r->npages);
        if (result == RELEASE_DONE) for_chunks(r->page, r->npages, step_clean);
    }
    heap.hint = (uint32_t)min_u64(heap.hint, r->page / CHUNK_PAGES);
    lock_release(&heap.lock);
}

uint64_t trix_pageheap_backed(void) {
    uint64_t without = load_relaxed(&heap.released_pages) + load_relaxed(&heap.files);
    return (load_relaxed(&trix_map.extent) >> PAGE_SHIFT) - without;
}

void trix_pageheap_count_files(int64_t npages) { fetch_add_relaxed(&heap.files, (uint64_t)npages); }

static uint64_t beyond(uint64_t pages, uint64_t most) { return pages > most ? pages - most : 0; }

void trix_pageheap_retain(uint64_t npages) { store_relaxed(&heap.retain, npages); }

void trix_pageheap_expect(uint64_t npages) { store_relaxed(&heap.expected, npages); }

uint64_t trix_pageheap_over(void) {
    uint64_t backed = trix_pageheap_backed(), over = beyond(backed, load_relaxed(&trix_pageheap_most));
    if (LIKELY(!load_relaxed(&heap.grown))) return over;
    return max_u64(over, min_u64(load_relaxed(&heap.grown), beyond(backed, load_relaxed(&heap.retain))));
}

void trix_pageheap_settle(void) {
    if (load_relaxed(&heap.grown)) store_relaxed(&heap.grown, 0);
}

bool trix_pageheap_tight(uint64_t npages) {
    uint64_t most = load_relaxed(&trix_pageheap_most);
    if (LIKELY(most == UINT64_MAX)) return false;
    uint64_t kept = load_relaxed(&heap.free_pages) - load_relaxed(&heap.released_pages);
    return trix_pageheap_backed() + npages > most && kept < npages;
}

/* ---- figures ---- */

void trix_pageheap_stats(struct pageheap_stats *stats) {
    lock_acquire(&heap.lock);
    stats->free_pages = heap.free_pages;
    stats->clean_pages = heap.clean_pages;
    stats->released_pages = heap.released_pages;
    lock_release(&heap.lock);
}

void trix_pageheap_reset_after_fork(void) {
    heap.backing = false;
    while (heap.out) trix_release_done(heap.out, RELEASE_REFUSED);
}

void trix_pageheap_check(void) {
    lock_acquire(&heap.lock);
    uint64_t free_pages = 0, clean_pages = 0, released_pages = 0;
    for (uint32_t i = 0; i < chunks_in_use(); i++) {
        struct chunk *c = &trix_map.chunks[i], copy = *c;
        chunk_summarise(&copy);
        CHECK(copy.longest == c->longest && copy.head == c->head && copy.tail == c->tail && copy.count == c->count,
              "a chunk's summary is stale");
        CHECK(i >= heap.hint || c->count == 0, "free page below the page heap's hint");
        for (uint32_t unit = 0; unit < CHUNK_PAGES; unit += HUGE_PAGES)
            CHECK(!trix_pageheap_huge(i * CHUNK_PAGES + unit) || trix_bits_count_range(c->released, unit, HUGE_PAGES) == 0 ||
                      trix_bits_count_range(c->free, unit, HUGE_PAGES) == HUGE_PAGES,
                  "part of what may be a huge page counts as released");
        for (unsigned w = 0; w < CHUNK_PAGES / 64; w++)
            CHECK(((c->clean[w] | c->released[w]) & ~c->free[w]) == 0, "clean or released page that is not free");
        released_pages += trix_bits_count_range(c->released, 0, CHUNK_PAGES);
        free_pages += c->count;
        clean_pages += trix_bits_count_range(c->clean, 0, CHUNK_PAGES);
    }
    CHECK(free_pages == heap.free_pages && clean_pages == heap.clean_pages && released_pages == heap.released_pages,
          "the page heap miscounts");
    lock_release(&heap.lock);
}
