/* background.c - the collector's threads: one that drives the cycle and marks, helpers that only mark, and one that has memory backed.
 *
 * How much they run is the pacer's figure, a quarter of the processors (a fraction of one by running part of the time),
 * or as many processors as the program leaves idle, whichever is more. Idle means: fewer of the program's threads are
 * running, as opposed to blocked, than there are processors. The threads run at the program's own priority: with a lower
 * one (SCHED_IDLE cannot be left again by an ordinary user) a preempted marker would keep its part of the grey set
 * for as long as the program keeps the processors busy, and the end of marking would wait for it. Instead they
 * look around every 50 µs or so, and one that works part of the time naps after 150 µs: that long, a thread of the program may
 * have to wait for its processor. So what allocating threads mark, in steps a tenth as long, counts for the share as well: where
 * there is much allocation the collector's thread rests, and sees to it that all gets done in the end.
 *
 * Sweeping, likewise, is done by those who need memory when the program keeps all processors busy, and the collector's thread does
 * a little now and then.
 *
 * While the world is stopped, all wait for the collector's thread, and on a busy machine the kernel may let it wait in turn, for a
 * processor, some milliseconds: most of the longest stops are that. So for the length of a stop, some tens of microseconds, it
 * takes the lowest real-time priority, where the process may (CAP_SYS_NICE, RLIMIT_RTPRIO).
 */
#include "gc.h"
#include "limit.h"
#include "scavenge_pace.h"
#include "thread.h"
#include "../base/options.h"
#include "../heap/gate.h"
#include "../heap/pageheap.h"
#include "../os/libc.h"
#include "../os/os.h"

#include <errno.h>
#include <string.h>

enum {
    MAX_HELPERS = 31,
    QUANTUM = 128 << 10,       /* bytes a helper scans between two looks around */
    LEAST_QUANTUM = 4 << 10,   /* the collector scans between this and QUANTUM: what takes about */
    QUANTUM_NS = 50 * 1000,
    LOOK_NS = 200 * 1000,      /* between two counts of the running threads */
    BURST_NS = 150 * 1000,     /* a marker that works part of the time does so for this long: a thread of the program waits for it */
    NAP_NS = 50 * 1000,        /* shorter sleeps are not worth their wake-up */
    LONGEST_NAP_NS = 2 * 1000 * 1000,
    SWEEP_NS = 100 * 1000,     /* at once, when all processors are busy */
    SWEEP_NAP_NS = 1000 * 1000,
};
enum { STACK_BYTES = 256 << 10, MOST_STACK_BYTES = 1 << 30 };
enum { RUN_LEAST_NS = 2 * 1000 * 1000 }; /* CPU time: less is our own looking around */
#define FORCED_PERIOD_NS (120ull * 1000 * 1000 * 1000)

static struct {
    uint32_t made;         /* helpers that exist; collector */
    double share;          /* processors that the pacer grants; collector */
    double allowed;        /* max(share, idle processors); relaxed */
    uint64_t begun;        /* ns: this cycle's marking; collector */
    uint64_t began, looked; /* ns; collector */
    uint64_t cpu_began, cpu_counted; /* the collector's own CPU time; collector */
    uint64_t cpu_rested;   /* the same, when it last came back from a nap */
    uint64_t assisted;     /* ns: CPU time of assists at `began`; collector */
    uint64_t swept;        /* ns: when it last had a rest from sweeping; collector */
    uint64_t quantum;      /* bytes; collector */

    bool may_hurry, hurries; /* collector */
    uint32_t ahead;        /* memory is to be backed in advance; seq_cst */
    uint32_t backer;       /* the thread for it is there; collector writes, seq_cst */
    struct event backing;  /* what it waits for */
    uint32_t collector;    /* 0 none, 1 being made, 2 there; seq_cst */
    uint32_t paused;       /* forks that want the collector's threads to stand still; futex, seq_cst */
    uint32_t standing;     /* how many do; seq_cst */
    uint64_t last_cycle;   /* ns; collector */
    uint32_t left;         /* the cycle that it has left to the threads that allocate; collector */
    uint64_t rested_cpu;   /* ns: CPU time of the process when it was last looked at, with nothing to do; collector */
    uint64_t cycle_cpu;    /* ns: what the last cycle took; collector */
} background;

/* ---- figures ---- */

void trix_gc_gather(struct marker *m) {
    fetch_add_relaxed(&trix_gc.marked_bytes, m->hot.marked_bytes);
    fetch_add_relaxed(&trix_gc.work, m->hot.work);
    fetch_add_relaxed(&trix_gc.credit, (int64_t)m->hot.work);
    m->hot.marked_bytes = m->hot.work = 0;
}

