/* pacer_test.c - the pacer's arithmetic, figure by figure. Whole programs are in pacer_sim_test.c. */
#include "pacer_cycle.h"

#include <limits.h>
#include <string.h>

/* A pacer after a cycle with no measurement: runway 0. */
static struct pacer settled(int32_t percent, uint64_t limit, uint64_t marked, uint64_t stacks,
                            uint64_t globals) {
    struct pacer p;
    trix_pacer_init(&p, percent, limit);
    struct cycle c = {
        .marked = marked, .heap_work = marked, .stack_work = stacks, .globals = globals, .forced = true};
    run_cycle(&p, c);
    return p;
}

static void test_goal_of_percent(void **state) {
    (void)state;
    struct pacer p;
    trix_pacer_init(&p, 100, PACER_NO_LIMIT);
    assert_int_equal(trix_pacer_goal(&p), 4 * MIB); /* nothing live yet: the minimum, in proportion to GOGC */
    trix_pacer_set_gc_percent(&p, 50);
    assert_int_equal(trix_pacer_goal(&p), 2 * MIB);
    trix_pacer_set_gc_percent(&p, 400);
    assert_int_equal(trix_pacer_goal(&p), 16 * MIB);
    trix_pacer_set_gc_percent(&p, 0);
    assert_int_equal(trix_pacer_goal(&p), 0);

    p = settled(100, PACER_NO_LIMIT, 100 * MIB, 10 * MIB, 2 * MIB);
    assert_int_equal(trix_pacer_goal(&p), (100 + 112) * MIB);
    trix_pacer_set_gc_percent(&p, 50);
    assert_int_equal(trix_pacer_goal(&p), (100 + 56) * MIB);
    trix_pacer_set_gc_percent(&p, 0); /* sweeping needs a MiB */
    assert_int_equal(trix_pacer_goal(&p), 101 * MIB);
    trix_pacer_set_gc_percent(&p, 33);
    assert_int_equal(trix_pacer_goal(&p), 100 * MIB + 112 * MIB / 100 * 33 + 112 * MIB % 100 * 33 / 100);
    trix_pacer_set_gc_percent(&p, PACER_OFF);
    assert_true(trix_pacer_goal(&p) == PACER_NEVER && trix_pacer_trigger(&p) == PACER_NEVER);
    trix_pacer_set_gc_percent(&p, INT_MIN);
    assert_true(trix_pacer_goal(&p) == PACER_NEVER && trix_pacer_check(&p));

    p = settled(100, PACER_NO_LIMIT, 1 * MIB, 0, 0); /* a small heap: the minimum holds */
    assert_int_equal(trix_pacer_goal(&p), 4 * MIB);
}

