/* onestop.c - a small heap is collected in one stop, by the thread that has reached its trigger.
 *
 * A heap of a few MiB with next to nothing alive is full again after a fraction of a millisecond of allocating, and a cycle of it
 * has some ten microseconds of work. What it costs then is everything around: waking the collector's thread, the signals and
 * switches of two stops, and processors that it takes from the program's own threads. So when little is expected to be marked, the
 * thread that wants memory does it all on the spot: one stop, which interrupts other threads only if some are running, all marking,
 * and the sweep. Marking has a budget as in every last stop. When that does not suffice, since the heap has grown,
 * the world goes on with the barrier on, and the collector's thread takes the cycle over as if it had begun it.
 *
 * One drives at a time: the collector's thread holds the lock `driver` while it is awake, others only try.
 *
 * Go has no such cycles: there each of a 4 MiB heap costs two stops and a worker's wake-up.
 */
#include "gc.h"
#include "limit.h"
#include "roots.h"
#include "sweep.h"
#include "thread.h"
#include "../base/options.h"
#include "../os/os.h"

enum {
    BUDGET_NS = 50 * 1000,    /* from the beginning of the stop to the end of marking */
    MOST_WORK = 512 << 10,    /* bytes that the last cycle marked: more is not tried. Two threads with blocks of 64 KiB have half a dozen at hand */
    SCAN_FASTER = 4,          /* stacks and globals are scanned, mostly zeros and numbers, so much faster than objects are marked */
    MOST_SKIPPED = 64,        /* cycles that are left to the collector after some that were not done in time */
    CALL_NS = 50 * 1000 * 1000 /* the collector's thread is called now and then, to see what is to go back to the system */
};

static struct {
    uint64_t called; /* ns; driver */
    uint32_t skips;  /* cycles to skip after the next one that is not done in time; driver */
    uint32_t from;   /* the cycle that may be one here again; driver, relaxed */
    uint32_t busy;   /* a thread of the program drives; relaxed */
} onestop = {.skips = 1};

/* Bytes, as marking goes: what the last cycle had to do. */
static uint64_t last_work(void) {
    const struct pacer *p = &trix_gc.pacer;
    return load_relaxed(&p->heap_marked) + (load_relaxed(&p->stack_work) + trix_roots_bytes()) / SCAN_FASTER;
}

/* Certain for who drives. */
static bool is_small(void) {
    bool skipped = (int32_t)(load_seq(&trix_gc.started) + 1 - load_relaxed(&onestop.from)) >= 0;
    return skipped && (last_work() <= MOST_WORK || trix_options.debug.gconestop == 2);
}

/* Driver: so many cycles are the collector's. */
static void skip(uint32_t cycles) { store_relaxed(&onestop.from, load_seq(&trix_gc.started) + 1 + cycles); }

/* Driver. What is too much, for this machine or for a moment, is not tried again and again. */
static void learn(bool in_time) {
    if (trix_options.debug.gconestop == 2) return;
    if (in_time && onestop.skips > 1) onestop.skips /= 2;
    if (in_time) return;
    skip(onestop.skips);
    if (onestop.skips < MOST_SKIPPED) onestop.skips *= 2;
}

/* The first cycle is the collector's: it reads the list of roots, and how much there is to mark is not known before. The program's
 * handlers of cycles, and the limit's warnings, belong on the collector's thread; without barriers no cycle could be
 * handed over. */
bool trix_onestop_likely(void) {
    bool plain = !trix_options.debug.gcstoptheworld && trix_options.tracking == TRACK_BARRIER;
    bool first = load_seq(&trix_gc.started) == 0;
    return trix_options.debug.gconestop && plain && !first && !load_relaxed(&trix_gc.limited) && !trix_limiting() &&
           !trix_gc_listened_to() && is_small();
}

/* Driver. A cycle that was asked for, or is under way, is the collector's. */
static bool is_ours(void) {
    bool wanted = (int32_t)(load_seq(&trix_gc.wanted) - load_seq(&trix_gc.started)) > 0;
    return !wanted && !gate_marking() && !trix_sweep_active();
}

/* The caller's registers and frames are roots. */
static NOINLINE bool collect(struct thread *t) {
    uintptr_t outer_sp = t->sp;
    t->sp = THREAD_SPILL();
    bool done = trix_cycle_at_once(BUDGET_NS);
    t->sp = outer_sp;
    return done;
}

static bool time_to_call(void) {
    uint64_t now = trix_os_now();
    if (now - onestop.called < CALL_NS) return false;
    onestop.called = now;
    return true;
}

/* Driver. */
static bool try_it(struct thread *t) {
    if (!is_ours() || !is_small()) return false;
    bool done = collect(t);
    if (done) learn(!trix_cycle_handed_over());
    else skip(1); /* the list of roots is stale, say: the collector reads it */
    return done;
}

enum onestop trix_onestop(struct thread *t) {
    if (!trix_collector_there() || trix_in_handler(t) || !trix_onestop_likely()) return ONESTOP_NO;
    if (!lock_try(&trix_gc.driver)) return load_relaxed(&onestop.busy) ? ONESTOP_BUSY : ONESTOP_NO;
    store_relaxed(&onestop.busy, 1);
    /* Another thread may have been through a cycle since the trigger was seen. */
    bool done = !gc_past_trigger() || try_it(t), call = done && time_to_call();
    store_relaxed(&onestop.busy, 0);
    lock_release(&trix_gc.driver);
    if (call) trix_collector_call();
    return done ? ONESTOP_DONE : ONESTOP_NO;
}