/* Whether it runs, or would if it had a processor: after a stop, or a wait for the collector, it may be ours. */
static bool is_running(const struct thread *t, bool stopping) {
    const uint32_t *word = load_acquire(&t->awaits);
    uint32_t state = load_seq(&t->state);
    if (stopping || state == THREAD_RUNNING) return state == THREAD_RUNNING;
    return state == THREAD_STOPPED || (word && load_relaxed(word) != load_relaxed(&t->awaited));
}

int trix_running_threads(void) {
    int running = 0;
    bool stopping = load_seq(&trix_threads.stopping);
    lock_acquire(&trix_threads.list_lock);
    for (struct thread *t = trix_threads.first; t; t = t->next) running += is_running(t, stopping);
    lock_release(&trix_threads.list_lock);
    return running;
}

/* Divides CPU time between what the pacer granted and idle processors. */
static void charge(uint64_t ns) {
    double allowed = background.allowed;
    double granted = allowed > background.share ? background.share / allowed : 1;
    uint64_t ours = (uint64_t)((double)ns * granted);
    fetch_add_relaxed(&trix_gc.background_ns, ours);
    fetch_add_relaxed(&trix_gc.background_total_ns, ours);
    fetch_add_relaxed(&trix_gc.idle_ns, ns - ours);
    fetch_add_relaxed(&trix_gc.idle_total_ns, ns - ours);
}

/* ---- standing still for a fork ---- */

/* Going on is Dekker's handshake too: another fork may begin between the last look at `paused` and the end of standing, and
 * count on a thread that is about to go on; so it looks once more when it is not counted any longer. */
COLD NOINLINE void trix_collector_stand(void) {
    while (load_seq(&background.paused)) {
        fetch_add_seq(&background.standing, 1);
        trix_event_post();
        for (uint32_t seen; (seen = load_seq(&background.paused));) trix_os_futex_wait(&background.paused, seen, 0);
        fetch_sub_seq(&background.standing, 1);
    }
}

/* Not while the world is stopped: the fork could not stop it then, nor go on; and not as an active marker, for whose work
 * others would wait with the world stopped. */
void trix_collector_poll(struct marker *m) {
    if (LIKELY(!load_seq(&background.paused)) || load_seq(&trix_threads.stopping)) return;
    if (m) {
        trix_marker_flush(m);
        trix_work_exit();
    }
    trix_collector_stand();
    if (m) trix_work_enter();
}

/* ---- helpers ---- */

/* Takes part from now on, unless enough do. */
static bool helper_begin(void) {
    uint32_t busy = load_seq(&trix_helpers.busy);
    while (busy < load_seq(&trix_helpers.wanted))
        if (cas_seq(&trix_helpers.busy, &busy, busy + 1)) return true;
    return false;
}

/* Marks until there is no work, or until so many helpers are not wanted any more. */
static void helper_bout(struct marker *m) {
    uint64_t cpu = trix_os_thread_cpu();
    trix_work_enter();
    while (load_seq(&trix_helpers.busy) <= load_seq(&trix_helpers.wanted) && trix_marker_drain(m, QUANTUM)) {
        trix_gc_gather(m);
        uint64_t now = trix_os_thread_cpu();
        charge(now - cpu);
        cpu = now;
        trix_collector_poll(m);
    }
    trix_marker_flush(m);
    trix_gc_gather(m);
    charge(trix_os_thread_cpu() - cpu);
    trix_work_exit();
    fetch_sub_seq(&trix_helpers.busy, 1);
}

static void *helper_main(void *arg UNUSED) {
    trix_os_name_thread("tricolor-mark");
    trix_os_be_prompt();
    struct marker m = {0};
    for (;;) {
        uint32_t seen = event_seen(&trix_helpers.event);
        if (trix_work_queued() && helper_begin()) helper_bout(&m);
        else trix_event_wait(&trix_helpers.event, seen, 0);
        trix_collector_poll(NULL);
    }
    return NULL;
}

/* On a small stack, which must have room for the thread-locals of all objects loaded, some programs have MiBs of them; libc
 * does not say how many, but refuses a stack that is too small. */
