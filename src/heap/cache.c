/* cache.c - see cache.h. */
#include "cache.h"
#include "../os/os.h"
#include "../os/races.h"

#include <string.h>

enum { FIRST_CLAIM_BYTES = 1024 };

struct tri__run trix_no_runs[MAX_LAYOUTS];
NO_ROOTS(trix_no_runs);

static struct run_table *table_make(void) {
    struct run_table *t = trix_os_map(sizeof *t);
    if (t) trix_os_name(t, sizeof *t, "tricolor: runs");
    return t;
}

bool trix_cache_init(struct thread_cache *cache, struct tri__tls *line) {
    if (!cache->table) cache->table = table_make();
    if (!cache->spare) cache->spare = table_make();
    if (!cache->table || !cache->spare) {
        trix_cache_unmap(cache);
        return false;
    }
    cache->line = line;
    line->runs = cache->table->hot;
    return true;
}

void trix_cache_unmap(struct thread_cache *cache) {
    if (cache->table) trix_os_unmap(cache->table, sizeof(struct run_table));
    if (cache->spare) trix_os_unmap(cache->spare, sizeof(struct run_table));
    cache->table = cache->spare = NULL;
}

/* ---- stretches ---- */

static uintptr_t slot_address(const struct layout *l, uint32_t page, size_t slot) {
    return map_address(page) + slot * l->size;
}

/* How many of the n slots the stretch may have: it is cut in front of an object that the heap profile wants to see. */
INLINE size_t run_cut(struct sampler *s, struct run_state *r, const struct layout *l, size_t n) {
    bool then = r->sample_next;
    if (LIKELY(!then)) {
        if (LIKELY(sampler_pass(s, (int64_t)(n * l->size)))) return n;
        n = trix_sampler_cut(s, n, l->size, &then);
        if (n) {
            r->sample_next = then;
            return n;
        }
    }
    r->sample_next = false;
    s->hit = true;
    return 1;
}

/* Begins the next stretch of claimed slots; false when none is left. */
static bool run_next_stretch(struct sampler *s, struct run_table *t, const struct layout *l) {
    struct run_state *r = &t->cold[l->id];
    size_t from = bits_next(r->pending, r->next, l->slots);
    if (from == l->slots) return false;
    size_t n = run_cut(s, r, l, bits_run(r->pending, from, l->slots));
    r->next = (uint16_t)(from + n);
    uintptr_t at = slot_address(l, r->page, from);
    races_fresh((void *)at, n * l->size);
    if (r->dirty) {
        memset((void *)at, 0, n * l->size);
        races_fresh((void *)at, n * l->size); /* who is next on this thread, a goroutine, has not zeroed it */
    }
    struct tri__run *run = &t->hot[l->id];
    store_relaxed(&run->end, 0); /* for run_look */
    store_release(&run->cur, at);
    store_release(&run->end, at + n * l->size);
    publication_fence(); /* for who looks in the slots are in both, never in neither: run_peek */
    bits_fill(r->pending, from, n, false);
    if (l->id == LAYOUT_ID_TINY) t->tiny += (uint32_t)(n * (TINY_BLOCK / TINY_PIECE));
    publication_fence(); /* who sees a pointer to one of them sees it zeroed and handed out: trix_cache_holds */
    return true;
}

/* Another thread's run: never the beginning of one stretch with the end of another, between which live objects lie. */
RACY_READS static struct tri__run run_look(const struct tri__run *run) {
    for (;;) {
        uintptr_t end = load_acquire(&run->end), cur = load_acquire(&run->cur);
        if (load_relaxed(&run->end) == end) return (struct tri__run){cur, end};
    }
}

static void run_activate(struct run_table *t, const struct layout *l) {
    struct run_state *r = &t->cold[l->id];
    if (r->listed) return;
    r->listed = true;
    t->active[t->nactive] = l->id;
    store_release(&t->nactive, t->nactive + 1); /* table_peek: an id of an earlier cycle there would count its run twice */
}

/* Before the state begins to tell of another span. */
static void run_moves(struct run_state *r) {
    store_release(&r->moves, r->moves + 1);
    publication_fence();
}

/* Makes the slots of a claim the run's; the last claim has been handed out wholly. */
static void run_take_claim(struct run_table *t, const struct layout *l, const struct claim *claim) {
    struct run_state *r = &t->cold[l->id];
    run_moves(r);
    r->claimed = claim->count;
    r->next = 0;
    r->dirty = claim->dirty;
    memcpy(r->pending, claim->slots, sizeof r->pending);
    store_release(&r->page, claim->page);
    run_activate(t, l);
}

