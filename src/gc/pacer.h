/* gc/pacer.h - when a cycle starts, how big the heap may get, and what an allocating thread owes meanwhile.
 *
 * The idea. A cycle should end at the moment the heap reaches its *goal*, with a quarter of the processors
 * marking and no help from the program. Marking takes time, and the program allocates meanwhile; so a cycle
 * has to start before the goal, at the *trigger*. The distance between the two is the *runway*. How long it
 * has to be is learnt from the cycles before; what was guessed wrong is made good by *assists*: threads that
 * allocate mark a little themselves.
 *
 *         0 ------- marked ------------- trigger ====== runway ====== goal ---> heap_live
 *                   live after           cycle                        cycle
 *                   the last cycle       starts                       should end
 *
 * Units. Bytes of heap; work in bytes scanned; nanoseconds; CPU time is summed over processors.
 *
 * Goal, the lower of two:
 *   by GOGC    marked + (marked + stacks + globals) * GOGC/100, and at least
 *              - 4 MiB * GOGC/100,
 *              - 1 MiB past what was live at the commit, so that sweeping has room,
 *              - while marking, the least runway (below) past where the cycle started;
 *              no end with GOGC off.
 *   by limit   room - headroom, and at least marked, with
 *              room = limit - what is mapped and no heap object - what is mapped above the limit,
 *              headroom = max(3 % of room, 1 MiB), but half of room at most.
 *
 * Trigger = goal - runway - delay (below), held between 45/64 and 61/64 of the way from marked to goal; on
 * big heaps the upper bound is 4 MiB before the goal. Never below the 1 MiB for sweeping, the limit aside.
 *
 * Runway = cons/mark * (1 - u) / u * (heap and stack work of the last cycle + globals), u = 25 %.
 *
 * Cons/mark = bytes allocated per CPU second of the program / bytes scanned per CPU second of the collector
 *           = (heap_live at the end - at the start) * (u' + idle) / (work * (1 - u')), u' = 25 % + assists.
 *   The highest of the last five cycles counts: an early start costs a little, a late one makes the program
 *   mark. The background's share in u' is taken as 25 %, not measured: whatever it really was cancels out
 *   against the same u in the runway, so markers short of processors (rounding, a busy machine) make the next
 *   runway longer, as they should. Marking on idle processors is counted here, but not counted upon for the
 *   next cycle.
 *
 * Assist ratio = work left / bytes left to the goal; see trix_pacer_revise.
 *
 * A late start. The trigger wakes a thread, and by the time that starts the cycle heap_live is past the
 * trigger, by much on a busy machine. So the start is told, and cons/mark counts from there. The bytes that
 * went by eat runway. Assists alone could make up for them, but would all but stop the program when little is
 * left. Two things help. The *delay*, the bytes that went by at each of the last two starts, is added to the
 * runway (not what went by once only: it may have been a hiccup, or GOGC turned down). And the *least
 * runway*, half of the planned one (64 KiB at least), is what a cycle gets in any case: marking that would
 * have taken 25 % of the processors takes 40 % then, and the heap may end that far past where the cycle
 * started. Go needs neither, there the thread that crosses the trigger starts the cycle. In the simulation
 * LateStart (64 MiB live, 20 ms to wake) marking takes 67 % of the processors without both, 40 % with the
 * least runway alone, 25 % with both.
 *
 * Pure. No clock, no lock, no memory, no state but struct pacer: the caller holds a lock and brings all
 * figures. So it runs in a simulation without a heap (tests/unit/pacer_test.c). All sums saturate: no figure,
 * however silly, overflows.
 *
 * Invariants (trix_pacer_check, and the tests):
 *   I1  marked <= goal
 *   I2  trigger <= goal; both are PACER_NEVER when GOGC is off and there is no limit
 *   I3  goal <= the limit's goal, and marked only where even that cannot be held
 *   I4  runway and cons/mark are finite and not negative; a ratio of trix_pacer_revise is positive and finite
 *
 * Not done here. Cycles after two minutes of rest, forced cycles, the sweeper's and the scavenger's work, how
 * many markers use idle processors, and giving assists up when they cost too much (gc/limiter.h).
 */
