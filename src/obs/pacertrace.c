/* pacertrace.c - GODEBUG=gcpacertrace=1: what the pacer expected of a cycle and what it got, in the format of the line that Go
 * prints at the end of one (runtime/mgcpacer.go); and GODEBUG=arenatrace=1:
 *
 *   pacer: 24% CPU (25 exp.) for 41288+4096+2312 B work (44890 B exp.) in 4194304 B -> 4311040 B (delta goal -12, cons/mark 0.043210)
 *   arena: 128 MiB of address space for the heap, 64 more
 *
 * CPU: of the time that the processors had while it marked, spent on marking, idle ones left out. Work: bytes of heap, stacks and globals
 * scanned; expected is what the cycle before had found. B -> B: the heap when it began and when all was marked; goal: how far it
 * was past its goal then. Of arenas a line comes at the end of the first cycle that sees them.
 */
#include "obs.h"
#include "../base/fmt.h"
#include "../base/options.h"
#include "../heap/map.h"

enum { EXPECTED = 25 /* percent: the pacer's share for marking */, PLACES = 1000000 };

static uint64_t expected, arenas; /* collector */

static uint64_t percent_marking(const struct cycle_report *r) {
    uint64_t available = r->concurrent * (uint64_t)trix_gc.procs;
    return available ? (r->assist_cpu + r->background_cpu) * 100 / available : 0;
}

static void add_fraction(struct text *t, double value) {
    uint64_t whole = (uint64_t)(value * PLACES + 0.5);
    trix_text_add(t, "%lu.", whole / PLACES);
    for (uint64_t place = PLACES / 10, rest = whole % PLACES; place; rest %= place, place /= 10) trix_text_add(t, "%lu", rest / place);
}

static void trace_pacer(const struct cycle_report *r) {
    char buffer[320];
    struct text t = text_over(buffer, sizeof buffer);
    lock_acquire(&trix_gc.lock);
    uint64_t heap = trix_gc.pacer.heap_work, stacks = trix_gc.pacer.stack_work, globals = trix_gc.pacer.globals;
    double cons_mark = trix_gc.pacer.cons_mark;
    lock_release(&trix_gc.lock);
    uint64_t work = heap + stacks + globals;
    int64_t past = r->goal == PACER_NEVER ? 0 : (int64_t)r->heap_end - (int64_t)r->goal;
    trix_text_add(&t, "pacer: %lu%% CPU (%d exp.) for %lu+%lu+%lu B work (%lu B exp.) in %lu B -> %lu B (delta goal %ld, cons/mark ",
                  percent_marking(r), EXPECTED, heap, stacks, globals, expected, r->heap_start, r->heap_end, past);
    add_fraction(&t, cons_mark);
    trix_text_add(&t, ")\n");
    trix_text_write(&t, 2);
    expected = work;
}

static void trace_arenas(void) {
    uint64_t now = load_relaxed(&trix_map.committed);
    if (now == arenas) return;
    char buffer[128];
    struct text t = text_over(buffer, sizeof buffer);
    trix_text_add(&t, "arena: %lu MiB of address space for the heap, %lu more\n", now >> 20, (now - arenas) >> 20);
    trix_text_write(&t, 2);
    arenas = now;
}

void trix_trace_pacing(const struct cycle_report *r) {
    if (trix_options.debug.gcpacertrace) trace_pacer(r);
    if (trix_options.debug.arenatrace) trace_arenas();
}