static void test_goal_of_limit(void **state) {
    (void)state;
    struct pacer p = settled(100, 300 * MIB, 100 * MIB, 0, 0);
    struct pacer_memory m = {.mapped = 250 * MIB, .heap_free = 110 * MIB, .heap_alloc = 100 * MIB};
    trix_pacer_observe(&p, &m); /* 40 MiB are not heap objects: 260 MiB less 3 % */
    assert_int_equal(trix_pacer_goal(&p), 200 * MIB);
    trix_pacer_set_gc_percent(&p, PACER_OFF);
    assert_int_equal(trix_pacer_goal(&p), 260 * MIB - 260 * MIB * 3 / 100);
    trix_pacer_set_memory_limit(&p, 180 * MIB); /* over by 70 MiB: 180 - 40 - 70 is below what is marked */
    assert_int_equal(trix_pacer_goal(&p), 100 * MIB);
    assert_int_equal(trix_pacer_trigger(&p), 100 * MIB);
    trix_pacer_set_memory_limit(&p, 100 * MIB); /* 40 + 150: nothing left at all */
    assert_int_equal(trix_pacer_goal(&p), 100 * MIB);
    trix_pacer_set_memory_limit(&p, 0);
    assert_int_equal(trix_pacer_goal(&p), 100 * MIB);
    trix_pacer_set_memory_limit(&p, 220 * MIB); /* over by 30: 220 - 40 - 30 = 150 */
    assert_int_equal(trix_pacer_goal(&p), 150 * MIB - 150 * MIB * 3 / 100);
    trix_pacer_set_memory_limit(&p, PACER_NO_LIMIT);
    assert_true(trix_pacer_goal(&p) == PACER_NEVER);

    p = settled(PACER_OFF, 20 * MIB, 1 * MIB, 0, 0); /* 3 % would be too little: 1 MiB */
    assert_int_equal(trix_pacer_goal(&p), 19 * MIB);
    trix_pacer_set_memory_limit(&p, 40 * MIB);
    assert_int_equal(trix_pacer_goal(&p), 40 * MIB - 40 * MIB * 3 / 100);
    p = settled(PACER_OFF, 1 * MIB, 100 * KIB, 0, 0); /* and never more than half */
    assert_int_equal(trix_pacer_goal(&p), 512 * KIB);
    m = (struct pacer_memory){
        .mapped = 1 * MIB, .heap_free = 2 * MIB, .heap_alloc = TIB}; /* figures that disagree */
    trix_pacer_observe(&p, &m);
    assert_int_equal(trix_pacer_goal(&p), 512 * KIB);

    p = settled(0, 200 * MIB, 100 * MIB, 0, 0); /* the limit has the last word over the sweep distance */
    assert_int_equal(trix_pacer_goal(&p), 101 * MIB);
    trix_pacer_set_memory_limit(&p, 103 * MIB + 512 * KIB);
    assert_true(trix_pacer_goal(&p) < 101 * MIB && trix_pacer_goal(&p) > 100 * MIB);
    assert_true(trix_pacer_trigger(&p) < trix_pacer_goal(&p));
}

/* 25 % of procs * 40 ns without assists: `work` bytes scanned, `bytes` allocated: cons/mark = bytes / (3 *
 * work). */
static struct pacer with_runway(uint64_t marked, uint64_t runway) {
    struct pacer p;
    trix_pacer_init(&p, 100, PACER_NO_LIMIT);
    struct cycle c = {
        .start_live = marked, .end_live = marked + runway, .marked = marked, .heap_work = marked};
    c.ns = 40, c.procs = 8;
    run_cycle(&p, c);
    p.late[0] = 0; /* the first cycle seems late; see test_delay */
    return p;
}

static void test_trigger(void **state) {
    (void)state;
    struct pacer p;
    trix_pacer_init(&p, 100, PACER_NO_LIMIT); /* no runway known: as late as may be */
    assert_int_equal(trix_pacer_trigger(&p), 4 * MIB / 64 * 61);
    p = with_runway(64 * MIB, 10 * MIB); /* 10 of 64 MiB before the goal */
    NEAR((double)p.runway, 10.0 * MIB, 16);
    assert_int_equal(trix_pacer_trigger(&p), 128 * MIB - p.runway);
    p = with_runway(64 * MIB, 30 * MIB); /* too early */
    assert_int_equal(trix_pacer_trigger(&p), (64 + 45) * MIB);
    p = with_runway(64 * MIB, 500 * MIB); /* longer than the goal */
    assert_int_equal(trix_pacer_trigger(&p), (64 + 45) * MIB);
    p = with_runway(64 * MIB, 0); /* too late: 3 MiB is 3/64 here, nearer than 4 MiB */
    assert_int_equal(trix_pacer_trigger(&p), (64 + 61) * MIB);
    p = with_runway(1024 * MIB, 0); /* 3/64 would be 48 MiB */
    assert_int_equal(trix_pacer_trigger(&p), 2044 * MIB);
    p = with_runway(2 * MIB, 4 * MIB); /* a small heap: the minimum goal, and the low bound from 2 to 4 MiB */
    assert_int_equal(trix_pacer_trigger(&p), 2 * MIB + 2 * MIB / 64 * 45);
    trix_pacer_set_gc_percent(&p, 10); /* sweeping: never less than a MiB past the commit */
    assert_int_equal(trix_pacer_goal(&p), 3 * MIB);
    assert_int_equal(trix_pacer_trigger(&p), 3 * MIB);
}

