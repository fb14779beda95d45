/* poller.h - the one place where an idle worker waits for the network and for the next timer: see poller.c. */
#ifndef TRIX_POLLER_H
#define TRIX_POLLER_H

#include "g.h"
#include "../host/host.h"

void trix_poller_init(void);
bool trix_poller_used(void);     /* somebody waits for a descriptor */
bool trix_poller_attended(void); /* somebody sits there, whom the kernel will tell */

/* Readies whoever's descriptor is ready, without waiting. Inside. */
void trix_poller_look(struct thread *t, uint64_t now);

/* An idle worker takes the one seat at the poller and sleeps there: until a descriptor is ready, a timer due, or
 * trix_poller_break. False: the seat is taken. Inside; the worker holds no processor. */
bool trix_poller_sit(struct thread *t, struct worker *w);
/* What it has found there: whether anything, and readying it. */
bool trix_poller_pending(const struct worker *w);
void trix_poller_deliver(struct thread *t, struct worker *w);

/* It is about to be closed: what is known of it no longer holds, and who waits for it is told EBADF. Outside, any thread, also in a
 * handler of a signal. */
unsigned trix_poller_closing(unsigned lo, unsigned hi, unsigned own[OWN_DESCRIPTORS]);

/* Has registrations confirmed that somebody has waited upon for some time; by the monitor, which may not sleep for long
 * while there are such. */
void trix_poller_confirm(uint64_t now);
bool trix_poller_trusting(void);

/* Whoever sits there is to get up. Any thread. */
void trix_poller_break(void);
/* A timer is due at `when` (ns, monotonic): whoever sits there must not sleep longer. */
void trix_poller_hurry(uint64_t when);

#endif
