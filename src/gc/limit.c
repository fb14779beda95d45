/* limit.c - the memory limit: what is mapped, and what follows from it.
 *
 * The limit is soft, and covers all that the library has mapped and not given back: the heap's pages with memory, the
 * tables beside it, runs, mark buffers, stacks of goroutines. (Not what the program gets from malloc or mmap; with
 * GOMEMLIMIT=auto, the container's limit, that is estimated and counted, since the container counts it.) Four
 * things keep it:
 *
 *   the goal       what the limit leaves for objects bounds the heap's goal (pacer.c), so cycles come earlier
 *   waiting        a thread that allocates past the goal marks, or waits for marking to end (assist.c)
 *   sweeping       near the limit, all is swept before pages that have no memory are taken (central.c, large.c)
 *   scavenging     who takes pages that would lead past the limit gives back others on the spot (scavenge.c); the
 *                  background scavenger keeps 5 % clear (scavenger.c)
 *
 * Where what lives comes near the limit, cycles follow each other, and the first two would stop the program. So the limiter
 * (limiter.h) books the collector's time, waiting included, and when it has had half of the processors for some
 * time, all four are let go: the heap grows past the limit rather than the program stand still. The program is told
 * (TRI_GC_LIMIT_DANGER) after each cycle that leaves nothing to allocate, or near the limit, during which the limiter has had to step in.
 */
#include "limit.h"
#include "fibers.h"
#include "roots.h"
#include "thread.h"
#include "work.h"
#include "../heap/gate.h"
#include "../heap/layout.h"
#include "../heap/metadata.h"
#include "../heap/scavenge.h"
#include "../base/options.h"
#include "../os/os.h"

enum {
    LOOK_EVERY = 16, /* reports of claimed memory, of 16 KiB each */
    STOP_MOST_NS = 1000 * 1000, /* of a stop, beyond CPU time spent in it */
    NEAR_PART = 32   /* of the limit, below which it is not in danger */
};

static struct {
    uint64_t looks;                /* relaxed */
    uint64_t assisted, waited;     /* ns since the last update; atomic */
    enum limiter_phase phase;      /* since the last update; gc.lock */
    uint64_t background_seen, idle_mark_seen, scavenge_seen; /* totals at the last update; gc.lock */
    uint64_t cpu_seen, wall_seen;  /* of the process; gc.lock */
    uint64_t ticked;               /* ns; collector */
    uint64_t foreign;              /* bytes: with GOMEMLIMIT=auto, memory of the process that is not ours; gc.lock */
    bool stepped_in;               /* the limiter has, since the program was told; gc.lock */
} limit;

/* ---- what is mapped ---- */

/* Of the tables by page, those parts that the heap's extent has touched. */
static uint64_t table_bytes(void) {
    uint64_t extent = load_relaxed(&trix_map.extent);
    return (extent >> PAGE_SHIFT) * (sizeof(struct page) + sizeof(struct page_state)) +
           (extent >> CHUNK_SHIFT) * (sizeof(struct chunk) + sizeof(uint32_t));
}

/* A table of runs is touched as far as there are layouts. */
static uint64_t thread_bytes(void) {
    uint64_t layouts = trix_layouts_count();
    uint64_t table = round_up(layouts * sizeof(struct tri__run), trix_os_page) +
                     round_up(layouts * sizeof(struct run_state), trix_os_page) + trix_os_page;
    return load_relaxed(&trix_threads.count) * (sizeof(struct thread) + 2 * table);
}

static uint64_t stack_bytes(void) {
    const struct fiber_scanner *fibers = load_acquire(&trix_fibers);
    uint64_t inuse = 0, sys = 0;
    if (fibers) fibers->figures(&inuse, &sys);
    return sys;
}

static uint64_t beside_heap(void) {
    return table_bytes() + thread_bytes() + stack_bytes() + trix_work_bytes() + trix_metadata_bytes() +
           (trix_foreign_roots ? trix_foreign_roots->sys() : 0);
}

uint64_t trix_limit_mapped(void) { return (trix_pageheap_backed() << PAGE_SHIFT) + beside_heap(); }

/* Memory of the process that is not ours: what is resident and anonymous, less what we think is ours. */
static void observe_foreign(uint64_t mapped) {
    if (!trix_options.memory_limit_auto) return;
    uint64_t resident = trix_os_anonymous_rss();
    limit.foreign = resident > mapped ? resident - mapped : 0;
}

/* ---- the pacer ---- */

static bool limited(void) { return trix_gc.pacer.memory_limit < PACER_NO_LIMIT; }

static void set_page_limit(uint64_t beside) {
    uint64_t most = UINT64_MAX;
    if (limited() && !trix_limiting()) {
        uint64_t all = trix_gc.pacer.memory_limit;
        most = (all > beside ? all - beside : 0) >> PAGE_SHIFT;
    }
    store_relaxed(&trix_pageheap_most, most);
}

void trix_limit_observe(void) {
    if (!limited()) {
        store_relaxed(&trix_pageheap_most, UINT64_MAX);
        return;
    }
    struct pageheap_stats pages;
    trix_pageheap_stats(&pages);
    uint64_t beside = beside_heap() + limit.foreign;
    int64_t alloc = load_relaxed(&trix_gc.live) + load_relaxed(&trix_gc.unswept);
    struct pacer_memory memory = {
        .mapped = (trix_pageheap_backed() << PAGE_SHIFT) + beside,
        .heap_free = (pages.free_pages - pages.released_pages) << PAGE_SHIFT,
        .heap_alloc = alloc > 0 ? (uint64_t)alloc : 0,
    };
    trix_pacer_observe(&trix_gc.pacer, &memory);
    set_page_limit(beside);
}

