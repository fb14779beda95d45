/* arena.h - arenas, as the rest of the layer sees them: see arena.c. */
#ifndef TRIX_ARENA_H
#define TRIX_ARENA_H

#include "life.h"

/* Whether the address lies in an arena that was freed. Safe in a signal handler. */
bool trix_arena_is_freed(uintptr_t p);

void trix_arenas_cycle(void); /* world stopped, a cycle begins */

/* From now on a fault in a freed arena ends the program by saying so. Any number of times. */
void trix_arena_watch(void);

#endif