static void test_runway_counts_all_work(void **state) {
    (void)state;
    struct pacer p;
    trix_pacer_init(&p, 100, PACER_NO_LIMIT);
    struct cycle c = {
        .start_live = 80 * MIB, .end_live = 86 * MIB, .marked = 70 * MIB, .ns = 1000, .procs = 4};
    c.heap_work = 50 * MIB, c.stack_work = 8 * MIB, c.globals = 2 * MIB;
    run_cycle(&p, c); /* as much as last time is expected to be allocated during the same work */
    NEAR(p.cons_mark, 6.0 / 60 / 3, 1e-12);
    NEAR((double)p.runway, 6.0 * MIB, 16);
    c.assist_ns = 1000; /* of 4000: 50 % in all */
    p.cons_mark = 0, memset(p.past, 0, sizeof p.past);
    run_cycle(&p, c);
    NEAR(p.cons_mark, 6.0 / 60, 1e-12);
    NEAR((double)p.runway, 18.0 * MIB, 16);
    c.idle_ns = 1000; /* 75 % scanned, 50 % was the program's */
    run_cycle(&p, c);
    NEAR(p.cons_mark, 6.0 / 60 * 1.5, 1e-12);
}

static void test_cons_mark_remembers_five(void **state) {
    (void)state;
    struct pacer p;
    trix_pacer_init(&p, 100, PACER_NO_LIMIT);
    static const uint64_t bytes[] = {3, 60, 6, 9, 3, 3, 3, 3, 3, 12, 3};
    static const double used[] = {3, 60, 60, 60, 60, 60, 9, 9, 3, 12, 12};
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        struct cycle c = {
            .start_live = 100 * MIB, .marked = 100 * MIB, .heap_work = 100 * MIB, .ns = 40, .procs = 1};
        c.end_live = c.start_live + bytes[i] * MIB;
        run_cycle(&p, c);
        NEAR(p.cons_mark, used[i] / 300, 1e-12);
        double before = p.cons_mark;
        c.end_live = 500 * MIB, c.forced = true; /* teaches nothing */
        run_cycle(&p, c);
        c.forced = false, c.ns = 0; /* no time, no measurement */
        run_cycle(&p, c);
        c.ns = 40, c.heap_work = 0; /* no work, neither */
        run_cycle(&p, c);
        assert_true(p.cons_mark == before);
    }
    struct cycle all = {
        .start_live = 1, .end_live = 1 + MIB, .marked = 1, .heap_work = 1, .ns = 10, .procs = 1};
    all.assist_ns = 1000; /* more assists than there was time: finite all the same */
    run_cycle(&p, all);
    NEAR(p.cons_mark, (double)MIB * 100.25 / 0.01, 1);
    all.end_live =
        UINT64_MAX; /* 2^64 bytes for each byte of work: the runway is held at the most there can be */
    run_cycle(&p, all);
    assert_true(p.runway == UINT64_MAX);
}

static void test_workers(void **state) {
    (void)state;
    static const struct {
        uint32_t procs, dedicated;
        double fractional;
    } want[] = {{0, 0, 0.25}, {1, 0, 0.25}, {2, 0, 0.5},   {3, 0, 0.75}, {4, 1, 0},
                {5, 1, 0},    {6, 1, 0.5},  {7, 2, 0},     {8, 2, 0},    {9, 2, 0},
                {10, 3, 0},   {64, 16, 0},  {1000, 250, 0}};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct pacer p;
        trix_pacer_init(&p, 100, PACER_NO_LIMIT);
        struct pacer_workers w = trix_pacer_start_cycle(&p, &(struct pacer_start){.procs = want[i].procs});
        assert_int_equal(w.dedicated, want[i].dedicated);
        NEAR(w.fractional, want[i].fractional, 1e-12);
    }
}

static double assist(const struct pacer *p, uint64_t live, uint64_t work) {
    struct pacer_assist a = trix_pacer_revise(p, live, work);
    NEAR(a.work_per_byte * a.bytes_per_work, 1, 1e-12);
    assert_true(a.work_per_byte > 0 && a.bytes_per_work > 0);
    assert_true(a.work_per_byte - a.work_per_byte == 0 && a.bytes_per_work - a.bytes_per_work == 0);
    return a.work_per_byte;
}

