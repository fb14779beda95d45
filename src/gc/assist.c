/* assist.c - allocating threads pay for what they take (Go's gcAssistAlloc).
 *
 * While marking, each claim lowers the thread's credit. Below zero it owes work: bytes times the pacer's work per byte.
 * Work done in the background and not yet taken is credit for all; beyond that the thread marks itself, a little at
 * a time, and stops as soon as somebody wants it to stop. When there is nothing to mark, marking is about
 * to end, and the debt is forgiven as long as the heap is below its goal. Beyond that the thread waits, off the
 * processor: what keeps marking from its end may be a thread that needs one to answer the collector, and all
 * that is allocated meanwhile counts as live.
 */
#include "gc.h"
#include "limit.h"
#include "thread.h"
#include "../heap/gate.h"
#include "../os/os.h"

enum {
    LEAST_WORK = 32 << 10,  /* bytes: less is not worth the start */
    MOST_WORK = 1 << 20,    /* in one go */
    STEP = 8 << 10,         /* between two looks at the gate */
    WAIT_NS = 500 * 1000,
    WAIT_LIMITED_NS = 20 * 1000 * 1000 /* under a memory limit nobody goes on before the collector has had its turn */
};

/* Takes up to `work` from what was done in the background. */
static int64_t take_credit(int64_t work) {
    int64_t credit = load_relaxed(&trix_gc.credit);
    while (credit > 0) {
        int64_t take = credit < work ? credit : work;
        if (cas_seq(&trix_gc.credit, &credit, credit - take)) return take;
    }
    return 0;
}

/* Marks about `work` bytes; returns how many. A thread that finds nothing must not count as active even for a moment:
 * a few of them, allocating fast, would keep marking from ever being seen to end. */
static int64_t mark_some(struct thread *t, int64_t work) {
    if (!trix_work_queued()) return 0;
    struct marker m = {0};
    uint64_t began = trix_os_thread_cpu();
    int64_t done = 0;
    trix_work_enter();
    while (done < work && !load_relaxed(&t->cache.gate.pending)) {
        bool more = trix_marker_drain(&m, STEP);
        done = (int64_t)m.hot.work;
        if (!more) break;
    }
    trix_marker_flush(&m);
    fetch_sub_relaxed(&trix_gc.credit, (int64_t)m.hot.work); /* own work is no credit for others */
    done = (int64_t)m.hot.work;
    trix_gc_gather(&m);
    trix_work_exit();
    uint64_t took = trix_os_thread_cpu() - began;
    fetch_add_relaxed(&trix_gc.assist_ns, took);
    trix_limit_assisted(took, 0);
    return done;
}

static bool past_goal(void) {
    return load_relaxed(&trix_gc.live) > (int64_t)min_u64(load_relaxed(&trix_gc.goal), INT64_MAX);
}

/* CPU time that background marking has had since the start. */
static uint64_t marking_cpu(void) {
    return load_relaxed(&trix_gc.background_total_ns) + load_relaxed(&trix_gc.idle_total_ns);
}

/* What the limiter is told is how long the collector ran meanwhile: on a machine busy with other things the thread would
 * not have run all the time either. */
static void await(struct thread *t, const uint32_t *word, uint32_t seen) {
    uint64_t began = trix_os_now(), cpu = marking_cpu();
    trix_gate_wait(t, word, seen, load_relaxed(&trix_gc.limited) ? WAIT_LIMITED_NS : WAIT_NS);
    trix_limit_assisted(0, min_u64(trix_os_now() - began, marking_cpu() - cpu));
}

static void await_marked(struct thread *t) {
    uint32_t seen = load_seq(&trix_gc.marked);
    if (gate_marking()) await(t, &trix_gc.marked, seen);
}

void trix_await_cycle(struct thread *t) {
    uint32_t seen = load_seq(&trix_gc.started);
    if (past_goal() && !gate_marking() && !trix_limiting()) await(t, &trix_gc.started, seen);
}

void trix_assist(struct thread *t) {
    double ratio = trix_gc.work_per_byte;
    if (t->cache.assist_credit >= 0 || !(ratio > 0)) return;
    if (trix_limiting()) {
        t->cache.assist_credit = 0;
        return;
    }
    double owed = -(double)t->cache.assist_credit * ratio;
    int64_t work = owed > MOST_WORK ? MOST_WORK : owed < LEAST_WORK ? LEAST_WORK : (int64_t)owed;
    int64_t paid = take_credit(work);
    if (paid < work) paid += mark_some(t, work - paid);
    t->cache.assist_credit += (int64_t)((double)paid / ratio);
    if (paid > 0) return;
    if (past_goal()) await_marked(t);
    t->cache.assist_credit = 0;
}
