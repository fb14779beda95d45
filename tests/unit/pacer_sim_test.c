/* pacer_sim_test.c - the pacer and the GC CPU limiter in a simulation of programs without a heap.
 *
 * A program is a handful of rates that change from cycle to cycle (struct wave): bytes
 * allocated per CPU-ns of the program, bytes scanned per CPU-ns of the collector, growth of the live heap,
 * the part of it that may hold pointers, stacks. A cycle: allocate up to the trigger, wake the collector
 * (which may take time), mark in some 200 steps, asking for the assist ratio at each, sweep, commit. In a
 * step of dt ns on P processors a share u of the time scans: u * P * dt * scan; the rest allocates (1-u) * P
 * * dt * alloc. The assist ratio r asks for r bytes of work per byte allocated, hence u * scan = r * (1-u) *
 * alloc, u = r * alloc / (scan + r * alloc), and never less than the 25 % that are there anyway. */
#include "pacer_cycle.h"

#include <string.h>

#include "gc/limiter.h" /* the programs near the memory limit need it */

/* A figure that changes from cycle to cycle: the sum of its parts. */
struct wave {
    double base;
    double ramp;   /* added bit by bit over the first ramp_by cycles */
    double step;   /* added from cycle step_at on */
    double swing;  /* added and taken in turn, in a triangle of `period` cycles */
    double jitter; /* added or taken at random, up to this much */
    double spike;  /* added in each spike_at-th cycle */
    int ramp_by, step_at, period, spike_at;
};

static double sim_random(uint64_t *seed) { /* [-1, 1), xorshift64 */
    *seed ^= *seed << 13, *seed ^= *seed >> 7, *seed ^= *seed << 17;
    return (double)(*seed >> 11) / (double)((uint64_t)1 << 52) - 1;
}

static double wave_at(const struct wave *w, int cycle, uint64_t *seed) {
    double v = w->base;
    if (w->ramp_by) v += w->ramp * (cycle < w->ramp_by ? cycle + 1 : w->ramp_by) / w->ramp_by;
    if (w->step_at && cycle >= w->step_at) v += w->step;
    if (w->period) {
        double at = (double)(cycle % w->period) / w->period; /* 0 .. 1: up, down, up */
        v += w->swing * (at < 0.25 ? 4 * at : at < 0.75 ? 2 - 4 * at : 4 * at - 4);
    }
    if (w->jitter != 0) v += w->jitter * sim_random(seed);
    if (w->spike_at && cycle % w->spike_at == w->spike_at - 1) v += w->spike;
    return v;
}

/* What happened in one cycle. */
struct record {
    uint64_t marked, roots, goal,
        trigger;                   /* as it was decided, before the cycle; roots: stacks and globals */
    uint64_t start, put_off, peak; /* heap_live at its start, the goal while marking, heap_live at its end */
    double util;                   /* share of the processors that marked: 25 % and assists */
    double over;                   /* peak / goal */
    double mapped;                 /* most that was mapped, of the limit; 0 without one */
    int32_t percent;
    bool forced, limiting; /* there was no trigger; the limiter cut in */
};

/* What is to hold in each of the cycles `from` .. `to` - 1. A range left out is not looked at. */
struct expect {
    int from, to;
    double util[2], over[2];
    double runway[2]; /* (goal - trigger) / (goal - marked) */
    double mapped;    /* at most */
    double mean_util; /* at most */
    int limiting;     /* 1: in each cycle; 0: in none */
};

struct scenario {
    const char *name;
    int32_t (*percent)(int cycle); /* GOGC; NULL: 100 */
    uint64_t limit, other;         /* bytes: memory limit, 0 for none; mapped beside the heap */
    uint64_t globals;              /* bytes */
    struct wave alloc, scan;       /* KiB per CPU-ms */
    struct wave growth, scannable; /* of the live heap: factor per cycle; part */
    struct wave stacks;            /* bytes */
    struct wave wake;              /* ms from the trigger to the start */
    double demand;                 /* processors the program can use, of all; 0: all */
    uint64_t live;                 /* bytes at first; 0: a new heap */
    struct expect expect[4];       /* the last one ends with .to == 0 or the array */
};

