/* scavenge.h - gives memory of free pages back to the system: see scavenge.c. */
#ifndef TRIX_SCAVENGE_H
#define TRIX_SCAVENGE_H

#include "pageheap.h"

struct gate;

enum scavenge_how {
    SCAVENGE_GENTLY, /* leaves alone what will soon be used again */
    SCAVENGE_ALL     /* whatever is free */
};

/* Where the next call goes on; SCAVENGE_FROM_TOP at first, and again after a cycle. */
#define SCAVENGE_FROM_TOP ((struct release_cursor){{UINT32_MAX, UINT32_MAX, UINT32_MAX}})

/* Gives back about so many pages, highest addresses first; returns how many, fewer only when there are no more below the
 * cursor, or the system refuses. A piece takes some 10 us: no stop waits for long, but many pieces add up. Inside, or the
 * collector; no locks. */
uint64_t trix_scavenge(uint64_t npages, enum scavenge_how how, struct release_cursor *from);

/* Called by who has taken pages: gives back others when the heap has more memory than trix_pageheap_most. Inside, without
 * locks. With a gate the thread counts as blocked while the kernel drops memory, as in trix_gate_blocking; without, stops wait. */
void trix_scavenge_over(struct gate *gate);

/* Bytes given back so far, and by trix_scavenge_over of these; relaxed. CPU time of the latter, ns. */
extern uint64_t trix_scavenged_bytes, trix_scavenged_eagerly, trix_scavenge_ns;
extern uint64_t trix_scavenge_background_ns; /* CPU time of the collector's thread spent on it; relaxed */

#endif