static void test_assist_ratio(void **state) {
    (void)state;
    /* Last cycle: 90 + 8 + 2 MiB of work. Goal 300. Now up to 180 + 8 + 2, from 250 on. */
    struct pacer p;
    trix_pacer_init(&p, 100, PACER_NO_LIMIT);
    struct cycle last = {
        .marked = 145 * MIB, .heap_work = 90 * MIB, .stack_work = 8 * MIB, .globals = 2 * MIB};
    run_cycle(&p, last);
    assert_int_equal(trix_pacer_goal(&p), 300 * MIB);
    struct pacer_start s = {
        .heap_live = 250 * MIB, .heap_scan = 180 * MIB, .stacks = 8 * MIB, .globals = 2 * MIB};
    trix_pacer_start_cycle(&p, &s);
    NEAR(assist(&p, 250 * MIB, 0), 100.0 / 50, 1e-9);
    NEAR(assist(&p, 275 * MIB, 80 * MIB), 20.0 / 25, 1e-9);
    NEAR(assist(&p, 299 * MIB, 100 * MIB), 1000.0 / MIB,
         1e-9); /* all done as it seems: a little is left always */
    NEAR(assist(&p, 300 * MIB, 50 * MIB), 50.0 * MIB, 1e-3); /* at the goal: at once */
    /* More than expected: 190 MiB by 250 + 50 * 1.9 = 345. */
    NEAR(assist(&p, 295 * MIB, 110 * MIB), 80.0 / 50, 1e-6);
    trix_pacer_set_gc_percent(
        &p, 10); /* goal 160.5 -> the least runway past the start: 250 + 1/16, then 275.07 */
    NEAR(assist(&p, 250 * MIB, 110 * MIB), 80 / (1.9 / 16), 0.01);
    trix_pacer_set_gc_percent(&p, 100);
    p.most_work = 4000 * MIB; /* by far more: 250 + 50 * 40 is held at twice the goal */
    NEAR(assist(&p, 400 * MIB, 110 * MIB), 3890.0 / 200, 1e-6);
    p.most_work = 50 * MIB; /* less than was found is no reason to hurry */
    NEAR(assist(&p, 299 * MIB, 110 * MIB), 1000.0 / MIB, 1e-9);
    p.most_work = 190 * MIB;
    /* Past the goal: a tenth more, and for all the work there can be. */
    NEAR(assist(&p, 310 * MIB, 50 * MIB), 140.0 / 20, 1e-6);
    NEAR(assist(&p, 340 * MIB, 50 * MIB), 140.0 * MIB, 1e-3);
    NEAR(assist(&p, 350 * MIB, 110 * MIB), 80.0 / (345 * 1.1 - 350), 1e-6);
    /* A limit of 330: the goal may be put off into its headroom, not further. */
    trix_pacer_set_memory_limit(&p, 330 * MIB);
    NEAR(assist(&p, 295 * MIB, 110 * MIB), 80.0 / 35, 1e-6);
    trix_pacer_set_gc_percent(&p, PACER_OFF); /* a forced cycle, and no limit: all the time in the world */
    trix_pacer_set_memory_limit(&p, PACER_NO_LIMIT);
    assert_true(assist(&p, 295 * MIB, 0) < 1e-9);
    assert_true(assist(&p, 295 * MIB, 110 * MIB) < 1e-9);
}

static void test_first_cycle_expects_all(void **state) {
    (void)state;
    struct pacer p;
    trix_pacer_init(&p, 100, PACER_NO_LIMIT);
    struct pacer_start s = {.heap_live = 3 * MIB, .heap_scan = 3 * MIB, .procs = 2};
    trix_pacer_start_cycle(&p, &s);
    NEAR(assist(&p, 3 * MIB, 0), 3.0 / 5, 1e-6); /* twice the goal of 4 MiB */
    NEAR(assist(&p, 3 * MIB, 1 * MIB), 2.0 / 5, 1e-6);

    /* GOGC off, and a limit of 300 with 6 beside the heap: by its room, the headroom included. */
    trix_pacer_init(&p, PACER_OFF, 300 * MIB);
    struct pacer_memory m = {.mapped = 286 * MIB, .heap_alloc = 280 * MIB};
    trix_pacer_observe(&p, &m);
    struct pacer_start limited = {.heap_live = 280 * MIB, .heap_scan = 280 * MIB, .procs = 2};
    trix_pacer_start_cycle(&p, &limited);
    NEAR(assist(&p, 280 * MIB, 0), 280.0 / 14, 1e-6);
    NEAR(assist(&p, 287 * MIB, 140 * MIB), 140.0 / 7, 1e-6);
}