static unsigned run_want(struct run_state *r, const struct layout *l) {
    unsigned want = r->want ? r->want : (unsigned)max_u64(1, FIRST_CLAIM_BYTES / l->size);
    if (want > l->slots) want = l->slots;
    r->want = (uint16_t)min_u64(want * 2, l->slots);
    return want;
}

/* The first span reserved by tri_prealloc, as a claim of all its slots. */
static bool run_take_reserve(struct run_table *t, const struct layout *l) {
    struct run_state *r = &t->cold[l->id];
    if (!r->reserve) return false;
    struct claim claim = {.page = r->reserve, .count = l->slots, .dirty = false};
    for (unsigned w = 0; w * 64 < l->slots; w++) claim.slots[w] = layout_valid(l, w);
    r->reserve = map_state(r->reserve)->next; /* first: once its slots are handed out, `next` may lead into the layout's list */
    run_take_claim(t, l, &claim);
    return true;
}

/* What comes with new memory, once the claim is the run's: may help marking, wait for the collector outside the gate, or
 * be long in the kernel. Afterwards the table may be another one. */
static void pay_for(struct thread_cache *cache, int64_t bytes) {
    struct page_window *w = &cache->window;
    trix_gate_account(&cache->gate, bytes);
    if (UNLIKELY(w->ahead)) {
        w->ahead = false;
        trix_gate_back_ahead();
    }
    if (LIKELY(!w->fresh)) return;
    void *page = (void *)map_address(w->fresh);
    w->fresh = 0;
    trix_gate_blocking(&cache->gate, trix_window_back, page, PAGE_SIZE);
}

/* The last claim has been handed out wholly. For who looks in at this moment, its objects are counted late rather than twice. */
static void run_finish(struct run_state *r) {
    if (!r->page) return;
    uint64_t handed = r->handed + r->claimed;
    trix_central_finish(r->page);
    r->claimed = 0;
    r->page = 0;
    store_release(&r->handed, handed);
}

/* Gets the layout's run a new stretch. While marking it is owed for by the stretch and paid when the next one is needed:
 * were it by the claim, a few claims in one request, of a service say, would make a long wait of what are many short ones.
 * False: memory is exhausted. */
static bool run_refill(struct thread_cache *cache, struct layout *l) {
    if (UNLIKELY(gate_marking())) trix_gate_assist(&cache->gate, 0);
    for (;;) {
        struct run_table *t = cache->table;
        struct run_state *r = &t->cold[l->id];
        struct claim claim = {0};
        if (t->hot[l->id].cur < t->hot[l->id].end) return true; /* a handler has allocated while we paid */
        if (run_next_stretch(&cache->sampler, t, l)) {
            if (UNLIKELY(gate_marking())) cache->assist_credit -= (int64_t)(t->hot[l->id].end - t->hot[l->id].cur);
            return true;
        }
        run_finish(r);
        if (run_take_reserve(t, l)) {
            pay_for(cache, (int64_t)l->slots * l->size);
            continue;
        }
        if (!trix_central_claim(l, &cache->window, run_want(r, l), &claim)) return false;
        run_take_claim(t, l, &claim);
        pay_for(cache, (int64_t)claim.count * l->size);
    }
}

/* The next object of a run that has one. */
static void *run_take(struct thread_cache *cache, const struct layout *l, size_t bytes) {
    struct tri__run *run = &cache->table->hot[l->id];
    DEBUG_CHECK(run->end - run->cur >= bytes, "a run was refilled and is empty");
    void *object = (void *)run->cur;
    run->cur += bytes;
    if (UNLIKELY(cache->sampler.hit)) {
        cache->sampler.hit = false;
        trix_gate_sample(object, l->size);
    }
    return object;
}

static bool run_holds_bytes(const struct thread_cache *cache, const struct layout *l, size_t bytes) {
    const struct tri__run *run = &cache->table->hot[l->id];
    return run->end - run->cur >= bytes;
}

static void *run_bump(struct thread_cache *cache, struct layout *l, size_t bytes) {
    if (!run_holds_bytes(cache, l, bytes) && !run_refill(cache, l)) return NULL;
    return run_take(cache, l, bytes);
}

void *trix_cache_alloc(struct thread_cache *cache, struct layout *l) { return run_bump(cache, l, l->size); }

