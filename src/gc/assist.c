/* assist.c - allocating threads pay for what they take (Go's gcAssistAlloc).
 *
 * While marking, each stretch of slots that a thread is given, and each large object, lowers its credit. Below zero it owes work: bytes times the pacer's work per byte.
 * Work done in the background and not yet taken is credit for all; beyond that the thread marks itself, a little at
 * a time, and stops as soon as somebody wants it to stop. When there is nothing to mark, marking is about
 * to end, and the debt is forgiven as long as the heap is below its goal. Beyond that the thread waits, off the
 * processor: what keeps marking from its end may be a thread that needs one to answer the collector, and all
 * that is allocated meanwhile counts as live.
 *
 * Work per byte may rise a thousandfold while marking, when there turns out to be far more to mark than the last cycle had
 * let expect. What a thread has paid for by then it may still allocate; so that is bounded, else a single step at the
 * old price would let it run past the goal, and past a memory limit, for the rest of the cycle.
 */
#include "gc.h"
#include "limit.h"
#include "thread.h"
#include "../base/wipe.h"
#include "../heap/gate.h"
#include "../os/os.h"

enum {
    LEAST_WORK = 8 << 10, /* bytes: less is not worth the start; of small objects some 20 µs */
    MOST_WORK = 1 << 20,    /* in one go */
    MOST_CREDIT = 256 << 10, /* bytes that a thread may have paid for in advance */
    STEP = 4 << 10,         /* between two looks at the gate */
    BRIEF_NS = 100 * 1000,  /* LEAST_WORK takes less */
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

/* CPU time, ns. To ask for that is a system call, and a short assist is not much longer: it is timed by the clock, which is right unless the thread has
 * lost its processor meanwhile; then the most it can have been is taken. */
static uint64_t assist_clock(bool brief) { return brief ? trix_os_now() : trix_os_thread_cpu(); }
static uint64_t assist_took(bool brief, uint64_t began) {
    uint64_t took = assist_clock(brief) - began;
    return brief ? min_u64(took, BRIEF_NS) : took;
}

/* Marks about `work` bytes; returns how many. A thread that finds nothing must not count as active even for a moment:
 * a few of them, allocating fast, would keep marking from ever being seen to end. */
static int64_t mark_some(struct thread *t, int64_t work) {
    if (!trix_work_queued()) return 0;
    struct marker m = {0};
    bool brief = work <= LEAST_WORK;
    uint64_t began = assist_clock(brief);
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
    uint64_t took = assist_took(brief, began);
    fetch_add_relaxed(&trix_gc.assist_ns, took);
    fetch_add_relaxed(&trix_gc.assist_total_ns, took);
    trix_limit_assisted(took, 0);
    return done;
}

/* CPU time that background marking has had since the start. */
static uint64_t marking_cpu(void) {
    return load_relaxed(&trix_gc.background_total_ns) + load_relaxed(&trix_gc.idle_total_ns);
}

/* What the limiter is told is how long the collector ran meanwhile: on a machine busy with other things the thread would
 * not have run all the time either. */
static void await(struct thread *t, const uint32_t *word, uint32_t seen) {
    uint64_t began = trix_os_now(), cpu = marking_cpu();
    store_relaxed(&t->awaited, seen);
    store_release(&t->awaits, word);
    trix_event_post_to(&trix_rest, 1);
    trix_gate_wait(t, word, seen, load_relaxed(&trix_gc.limited) ? WAIT_LIMITED_NS : WAIT_NS);
    store_release(&t->awaits, NULL);
    trix_limit_assisted(0, min_u64(trix_os_now() - began, marking_cpu() - cpu));
}

static void await_marked(struct thread *t) {
    uint32_t seen = load_seq(&trix_gc.marked);
    if (gate_marking()) await(t, &trix_gc.marked, seen);
}

bool trix_await_cycle(struct thread *t) {
    uint32_t seen = load_seq(&trix_gc.started);
    if (!gc_past_goal() || gate_marking() || trix_limiting()) return false;
    await(t, &trix_gc.started, seen);
    return load_seq(&trix_gc.started) == seen && gc_past_trigger();
}

/* How much to do now for what is owed: more than that, so that it is worth the start, but not more than may be had in advance. */
static int64_t work_for(double owed, double ratio) {
    if (owed > MOST_WORK) return MOST_WORK;
    if (owed > LEAST_WORK) return (int64_t)owed;
    double with_credit = owed + MOST_CREDIT * ratio;
    return with_credit < 1 ? 1 : with_credit < LEAST_WORK ? (int64_t)with_credit : LEAST_WORK;
}

/* Marking goes in steps, so it may have been more than there can be credit for: the rest is anybody's. */
static void pay_in(struct thread *t, int64_t work, double ratio) {
    double credit = (double)t->cache.assist_credit + (double)work / ratio;
    if (credit > MOST_CREDIT) {
        fetch_add_relaxed(&trix_gc.credit, (int64_t)((credit - MOST_CREDIT) * ratio));
        credit = MOST_CREDIT;
    }
    t->cache.assist_credit = (int64_t)credit;
}

static NOINLINE void assist(struct thread *t, double ratio) {
    if (trix_limiting()) {
        t->cache.assist_credit = 0;
        return;
    }
    int64_t work = work_for(-(double)t->cache.assist_credit * ratio, ratio);
    int64_t paid = take_credit(work);
    if (paid < work) paid += mark_some(t, work - paid);
    pay_in(t, paid, ratio);
    if (paid > 0) return;
    if (gc_past_goal()) await_marked(t);
    t->cache.assist_credit = 0;
}

/* With a stop or a scan to be served first, the debt stays. */
void trix_assist(struct thread *t) {
    double ratio = load_double(&trix_gc.work_per_byte);
    if (t->cache.assist_credit >= 0 || !(ratio > 0) || load_relaxed(&t->cache.gate.pending)) return;
    assist(t, ratio);
    trix_stack_wipe();
}