#ifndef TRIX_GC_PACER_H
#define TRIX_GC_PACER_H

#include <stdbool.h>
#include <stdint.h>

#define PACER_NO_LIMIT ((uint64_t)INT64_MAX) /* as memory limit: none (anything above means the same) */
#define PACER_NEVER    UINT64_MAX            /* as goal or trigger: the heap never gets there */
#define PACER_OFF      (-1)                  /* as GOGC: off (anything negative means the same) */
#define PACER_SHARE    0.25                  /* of the processors' time goes to background marking */

/* What the process holds, for the memory limit. Parts that exceed the whole leave nothing else mapped. */
struct pacer_memory {
    uint64_t mapped;     /* bytes: everything we mapped and did not release: heap, stacks, metadata */
    uint64_t heap_free;  /* bytes: of these, in free pages of the heap */
    uint64_t heap_alloc; /* bytes: of these, in objects allocated and not yet swept */
};

/* Figures at the start of a cycle. */
struct pacer_start {
    uint64_t heap_live; /* bytes: now, at the real start, not at the trigger */
    uint64_t heap_scan; /* bytes: of heap_live, those that may hold pointers: the most there can be to scan */
    uint64_t stacks;    /* bytes: the most there can be to scan on stacks */
    uint64_t globals;   /* bytes: to scan in globals, thread-locals, added roots; twice, if scanned twice */
    uint64_t now_ns;    /* ns: any monotonic clock */
    uint32_t procs;     /* processors the program may use; 0 is taken as 1 */
};

/* Background markers: their sum is PACER_SHARE of the processors, save for rounding. */
struct pacer_workers {
    uint32_t dedicated; /* markers that run throughout */
    double fractional;  /* 0 <= f < 1, in processors: one further marker runs this part of the time */
};

/* What an allocating thread owes; each is the other's reciprocal. */
struct pacer_assist {
    double work_per_byte; /* bytes to scan for each byte allocated */
    double bytes_per_work;
};

/* Figures at the end of marking. */
struct pacer_finish {
    uint64_t heap_live;    /* bytes: now, dead objects included */
    uint64_t heap_work;    /* bytes scanned in the heap */
    uint64_t stack_work;   /* bytes scanned on stacks */
    uint64_t globals_work; /* bytes scanned in globals */
    uint64_t assist_ns;    /* ns: CPU time of assists */
    uint64_t idle_ns;      /* ns: CPU time of markers on processors that were idle otherwise */
    uint64_t now_ns;       /* ns: the same clock as at the start */
    bool forced;           /* the program asked for this cycle: it ran with any heap, and teaches nothing */
};

#define PACER_PAST 4 /* cycles whose cons/mark is kept beside the newest */

/* All fields: under the caller's lock, written only by the functions named. */
struct pacer {
    /* Settings. */
    int32_t gc_percent;         /* percent; negative: off (init, set_gc_percent) */
    uint64_t memory_limit;      /* bytes; >= PACER_NO_LIMIT: none (init, set_memory_limit) */
    struct pacer_memory memory; /* bytes: the newest figures; all 0 until the first (observe) */

    /* The last finished cycle. */
    uint64_t heap_marked; /* bytes: marked, or allocated while marking; 0 before the first cycle (commit) */
    uint64_t sweep_floor; /* bytes: no trigger below this, limit aside; 0 before the first cycle (commit) */
    uint64_t freed_goal;  /* what the goal does not fall below until the next cycle though the heap has been made smaller by hand; 0: nothing */
    uint64_t heap_work;   /* bytes scanned (end_cycle) */
    uint64_t stack_work;  /* bytes scanned (end_cycle) */
    uint64_t globals;     /* bytes: as told at the newest start (start_cycle) */
    uint32_t squeezed;    /* cycles since the memory limit last left room for more than was marked (commit) */
    double cons_mark;     /* the one in use: the highest of newest and past; 0 before the first (end_cycle) */
    double past[PACER_PAST]; /* cons/mark measured, newest first (end_cycle) */
    uint64_t late[2];        /* bytes from trigger to start in the last two cycles (start_cycle) */