static void create(void *making) {
    struct making *m = making;
    bool told = trix_libc_sanitizer(); /* a thread that it does not know must not even use malloc */
    trix_libc_own_thread = told;
    m->error = EINVAL;
    for (size_t bytes = STACK_BYTES; m->error == EINVAL && bytes <= MOST_STACK_BYTES; bytes *= 4) {
        pthread_attr_setstacksize(&m->attributes, bytes);
        m->error = told ? pthread_create(&m->thread, &m->attributes, m->main, m->arg)
                        : trix_libc_pthread_create(&m->thread, &m->attributes, m->main, m->arg);
    }
    trix_libc_own_thread = false;
}

bool trix_make_thread(void *(*main)(void *), void *arg) {
    struct making m = {.main = main, .arg = arg};
    pthread_attr_init(&m.attributes);
    pthread_attr_setdetachstate(&m.attributes, PTHREAD_CREATE_DETACHED);
    uint64_t mask = trix_os_sigmask(SIG_SETMASK, ~0ull);
    trix_thread_aside(create, &m);
    trix_os_sigmask(SIG_SETMASK, mask);
    pthread_attr_destroy(&m.attributes);
    return !m.error;
}

static void want_helpers(int wish) {
    uint32_t n = wish < 0 ? 0 : wish > MAX_HELPERS ? MAX_HELPERS : (uint32_t)wish;
    /* Not with the world stopped: libc makes a thread under locks that a stopped one may hold. */
    while (background.made < n && !load_seq(&trix_threads.stopping)) {
        if (!trix_make_thread(helper_main, NULL)) return;
        background.made++;
    }
    store_seq(&trix_helpers.wanted, n);
    if (trix_work_queued() && helpers_lack()) trix_event_post_to(&trix_helpers.event, (int)n);
}

/* ---- backing memory in advance ---- */

/* The first touch of a huge page keeps the kernel busy for as long as it takes to clear it: longer than a cycle may wait, so a
 * thread of its own does it. It touches no object, and stands still for forks as the others.
 *
 * On an idle processor only: with none, a thread of the program would wait for its own while the kernel clears, 1 to 2 ms, and a
 * stop of the world with it; clearing what it needs itself, it counts as blocked, and no stop waits. */
static bool may_back(void) { return !load_seq(&background.paused) && trix_running_threads() < trix_gc.procs; }

static void *backer_main(void *arg UNUSED) {
    trix_os_name_thread("tricolor-pages");
    for (;;) {
        uint32_t seen = event_seen(&background.backing);
        if (load_seq(&background.ahead)) {
            while (may_back() && trix_pageheap_back_ahead()) continue;
            store_seq(&background.ahead, 0); /* one that asks just now asks again soon */
        } else {
            trix_event_wait(&background.backing, seen, 0);
        }
        trix_collector_poll(NULL);
    }
    return NULL;
}

void trix_gate_back_ahead(void) {
    if (load_seq(&background.ahead)) return;
    store_seq(&background.ahead, 1);
    if (LIKELY(load_seq(&background.backer))) trix_event_post_to(&background.backing, 1);
    else trix_collector_call(); /* for the collector to make it */
}

static void want_backer(void) {
    if (LIKELY(background.backer || !load_seq(&background.ahead)) || load_seq(&trix_threads.stopping)) return;
    store_seq(&background.backer, trix_make_thread(backer_main, NULL));
}

/* ---- the collector's own share ---- */

/* Counts idle processors, and sets how much marking may run. */
static void look_around(uint64_t now) {
    background.looked = now;
    int idle = trix_gc.procs - trix_running_threads();
    double before = background.allowed;
    background.allowed = idle > background.share ? idle : background.share;
    if (background.allowed < 1 && before >= 1) { /* a new regime: no debts from the old one */
        background.began = now;
        background.cpu_began = trix_os_thread_cpu();
        background.assisted = load_relaxed(&trix_gc.assist_ns);
    }
    /* Marking that is over in a moment is not worth a wake-up. */
    if (now - background.begun >= LOOK_NS) want_helpers((int)(background.allowed + 0.5) - 1);
}

static void nap(struct marker *m, uint64_t ns) {
    uint32_t seen = event_seen(&trix_rest);
    trix_marker_flush(m); /* so that an assisting thread finds it */
    trix_work_exit();
    trix_event_wait(&trix_rest, seen, ns);
    trix_work_enter();
}

/* How long the collector has to rest so that it and the assists have had no more than its share of the time since `began`. */
static uint64_t ahead_of_share(uint64_t now) {
    uint64_t assisted = load_relaxed(&trix_gc.assist_ns) - background.assisted;
    uint64_t used = trix_os_thread_cpu() - background.cpu_began + assisted, wall = now - background.began;
    uint64_t due = (uint64_t)((double)used / background.allowed);
    return due > wall ? due - wall : 0;
}

