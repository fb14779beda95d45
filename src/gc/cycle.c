/* cycle.c - the collection cycle as a state machine.
 *
 *            sweep finished,            all stacks and roots scanned,
 *            roots' list read           nothing grey left
 *   OFF ----[ stop: barrier on ]----> MARK ----[ stop: look again ]----> OFF, sweeping -----> swept
 *                runs swapped           ^            |     phase off, runs swapped
 *                                       +------------+
 *                                  found too much: go on
 *
 * First stop. The barrier comes on and every thread's table of runs is swapped for an empty one, so that whatever
 * is allocated from now on is black. Nothing is scanned, so its length does not depend on the heap.
 *
 * Marking. Each thread is asked to scan its own stack, alone (or is scanned in place while it is blocked); the
 * globals are scanned; markers and assisting threads empty the grey set.
 *
 * Last stop. In plain C stores to stacks, thread-locals and globals have no barrier, so these are looked at again: each
 * running thread scans its own stack before it parks, all at the same time. What is found is marked on the spot if
 * that takes no more than what is left of STOP_BUDGET_NS; otherwise the world goes on, and so does marking. White objects only get
 * fewer, so this ends. A stop that finds a dlopen under way since the list of globals was read is also no last one.
 *
 * With GODEBUG=gcstoptheworld, or TRITRACK=none, the world stays stopped from the first stop to the last; so it does while a small
 * heap is collected by the thread that has reached the trigger (onestop.c).
 *
 *   I1  When the phase goes off, every object reachable from a root is marked. gccheckmark=1 proves it.
 *   I2  trix_phase and the modules' flags change together, with the world stopped.
 */
#include "barrier.h"
#include "fibers.h"
#include "gc.h"
#include "life.h"
#include "limit.h"
#include "modules.h"
#include "roots.h"
#include "sweep.h"
#include "thread.h"
#include "../base/options.h"
#include "../base/probe.h"
#include "../heap/gate.h"
#include "../heap/layout.h"
#include "../os/os.h"

#include <string.h>

enum {
    STOP_BUDGET_NS = 50 * 1000, /* for looking again, and marking what that finds */
    STOP_LEAST_NS = 10 * 1000,  /* of it for marking, however deep the stacks are */
    STOP_STEP = 4 << 10,   /* bytes scanned between two looks at the clock in a stop */
    LOOK_BEFORE_MOST = 512 << 10, /* bytes of globals that are looked at once more before a stop */
    PACED_PAGES = 512,     /* what is left to sweep: less is done at once */
    MOST_READY = 60,       /* buffers made ready for a stop; threads have one or two each */
    WAIT_NS = 1000 * 1000
};

uint32_t trix_phase;
struct gc trix_gc = {.driver = LOCK_INIT(DRIVER), .lock = LOCK_INIT(CYCLE), .trigger = UINT64_MAX};
trix_report_hook *trix_gc_report_hook;
void (*trix_gc_flip_hook)(void);
const struct fiber_scanner *trix_fibers;

/* The cycle under way; collector only. */
static struct {
    struct cycle_report report;
    struct marker marker;
    bool stopped;       /* the world stays stopped throughout */
    bool at_once;       /* it is driven by a thread of the program, in one stop */
    bool handed_over;   /* it was, and is to go on: nobody drives it */
    struct pacer_workers workers; /* as the pacer said at the start */
    bool unsound;       /* something without barriers was opened since it began: what has been scanned must be again */
    bool dropped;       /* this process is a child forked while marking: mark bits are to be made good */
    int64_t live_base;  /* live at the start, without what was unclaimed then: above it, live grows by black objects */
    uint64_t stack_bytes, last_stack_bytes;
    uint64_t stop_began;
} cycle;

/* ---- stops ---- */

/* A stop whose length has no bound is nobody's hurry; and on one processor, who waits for a helper must let it run. */
static bool is_short(void) { return !cycle.stopped && !cycle.unsound && !trix_options.debug.gccheckmark; }

static void stop_world(bool scan) {
    if (is_short()) trix_collector_hurry(true); /* nothing stands still yet */
    cycle.stop_began = trix_os_now();
    trix_limit_phase(LIMITER_STOPPED);
    trix_world_stop(scan);
    histogram_add(&trix_pauses[PAUSE_GC].stopping, trix_os_now() - cycle.stop_began);
}

