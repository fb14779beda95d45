/* gc/pacer.c - the formulas; the idea, the units and the invariants are in pacer.h. Pacing as in Go (the
 * design is "GC pacer redesign", M. Knyszek, 2021, and "Soft memory limit", 2022; runtime/mgcpacer.go has the
 * same behaviour). Where it differs: the limit has the last word over the sweep distance and over a goal put
 * off while marking, the headroom is never more than half of what the limit leaves, a late start is allowed
 * for, and the fractional share is in processors. */
#include "pacer.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

#define HEAP_MINIMUM    (4 * MIB)  /* goal of a tiny heap at GOGC=100 */
#define SWEEP_DISTANCE  (1 * MIB)  /* allocated at least between two cycles: sweeping must have room */
#define RUNWAY_MINIMUM  (64 * KIB) /* from the start of a cycle to its goal: assist ratios stay finite */
#define TRIGGER_LOW     45 /* of 64 on the way from marked to goal: earlier would collect all the time */
#define TRIGGER_HIGH    61 /* of 64: later leaves no room for a wrong guess */
#define TRIGGER_NEAR    (4 * MIB) /* but a trigger this near to the goal is never too early */
#define HEADROOM_PART   (3.0 / 100)
#define HEADROOM_LEAST  (1 * MIB)
#define WORK_LEFT_LEAST 1000 /* bytes: close to the end the work left is a guess */
#define SQUEEZED_MOST   2    /* cycles */
#define OVERSHOOT_PART  10   /* 1/10 past the goal in force */
#define ROUNDING_MOST   0.3  /* dedicated markers alone, when they miss the share by no more than this */
#define PROGRAM_LEAST   0.01 /* share of the time taken as the program's even when assists had it all */
#define PAGE_BYTES      8192

/* ---- saturating arithmetic ---- */