void trix_limit_look(void) {
    if (LIKELY(!load_relaxed(&trix_gc.limited))) return;
    if (fetch_add_relaxed(&limit.looks, 1) % LOOK_EVERY || !lock_try(&trix_gc.lock)) return;
    trix_gc_repace();
    lock_release(&trix_gc.lock);
}

/* ---- the limiter ---- */

void trix_limit_assisted(uint64_t cpu_ns, uint64_t waited_ns) {
    if (cpu_ns) fetch_add_relaxed(&limit.assisted, cpu_ns);
    if (waited_ns) fetch_add_relaxed(&limit.waited, waited_ns);
}

static uint64_t advance(uint64_t *seen, uint64_t now) {
    uint64_t delta = now > *seen ? now - *seen : 0;
    *seen = now;
    return delta;
}

/* What the limiter is told is measured, not taken as a share of the time: on a machine that is busy with other things the
 * collector does not get its quarter, nor the program the rest. So a stop counts as far as it is not just waiting for threads
 * to be scheduled, and a processor on which a thread would run, were it not made to wait, is not idle. */
static struct limiter_times times_since(uint64_t now) {
    uint64_t window = advance(&limit.wall_seen, now) * (uint64_t)trix_gc.procs;
    uint64_t cpu = min_u64(advance(&limit.cpu_seen, trix_os_process_cpu()), window);
    uint64_t waited = min_u64(__atomic_exchange_n(&limit.waited, 0, __ATOMIC_RELAXED), window - cpu);
    uint64_t gc = __atomic_exchange_n(&limit.assisted, 0, __ATOMIC_RELAXED) +
                  advance(&limit.background_seen, load_relaxed(&trix_gc.background_total_ns)) +
                  advance(&limit.scavenge_seen, load_relaxed(&trix_scavenge_ns)) + waited;
    uint64_t idle_mark = advance(&limit.idle_mark_seen, load_relaxed(&trix_gc.idle_total_ns));
    if (limit.phase == LIMITER_STOPPED) gc = max_u64(gc, max_u64(cpu, min_u64(window, STOP_MOST_NS * (uint64_t)trix_gc.procs)));
    uint64_t idle = window - cpu - waited, rest = window - min_u64(gc, window);
    return (struct limiter_times){.assist_ns = gc, .idle_ns = min_u64(idle, rest), .idle_mark_ns = idle_mark};
}

/* gc.lock. */
static void update(enum limiter_phase phase) {
    uint64_t now = trix_os_now();
    struct limiter_times times = times_since(now);
    bool limiting = trix_limiter_update(&trix_gc.limiter, &times, now);
    limit.phase = phase;
    DEBUG_CHECK(trix_limiter_check(&trix_gc.limiter), "the limiter's bucket is out of shape");
    if (limiting == load_relaxed(&trix_gc.limiting)) return;
    store_relaxed(&trix_gc.limiting, limiting);
    if (limiting) {
        store_relaxed(&trix_gc.limited_last, load_seq(&trix_gc.started));
        limit.stepped_in = true;
    }
    trix_limit_observe();
}

void trix_limit_phase(enum limiter_phase phase) {
    lock_acquire(&trix_gc.lock);
    update(phase);
    lock_release(&trix_gc.lock);
}

void trix_limit_tick(uint64_t now) {
    if (now - limit.ticked < LIMITER_PERIOD_NS) return;
    limit.ticked = now;
    trix_limit_phase(limit.phase);
}

/* ---- danger ---- */

void trix_limit_warn(void) {
    lock_acquire(&trix_gc.lock);
    observe_foreign(trix_limit_mapped());
    trix_gc_repace();
    const struct pacer *p = &trix_gc.pacer;
    bool near = limited() && p->memory.mapped > p->memory_limit - p->memory_limit / NEAR_PART;
    bool danger = limited() && ((limit.stepped_in && near) || trix_pacer_goal(p) <= p->heap_marked);
    limit.stepped_in = false;
    lock_release(&trix_gc.lock);
    if (danger) trix_gc_notify(TRI_GC_LIMIT_DANGER);
}

/* ---- settings ---- */

void trix_limit_init(void) {
    uint64_t now = trix_os_now();
    trix_limiter_init(&trix_gc.limiter, (uint32_t)trix_gc.procs, now);
    limit.wall_seen = now;
    limit.cpu_seen = trix_os_process_cpu();
    store_relaxed(&trix_gc.limited, limited());
}

void trix_limit_reset_after_fork(void) {
    uint64_t looks = limit.looks, foreign = limit.foreign;
    limit = (__typeof__(limit)){.looks = looks, .foreign = foreign};
    limit.background_seen = trix_gc.background_total_ns;
    limit.idle_mark_seen = trix_gc.idle_total_ns;
    limit.scavenge_seen = trix_scavenge_ns;
    trix_limit_init();
    store_relaxed(&trix_gc.limiting, false);
}

EXPORT int64_t tri_set_memory_limit(int64_t bytes) {
    struct gate *g = gate_enter();
    lock_acquire(&trix_gc.lock);
    uint64_t old = trix_gc.pacer.memory_limit;
    if (bytes >= 0) {
        trix_options.memory_limit_auto = false;
        limit.foreign = 0;
        trix_pacer_set_memory_limit(&trix_gc.pacer, (uint64_t)bytes);
        store_relaxed(&trix_gc.limited, limited());
        trix_gc_repace();
    }
    lock_release(&trix_gc.lock);
    if (bytes >= 0) trix_collector_call(); /* the heap may be past the new trigger, or memory is to go back */
    gate_leave(g);
    return old < PACER_NO_LIMIT ? (int64_t)old : INT64_MAX;
}