static uint64_t go_on(void) {
    uint64_t took = trix_os_now() - cycle.stop_began;
    trix_world_go();
    trix_collector_hurry(false);
    histogram_add(&trix_pauses[PAUSE_GC].total, took);
    trix_limit_phase(trix_phase == PHASE_MARK ? LIMITER_MARKING : LIMITER_OFF);
    cycle.report.stops++;
    cycle.report.longest_stop = max_u64(cycle.report.longest_stop, took);
    fetch_add_relaxed(&trix_gc.pause_ns, took);
    return took;
}

static uint64_t resume_world(void) {
    uint64_t took = go_on();
    trix_world_release();
    return took;
}

/* ---- runs ---- */

/* World stopped: free pages that threads keep for themselves go back, for tri_free_os_memory. */
static void take_windows(void) {
    if (!swap_seq(&trix_gc.return_windows, false)) return;
    for (struct thread *t = trix_threads.first; t; t = t->next) trix_window_return(&t->cache.window);
}

/* World stopped: what threads have claimed and not reported yet is added up, and their runs are taken from them. */
static void take_runs(void) {
    for (struct thread *t = trix_threads.first; t; t = t->next) {
        fetch_add_relaxed(&trix_gc.live, t->cache.unreported);
        t->cache.unreported = 0;
        t->cache.assist_credit = 0;
        trix_cache_swap(&t->cache);
    }
}

/* Then, world running: what the runs still held is given back. */
static uint64_t retire_runs(bool locked) {
    uint64_t bytes = 0;
    if (!locked) lock_acquire(&trix_threads.lock);
    for (struct thread *t = trix_threads.first; t; t = t->next) bytes += trix_cache_retire(&t->cache);
    trix_threads_reap_gone();
    if (!locked) lock_release(&trix_threads.lock);
    fetch_sub_relaxed(&trix_gc.live, (int64_t)bytes);
    return bytes;
}

/* ---- threads ---- */

static void scan_visited(const void *lo, const void *hi, bool exact_ends, void *arg) {
    cycle.stack_bytes += (uint64_t)((const char *)hi - (const char *)lo);
    trix_marker_scan_range(arg, lo, hi, exact_ends);
}

/* A thread that stands still. */
static void scan_in_place(struct thread *t) {
    trix_thread_ranges(t, scan_visited, &cycle.marker); /* each time: others may have stored into its frames */
    trix_shade_flush(t);
    store_seq(&t->ask_scan, 0);
}

static void ask_threads(void) {
    lock_acquire(&trix_threads.lock);
    for (struct thread *t = trix_threads.first; t; t = t->next) trix_thread_ask_scan(t);
    lock_release(&trix_threads.lock);
}

/* Scans in place whoever is asked and blocked; returns how many have still to answer. */
static unsigned scan_blocked_threads(void) {
    unsigned left = 0;
    lock_acquire(&trix_threads.lock);
    for (struct thread *t = trix_threads.first; t; t = t->next) {
        if (!load_seq(&t->ask_scan)) continue;
        if (trix_thread_hold(t)) {
            scan_in_place(t);
            trix_thread_release(t);
        } else {
            trix_thread_remind(t);
            left++;
        }
    }
    lock_release(&trix_threads.lock);
    return left;
}

/* World stopped: whoever has not scanned itself, and the fibers that have run. */
static void scan_stopped_threads(void) {
    const struct fiber_scanner *fibers = load_acquire(&trix_fibers);
    for (struct thread *t = trix_threads.first; t; t = t->next)
        if (load_seq(&t->ask_scan)) scan_in_place(t);
        else trix_shade_flush(t);
    if (fibers) fibers->rest(&cycle.marker, &cycle.stack_bytes);
}

/* World running: some fibers; false when there are no more for now. */
static bool scan_fibers(void) {
    const struct fiber_scanner *fibers = load_acquire(&trix_fibers);
    return fibers && fibers->some(&cycle.marker, &cycle.stack_bytes);
}

/* ---- phases ---- */