struct sim {
    const struct scenario *what;
    struct pacer pacer;
    struct limiter limiter;
    uint64_t seed, heap, scan_bytes, live, roots, peak, mapped, now_ns;
    double alloc, scan, scannable, demand, wake_ns; /* of this cycle; alloc and scan: bytes per CPU-ns */
};

enum { PROCS = 8 };

/* Mapped memory stays at the highest the heap ever was, but above the limit the scavenger gives back free
 * pages. */
static void sim_observe(struct sim *s) {
    uint64_t limit = s->what->limit, other = s->what->other;
    if (s->heap > s->peak) s->peak = s->heap;
    uint64_t held = limit && s->peak + other > limit ? (limit > other ? limit - other : 0) : s->peak;
    if (held < s->heap) held = s->heap;
    s->mapped = held + other;
    struct pacer_memory m = {.mapped = s->mapped, .heap_free = held - s->heap, .heap_alloc = s->heap};
    trix_pacer_observe(&s->pacer, &m);
}

static void sim_allocate(struct sim *s, double bytes) {
    s->heap += (uint64_t)bytes;
    s->scan_bytes += (uint64_t)(bytes * s->scannable);
    sim_observe(s);
}

/* The program alone, until `bytes` more are allocated. */
static void sim_program(struct sim *s, double bytes) {
    double ns = bytes / (s->alloc * PROCS * s->demand);
    sim_allocate(s, bytes);
    s->now_ns += (uint64_t)ns;
    struct limiter_times t = {.idle_ns = (uint64_t)(ns * PROCS * (1 - s->demand))};
    trix_limiter_update(&s->limiter, &t, s->now_ns);
}

/* Share of the processors that assists take: what the ratio asks for and the background, with processors that
 * idle, does not do. */
static double sim_assist_share(struct sim *s, double done, double program, double background) {
    struct pacer_assist a = trix_pacer_revise(&s->pacer, s->heap, (uint64_t)done);
    assert_true(a.work_per_byte > 0 && a.bytes_per_work > 0);
    double asked = a.work_per_byte * s->alloc;
    double share = (asked * program - s->scan * background) / (s->scan + asked);
    return share > 0 && !trix_limiter_limiting(&s->limiter) ? share : 0;
}

/* Marks `work` bytes; adds up the CPU time of assists and of idle markers. */
static void sim_mark(struct sim *s, double work, double *assist_ns, double *idle_ns, struct record *r) {
    double program = s->demand < 1 - BACKGROUND ? s->demand : 1 - BACKGROUND;
    double background = 1 - program, idle = background - BACKGROUND;
    double step = work / (s->scan * PROCS * BACKGROUND) / 200;
    for (double done = 0; work - done > 0.5;) {
        double assist = sim_assist_share(s, done, program, background);
        double rate = s->scan * PROCS * (background + assist), ns = step;
        if (rate * ns > work - done) ns = (work - done) / rate;
        done += rate * ns;
        *assist_ns += assist * ns * PROCS, *idle_ns += idle * ns * PROCS;
        sim_allocate(s, s->alloc * PROCS * (program - assist) * ns);
        s->now_ns += (uint64_t)(ns + 0.5);
        struct limiter_times t = {.assist_ns = (uint64_t)(assist * ns * PROCS),
                                  .idle_mark_ns = (uint64_t)(idle * ns * PROCS)};
        if (trix_limiter_update(&s->limiter, &t, s->now_ns)) r->limiting = true;
    }
}

/* Up to the trigger, and on until the collector is awake. Returns whether it had to be forced: without goal
 * and limit, after 64 MiB. */
