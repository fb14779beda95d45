/* sweep.h - taking back what was not marked: see sweep.c. */
#ifndef TRIX_SWEEP_H
#define TRIX_SWEEP_H

#include "pacer.h"
#include "../heap/gate.h"
#include "../heap/map.h"

/* World stopped, at the end of marking: every span counts as unswept from here on. */
void trix_sweep_flip(void);
/* Then, once the runs of before are retired: sweeping may begin. */
void trix_sweep_begin(void);

/* Sweeps a few spans; false when there is nothing left to take. Any thread inside, or the collector. */
bool trix_sweep_some(void);

/* The same for a thread that must not take new pages: between flip and beginning it waits. Inside, no locks. */
bool trix_sweep_for_room(void);

/* How much allocating threads owe from now on, when `live` bytes are in use; after every change of the trigger. gc.lock. */
void trix_sweep_repace(const struct pacer *p, int64_t live);

/* Sweeps what is owed now that there are `live` bytes, unless somebody wants the thread to leave; inside, no locks. */
void trix_sweep_pay(const struct gate *g, int64_t live);

/* Sweeps the rest, and waits for those who still sweep. */
void trix_sweep_finish(void);

/* Makes sure that the span is swept before it is touched. */
void trix_sweep_span(uint32_t page);

uint64_t trix_sweep_left(void); /* pages; relaxed */
bool trix_sweep_active(void);
void trix_sweep_reset_after_fork(void);

#endif