void *trix_cache_alloc_claimed(struct thread_cache *cache, const struct layout *l) {
    if (gate_marking()) return NULL;
    if (!run_holds_bytes(cache, l, l->size) && !run_next_stretch(&cache->sampler, cache->table, l)) return NULL;
    return run_take(cache, l, l->size);
}

void *trix_cache_alloc_tiny(struct thread_cache *cache) {
    return run_bump(cache, layout_by_id(LAYOUT_ID_TINY), TINY_PIECE);
}

/* ---- preallocation ---- */

static void touch(uint32_t page, const struct layout *l) {
    memset((void *)map_address(page), 0, (size_t)l->span_pages << PAGE_SHIFT);
}

static bool prealloc_span(struct thread_cache *cache, struct layout *l) {
    struct claim claim = {0};
    if (!trix_central_claim_span(l, &cache->window, &claim)) return false;
    touch(claim.page, l);
    struct run_state *r = &cache->table->cold[l->id];
    map_state(claim.page)->next = r->reserve;
    r->reserve = claim.page;
    run_activate(cache->table, l);
    return true;
}

/* What is reserved is not reported before it is claimed: it would start cycles, each of which takes all of it back. */
bool trix_cache_prealloc(struct thread_cache *cache, struct layout *l, size_t n) {
    trix_gate_expect(&cache->gate, n * l->size);
    for (size_t have = 0; have < n; have += l->slots) {
        if (!prealloc_span(cache, l)) return false;
        trix_gate_pass(&cache->gate); /* no stop waits for the rest */
    }
    return true;
}

/* ---- giving back ---- */

void trix_cache_swap(struct thread_cache *cache) {
    struct run_table *old = cache->table;
    CHECK(cache->spare->nactive == 0, "a table of runs was not retired in time");
    if (old->nactive == 0) trix_window_return(&cache->window); /* it has claimed nothing since the last change of phase: others may */
    cache->table = cache->spare;
    cache->spare = old;
    cache->line->runs = cache->table->hot;
}

/* First slot of the current stretch that was not handed out. */
static size_t run_next_slot(const struct run_state *r, const struct layout *l, uintptr_t cur) {
    return (cur - map_address(r->page) + l->size - 1) / l->size;
}

static void retire_reserve(struct run_state *r, struct layout *l) {
    uint64_t all[SPAN_SLOTS / 64];
    for (unsigned w = 0; w < ARRAY_LEN(all); w++) all[w] = layout_valid(l, w);
    if (r->reserve) run_moves(r);
    while (r->reserve) {
        uint32_t page = r->reserve;
        r->reserve = map_state(page)->next;
        trix_central_unclaim(l, page, all);
    }
}

/* A run that ended with most of its claim unused claims less the next time. */
static void run_adapt(struct run_state *r, unsigned unused) {
    if (unused * 2 > r->claimed && r->want > 1) r->want /= 2;
}

static uint64_t retire_run(struct run_table *t, struct layout *l) {
    struct run_state *r = &t->cold[l->id];
    struct tri__run *run = &t->hot[l->id];
    uint64_t bytes = 0, handed = r->handed;
    retire_reserve(r, l);
    r->listed = false;
    if (r->page) {
        if (run->cur < run->end) {
            size_t from = run_next_slot(r, l, run->cur), to = (run->end - map_address(r->page)) / l->size;
            if (l->id == LAYOUT_ID_TINY) t->tiny -= (uint32_t)((run->end - run->cur) / TINY_PIECE);
            bits_fill(r->pending, from, to - from, true);
        }
        unsigned unused = (unsigned)trix_bits_count_range(r->pending, 0, l->slots);
        /* The run is nobody's before the slots are: once they are free, another thread may hand them out (trix_cache_holds). */
        uint32_t page = r->page;
        run_moves(r);
        store_release(&r->page, 0);
        trix_central_unclaim(l, page, r->pending);
        handed += r->claimed - unused;
        run_adapt(r, unused);
        bytes += (uint64_t)unused * l->size;
    }
    r->page = 0;
    r->claimed = 0;
    store_relaxed(&r->handed, 0);
    if (handed) trix_central_count(l, handed);
    r->sample_next = false;
    memset(r->pending, 0, sizeof r->pending);
    *run = (struct tri__run){0};
    return bytes;
}

static uint64_t tiny_total; /* tiny objects ever handed out; atomic */