/* Bytes that go by between trigger and start. */
static void test_delay(void **state) {
    (void)state;
    struct pacer p = with_runway(64 * MIB, 8 * MIB);
    uint64_t trigger = trix_pacer_trigger(&p);
    struct cycle c = {.end_live = 130 * MIB, .marked = 64 * MIB, .heap_work = 64 * MIB, .forced = true};
    static const uint64_t late[] = {2, 3, 0, 5, 4, 90};
    static const uint64_t used[] = {0, 2, 0, 0, 4, 4};
    for (size_t i = 0; i < COUNT_OF(late); i++) {
        c.start_live = trix_pacer_trigger(&p) + late[i] * MIB;
        run_cycle(&p, c);
        assert_int_equal(trix_pacer_trigger(&p), trigger - used[i] * MIB);
    }
    c.start_live = trix_pacer_trigger(&p) - 1; /* earlier than the trigger: forced */
    run_cycle(&p, c);
    assert_int_equal(trix_pacer_trigger(&p), trigger);
}

static uint64_t goal_after_start(struct pacer p, uint64_t heap_live) {
    trix_pacer_start_cycle(&p, &(struct pacer_start){.heap_live = heap_live, .procs = 1});
    assert_true(trix_pacer_check(&p));
    return trix_pacer_goal(&p);
}

static void test_least_runway(void **state) {
    (void)state;
    struct pacer p = with_runway(64 * MIB, 8 * MIB);
    assert_int_equal(goal_after_start(p, 120 * MIB), 128 * MIB);
    assert_int_equal(goal_after_start(p, 124 * MIB - 1), 128 * MIB);
    assert_int_equal(goal_after_start(p, 127 * MIB), 127 * MIB + p.runway / 2);
    assert_int_equal(goal_after_start(p, 200 * MIB), 200 * MIB + p.runway / 2);
    p = with_runway(64 * MIB, 40 * MIB); /* but only 19/64 were planned */
    assert_int_equal(goal_after_start(p, 127 * MIB), 127 * MIB + 19 * MIB / 2);
    p = with_runway(64 * MIB, 0);
    assert_int_equal(goal_after_start(p, 128 * MIB), 128 * MIB + 64 * KIB);
    p = with_runway(64 * MIB, 8 * MIB);
    trix_pacer_set_memory_limit(&p, 140 * MIB); /* the limit has the last word */
    assert_int_equal(goal_after_start(p, 150 * MIB), 140 * MIB - 140 * MIB * 3 / 100);
    trix_pacer_set_memory_limit(&p, 0);
    assert_int_equal(goal_after_start(p, 150 * MIB), 64 * MIB);
}

static void test_sweep_pace(void **state) {
    (void)state;
    struct pacer p = settled(100, PACER_NO_LIMIT, 64 * MIB, 0, 0); /* trigger 125 MiB */
    NEAR(trix_pacer_sweep_pace(&p, 64 * MIB, 6000), 6000 / (60.0 * MIB), 1e-15);
    NEAR(trix_pacer_sweep_pace(&p, 94 * MIB, 3000), 3000 / (30.0 * MIB), 1e-15);
    NEAR(trix_pacer_sweep_pace(&p, 124 * MIB, 10), 10 / 8192.0, 1e-12);
    NEAR(trix_pacer_sweep_pace(&p, 500 * MIB, 10), 10 / 8192.0, 1e-12);
    assert_true(trix_pacer_sweep_pace(&p, 64 * MIB, 0) == 0);
    trix_pacer_set_gc_percent(&p, PACER_OFF);
    assert_true(trix_pacer_sweep_pace(&p, 64 * MIB, 6000) < 1e-12);
}