static bool sim_until_start(struct sim *s, struct record *r) {
    sim_observe(s);
    *r = (struct record){.marked = s->heap, .roots = s->roots, .percent = s->pacer.gc_percent};
    r->goal = trix_pacer_goal(&s->pacer), r->trigger = trix_pacer_trigger(&s->pacer);
    assert_true(trix_pacer_check(&s->pacer));
    bool forced = r->trigger == PACER_NEVER;
    uint64_t until = forced ? s->heap + 64 * MIB : r->trigger;
    sim_program(s, until > s->heap + KIB ? (double)(until - s->heap) : (double)KIB);
    sim_program(s, s->alloc * PROCS * s->demand * s->wake_ns);
    return r->forced = forced;
}

/* The live heap as it will be found, and the start. Returns the bytes of work there are in the heap. */
static uint64_t sim_start(struct sim *s, double growth, uint64_t stacks) {
    s->live = (uint64_t)((double)s->live * growth);
    if (s->live > s->heap) s->live = s->heap; /* it grows by what is allocated */
    uint64_t heap_work = (uint64_t)((double)s->live * s->scannable);
    if (s->scan_bytes < heap_work) s->scan_bytes = heap_work;
    struct pacer_start start = {.heap_live = s->heap, .heap_scan = s->scan_bytes, .stacks = stacks};
    start.globals = s->what->globals, start.now_ns = s->now_ns, start.procs = PROCS;
    trix_pacer_start_cycle(&s->pacer, &start);
    assert_true(trix_pacer_check(&s->pacer));
    return heap_work;
}

/* Sweeps and commits: what is live stays, and what was allocated while marking. */
static void sim_commit(struct sim *s, uint64_t heap_work, uint64_t black) {
    s->heap = s->live + black;
    s->scan_bytes = heap_work + (uint64_t)((double)black * s->scannable);
    sim_observe(s);
    trix_pacer_commit(&s->pacer, s->heap);
    assert_true(trix_pacer_check(&s->pacer));
}

static void sim_cycle(struct sim *s, int cycle, struct record *r) {
    const struct scenario *w = s->what;
    s->alloc = wave_at(&w->alloc, cycle, &s->seed) * (double)KIB / MS;
    s->scan = wave_at(&w->scan, cycle, &s->seed) * (double)KIB / MS;
    s->scannable = wave_at(&w->scannable, cycle, &s->seed);
    s->wake_ns = wave_at(&w->wake, cycle, &s->seed) * MS;
    s->demand = w->demand > 0 ? w->demand : 1;
    double growth = wave_at(&w->growth, cycle, &s->seed);
    uint64_t stacks = (uint64_t)wave_at(&w->stacks, cycle, &s->seed);

    if (w->percent) trix_pacer_set_gc_percent(&s->pacer, w->percent(cycle));
    struct pacer_finish finish = {.stack_work = stacks, .globals_work = w->globals};
    finish.forced = sim_until_start(s, r);
    r->start = s->heap;
    uint64_t start_ns = s->now_ns;
    finish.heap_work = sim_start(s, growth, stacks);
    r->put_off = trix_pacer_goal(&s->pacer);

    trix_limiter_set_phase(&s->limiter, LIMITER_MARKING, NULL, s->now_ns);
    double idle_ns = 0, assist_ns = 0;
    sim_mark(s, (double)(finish.heap_work + stacks + w->globals), &assist_ns, &idle_ns, r);
    trix_limiter_set_phase(&s->limiter, LIMITER_OFF, NULL, s->now_ns);
    assert_true(trix_limiter_check(&s->limiter));

    finish.heap_live = r->peak = s->heap, finish.now_ns = s->now_ns;
    finish.assist_ns = (uint64_t)assist_ns, finish.idle_ns = (uint64_t)idle_ns;
    trix_pacer_end_cycle(&s->pacer, &finish);
    r->over = (double)r->peak / (double)r->goal;
    r->util = BACKGROUND + assist_ns / PROCS / (double)(s->now_ns - start_ns);
    r->mapped = w->limit ? (double)s->mapped / (double)w->limit : 0;
    s->roots = stacks + w->globals;
    sim_commit(s, finish.heap_work, r->peak - r->start);
}