/* After a fork dropped a cycle, whatever it had marked is white again. */
static COLD void whiten_heap(void) {
    for (uint64_t page = 1; page < trix_map.extent >> PAGE_SHIFT; page++) {
        struct page *p = map_page((uint32_t)page);
        if (p->kind != PAGE_SCAN && p->kind != PAGE_LEAF) continue;
        bool large = page_is_large(p);
        const uint64_t *alloc = map_alloc_bits((uint32_t)page);
        for (unsigned w = 0; w < MARK_WORDS; w++) {
            bool used = large ? w == 0 : w * 64 < layout_by_id(p->layout)->slots;
            p->mark[w] = !used ? ~0ull : large ? ~1ull : ~alloc[w];
        }
    }
}

COLD void trix_gc_reset_after_fork(void) {
    lock_reset(&trix_gc.driver);
    lock_reset(&trix_gc.lock);
    trix_gc.here = NULL;
    cycle.dropped = trix_phase != PHASE_OFF;
    if (cycle.dropped) {
        trix_phase = PHASE_OFF;
        trix_modules_set_barrier(false);
        lock_acquire(&trix_gc.lock);
        trix_pacer_commit(&trix_gc.pacer, (uint64_t)trix_gc.live);
        trix_gc_repace();
        lock_release(&trix_gc.lock);
    }
    cycle.handed_over = false;
    memset(&cycle.marker, 0, sizeof cycle.marker);
    trix_gc.wanted = trix_gc.finished = trix_gc.started;
    trix_gc.triggered = 0;
}

/* Before the stop: what the stop should not have to wait for. */
static void make_ready(void) { trix_work_ready((uint32_t)min_u64(2 * load_relaxed(&trix_threads.count) + 2, MOST_READY)); }

static void set_up(bool forced, bool stopped) {
    cycle.stopped = stopped;
    cycle.at_once = cycle.unsound = false;
    cycle.last_stack_bytes = cycle.stack_bytes;
    cycle.stack_bytes = 0;
    cycle.report = (struct cycle_report){.number = trix_gc.started + 1, .forced = forced, .begun = trix_os_now()};
    trix_gc.marked_bytes = trix_gc.work = 0;
    trix_gc.assist_ns = trix_gc.background_ns = trix_gc.idle_ns = 0;
    trix_gc.credit = 0;
    PROBE1(gc__start, cycle.report.number);
    trix_gc_notify(TRI_GC_CYCLE_START);
}

static void begin(bool forced) {
    trix_sweep_finish();
    make_ready();
    if (cycle.dropped) whiten_heap();
    cycle.dropped = false;
    trix_roots_refresh();
    int stw = trix_options.debug.gcstoptheworld;
    set_up(forced, stw > 0 || trix_options.tracking != TRACK_BARRIER || trix_roots_untracked());
}

static void turn_on(void) {
    take_runs();
    trix_life_cycle_start();
    trix_phase = PHASE_MARK;
    trix_modules_set_barrier(true);
    store_seq(&trix_gc.started, trix_gc.started + 1);
    if ((int32_t)(load_seq(&trix_gc.wanted) - trix_gc.started) >= 0) cycle.report.forced = true; /* asked for since it was due */
    store_relaxed(&trix_gc.triggered, 0);
    cycle.report.heap_start = (uint64_t)trix_gc.live;
    cycle.report.leaks = trix_fibers && trix_fibers->begin();
}

/* Reckons how fast marking must go. */
static void start_pacing(void) {
    lock_acquire(&trix_gc.lock);
    cycle.report.goal = trix_pacer_goal(&trix_gc.pacer);
    struct pacer_start start = {
        .heap_live = cycle.report.heap_start,
        .heap_scan = cycle.report.heap_start,
        .stacks = cycle.last_stack_bytes,
        .globals = trix_roots_bytes(),
        .now_ns = trix_os_now(),
        .procs = (uint32_t)trix_gc.procs,
    };
    cycle.workers = trix_pacer_start_cycle(&trix_gc.pacer, &start);
    trix_gc_repace();
    lock_release(&trix_gc.lock);
}

static void first_stop(void) {
    stop_world(cycle.stopped);
    while (cycle.stopped && !trix_roots_fresh()) {
        resume_world();
        trix_roots_refresh();
        stop_world(true);
    }
    turn_on();
    start_pacing();
    if (!cycle.stopped) cycle.report.stop_start = resume_world();
    trix_os_futex_wake(&trix_gc.started, INT32_MAX);
    trix_markers_begin(cycle.workers);
}