static uint64_t pacer_min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t pacer_max(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t pacer_sub(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

static uint64_t pacer_add(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t pacer_mul(uint64_t a, uint64_t b) {
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* x * percent / 100, exact (rounded down). */
static uint64_t pacer_percent(uint64_t x, uint64_t percent) {
    return pacer_add(pacer_mul(x / 100, percent), x % 100 * percent / 100);
}

static uint64_t pacer_bytes(double x) {
    if (!(x > 0)) return 0;
    return x < 18446744073709551616.0 ? (uint64_t)x : UINT64_MAX;
}

/* ---- goal ---- */

static uint64_t pacer_last_work(const struct pacer *p) {
    return pacer_add(pacer_add(p->heap_work, p->stack_work), p->globals);
}

static uint64_t pacer_percent_goal(const struct pacer *p) {
    if (p->gc_percent < 0) return PACER_NEVER;
    uint64_t percent = (uint64_t)p->gc_percent;
    uint64_t reachable = pacer_add(pacer_add(p->heap_marked, p->stack_work), p->globals);
    uint64_t goal = pacer_add(p->heap_marked, pacer_percent(reachable, percent));
    return pacer_max(goal, pacer_percent(HEAP_MINIMUM, percent));
}

static void pacer_derive(struct pacer *p) {
    p->percent_goal = pacer_percent_goal(p);
    p->runway = pacer_bytes(p->cons_mark * ((1 - PACER_SHARE) / PACER_SHARE) * (double)pacer_last_work(p));
}

/* What the memory limit leaves for heap objects, to the last byte. What is mapped above the limit has to be
 * given back first, so it counts twice: in what is mapped, and here. */
static uint64_t pacer_limit_room(const struct pacer *p) {
    if (p->memory_limit >= PACER_NO_LIMIT) return PACER_NEVER;
    const struct pacer_memory *m = &p->memory;
    uint64_t other = pacer_sub(pacer_sub(m->mapped, m->heap_free), m->heap_alloc);
    uint64_t over = pacer_sub(m->mapped, p->memory_limit);
    return pacer_sub(p->memory_limit, pacer_add(other, over));
}

static uint64_t pacer_limit_goal(const struct pacer *p) {
    uint64_t room = pacer_limit_room(p);
    if (room == PACER_NEVER) return PACER_NEVER;
    uint64_t headroom = pacer_max(pacer_bytes((double)room * HEADROOM_PART), HEADROOM_LEAST);
    headroom = pacer_min(headroom, room / 2);
    return pacer_max(room - headroom, p->heap_marked);
}

/* The goal as if there were no limit. */
static uint64_t pacer_free_goal(const struct pacer *p) {
    uint64_t goal = pacer_max(pacer_max(p->percent_goal, p->freed_goal), p->sweep_floor);
    if (p->marking) goal = pacer_max(goal, pacer_add(p->triggered, p->least_runway));
    return goal;
}

uint64_t trix_pacer_goal(const struct pacer *p) { return pacer_min(pacer_free_goal(p), pacer_limit_goal(p)); }

/* ---- trigger ---- */

static uint64_t pacer_way(uint64_t from, uint64_t to, unsigned of64) {
    return from + (to - from) / 64 * of64;
}

static uint64_t pacer_lowest_trigger(const struct pacer *p, uint64_t goal) {
    bool limited = goal < pacer_free_goal(p);
    uint64_t low = pacer_way(p->heap_marked, goal, TRIGGER_LOW);
    return limited ? low : pacer_max(low, p->sweep_floor);
}

static uint64_t pacer_highest_trigger(const struct pacer *p, uint64_t goal) {
    return pacer_max(pacer_way(p->heap_marked, goal, TRIGGER_HIGH), pacer_sub(goal, TRIGGER_NEAR));
}

uint64_t trix_pacer_trigger(const struct pacer *p) {
    uint64_t goal = trix_pacer_goal(p);
    if (goal == PACER_NEVER || goal <= p->heap_marked) return goal; /* never, or at once */
    uint64_t delay = pacer_min(p->late[0], p->late[1]);
    uint64_t trigger = pacer_sub(goal, pacer_add(p->runway, delay));
    trigger = pacer_min(trigger, pacer_highest_trigger(p, goal));
    return pacer_max(trigger, pacer_lowest_trigger(p, goal));
}

/* ---- a cycle ---- */

/* So many whole markers as come closest to the share; where that misses it by too much (1, 2, 3 or 6
 * processors), one fewer if they are too many, and the rest as a fraction. */
static struct pacer_workers pacer_workers(uint32_t procs) {
    double share = procs * PACER_SHARE;
    struct pacer_workers w = {.dedicated = (uint32_t)(share + 0.5), .fractional = 0};
    double off = w.dedicated / share - 1;
    if (off >= -ROUNDING_MOST && off <= ROUNDING_MOST) return w;
    if (w.dedicated > share) w.dedicated--;
    w.fractional = share - w.dedicated;
    return w;
}

/* Half of the runway the cycle was planned with; the delay is no part of it, it is over. */
static uint64_t pacer_least_runway(const struct pacer *p) {
    uint64_t goal = trix_pacer_goal(p);
    uint64_t planned = pacer_min(p->runway, pacer_sub(goal, pacer_lowest_trigger(p, goal)));
    return pacer_max(planned / 2, RUNWAY_MINIMUM);
}

struct pacer_workers trix_pacer_start_cycle(struct pacer *p, const struct pacer_start *start) {
    uint64_t late = pacer_sub(start->heap_live, trix_pacer_trigger(p));
    p->late[1] = p->late[0];
    p->late[0] = late;
    p->least_runway = pacer_least_runway(p);
    p->marking = true;
    p->procs = start->procs ? start->procs : 1;
    p->triggered = start->heap_live;
    p->globals = start->globals;
    p->most_work = pacer_add(pacer_add(start->heap_scan, start->stacks), start->globals);
    p->start_ns = start->now_ns;
    return pacer_workers(p->procs);
}

/* The goal put off in the proportion in which the work grew from `expected` to all there can be, seen from
 * where the cycle started: the program may go on at the rate at which it was told to mark. */
static uint64_t pacer_put_off(const struct pacer *p, uint64_t goal, uint64_t expected) {
    uint64_t most =
        p->gc_percent < 0 ? PACER_NEVER : pacer_add(goal, pacer_percent(goal, (uint64_t)p->gc_percent));
    uint64_t later = most;
    if (expected > 0) {
        double growth = (double)p->most_work / (double)expected;
        later = pacer_add(p->triggered, pacer_bytes((double)pacer_sub(goal, p->triggered) * growth));
    }
    return pacer_max(goal, pacer_min(pacer_min(later, most), pacer_limit_room(p)));
}

struct pacer_assist trix_pacer_revise(const struct pacer *p, uint64_t heap_live, uint64_t work_done) {
    uint64_t expected = pacer_last_work(p);
    uint64_t goal = trix_pacer_goal(p);
    bool first = p->heap_marked == 0; /* nothing is known yet, which is not to say that there is nothing to do */
    if (first || work_done > expected) {
        goal = pacer_put_off(p, goal, expected);
        expected = p->most_work;
    }
    if (heap_live > goal) {
        uint64_t room = pacer_limit_room(p), more = pacer_add(goal, goal / OVERSHOOT_PART);
        bool hopeless = p->squeezed >= SQUEEZED_MOST; /* the limit cannot be held, so it is no bound */
        goal = hopeless ? more : pacer_max(goal, pacer_min(more, room));
        expected = p->most_work;
    }
    double work = (double)pacer_max(pacer_sub(expected, work_done), WORK_LEFT_LEAST);
    double bytes = (double)pacer_max(pacer_sub(goal, heap_live), 1);
    return (struct pacer_assist){.work_per_byte = work / bytes, .bytes_per_work = bytes / work};
}

static double pacer_cons_mark(const struct pacer *p, const struct pacer_finish *f, double work) {
    double cpu_ns = (double)pacer_sub(f->now_ns, p->start_ns) * p->procs;
    double share = PACER_SHARE + (double)f->assist_ns / cpu_ns;
    double idle = (double)f->idle_ns / cpu_ns;
    double program = share < 1 - PROGRAM_LEAST ? 1 - share : PROGRAM_LEAST;
    return (double)pacer_sub(f->heap_live, p->triggered) * (share + idle) / (work * program);
}

/* Takes a measurement in; the highest of it and the kept ones is used from now on. */
static void pacer_learn(struct pacer *p, double measured) {
    p->cons_mark = measured;
    for (int i = PACER_PAST - 1; i >= 0; i--) {
        if (p->past[i] > p->cons_mark) p->cons_mark = p->past[i];
        p->past[i] = i > 0 ? p->past[i - 1] : measured;
    }
}

void trix_pacer_end_cycle(struct pacer *p, const struct pacer_finish *finish) {
    p->heap_work = finish->heap_work;
    p->stack_work = finish->stack_work;
    uint64_t work = pacer_add(pacer_add(finish->heap_work, finish->stack_work), finish->globals_work);
    bool measurable = finish->now_ns > p->start_ns && work > 0;
    if (!finish->forced && measurable) pacer_learn(p, pacer_cons_mark(p, finish, (double)work));
}

void trix_pacer_commit(struct pacer *p, uint64_t heap_marked) {
    p->marking = false;
    p->freed_goal = 0;
    p->heap_marked = heap_marked;
    p->sweep_floor = pacer_add(heap_marked, SWEEP_DISTANCE);
    p->squeezed = pacer_limit_room(p) <= heap_marked ? p->squeezed + 1 : 0;
    pacer_derive(p);
}

void trix_pacer_freed(struct pacer *p, uint64_t heap_live) {
    if (p->marking || heap_live >= p->heap_marked) return;
    uint64_t before = pacer_add(p->heap_marked, p->heap_marked / 4);
    p->freed_goal = pacer_max(p->freed_goal, pacer_min(before, p->percent_goal));
    p->heap_marked = heap_live;
    p->sweep_floor = pacer_add(heap_live, SWEEP_DISTANCE);
    pacer_derive(p);
}

double trix_pacer_sweep_pace(const struct pacer *p, uint64_t heap_live, uint64_t pages_left) {
    uint64_t distance = pacer_sub(pacer_sub(trix_pacer_trigger(p), heap_live), SWEEP_DISTANCE);
    return (double)pages_left / (double)pacer_max(distance, PAGE_BYTES);
}

/* ---- settings ---- */

void trix_pacer_init(struct pacer *p, int32_t gc_percent, uint64_t memory_limit) {
    *p = (struct pacer){.gc_percent = gc_percent, .memory_limit = memory_limit, .procs = 1};
    pacer_derive(p);
}

void trix_pacer_set_gc_percent(struct pacer *p, int32_t gc_percent) {
    p->gc_percent = gc_percent;
    pacer_derive(p);
}

void trix_pacer_set_memory_limit(struct pacer *p, uint64_t memory_limit) { p->memory_limit = memory_limit; }

void trix_pacer_observe(struct pacer *p, const struct pacer_memory *memory) { p->memory = *memory; }

bool trix_pacer_check(const struct pacer *p) {
    uint64_t goal = trix_pacer_goal(p), trigger = trix_pacer_trigger(p);
    bool i1 = p->heap_marked <= goal;
    bool i2 = trigger <= goal && (goal != PACER_NEVER || trigger == PACER_NEVER);
    bool i3 = goal <= pacer_limit_goal(p);
    bool i4 = p->cons_mark >= 0 && p->cons_mark - p->cons_mark == 0; /* neither infinite nor NaN */
    return i1 && i2 && i3 && i4 && p->procs > 0;
}