static void sim_run(const struct scenario *w, uint64_t seed, struct record *records, int cycles,
                    struct sim *s) {
    *s = (struct sim){.what = w, .seed = seed, .live = w->live ? w->live : MIB, .heap = w->live};
    trix_pacer_init(&s->pacer, 100, w->limit ? w->limit : PACER_NO_LIMIT);
    if (w->live) { /* as after a forced cycle */
        s->scan_bytes = (uint64_t)((double)w->live * w->scannable.base);
        struct cycle c = {
            .start_live = w->live, .marked = w->live, .heap_work = s->scan_bytes, .forced = true};
        run_cycle(&s->pacer, c);
        s->pacer.late[0] = 0;
    }
    trix_limiter_init(&s->limiter, PROCS, 0);
    for (int i = 0; i < cycles; i++) sim_cycle(s, i, &records[i]);
}

/* ---- what is to hold in any cycle of any program ---- */

static bool at_most(double a, double b) { return a <= b * 1.000001 + 1; }

static double expected_goal(const struct record *r) {
    double goal = (double)r->marked + (double)(r->marked + r->roots) * r->percent / 100;
    double least = r->percent / 100.0 * 4 * (double)MIB, sweep = r->marked ? (double)(r->marked + MIB) : 0;
    goal = goal > least ? goal : least;
    return goal > sweep ? goal : sweep;
}

static const char *broken(const struct scenario *w, const struct record *r) {
    double room = 0.97 * ((double)w->limit - (double)w->other);
    if (r->goal < r->marked) return "goal < marked";
    if (r->trigger > r->goal) return "trigger > goal";
    if (r->trigger == r->goal && r->goal > r->marked + MIB && !r->forced) return "trigger == goal";
    if (w->limit && r->goal > r->marked && !at_most((double)r->goal, room)) return "goal above the limit's";
    if (!w->limit && r->percent >= 0 && !at_most((double)r->goal, expected_goal(r))) return "goal too high";
    if (!w->limit && r->percent >= 0 && !at_most(expected_goal(r), (double)r->goal)) return "goal too low";
    if (!(r->util > BACKGROUND - 0.0001 && r->util < 1)) return "utilization below the background's";
    double most = 1.1 * (double)r->put_off * (1 + r->percent / 100.0);
    if (!r->limiting && r->percent >= 0 && !at_most((double)r->peak, most)) return "heap past the last bound";
    return NULL;
}

static bool outside(const double range[2], double v) {
    return range[1] > 0 && !(v >= range[0] && v <= range[1]);
}

static const char *unexpected(const struct expect *e, const struct record *r) {
    if (outside(e->util, r->util)) return "utilization";
    if (outside(e->over, r->over)) return "peak / goal";
    double runway = (double)(r->goal - r->trigger) / (double)(r->goal - r->marked);
    if (outside(e->runway, runway)) return "runway";
    if (e->mapped > 0 && r->mapped > e->mapped) return "mapped";
    if (r->limiting != e->limiting) return "limiter";
    return NULL;
}

static void complain(const struct scenario *w, int cycle, const struct record *r, const char *what) {
    if (!what) return;
    fail_msg("%s, cycle %d: %s. GOGC %d, MiB: marked %.2f trigger %.2f start %.2f goal %.2f put off to %.2f "
             "peak %.2f, util %.4f peak/goal %.4f mapped/limit %.4f limiting %d",
             w->name, cycle, what, (int)r->percent, (double)r->marked / (double)MIB,
             (double)r->trigger / (double)MIB, (double)r->start / (double)MIB, (double)r->goal / (double)MIB,
             (double)r->put_off / (double)MIB, (double)r->peak / (double)MIB, r->util, r->over, r->mapped,
             (int)r->limiting);
}

static void check_expect(const struct scenario *w, const struct expect *e, const struct record *records) {
    double sum = 0;
    for (int i = e->from; i < e->to; i++) {
        complain(w, i, &records[i], unexpected(e, &records[i]));
        sum += records[i].util;
    }
    double mean = sum / (e->to - e->from);
    if (e->mean_util > 0 && mean > e->mean_util)
        fail_msg("%s: utilization is %.4f on average", w->name, mean);
}

