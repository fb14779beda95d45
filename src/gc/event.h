/* event.h - one futex for all that collector threads wait for: work pushed, a thread stopped, blocked or scanned,
 * the last marker done, a request for a cycle. Whoever wakes looks again at what it waits for. */
#ifndef TRIX_EVENT_H
#define TRIX_EVENT_H

#include "../base/atomic.h"

extern struct event {
    uint32_t seq;     /* futex */
    uint32_t waiters; /* seq_cst */
} trix_event;

/* Something has changed that somebody may wait for; the change was stored before, with seq_cst or under a lock. */
void trix_event_post(void);

/* seen = trix_event_seen(); if (what is waited for is not there) trix_event_wait(seen, at most so many ns, 0: ever) */
INLINE uint32_t trix_event_seen(void) { return load_seq(&trix_event.seq); }
void trix_event_wait(uint32_t seen, uint64_t timeout_ns);
void trix_event_reset_after_fork(void);
INLINE bool trix_event_waited(void) { return load_seq(&trix_event.waiters) != 0; }

#endif
