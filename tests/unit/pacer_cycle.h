/* pacer_cycle.h - for the tests of the pacer: units, comparing with a tolerance, a whole cycle at once. */
#ifndef PACER_CYCLE_H
#define PACER_CYCLE_H

#include "unit.h"

#include "gc/pacer.h"

#define KIB            ((uint64_t)1 << 10)
#define MIB            ((uint64_t)1 << 20)
#define GIB            ((uint64_t)1 << 30)
#define TIB            ((uint64_t)1 << 40)
#define MS             1000000u
#define BACKGROUND     0.25 /* of the processors mark throughout; the test's own figure */
#define COUNT_OF(a)    (sizeof(a) / sizeof((a)[0]))
#define NEAR(a, b, by) assert_near((a), (b), (by), #a, __LINE__)

__attribute__((unused)) static void assert_near(double a, double b, double by, const char *what, int line) {
    if (!(a >= b - by && a <= b + by))
        fail_msg("line %d: %s is %.9g, not %.9g +- %.3g", line, what, a, b, by);
}

/* A whole cycle by the given figures; cons/mark measured is what makes the runway. */
struct cycle {
    uint64_t start_live, end_live, marked;
    uint64_t heap_work, stack_work, globals;
    uint64_t ns, assist_ns, idle_ns;
    uint32_t procs;
    bool forced;
};

__attribute__((unused)) static void run_cycle(struct pacer *p, struct cycle c) {
    trix_pacer_start_cycle(p, &(struct pacer_start){.heap_live = c.start_live,
                                                    .heap_scan = c.start_live,
                                                    .stacks = c.stack_work,
                                                    .globals = c.globals,
                                                    .now_ns = 1000,
                                                    .procs = c.procs});
    assert_true(trix_pacer_check(p));
    trix_pacer_end_cycle(p, &(struct pacer_finish){.heap_live = c.end_live,
                                                   .heap_work = c.heap_work,
                                                   .stack_work = c.stack_work,
                                                   .globals_work = c.globals,
                                                   .assist_ns = c.assist_ns,
                                                   .idle_ns = c.idle_ns,
                                                   .now_ns = 1000 + c.ns,
                                                   .forced = c.forced});
    assert_true(trix_pacer_check(p));
    trix_pacer_commit(p, c.marked);
    assert_true(trix_pacer_check(p));
}

#endif
