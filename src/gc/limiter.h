/* gc/limiter.h - keeps the collector from taking more than half of the CPU time.
 *
 * Near the memory limit a cycle follows on the other, and assists would stop the program for good. The
 * limiter is a leaky bucket of CPU time: collecting fills it, everything else the program runs drains it,
 * nanosecond by nanosecond. At a share of 50 % the level stays; above that it rises. While it is full the
 * collector *limits* itself: no assists, and no scavenging for the sake of the limit, so that the heap grows
 * past the limit rather than the program stand still. The bucket holds one second per processor: a burst of
 * GC time passes, a steady state above half does not. As Go's limiter.
 *
 * What counts. Stopped: all processors' time is GC time. Marking: 25 % of all processors' time (taken, not
 * measured, as in the pacer) and the assists. Processors that idle, or mark because they would idle, count
 * neither way: their time is taken out. All times that are told are summed over processors, and since the
 * update before; an assist that began before that one is told late, in full, and the sum is the same in the
 * end.
 *
 * Pure, like the pacer: a lock outside, the clock passed in. A clock that goes back counts as standing still.
 *
 * Invariants:
 *   L1  fill <= capacity, capacity > 0
 *   L2  limiting exactly while fill == capacity
 */
#ifndef TRIX_GC_LIMITER_H
#define TRIX_GC_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#define LIMITER_PERIOD_NS 10000000 /* update about this often while marking */

enum limiter_phase { LIMITER_OFF, LIMITER_MARKING, LIMITER_STOPPED };

/* CPU ns, summed over processors, since the update before. */
struct limiter_times {
    uint64_t assist_ns;
    uint64_t idle_ns; /* nothing of ours ran: without a scheduler, procs * wall time - process CPU time */
    uint64_t idle_mark_ns; /* markers on processors that were idle otherwise */
};

/* All fields: under the caller's lock. */
struct limiter {
    uint64_t capacity_ns;     /* CPU ns: 1 s for each processor (init, set_procs) */
    uint64_t fill_ns;         /* CPU ns: the level (update, set_procs) */
    uint64_t overflow_ns;     /* CPU ns: GC time the full bucket did not take, ever; a figure only (update) */
    uint64_t last_ns;         /* ns: time of the last update */
    uint32_t procs;           /* >= 1 (init, set_procs) */
    enum limiter_phase phase; /* since last_ns (set_phase) */
};

void trix_limiter_init(struct limiter *l, uint32_t procs, uint64_t now_ns);
bool trix_limiter_check(const struct limiter *l);

/* True while the collector has to limit itself. */
static inline bool trix_limiter_limiting(const struct limiter *l) { return l->fill_ns >= l->capacity_ns; }

/* Books the time since the last update under the phase and the processors in force, and then returns whether
 * the collector has to limit itself. `times` may be NULL for none; while stopped they are not looked at. */
bool trix_limiter_update(struct limiter *l, const struct limiter_times *times, uint64_t now_ns);

/* An update, then the change. */
bool trix_limiter_set_phase(struct limiter *l, enum limiter_phase phase, const struct limiter_times *times,
                            uint64_t now_ns);
bool trix_limiter_set_procs(struct limiter *l, uint32_t procs, const struct limiter_times *times,
                            uint64_t now_ns);

#endif