/* Every combination of extreme figures keeps the invariants; the sanitizers watch for overflow. */
/* What is given back by hand lowers the goal, but not while marking, and never raises it. */
static void test_freed(void **state) {
    (void)state;
    struct pacer p;
    trix_pacer_init(&p, 100, PACER_NO_LIMIT);
    trix_pacer_commit(&p, 1000 * MIB);
    uint64_t goal = trix_pacer_goal(&p);
    trix_pacer_freed(&p, 1500 * MIB);
    assert_int_equal(trix_pacer_goal(&p), goal);
    trix_pacer_freed(&p, 900 * MIB);
    assert_int_equal(trix_pacer_goal(&p), 1800 * MIB);
    trix_pacer_freed(&p, 100 * MIB);
    assert_int_equal(trix_pacer_goal(&p), 1250 * MIB); /* as large as it was, and a quarter */
    assert_true(trix_pacer_check(&p));
    trix_pacer_freed(&p, 0);
    assert_int_equal(trix_pacer_goal(&p), 1250 * MIB);
    assert_true(trix_pacer_check(&p));
    trix_pacer_commit(&p, 100 * MIB);
    assert_int_equal(trix_pacer_goal(&p), 200 * MIB);
    trix_pacer_set_gc_percent(&p, 10);
    trix_pacer_freed(&p, 50 * MIB);
    assert_int_equal(trix_pacer_goal(&p), 110 * MIB); /* it never rises */
    assert_true(trix_pacer_check(&p));
}

static void test_extremes(void **state) {
    (void)state;
    static const uint64_t sizes[] = {0, 1, 63, 64 * KIB, 4 * MIB, 100 * TIB, PACER_NO_LIMIT, UINT64_MAX};
    static const int32_t percents[] = {INT_MIN, -1, 0, 1, 100, INT_MAX};
    enum { SIZES = COUNT_OF(sizes), ALL = SIZES * SIZES * SIZES * SIZES };
    for (int i = 0; i < ALL * (int)COUNT_OF(percents); i++) {
        uint64_t a = sizes[i % SIZES], b = sizes[i / SIZES % SIZES], c = sizes[i / SIZES / SIZES % SIZES];
        uint64_t limit = sizes[i / SIZES / SIZES / SIZES % SIZES];
        struct pacer p;
        trix_pacer_init(&p, percents[i / ALL], limit);
        trix_pacer_observe(&p, &(struct pacer_memory){.mapped = b, .heap_free = c, .heap_alloc = a});
        struct cycle cycle = {.start_live = a, .end_live = b, .marked = c, .heap_work = b, .stack_work = c};
        cycle.globals = a, cycle.ns = b, cycle.assist_ns = c, cycle.idle_ns = a, cycle.procs = UINT32_MAX;
        run_cycle(&p, cycle);
        trix_pacer_start_cycle(
            &p, &(struct pacer_start){.heap_live = b, .heap_scan = a, .stacks = b, .globals = c});
        assist(&p, a, b), assist(&p, b, c), assist(&p, c, 0);
        assert_true(trix_pacer_check(&p));
        double pace = trix_pacer_sweep_pace(&p, a, b);
        assert_true(pace >= 0 && pace - pace == 0);
    }
    struct pacer p =
        settled(INT_MAX, PACER_NO_LIMIT, 1 * TIB, 0, 0); /* 2^40 * 2^31 / 100 does not fit in 64 bits */
    assert_true(trix_pacer_goal(&p) == PACER_NEVER);
    p = settled(INT_MAX, PACER_NO_LIMIT, 1 * GIB, 0, 0);
    assert_int_equal(trix_pacer_goal(&p), GIB + GIB / 100 * INT_MAX + GIB % 100 * INT_MAX / 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goal_of_percent),
        cmocka_unit_test(test_goal_of_limit),
        cmocka_unit_test(test_trigger),
        cmocka_unit_test(test_runway_counts_all_work),
        cmocka_unit_test(test_cons_mark_remembers_five),
        cmocka_unit_test(test_workers),
        cmocka_unit_test(test_assist_ratio),
        cmocka_unit_test(test_first_cycle_expects_all),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_least_runway),
        cmocka_unit_test(test_sweep_pace),
        cmocka_unit_test(test_freed),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests_name("pacer", tests, NULL, NULL);
}
