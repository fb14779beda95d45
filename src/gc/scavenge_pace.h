/* scavenge_pace.h - how much memory goes back to the system, and how fast; the policy. Go's goals (the design is "Smarter
 * Scavenging", M. Knyszek, 2019, and "Soft memory limit", 2022; runtime/mgcscavenge.go behaves so). Pure, like the
 * pacer: no clock, no lock, no heap.
 *
 * How much. The heap keeps free pages for what it will allocate until the end of the next cycle, and some more:
 *
 *   without a limit   10 % more than what was in use at the end of the last cycle, scaled by how the goal has changed, and
 *                     16 MiB in any case: a small heap, which has a hundred cycles a second, would give back and take again
 *                     the pages by which one cycle differs from the next, and that costs more than the cycles
 *   with a limit      never more than 95 % of the limit, all memory counted
 *
 * How fast. The work takes 1 % of the processors' time. It is saved up as credit, and spent in bouts of a millisecond, so
 * that waking up is worth it. Credit that was not used is not kept for more than some bouts: after an hour's rest the
 * scavenger does not run for half a minute.
 *
 * And, beyond Go: a program that has dropped most of its heap and then hardly allocates would not begin another cycle for
 * two minutes, and its memory would stay. So when the program has run since the last cycle, one is begun already when that
 * costs less than a twentieth of a processor.
 */
#ifndef TRIX_GC_SCAVENGE_PACE_H
#define TRIX_GC_SCAVENGE_PACE_H

#include "../base/attr.h"

#define SCAVENGE_NEVER UINT64_MAX
enum { SCAVENGE_BOUT_NS = 1000 * 1000 };

/* Bytes of heap that may stay backed, free pages included: `inuse` bytes were in use at the end of a cycle whose goal was
 * last_goal, and the next cycle's is `goal` (UINT64_MAX: none). SCAVENGE_NEVER: any number. */
uint64_t trix_scavenge_retain(uint64_t inuse, uint64_t last_goal, uint64_t goal);

/* Bytes that may stay mapped in all, for the memory limit. */
uint64_t trix_scavenge_limit(uint64_t memory_limit);

/* Bytes that should go, given what is backed in the heap and mapped in all. */
uint64_t trix_scavenge_excess(uint64_t backed, uint64_t retain, uint64_t mapped, uint64_t limit_goal);

struct scavenge_pace {
    int64_t credit_ns; /* CPU time that may be spent; negative when a bout took longer than it should */
    uint64_t last_ns;  /* when credit was added last */
};

/* Time passes; returns ns until the next bout may begin, 0 for now. */
uint64_t trix_scavenge_wait(struct scavenge_pace *pace, uint32_t procs, uint64_t now_ns);
void trix_scavenge_spend(struct scavenge_pace *pace, uint64_t cpu_ns);

/* ns from one cycle to the next at which one is begun though the heap has not grown to its trigger: `longest`, or less
 * when the last one took cycle_ns of CPU time and `live` bytes may be worth looking at. */
uint64_t trix_scavenge_rest(uint64_t cycle_ns, uint64_t live, uint64_t longest);

#endif
