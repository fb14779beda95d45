/* limit.h - the memory limit, and the limiter that keeps the collector from eating the program at it: see limit.c. */
#ifndef TRIX_GC_LIMIT_H
#define TRIX_GC_LIMIT_H

#include "gc.h"

void trix_limit_init(void);

/* Tells the pacer and the page heap what is mapped now; before goal, trigger or assists are asked for. gc.lock. */
void trix_limit_observe(void);
/* The same and the new trigger, now and then, for threads that allocate under a limit; inside, no locks. */
void trix_limit_look(void);

/* Bytes of everything the library has mapped and not given back. */
uint64_t trix_limit_mapped(void);

/* The collector's phase changes: books the time until now. Collector. */
void trix_limit_phase(enum limiter_phase phase);
/* While marking, every LIMITER_PERIOD_NS or so. Collector. */
void trix_limit_tick(uint64_t now_ns);

/* After a cycle: tells the program when the limit cannot be held. Collector, no locks. */
void trix_limit_warn(void);

/* Time that the collector took from an allocating thread: marking for it, or waiting. */
void trix_limit_assisted(uint64_t cpu_ns, uint64_t waited_ns);

/* The collector is to let the program go on, whatever the heap's size: no assists, no waiting, no scavenging on the spot. */
INLINE bool trix_limiting(void) { return UNLIKELY(load_relaxed(&trix_gc.limiting)); }

void trix_limit_reset_after_fork(void);

/* ---- the scavenger: scavenger.c ---- */

/* A cycle has marked, or is swept: what is to stay. Collector. */
void trix_scavenger_cycle(uint64_t last_goal, uint64_t goal);
void trix_scavenger_swept(void);
/* A bout, when one is due; returns ns until the next one may be, UINT64_MAX for never. Collector, between cycles. */
uint64_t trix_scavenger_step(void);
bool trix_scavenger_interrupted(void); /* background.c: something else waits for the collector's thread */

/* For the trace line. */
typedef void trix_scavenge_hook(uint64_t bytes_background, uint64_t bytes_eager, bool forced);
extern trix_scavenge_hook *trix_scavenge_report_hook;

#endif