/* Empties the grey set, together with the other markers and whoever assists, until every thread has been scanned. */
static void drain(void) {
    struct marker *m = &cycle.marker;
    trix_work_enter();
    for (;;) {
        uint32_t seen = event_seen(&trix_event);
        unsigned unscanned = cycle.stopped ? 0 : scan_blocked_threads();
        bool fibers = !cycle.stopped && scan_fibers();
        bool more = trix_marker_drain(m, trix_markers_quantum());
        trix_markers_pace(m, unscanned || fibers);
        if (more || fibers) continue;
        trix_marker_flush(m);
        trix_gc_gather(m);
        trix_work_exit();
        if (!unscanned && trix_work_drained()) return;
        if (!trix_work_queued()) trix_event_wait(&trix_event, seen, WAIT_NS);
        trix_work_enter();
    }
}

static void mark_roots(void) {
    trix_work_enter();
    if (cycle.stopped) scan_stopped_threads();
    else ask_threads();
    cycle.report.globals = trix_roots_scan(&cycle.marker);
    trix_life_mark(&cycle.marker);
    trix_marker_flush(&cycle.marker);
    trix_work_exit();
}

/* After an overflow: over all marked objects, as often as it overflows again. */
static void mend_overflow(void) {
    while (swap_seq(&trix_work_overflow, 0)) {
        trix_work_enter();
        trix_marker_rescan_heap(&cycle.marker);
        trix_life_mark(&cycle.marker);
        trix_marker_flush(&cycle.marker);
        trix_work_exit();
        drain();
    }
}

/* Whether the layer life finds more to mark, now that nothing is grey: values of ephemerons, and with the world stopped
 * for the last time (`last`) what dead handles need. */
static bool life_marks(bool last) {
    trix_work_enter();
    bool more = last ? trix_life_mark_last(&cycle.marker) : trix_life_mark_more(&cycle.marker);
    trix_marker_flush(&cycle.marker);
    trix_work_exit();
    return more;
}

/* A cycle that looks for fibers which can never go on: whether more of the others have been found. */
static bool fibers_reprieved(bool last) {
    if (LIKELY(!cycle.report.leaks)) return false;
    trix_work_enter();
    bool more = trix_fibers->reprieve(&cycle.marker, &cycle.stack_bytes, last);
    trix_marker_flush(&cycle.marker);
    trix_work_exit();
    return more;
}

/* World running: marks all that can be found. */
static void drain_all(void) {
    do {
        drain();
        mend_overflow();
    } while (life_marks(false) || fibers_reprieved(false));
}

/* World stopped: marks on until that time (ns); true when nothing is left. */
static bool drain_in_stop(uint64_t until) {
    struct marker *m = &cycle.marker;
    trix_work_enter();
    for (;;) {
        bool more = trix_marker_drain(m, STOP_STEP), late = trix_os_now() >= until;
        if (more && !late) continue;
        trix_marker_flush(m);
        trix_gc_gather(m);
        trix_work_exit();
        if (trix_work_drained()) return !load_seq(&trix_work_overflow); /* who drops an object does so before it ceases to be active */
        if (late || load_seq(&trix_work_overflow)) return false;
        cpu_relax(); /* another marker holds the rest */
        trix_work_enter();
    }
}

/* World stopped, everything marked but for what roots without barriers have picked up since. */
static bool look_again(void) {
    if (!cycle.stopped && !trix_roots_fresh()) return false;
    uint64_t began = trix_os_now();
    trix_work_enter();
    scan_stopped_threads();
    trix_roots_scan(&cycle.marker);
    if (cycle.unsound) trix_marker_rescan_heap(&cycle.marker);
    trix_marker_flush(&cycle.marker);
    trix_work_exit();
    uint64_t until = max_u64(began + STOP_BUDGET_NS, trix_os_now() + STOP_LEAST_NS);
    if (cycle.stopped || cycle.unsound) until = UINT64_MAX;
    do {
        if (!drain_in_stop(until) || fibers_reprieved(true)) return false;
    } while (life_marks(true));
    return true;
}

