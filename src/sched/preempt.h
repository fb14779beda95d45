/* preempt.h - taking the processor from a goroutine that computes on and on: see preempt.c. */
#ifndef TRIX_PREEMPT_H
#define TRIX_PREEMPT_H

#include "sched.h"

void trix_preempt_init(void);

/* ns a goroutine may run while others wait; constant from the start on. */
extern uint64_t trix_preempt_slice;

/* Asks the goroutine that has run since its processor's choice number `ticks` to make room; monitor. */
void trix_preempt_ask(struct worker *w, uint32_t ticks);
/* Asks those that run without a processor to stand by; monitor, every slice. */
void trix_preempt_ask_beside(void);

/* Passes the worker's processor to the goroutine that has been paused longest; false: there is none, or none whose turn it is,
 * while there is other work (`others`). Inside, on the system stack; the worker has none afterwards. */
bool trix_preempt_resume(struct worker *w, bool others);
/* Those paused need not let others run any longer, who wait for what they hold, it seems; sched.lock held. */
void trix_preempt_hurry(void);

/* The goroutine starts others faster than they come to run: it is to make room soon, if they are many. Inside. */
void trix_preempt_self(struct worker *w);

/* Where a call of the library ends that the goroutine may make again and again without ever being found outside: it makes room
 * here if it has been asked to, and comes back on the same thread. Inside, at depth 1, no locks. */
void trix_preempt_here(struct thread *t);
INLINE void preempt_here_maybe(struct thread *t) {
    struct worker *w = worker_of(t);
    if (LIKELY(w) && UNLIKELY(load_relaxed(&w->preempt) || !w->proc)) trix_preempt_here(t);
}

#endif
