/* timers.h - what is to happen at a certain time: see timers.c. */
#ifndef TRIX_TIMERS_H
#define TRIX_TIMERS_H

#include "g.h"

#define TIME_NEVER UINT64_MAX

/* Lies in an object of the program's heap, or on the stack of a goroutine that waits. */
struct timer {
    uint64_t when;   /* ns, monotonic; timers' lock while pending */
    uint64_t period; /* ns; 0: once */
    /* Called inside, no locks, when it is due and has been taken out; it may not wait. `timer` may be gone when a goroutine
     * that it has readied runs. */
    void (*fire)(struct thread *t, struct timer *timer, uint64_t now);
    void *arg;
    uint32_t place;  /* 1 + index in the heap; 0: not pending. timers' lock */
    uint32_t serial; /* the owner's */
};

/* Inside. */
void trix_timer_add(struct thread *t, struct timer *timer, uint64_t when);
bool trix_timer_remove(struct thread *t, struct timer *timer); /* false: it was not pending */
bool trix_timer_pending(const struct timer *timer);

/* Fires what is due. Inside, no locks. */
void trix_timers_run(struct thread *t);
bool trix_timers_due(void);
void trix_timers_reset_after_fork(void);
uint64_t trix_timers_next(void); /* TIME_NEVER: none pending */

/* Shades all that is pending; by the collector. */
struct marker;
void trix_timers_scan(struct marker *m);

#endif