    /* Derived from the above whenever they change. */
    uint64_t percent_goal; /* bytes: the goal by GOGC alone; PACER_NEVER when off */
    uint64_t runway;       /* bytes that are allocated while marking, by cons/mark; without the delay */

    /* The cycle under way. */
    bool marking;          /* between start_cycle and commit; the rest of the block holds only then */
    uint32_t procs;        /* >= 1 (start_cycle) */
    uint64_t triggered;    /* bytes: heap_live at the start (start_cycle) */
    uint64_t least_runway; /* bytes: no goal nearer than this to triggered, limit aside (start_cycle) */
    uint64_t most_work;    /* bytes: the most there can be to scan in all (start_cycle) */
    uint64_t start_ns;     /* ns (start_cycle) */
};

void trix_pacer_init(struct pacer *p, int32_t gc_percent, uint64_t memory_limit);

/* True when the invariants hold. Cheap: to be asserted after every change. */
bool trix_pacer_check(const struct pacer *p);

/* May be called at any time, while marking too; goal and trigger follow at once. After them: ask for goal,
 * trigger and sweep pace again, and for the assist ratio when marking. */
void trix_pacer_set_gc_percent(struct pacer *p, int32_t gc_percent);
void trix_pacer_set_memory_limit(struct pacer *p, uint64_t memory_limit);

/* New figures for the limit. Without a limit it need not be called; with one, before goal, trigger and revise
 * are asked, and when much is mapped or released. */
void trix_pacer_observe(struct pacer *p, const struct pacer_memory *memory);

/* Bytes of heap_live at which the cycle under way, or else the next one, should end; and at which the next
 * one starts (says nothing while marking). With trigger == goal == marked one cycle follows on the other: the
 * limit cannot be held. */
uint64_t trix_pacer_goal(const struct pacer *p);
uint64_t trix_pacer_trigger(const struct pacer *p);

/* One cycle: start_cycle, any number of revise, end_cycle, commit. */
struct pacer_workers trix_pacer_start_cycle(struct pacer *p, const struct pacer_start *start);

/* The assist ratio from here on, with heap_live bytes in the heap and work_done bytes scanned in all. To be
 * asked at the start and then about every time a run's or a marker's batch of figures comes in.
 *
 * First the work is expected to be the last cycle's, to be done by the goal. If it turns out to be more, the
 * live heap has grown, and in the first cycle nothing is known: then all that can be scanned is expected to
 * be, and the goal is put off in proportion - up to the goal the heap would have if everything now in it were live, goal * (1 + GOGC/100), and not past the
 * memory limit's bytes without headroom. Past the goal in force, 10 % more are given, up to the limit unless
 * that has left no room for two cycles: one may have been late, and much allocated while it marked. Whoever passes that too
 * marks until all is done: the ratio gets huge, so the caller lets nobody owe more than the work left. */
struct pacer_assist trix_pacer_revise(const struct pacer *p, uint64_t heap_live, uint64_t work_done);

/* Marking is over: learns cons/mark. Goal and trigger do not change until commit. */
void trix_pacer_end_cycle(struct pacer *p, const struct pacer_finish *finish);

/* heap_marked bytes survived (or were allocated while marking), heap_live from now on: sets the next goal. */
void trix_pacer_commit(struct pacer *p, uint64_t heap_marked);

/* Much was given back by hand, and heap_live is left. When that is less than the last cycle found, the heap has no reason to grow by as
 * much as was found, but may become as large as it was, and a quarter: a program that makes and frees the same again and again, an arena say,
 * is to have no cycle for each. (Go has no such calls.) */
void trix_pacer_freed(struct pacer *p, uint64_t heap_live);

/* Pages to sweep per byte allocated, so that pages_left are swept 1 MiB before the trigger; 0 when none are
 * left. heap_live is the level from which the bytes count. To be asked after commit and after every change of
 * the trigger. */
double trix_pacer_sweep_pace(const struct pacer *p, uint64_t heap_live, uint64_t pages_left);

#endif