/* World stopped, all marked. */
static void turn_off(void) {
    if (trix_options.debug.gccheckmark) trix_checkmark();
    take_runs();
    take_windows();
    trix_phase = PHASE_OFF;
    trix_modules_set_barrier(false);
    if (trix_gc_flip_hook) trix_gc_flip_hook();
    trix_sweep_flip();
    int64_t black = trix_gc.live - cycle.live_base;
    cycle.report.heap_end = (uint64_t)trix_gc.live;
    cycle.report.heap_marked = trix_gc.marked_bytes + (uint64_t)(black > 0 ? black : 0);
    store_relaxed(&trix_gc.live, (int64_t)cycle.report.heap_marked);
    store_relaxed(&trix_gc.unswept, (int64_t)cycle.report.heap_end - (int64_t)cycle.report.heap_marked);
}

static void look_at(const void *lo, const void *hi, bool exact_ends, void *arg) {
    trix_marker_scan_range(arg, lo, hi, exact_ends);
}

/* World running, everything marked: looks at what the last stop will have to look at. What that finds need not be found, and
 * marked, in the stop; and what the stop reads is in the cache then, from which marking has just driven it. */
static void look_before(void) {
    if (trix_roots_bytes() > LOOK_BEFORE_MOST) return;
    trix_work_enter();
    lock_acquire(&trix_threads.lock);
    for (struct thread *t = trix_threads.first; t; t = t->next) {
        if (load_seq(&t->state) == THREAD_RUNNING || !trix_thread_hold(t)) continue;
        trix_thread_ranges(t, look_at, &cycle.marker);
        trix_thread_release(t);
    }
    lock_release(&trix_threads.lock);
    trix_roots_scan(&cycle.marker);
    trix_marker_flush(&cycle.marker);
    trix_work_exit();
    drain_all();
}

static void last_stop(void) {
    if (cycle.stopped) {
        while (!look_again()) mend_overflow();
    } else {
        for (;;) {
            look_before();
            stop_world(true);
            if (look_again()) break;
            cycle.report.stop_finish += resume_world();
            trix_roots_refresh();
            cycle.unsound = trix_roots_untracked();
            drain_all();
        }
    }
    turn_off();
}

/* Tells the pacer how it went, and sets the next goal. */
static void finish_pacing(void) {
    struct cycle_report *r = &cycle.report;
    r->marked = trix_os_now();
    if (cycle.at_once) trix_markers_spared(r->marked - cycle.stop_began);
    else trix_markers_end();
    r->assist_cpu = trix_gc.assist_ns;
    r->background_cpu = trix_gc.background_ns;
    r->idle_cpu = trix_gc.idle_ns;
    r->stacks = cycle.stack_bytes;
    struct pacer_finish finish = {
        .heap_live = r->heap_end,
        .heap_work = trix_gc.work,
        .stack_work = r->stacks,
        .globals_work = r->globals,
        .assist_ns = r->assist_cpu,
        .idle_ns = r->idle_cpu,
        .now_ns = r->marked,
        .forced = r->forced,
    };
    lock_acquire(&trix_gc.lock);
    trix_pacer_end_cycle(&trix_gc.pacer, &finish);
    trix_pacer_commit(&trix_gc.pacer, r->heap_marked);
    trix_gc_repace();
    uint64_t goal = trix_pacer_goal(&trix_gc.pacer);
    lock_release(&trix_gc.lock);
    trix_scavenger_cycle(r->goal, goal);
}

static void begin_sweep(void) {
    lock_acquire(&trix_gc.lock);
    trix_sweep_begin();
    trix_gc_repace();
    lock_release(&trix_gc.lock);
}

static void account_cpu(void) {
    struct cycle_report *r = &cycle.report;
    uint64_t stopped = (r->stop_start + r->stop_finish) * (uint64_t)trix_gc.procs;
    fetch_add_relaxed(&trix_gc.gc_cpu_ns, stopped + r->assist_cpu + r->background_cpu);
    uint64_t available = (trix_os_now() - trix_gc.start_ns) * (uint64_t)trix_gc.procs;
    r->cpu_fraction = available ? (double)trix_gc.gc_cpu_ns / (double)available : 0;
}

static void sweep(void) {
    for (bool first = true; !cycle.at_once && trix_sweep_some(); first = false) {
        trix_collector_poll(NULL);
        if (!cycle.report.forced && trix_sweep_left() > PACED_PAGES) trix_sweeper_pace(first);
    }
    trix_sweep_finish();
    trix_life_swept();
    trix_work_trim();
    const struct fiber_scanner *fibers = load_acquire(&trix_fibers);
    if (fibers) fibers->trim();
    store_relaxed(&trix_gc.unswept, 0);
    trix_limit_warn();
    trix_scavenger_swept();
    cycle.report.ended = trix_os_now();
}

