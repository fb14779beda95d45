/* event.h - what collector threads wait for. Whoever wakes looks again at what it waits for.
 *
 *   trix_event          work pushed, a thread stopped, blocked or scanned, the last marker done, a request: for the thread
 *                       that drives the cycle, and for whoever stops the world
 *   trix_called         a request (a cycle is due or wanted, something is to be given back, a fork): for the collector's thread when it
 *                       has nothing to do. Apart, so that what goes on in a cycle that another thread drives (onestop.c) does not wake it
 *   trix_helpers.event  work pushed, for helpers (work.h). Apart, so that the rest wakes none of them: a wake-up takes ten
 *                       microseconds and more, and there would be hundreds in a cycle
 *   trix_rest           marking may be over, or is waited for: for the thread that drives the cycle while it naps, whom work pushed is
 *                       not to wake
 */
#ifndef TRIX_EVENT_H
#define TRIX_EVENT_H

#include "../base/atomic.h"

struct event {
    uint32_t seq;     /* futex */
    uint32_t waiters; /* seq_cst */
};
extern struct event trix_event, trix_called, trix_rest;

/* Something has changed that somebody may wait for; the change was stored before, with seq_cst or under a lock. Wakes at
 * most that many. */
void trix_event_post_to(struct event *e, int most);
INLINE void trix_event_post(void) { trix_event_post_to(&trix_event, INT32_MAX); }
/* Calls the collector's thread, whatever it does. */
INLINE void trix_collector_call(void) {
    trix_event_post();
    trix_event_post_to(&trix_called, 1);
}

/* seen = event_seen(e); if (what is waited for is not there) trix_event_wait(e, seen, at most so many ns, 0: ever) */
INLINE uint32_t event_seen(const struct event *e) { return load_seq(&e->seq); }
void trix_event_wait(struct event *e, uint32_t seen, uint64_t timeout_ns);
void trix_event_reset_after_fork(void);
INLINE bool event_waited(const struct event *e) { return load_seq(&e->waiters) != 0; }

#endif