enum { MOST_CYCLES = 120, SEEDS = 20 };

static void test_scenario(void **state) {
    const struct scenario *w = *state;
    int cycles = 0;
    for (size_t i = 0; i < COUNT_OF(w->expect); i++)
        if (w->expect[i].to > cycles) cycles = w->expect[i].to;
    assert_in_range(cycles, 1, MOST_CYCLES);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct record records[MOST_CYCLES];
        struct sim sim;
        sim_run(w, seed * 0x9e3779b97f4a7c15u, records, cycles, &sim);
        for (int i = 0; i < cycles; i++) complain(w, i, &records[i], broken(w, &records[i]));
        for (size_t i = 0; i < COUNT_OF(w->expect) && w->expect[i].to; i++)
            check_expect(w, &w->expect[i], records);
    }
}

static int32_t gogc_off(int cycle) { return (void)cycle, PACER_OFF; }
static int32_t gogc_1500(int cycle) { return (void)cycle, 1500; }
static int32_t gogc_0(int cycle) { return (void)cycle, 0; }
static int32_t gogc_changes(int cycle) {
    return cycle < 20 ? 100 : cycle < 40 ? 400 : cycle < 60 ? PACER_OFF : cycle < 80 ? 50 : 100;
}

#define JUST(x)                                                                                              \
    { .base = (x) }
#define SMALL_ROOTS .globals = 32 * KIB, .stacks = JUST(8192)
#define SCAN_ALL    .scan = JUST(1024), .scannable = JUST(1)
#define STEADY      .alloc = JUST(33), SCAN_ALL, SMALL_ROOTS
#define BUSY        .alloc = JUST(132), SCAN_ALL, SMALL_ROOTS
#define SLOW        .alloc = JUST(1), .scan = JUST(8192), .scannable = JUST(0.01), SMALL_ROOTS
#define GROWS(x, n) .growth = {.base = (x), .ramp = 1 - (x), .ramp_by = (n)}
#define STAYS(mib)  .growth = JUST(1), .live = (mib)*MIB
#define LIMIT       .limit = 512 * MIB, .other = 10 * MIB
#define AT_25       .util = {0.2499, 0.255}
#define ON_GOAL     .over = {0.995, 1.005}
/* Bytes allocated while marking, of those from marked to goal: 3 * alloc / scan * work. In balance, with a
 * live heap L and A allocated while marking, marked is L + A, the work L, so that with roots of R (goal = 2 *
 * marked + R) k = 3 * alloc / scan: A = k * (L + R), and A / (marked + R) = k / (1 + k). */
#define RUNWAY(alloc)                                                                                        \
    .runway = {0.99 * (alloc)*3 / 1024 / (1 + (alloc)*3.0 / 1024),                                           \
               1.01 * (alloc)*3 / 1024 / (1 + (alloc)*3.0 / 1024)}