static void report(bool swept) {
    if (trix_gc_report_hook) trix_gc_report_hook(&cycle.report, swept);
    trix_gc_notify(swept ? TRI_GC_SWEEP_END : TRI_GC_MARK_END);
}

/* World stopped, all marked and the phase off: lets it go on, and sweeps. */
static void conclude(void) {
    finish_pacing();
    store_seq(&trix_gc.marked, trix_gc.started);
    bool still_stopped = cycle.stopped && trix_options.debug.gcstoptheworld >= 2;
    if (!still_stopped) {
        uint64_t took = go_on();
        if (cycle.stopped) cycle.report.stop_start = took;
        else cycle.report.stop_finish += took;
    }
    uint64_t went_on = cycle.report.begun + cycle.report.stop_start;
    cycle.report.concurrent = cycle.report.marked > went_on ? cycle.report.marked - went_on : 0;
    /* No other stop may begin yet: it would wait for a thread inside that waits for sweeping to begin. */
    retire_runs(true);
    begin_sweep();
    trix_os_futex_wake(&trix_gc.marked, INT32_MAX);
    if (still_stopped) {
        trix_sweep_finish();
        cycle.report.stop_start = resume_world();
    } else {
        trix_world_release();
    }
    account_cpu();
    report(false);
    sweep();
    report(true);
    store_seq(&trix_gc.finished, trix_gc.started);
    trix_os_futex_wake(&trix_gc.finished, INT32_MAX);
}

void trix_cycle_run(bool forced) {
    begin(forced);
    first_stop();
    cycle.live_base = (int64_t)cycle.report.heap_start - (int64_t)retire_runs(cycle.stopped);
    mark_roots();
    drain_all();
    last_stop();
    conclude();
}

/* ---- in one stop ---- */

/* World stopped for good: marks all, the calling thread's roots too; false when it is not done by that time (ns). */
static bool mark_at_once(uint64_t until) {
    const struct fiber_scanner *fibers = load_acquire(&trix_fibers);
    trix_work_enter();
    for (struct thread *t = trix_threads.first; t; t = t->next) scan_in_place(t);
    cycle.report.globals = trix_roots_scan(&cycle.marker);
    trix_life_mark(&cycle.marker);
    bool late = false;
    while (!late && scan_fibers()) late = trix_os_now() >= until;
    if (fibers && !late) fibers->rest(&cycle.marker, &cycle.stack_bytes);
    trix_marker_flush(&cycle.marker);
    trix_work_exit();
    if (late || cycle.report.leaks) return false;
    do {
        if (!drain_in_stop(until)) return false;
    } while (life_marks(false) || life_marks(true));
    return true;
}

bool trix_cycle_at_once(uint64_t budget_ns) {
    if (cycle.dropped || cycle.handed_over || trix_roots_untracked()) return false;
    make_ready();
    cycle.stop_began = trix_os_now();
    trix_limit_phase(LIMITER_STOPPED);
    if (!trix_world_try_stop()) {
        trix_limit_phase(LIMITER_OFF);
        return false;
    }
    histogram_add(&trix_pauses[PAUSE_GC].stopping, trix_os_now() - cycle.stop_began);
    if (!trix_roots_fresh()) {
        resume_world();
        return false;
    }
    set_up(false, true);
    cycle.at_once = true;
    turn_on();
    start_pacing();
    trix_os_futex_wake(&trix_gc.started, INT32_MAX);
    cycle.live_base = (int64_t)cycle.report.heap_start - (int64_t)retire_runs(true);
    if (mark_at_once(cycle.stop_began + budget_ns)) {
        turn_off();
        conclude();
        return true;
    }
    cycle.stopped = cycle.at_once = false;
    cycle.handed_over = true;
    cycle.report.stop_start = resume_world();
    trix_collector_call();
    return true;
}

bool trix_cycle_handed_over(void) { return cycle.handed_over; }

/* Everything that a first stop and the scans after it do has been done in the one stop. */
void trix_cycle_take_over(void) {
    cycle.handed_over = false;
    trix_markers_begin(cycle.workers);
    trix_roots_refresh();
    cycle.unsound = trix_roots_untracked();
    drain_all();
    last_stop();
    conclude();
}
