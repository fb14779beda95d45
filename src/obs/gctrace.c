/* gctrace.c - GODEBUG=gctrace=1: a line for each cycle, in Go's own format (runtime/mgc.go), so that what reads Go's
 * reads ours:
 *
 *   gc 1 @0.019s 2%: 0.015+2.5+0.003 ms clock, 0.061+0.5/2.0/3.0+0.012 ms cpu, 4->4->1 MB, 5 MB goal, 0 MB stacks, 0 MB
 *   globals, 4 P
 *
 * Clock: first stop, concurrent marking, the stops at its end added up. CPU: the same, the middle one divided into
 * assists, background marking, and marking on processors that were idle. Heap: at the start, at the end, marked.
 */
#include "obs.h"
#include "../base/fmt.h"

static uint64_t megabytes(uint64_t bytes) { return bytes >> 20; }

void trix_trace_cycle(const struct cycle_report *r) {
    char buffer[512];
    struct text t = text_over(buffer, sizeof buffer);
    uint64_t procs = (uint64_t)trix_gc.procs;
    uint64_t at = (r->marked - trix_gc.start_ns) / 1000000; /* ms */
    trix_text_add(&t, "gc %u @%lu.", r->number, at / 1000);
    trix_text_add(&t, "%lu%lu%lus %lu%%%s: ", at / 100 % 10, at / 10 % 10, at % 10, (uint64_t)(r->cpu_fraction * 100),
                  r->leaks ? " (checking for goroutine leaks)" : "");
    trix_text_ms(&t, r->stop_start);
    trix_text_add(&t, "+");
    trix_text_ms(&t, r->concurrent);
    trix_text_add(&t, "+");
    trix_text_ms(&t, r->stop_finish);
    trix_text_add(&t, " ms clock, ");
    trix_text_ms(&t, r->stop_start * procs);
    trix_text_add(&t, "+");
    trix_text_ms(&t, r->assist_cpu);
    trix_text_add(&t, "/");
    trix_text_ms(&t, r->background_cpu);
    trix_text_add(&t, "/");
    trix_text_ms(&t, r->idle_cpu);
    trix_text_add(&t, "+");
    trix_text_ms(&t, r->stop_finish * procs);
    trix_text_add(&t, " ms cpu, %lu->%lu->%lu MB, %lu MB goal, %lu MB stacks, %lu MB globals, %lu P%s\n",
                  megabytes(r->heap_start), megabytes(r->heap_end), megabytes(r->heap_marked),
                  r->goal == PACER_NEVER ? 0 : megabytes(r->goal), megabytes(r->stacks), megabytes(r->globals), procs,
                  r->forced ? " (forced)" : "");
    trix_text_write(&t, 2);
}
