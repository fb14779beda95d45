/* walk.h - walking a parked goroutine's stack: see goroutines.c. */
#ifndef TRIX_WALK_H
#define TRIX_WALK_H

#include "g.h"

/* Calls fn(arg) on the stack of a goroutine that nobody runs, as if trix_switch had called it, and returns. False: it has
 * never run, or has no room. World stopped, or everybody asleep. */
bool trix_walk_parked(struct thread *t, struct g *g, void (*fn)(void *), void *arg);

const char *trix_goroutine_state(const struct g *g); /* Go's words */
const char *trix_wait_words(enum g_wait why);

#endif