/* Works in short bursts. What it lags behind it does not make up for in one go. Past the goal it is waited for. True: it has rested, and is to
 * rest on, since the assists have had its share too and there is work for them. */
static bool keep_share(struct marker *m, uint64_t now) {
    if (background.allowed >= 1 || trix_os_thread_cpu() - background.cpu_rested < BURST_NS || gc_past_goal()) return false;
    uint64_t ahead = ahead_of_share(now);
    nap(m, min_u64(max_u64(ahead, NAP_NS), LONGEST_NAP_NS));
    bool wanted = (int32_t)(load_seq(&trix_gc.wanted) - load_seq(&trix_gc.started)) >= 0; /* then somebody waits for the end */
    if (ahead > LONGEST_NAP_NS && !wanted && trix_work_queued()) return true;
    background.cpu_rested = trix_os_thread_cpu();
    return false;
}

/* Scans as much at once as takes QUANTUM_NS, which may be a few KiB of small objects or a hundred of large ones. */
static void set_quantum(uint64_t took) {
    if (took > QUANTUM_NS && background.quantum > LEAST_QUANTUM) background.quantum /= 2;
    else if (took < QUANTUM_NS / 2 && background.quantum < QUANTUM) background.quantum *= 2;
}

void trix_markers_begin(struct pacer_workers workers) {
    uint64_t now = trix_os_now();
    background.share = workers.dedicated + workers.fractional;
    background.allowed = 0;
    background.begun = background.began = now;
    background.looked = background.assisted = 0;
    background.cpu_began = background.cpu_counted = trix_os_thread_cpu();
    background.cpu_rested = background.cpu_began - BURST_NS; /* who was stopped on this processor comes first */
    if (!background.quantum) background.quantum = QUANTUM / 4;
}

uint64_t trix_markers_quantum(void) { return background.quantum; }

/* What is due from time to time, whether the collector marks or rests. */
static void attend(struct marker *m, uint64_t now) {
    if (now - background.looked > LOOK_NS) {
        look_around(now);
        lock_acquire(&trix_gc.lock);
        trix_gc_repace();
        lock_release(&trix_gc.lock);
    }
    trix_limit_tick(now);
    trix_collector_poll(m);
}

void trix_markers_pace(struct marker *m, bool roots_left) {
    uint64_t cpu = trix_os_thread_cpu(), now;
    trix_gc_gather(m);
    set_quantum(cpu - background.cpu_counted);
    if (background.allowed > 0) charge(cpu - background.cpu_counted);
    background.cpu_counted = cpu;
    do attend(m, now = trix_os_now());
    while (keep_share(m, now) && !roots_left);
}

void trix_markers_end(void) {
    store_seq(&trix_helpers.wanted, 0);
    uint64_t cpu = trix_os_thread_cpu();
    if (background.allowed <= 0) background.allowed = background.share;
    charge(cpu - background.cpu_counted);
    background.last_cycle = trix_os_now();
    background.cycle_cpu = trix_gc.background_ns + trix_gc.idle_ns + trix_gc.assist_ns;
}

void trix_markers_spared(uint64_t cpu_ns) {
    background.last_cycle = trix_os_now();
    background.cycle_cpu = cpu_ns;
    background.rested_cpu = trix_os_process_cpu();
}

/* ---- the collector ---- */

/* A program that has not run cannot have dropped anything. */
static bool program_has_run(void) { return trix_os_process_cpu() - background.rested_cpu > RUN_LEAST_NS; }

/* ns until a cycle is due because there was none for long; UINT64_MAX when collection is off. */
static uint64_t rest_left(void) {
    if (load_relaxed(&trix_gc.goal) == PACER_NEVER) return UINT64_MAX;
    int64_t live = load_relaxed(&trix_gc.live);
    uint64_t period = trix_scavenge_rest(background.cycle_cpu, live > 0 ? (uint64_t)live : 0, FORCED_PERIOD_NS);
    uint64_t rested = trix_os_now() - background.last_cycle;
    if (rested >= FORCED_PERIOD_NS) return 0;
    if (rested < period) return period - rested;
    return program_has_run() ? 0 : min_u64(period, FORCED_PERIOD_NS - rested);
}

/* Whether a cycle is due, and whether it was asked for. */
static bool cycle_due(bool *forced) {
    uint32_t wanted = load_seq(&trix_gc.wanted), started = load_seq(&trix_gc.started);
    *forced = (int32_t)(wanted - started) > 0;
    if (*forced) return true;
    /* It leaves a cycle once only: whoever calls it again could not make it, being in a signal handler, say. */
    if (gc_past_trigger() && (!trix_onestop_likely() || background.left == started + 1)) return true;
    *forced = rest_left() == 0;
    return *forced;
}