static const struct scenario scenarios[] = {
    {"Steady", STEADY, GROWS(2, 12), .expect = {{15, 50, AT_25, ON_GOAL, RUNWAY(33)}}},
    {"SteadyBusy", BUSY, GROWS(2, 12), .expect = {{15, 50, AT_25, ON_GOAL, RUNWAY(132)}}},
    {"SteadyBigStacks", .alloc = JUST(132), SCAN_ALL, .globals = 32 * KIB,
     .stacks = {.base = 2048, .ramp = 128 * MIB, .ramp_by = 8}, GROWS(2, 12),
     .expect = {{15, 50, AT_25, ON_GOAL, RUNWAY(132)}}},
    {"SteadyBigGlobals", .alloc = JUST(132), SCAN_ALL, .globals = 128 * MIB, .stacks = JUST(8192),
     GROWS(2, 12), .expect = {{15, 50, AT_25, ON_GOAL, RUNWAY(132)}}},
    {"SteadyGOGC0", STEADY, STAYS(64), .percent = gogc_0,
     .expect = {{5, 50, .util = {0.9, 1}, .over = {1, 1.01}}}},
    /* The first cycle at the new rate is made good by assists, the next knows. */
    {"StepAlloc", SCAN_ALL, SMALL_ROOTS, .alloc = {33, .step = 66, .step_at = 50}, GROWS(2, 12),
     .expect = {{15, 50, AT_25, ON_GOAL, RUNWAY(33)},
                {50, 51, .util = {0.495, 0.505}, ON_GOAL},
                {51, 52, AT_25, ON_GOAL},
                {52, 100, AT_25, ON_GOAL, RUNWAY(99)}}},
    /* Too fast for any trigger: 19/64 of runway, so r = 45/19, u = r * 363 / (1024 + r * 363). */
    {"HeavyStepAlloc", SCAN_ALL, SMALL_ROOTS, .alloc = {33, .step = 330, .step_at = 50}, GROWS(2, 12),
     .expect = {{15, 50, AT_25, ON_GOAL},
                {50, 51, .util = {0.781, 0.791}, ON_GOAL},
                {56, 100, .util = {0.4514, 0.4614}, ON_GOAL, .runway = {0.296, 0.298}}}},
    {"StepScannableFrac", .alloc = JUST(132), .scan = JUST(1024), SMALL_ROOTS,
     .scannable = {0.2, .step = 0.5, .step_at = 50}, GROWS(2, 12),
     .expect = {{15, 50, AT_25, ON_GOAL}, {50, 51, AT_25, .over = {1.05, 1.1}}, {51, 100, AT_25, ON_GOAL}}},
    {"HighGOGC", SCAN_ALL, SMALL_ROOTS, .alloc = {165, .jitter = 33}, .percent = gogc_1500, GROWS(2, 14),
     .expect = {{20, 50, .util = {0.2499, 0.31}, .over = {0.98, 1.005}, .mean_util = 0.255}}},
    {"OscAlloc", SCAN_ALL, SMALL_ROOTS, .alloc = {67, .swing = 13, .period = 8}, GROWS(2, 12),
     .expect = {{15, 100, .util = {0.2499, 0.27}, .over = {0.96, 1.005}, .mean_util = 0.255}}},
    {"JitterAlloc", .scannable = JUST(1), SMALL_ROOTS, .alloc = {132, .jitter = 13},
     .scan = {1024, .jitter = 32}, .growth = {2, .ramp = -1, .ramp_by = 12, .jitter = 0.01},
     .expect = {{15, 100, .util = {0.2499, 0.285}, .over = {0.96, 1.005}, .mean_util = 0.253}}},
    {"HeavyJitterAlloc", .scannable = JUST(1), SMALL_ROOTS, .alloc = {33, .jitter = 26.4},
     .scan = {1024, .jitter = 51}, .growth = {2, .ramp = -1, .ramp_by = 12, .jitter = 0.075},
     .expect = {{15, 100, .util = {0.2499, 0.56}, .over = {0.9, 1.01}, .mean_util = 0.26}}},
    /* Little to do: as late as may be, 3/64 or 4 MiB, and done long before the goal. */
    {"SmallHeapSlowAlloc", SLOW, .growth = JUST(1), .live = 1500 * KIB,
     .expect = {{1, 50, AT_25, .over = {0.95, 1}, .runway = {3 / 64.0, 3.01 / 64}}}},
    {"MediumHeapSlowAlloc", SLOW, GROWS(2, 8),
     .expect = {{9, 50, AT_25, .over = {0.95, 1}, .runway = {3 / 64.0, 3.01 / 64}}}},
    {"LargeHeapSlowAlloc", SLOW, GROWS(4, 12),
     .expect = {{13, 50, AT_25, .over = {0.95, 1}, .runway = {0.002, 0.004}}}},
    /* Where the limit decides, marking takes what it must, and mapped memory stays below the limit. */
    {"SteadyMemoryLimit", STEADY, LIMIT, GROWS(2, 12),
     .expect = {{15, 50, AT_25, ON_GOAL, RUNWAY(33), .mapped = 0.5}}},
    {"SteadyMemoryLimitNoGCPercent", STEADY, LIMIT, .percent = gogc_off, GROWS(2, 12),
     .expect = {{0, 15, .over = {0.9, 1.005}, .mapped = 0.98}, {15, 50, AT_25, ON_GOAL, .mapped = 0.98}}},
    {"ExceedMemoryLimit", BUSY, LIMIT, GROWS(3.5, 12),
     .expect = {{13, 20, .util = {0.5, 0.6}, .over = {1.08, 1.1}},
                {70, 120, .util = {0.5, 0.55}, .limiting = 1}}},
    {"ExceedMemoryLimitNoGCPercent", BUSY, LIMIT, .percent = gogc_off, GROWS(3.5, 12),
     .expect = {{13, 20, .util = {0.5, 0.6}, .over = {1.08, 1.1}},
                {70, 120, .util = {0.5, 0.55}, .limiting = 1}}},
    {"MaintainMemoryLimit", BUSY, LIMIT, GROWS(3, 10),
     .expect = {{0, 15, .mapped = 1}, {15, 50, .util = {0.55, 0.6}, ON_GOAL, .mapped = 0.985}}},
    {"MaintainMemoryLimitNoGCPercent", BUSY, LIMIT, .percent = gogc_off, GROWS(3, 10),
     .expect = {{0, 15, .mapped = 1}, {15, 50, .util = {0.62, 0.67}, ON_GOAL, .mapped = 0.985}}},
    /* More than in Go's test. */
    {"JaggedLive", STEADY, .growth = {1.6, .spike = -0.975, .spike_at = 2}, .live = 64 * MIB,
     .expect = {{2, 100, AT_25, .over = {0.97, 1.03}, RUNWAY(33)}}},
    {"SuddenDrop", STEADY, .growth = {1, .spike = -0.98, .spike_at = 30}, .live = 1024 * MIB,
     .expect = {{1, 29, AT_25, ON_GOAL}, {29, 30, AT_25, .over = {0.9, 1}}, {30, 50, AT_25, ON_GOAL}}},
    {"SuddenGrowth", STEADY, .growth = {1, .spike = 0.8, .spike_at = 30}, .live = 64 * MIB,
     .expect = {{1, 29, AT_25, ON_GOAL}, {29, 30, AT_25, .over = {1.01, 1.05}}, {30, 50, AT_25, ON_GOAL}}},
    {"ChangeGOGC", STEADY, STAYS(64), .percent = gogc_changes,
     .expect = {{3, 20, AT_25, ON_GOAL, RUNWAY(33)},
                {40, 60, AT_25},
                {61, 80, AT_25, ON_GOAL},
                {82, 100, AT_25, ON_GOAL, RUNWAY(33)}}},
    {"IdleProcessors", STEADY, .demand = 0.5, STAYS(64),
     .expect = {{1, 50, AT_25, .over = {0.97, 1}, .runway = {0.061, 0.064}}}},
    /* 20 ms to wake: 5.2 MiB by then, with a runway of 6.2. */
    {"LateStart", STEADY, .wake = JUST(20), STAYS(64),
     .expect = {{1, 2, .util = {0.39, 0.41}, .over = {1, 1.02}}, {3, 50, AT_25, ON_GOAL}}},
    {"LateStartNowAndThen", STEADY, .wake = {.spike = 30, .spike_at = 4}, STAYS(64),
     .expect = {{1, 50, .util = {0.2499, 0.41}, .over = {0.995, 1.04}, .mean_util = 0.29}}},
    {"LateStartJitter", STEADY, .wake = {15, .jitter = 5}, STAYS(64),
     .expect = {{3, 50, .util = {0.2499, 0.37}, .over = {0.98, 1.005}, .mean_util = 0.28}}},
};

int main(void) {
    struct CMUnitTest tests[COUNT_OF(scenarios)] = {0};
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        tests[i].name = scenarios[i].name;
        tests[i].test_func = test_scenario;
        tests[i].initial_state = (void *)&scenarios[i];
    }
    return cmocka_run_group_tests_name("pacer simulation", tests, NULL, NULL);
}