static uint64_t table_retire(struct run_table *t) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < t->nactive; i++) bytes += retire_run(t, layout_by_id(t->active[i]));
    t->nactive = 0;
    uint32_t tiny = t->tiny;
    store_relaxed(&t->tiny, 0);
    fetch_add_release(&tiny_total, tiny); /* last: who looks in meanwhile misses them rather than counting them twice */
    return bytes;
}

uint64_t trix_cache_tiny(void) { return load_acquire(&tiny_total); }

uint64_t trix_cache_retire(struct thread_cache *cache) { return table_retire(cache->spare); }

uint64_t trix_cache_close(struct thread_cache *cache) {
    trix_window_return(&cache->window);
    return table_retire(cache->table) + table_retire(cache->spare);
}

/* ---- looking in ---- */

/* As it looks at the moment; when the thread goes on to another span meanwhile, a mixture of the two. */
RACY_READS static bool run_holds(const struct run_table *t, const struct layout *l, uint32_t page, unsigned slot) {
    const struct run_state *r = &t->cold[l->id];
    for (uint32_t reserved = load_relaxed(&r->reserve); reserved; reserved = load_relaxed(&map_state(reserved)->next))
        if (reserved == page) return true;
    if (load_acquire(&r->page) != page) return false;
    uintptr_t at = slot_address(l, page, slot);
    struct tri__run run = run_look(&t->hot[l->id]);
    return bits_test(r->pending, slot) || (at >= run.cur && at < run.end);
}

RACY_READS bool trix_cache_holds(const struct thread_cache *cache, uint32_t page, unsigned id, unsigned slot) {
    const struct run_table *t = cache->table;
    if (!t) return false;
    for (;;) {
        uint32_t moves = load_acquire(&t->cold[id].moves);
        if (!run_holds(t, layout_by_id(id), page, slot)) return false;
        acquire_fence();
        if (load_relaxed(&t->cold[id].moves) == moves) return true;
    }
}

void trix_cache_blacken(const struct thread_cache *cache) {
    const struct run_table *t = cache->table;
    for (uint32_t i = 0; i < t->nactive; i++) {
        const struct layout *l = layout_by_id(t->active[i]);
        const struct run_state *r = &t->cold[l->id];
        const struct tri__run *run = &t->hot[l->id];
        if (!r->page) continue;
        uint64_t *mark = map_page(r->page)->mark;
        for (unsigned w = 0; w * 64 < l->slots; w++) mark[w] |= r->pending[w];
        if (run->cur < run->end)
            bits_fill(mark, run_next_slot(r, l, run->cur), (run->end - run->cur) / l->size, true);
    }
}

/* Of what changes meanwhile, the state read later is the later one: a stretch that is begun then counts as unused twice, and objects are
 * counted late, not too early. Another claim: again. */
RACY_READS static uint64_t run_peek(const struct run_table *t, const struct layout *l, uint64_t *left) {
    const struct run_state *r = &t->cold[l->id];
    for (;;) {
        uint32_t moves = load_acquire(&r->moves);
        uint64_t handed = load_acquire(&r->handed);
        uint32_t page = load_acquire(&r->page);
        unsigned pending = (unsigned)trix_bits_count_range(r->pending, 0, l->slots);
        acquire_fence();
        struct tri__run run = run_look(&t->hot[l->id]);
        unsigned claimed = load_relaxed(&r->claimed);
        *left = run.cur < run.end ? run.end - run.cur : 0;
        acquire_fence();
        if (load_relaxed(&r->moves) != moves) continue;
        uint64_t unused = pending + *left / l->size;
        return handed + (page && unused <= claimed ? claimed - unused : 0);
    }
}

RACY_READS static void table_peek(const struct run_table *t, uint64_t *counts, uint64_t *tiny) {
    *tiny += load_acquire(&t->tiny);
    for (uint32_t i = 0; i < load_acquire(&t->nactive); i++) {
        const struct layout *l = layout_by_id(t->active[i]);
        uint64_t left;
        counts[l->id] += run_peek(t, l, &left);
        if (l->id == LAYOUT_ID_TINY) *tiny -= left / TINY_PIECE;
    }
}

/* The spare table too: what was handed out of it is counted only when it has been retired. */
void trix_cache_peek(const struct thread_cache *cache, uint64_t *counts, uint64_t *tiny) {
    if (!cache->table) return;
    table_peek(cache->table, counts, tiny);
    table_peek(cache->spare, counts, tiny);
}
