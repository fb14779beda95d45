/* obs.h - what the collector shows of itself: the trace line, MemStats. Reads the layers below, changes nothing. */
#ifndef TRIX_OBS_H
#define TRIX_OBS_H

#include "../gc/gc.h"

/* One line in Go's format on stderr. */
void trix_trace_cycle(const struct cycle_report *report);

/* Lines on the pacer and on arenas, as GODEBUG asks. */
void trix_trace_pacing(const struct cycle_report *report);

/* The same for memory given back to the system. */
void trix_trace_scavenge(uint64_t background, uint64_t eager, bool forced);

/* The ring of pauses in MemStats. */
void trix_memstats_cycle(const struct cycle_report *report);
struct memstats_more { /* counts that MemStats does not tell by themselves; they only grow */
    uint64_t tiny;        /* objects, of the mallocs and of the frees */
    uint64_t freed_bytes;
    uint64_t large_mallocs, large_frees;
};
/* All fields; inside. What counts something only grows from one reading to the next, and so do the differences: mallocs and
 * frees without the tiny objects. */
void trix_memstats_read(tri_mem_stats *s, struct memstats_more *more);

/* ns that goroutines and threads have waited for locks while the mutex profile was on; relaxed. */
extern uint64_t trix_mutex_waited;

/* The history of cycles. */
void trix_sight_cycle(const struct cycle_report *report);

/* What the metrics tell of cycles. */
void trix_metrics_init(void);
void trix_metrics_cycle(const struct cycle_report *report);

#endif
