/* timers.c - pending timers in one 4-ary heap, soonest first.
 *
 * The heap holds pointers to timers that may be objects of the collected heap; so it is a root: scanned once in each
 * cycle, while what is put in or taken out meanwhile is shaded. Timers of channels (time.c) are put here only
 * while a goroutine waits on the channel, so an unreachable one is collected.
 *
 * Due timers are fired by whichever worker looks next: each one looks when it runs out of work of its own and every so
 * many choices, one sleeps until the soonest timer is due when there is a free worker, and the monitor
 * sees to it when all are busy.
 */
#include "timers.h"
#include "poller.h"
#include "../gc/barrier.h"
#include "../gc/mark.h"
#include "../os/os.h"

#include <string.h>

struct entry {
    uint64_t when;
    struct timer *timer;
};

static struct {
    struct lock lock;
    struct entry *heap; /* lock */
    uint32_t n, capacity; /* lock */
    uint64_t next;      /* when the first is due, TIME_NEVER: none; lock to write, relaxed */
} timers = {.lock = LOCK_INIT(TIMERS), .next = TIME_NEVER};

/* ---- the heap; lock held ---- */

static void put(uint32_t at, struct entry e) {
    timers.heap[at] = e;
    e.timer->place = at + 1;
}

static void sift_up(uint32_t at, struct entry e) {
    while (at > 0) {
        uint32_t parent = (at - 1) / 4;
        if (timers.heap[parent].when <= e.when) break;
        put(at, timers.heap[parent]);
        at = parent;
    }
    put(at, e);
}

static void sift_down(uint32_t at, struct entry e) {
    for (;;) {
        uint32_t child = 4 * at + 1, least = child;
        if (child >= timers.n) break;
        for (uint32_t i = child + 1; i < child + 4 && i < timers.n; i++)
            if (timers.heap[i].when < timers.heap[least].when) least = i;
        if (timers.heap[least].when >= e.when) break;
        put(at, timers.heap[least]);
        at = least;
    }
    put(at, e);
}

static void heap_grow(void) {
    uint32_t capacity = timers.capacity ? timers.capacity * 2 : 256;
    struct entry *fresh = trix_os_map(capacity * sizeof *fresh);
    if (!fresh) trix_fatal("out of memory");
    if (timers.n) memcpy(fresh, timers.heap, timers.n * sizeof *fresh);
    if (timers.heap) trix_os_unmap(timers.heap, timers.capacity * sizeof *fresh);
    timers.heap = fresh;
    timers.capacity = capacity;
}

static void note_next(void) { store_relaxed(&timers.next, timers.n ? timers.heap[0].when : TIME_NEVER); }

static void heap_remove(struct timer *timer) {
    uint32_t at = timer->place - 1;
    struct entry last = timers.heap[--timers.n];
    timer->place = 0;
    if (at < timers.n) {
        if (at > 0 && last.when < timers.heap[(at - 1) / 4].when) sift_up(at, last);
        else sift_down(at, last);
    }
    note_next();
}

static void shade(struct thread *t, const struct timer *timer) {
    if (UNLIKELY(gate_marking())) trix_shade(t, (uintptr_t)timer, 0);
}

/* ---- the calls ---- */

void trix_timer_add(struct thread *t, struct timer *timer, uint64_t when) {
    lock_acquire(&timers.lock);
    if (timer->place) heap_remove(timer);
    shade(t, timer);
    if (timers.n == timers.capacity) heap_grow();
    timer->when = when;
    sift_up(timers.n++, (struct entry){when, timer});
    note_next();
    bool first = timer->place == 1;
    lock_release(&timers.lock);
    if (first) trix_poller_hurry(when);
}

bool trix_timer_remove(struct thread *t, struct timer *timer) {
    lock_acquire(&timers.lock);
    bool pending = timer->place != 0;
    if (pending) heap_remove(timer);
    shade(t, timer);
    lock_release(&timers.lock);
    return pending;
}

bool trix_timer_pending(const struct timer *timer) { return load_relaxed(&timer->place) != 0; }

void trix_timers_reset_after_fork(void) { lock_reset(&timers.lock); }

uint64_t trix_timers_next(void) { return load_relaxed(&timers.next); }
bool trix_timers_due(void) {
    uint64_t next = trix_timers_next();
    return next != TIME_NEVER && next <= trix_os_now();
}

/* Takes the first out if it is due; a periodic one is put back for its next time. */
static struct timer *take_due(struct thread *t, uint64_t now) {
    lock_acquire(&timers.lock);
    struct timer *timer = timers.n && timers.heap[0].when <= now ? timers.heap[0].timer : NULL;
    if (timer) {
        shade(t, timer);
        heap_remove(timer);
        if (timer->period) {
            timer->when += timer->period * (1 + (now - timer->when) / timer->period);
            sift_up(timers.n++, (struct entry){timer->when, timer});
            note_next();
        }
    }
    lock_release(&timers.lock);
    return timer;
}

void trix_timers_run(struct thread *t) {
    if (LIKELY(load_relaxed(&timers.next) == TIME_NEVER)) return;
    uint64_t now = trix_os_now();
    while (load_relaxed(&timers.next) <= now) {
        struct timer *timer = take_due(t, now);
        if (!timer) return;
        timer->fire(t, timer, now);
    }
}

void trix_timers_scan(struct marker *m) {
    lock_acquire(&timers.lock);
    for (uint32_t i = 0; i < timers.n; i++) trix_marker_shade(m, (uintptr_t)timers.heap[i].timer);
    lock_release(&timers.lock);
}