void trix_sweeper_pace(bool first) {
    bool forced;
    uint32_t seen = event_seen(&trix_called);
    uint64_t now = trix_os_now();
    if (!first && now - background.swept < SWEEP_NS) return;
    background.swept = now;
    if (trix_running_threads() < trix_gc.procs || cycle_due(&forced)) return;
    trix_event_wait(&trix_called, seen, SWEEP_NAP_NS);
    background.swept = trix_os_now();
}

bool trix_scavenger_interrupted(void) {
    bool forced;
    return load_seq(&background.paused) || cycle_due(&forced);
}

void trix_collector_hurry(bool on) {
    if (on ? !background.may_hurry : !background.hurries) return;
    bool done = trix_os_real_time(on);
    background.may_hurry = done; /* who is refused does not ask again */
    background.hurries = on && done;
}

static void *collector_main(void *arg) {
    (void)arg;
    trix_os_name_thread("tricolor-gc");
    trix_os_be_prompt();
    background.may_hurry = trix_options.debug.gcrealtime && trix_os_is_ordinary();
    lock_acquire(&trix_gc.driver);
    background.last_cycle = trix_os_now();
    for (;;) {
        bool forced;
        uint32_t seen = event_seen(&trix_called);
        trix_collector_poll(NULL);
        store_seq(&trix_gc.triggered, 0);
        want_backer();
        bool half = trix_cycle_handed_over();
        if (half || cycle_due(&forced)) {
            if (half) trix_cycle_take_over();
            else trix_cycle_run(forced);
            background.rested_cpu = trix_os_process_cpu();
            continue;
        }
        uint64_t cpu = trix_os_thread_cpu();
        uint64_t rest = min_u64(rest_left(), trix_scavenger_step());
        background.rested_cpu += trix_os_thread_cpu() - cpu; /* not the program's */
        if (gc_past_trigger()) background.left = load_seq(&trix_gc.started) + 1;
        lock_release(&trix_gc.driver);
        if (gc_past_goal()) trix_os_futex_wake(&trix_gc.started, INT32_MAX); /* trix_onestop_likely */
        trix_event_wait(&trix_called, seen, rest == UINT64_MAX ? 0 : rest + 1);
        lock_acquire(&trix_gc.driver);
    }
    return NULL;
}

bool trix_collector_running(void) { return load_seq(&background.collector) != 0; }
bool trix_collector_there(void) { return load_seq(&background.collector) == 2; }

bool trix_collector_start(void) {
    uint32_t none = 0;
    if (!cas_seq(&background.collector, &none, 1)) return none == 2;
    bool done = trix_make_thread(collector_main, NULL);
    store_seq(&background.collector, done ? 2 : 0);
    return done;
}

/* ---- fork ---- */

/* The collector's thread may be in the making: then not. Where one of the program's drives, it is that one which stands, and the collector's
 * waits for it. (The calling one does not: it forks in a handler of tri_on_gc.) */
COLD bool trix_collector_standing(void) {
    uint32_t state = load_seq(&background.collector);
    const struct thread *here = load_seq(&trix_gc.here);
    uint32_t driver = here ? here != thread_self() : state == 2;
    return state != 1 && load_seq(&background.standing) >= driver + load_seq(&background.made) + load_seq(&background.backer);
}

/* The calling thread is blocked or not attached. */
COLD void trix_collector_pause(void) {
    fetch_add_seq(&background.paused, 1);
    for (;;) {
        uint32_t seen = event_seen(&trix_event);
        trix_collector_call();
        trix_event_post_to(&trix_helpers.event, INT32_MAX);
        trix_event_post_to(&background.backing, INT32_MAX);
        if (trix_collector_standing()) return;
        trix_event_wait(&trix_event, seen + 1, 1000 * 1000);
    }
}

COLD void trix_collector_resume(void) {
    fetch_sub_seq(&background.paused, 1);
    trix_os_futex_wake(&background.paused, INT32_MAX);
}

/* The child has none of them. */
COLD void trix_markers_reset_after_fork(void) {
    trix_helpers = (struct work_helpers){0};
    background.made = 0;
    background.ahead = background.backer = 0;
    background.backing = (struct event){0};
    background.collector = background.paused = background.standing = 0;
    background.may_hurry = background.hurries = false;
}
