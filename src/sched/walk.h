/* walk.h - walking a parked goroutine's stack: see goroutines.c. */
#ifndef TRIX_WALK_H
#define TRIX_WALK_H

#include "g.h"
#include "goroutines.h"

struct frames {
    uintptr_t pc[GOROUTINE_FRAMES]; /* return addresses, innermost first */
    uint32_t n;
    bool inside; /* past the switch */
};

/* The frames of a goroutine that nobody runs; those it was left in by the library come first. One that has never run has
 * one, in its function. None: there is no room left on its stack to walk it. World stopped, or everybody asleep. */
void trix_walk_parked(struct thread *t, struct g *g, struct frames *f);
void trix_walk_here(struct frames *f); /* the calling one's */

const char *trix_goroutine_state(const struct g *g); /* Go's words */
const char *trix_wait_words(enum g_wait why);

#endif
