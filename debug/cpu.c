/* cpu.c - the CPU profile: each thread has a timer of its own on its CPU clock (Go's runtime, since 1.18), whose signal
 * walks the stack it lands on. A timer of the process would signal whatever thread the kernel likes. The kernel looks at these
 * timers when its clock ticks, 250 times a second say, and where signals are blocked they wait: one signal stands for as many
 * periods as it says have passed, so that the sum is the CPU time used at any rate.
 *
 * The handler writes into one of two halves of a buffer; a thread of ours, ten times a second, turns to the other half, waits
 * until nobody writes to the first, and counts what is in it. It also gives timers to threads that have come since. The handler takes
 * no lock and allocates nothing. When a half is full, samples are lost, and counted.
 */
#include "debug.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { HALF_WORDS = 1 << 20, RECORD_HEAD = 3, COLLECT_NS = 100 * 1000 * 1000, LOOK_NS = 10 * 1000 * 1000 };

struct half {
    uint64_t used;    /* words taken; atomic */
    uint32_t writers; /* handlers in it; seq_cst */
    uintptr_t *word;  /* records: length, goroutine, periods, addresses; length 0 until it is written whole */
};

struct timer {
    int tid, id;
    uint32_t seen; /* the last look that found the thread alive */
};

static struct {
    pthread_mutex_t lock;
    bool running;         /* lock */
    int hz, next_hz;      /* lock */
    FILE *to;
    struct half half[2];
    uint32_t active;      /* seq_cst */
    uint32_t on;          /* handlers count; seq_cst */
    uint32_t stopping;    /* seq_cst */
    uint64_t lost;        /* relaxed */
    struct timer *timer;  /* collecting thread's */
    size_t ntimers, timers_room;
    uint32_t looks;
    pthread_t thread;
    struct profile profile;
    uint64_t begun; /* ns, monotonic */
} cpu = {.lock = PTHREAD_MUTEX_INITIALIZER, .next_hz = 100};

/* ---- the handler ---- */

static uint64_t periods_of(const siginfo_t *info) {
    return info->si_code == SI_TIMER && info->si_overrun > 0 ? 1 + (uint64_t)info->si_overrun : 1;
}

static void on_tick(int sig, void *info, void *ucontext) {
    (void)sig;
    int kept = errno;
    uintptr_t pcs[SIGHT_FRAMES];
    if (!__atomic_load_n(&cpu.on, __ATOMIC_SEQ_CST)) return;
    const struct sight *core = trid_core();
    unsigned n = core->walk(ucontext, pcs, SIGHT_FRAMES);
    struct half *h;
    for (;;) { /* into the half that is active still when we are counted in it */
        uint32_t active = __atomic_load_n(&cpu.active, __ATOMIC_SEQ_CST);
        h = &cpu.half[active];
        __atomic_fetch_add(&h->writers, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&cpu.active, __ATOMIC_SEQ_CST) == active) break;
        __atomic_fetch_sub(&h->writers, 1, __ATOMIC_SEQ_CST);
    }
    uint64_t at = __atomic_fetch_add(&h->used, n + RECORD_HEAD, __ATOMIC_RELAXED);
    if (at + n + RECORD_HEAD <= HALF_WORDS) {
        h->word[at + 1] = core->goroutine_id();
        h->word[at + 2] = periods_of(info);
        memcpy(&h->word[at + RECORD_HEAD], pcs, n * sizeof *pcs);
        h->word[at] = n;
    } else {
        __atomic_fetch_add(&cpu.lost, 1, __ATOMIC_RELAXED);
    }
    __atomic_fetch_sub(&h->writers, 1, __ATOMIC_SEQ_CST);
    errno = kept;
}

/* ---- timers ---- */

static clockid_t clock_of(int tid) { return (clockid_t)(~(unsigned)tid << 3 | 6); } /* the thread's CPU time, as the kernel says it */

static void add_timer(int tid) {
    for (size_t i = 0; i < cpu.ntimers; i++)
        if (cpu.timer[i].tid == tid) {
            cpu.timer[i].seen = cpu.looks;
            return;
        }
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    event._sigev_un._tid = tid;
    int id;
    if (syscall(SYS_timer_create, clock_of(tid), &event, &id) != 0) return; /* it has ended */
    long period = 1000000000l / cpu.hz;
    struct itimerspec when = {.it_interval = {period / 1000000000, period % 1000000000}};
    long first = period / 2 + (long)(((unsigned long)tid * 2654435761u >> 7) % (unsigned long)period) / 2; /* not all at once */
    when.it_value = (struct timespec){first / 1000000000, first % 1000000000};
    syscall(SYS_timer_settime, id, 0, &when, NULL);
    cpu.timer = trid_grow(cpu.timer, cpu.ntimers, &cpu.timers_room, sizeof *cpu.timer);
    cpu.timer[cpu.ntimers++] = (struct timer){tid, id, cpu.looks};
}

/* A timer outlives its thread. */
static void delete_unseen(void) {
    size_t kept = 0;
    for (size_t i = 0; i < cpu.ntimers; i++)
        if (cpu.timer[i].seen == cpu.looks) cpu.timer[kept++] = cpu.timer[i];
        else syscall(SYS_timer_delete, cpu.timer[i].id);
    cpu.ntimers = kept;
}

static void look_for_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return;
    cpu.looks++;
    for (struct dirent *d; (d = readdir(tasks));)
        if (atoi(d->d_name) > 0) add_timer(atoi(d->d_name));
    closedir(tasks);
    delete_unseen();
}

static void delete_timers(void) {
    for (size_t i = 0; i < cpu.ntimers; i++) syscall(SYS_timer_delete, cpu.timer[i].id);
    cpu.ntimers = 0;
}

/* ---- collecting ---- */

static void count_half(struct half *h) {
    while (__atomic_load_n(&h->writers, __ATOMIC_SEQ_CST)) sched_yield();
    uint64_t used = h->used < HALF_WORDS ? h->used : HALF_WORDS, period = 1000000000ull / (unsigned)cpu.hz;
    for (uint64_t at = 0; at + RECORD_HEAD <= used && h->word[at];) {
        int64_t g = (int64_t)h->word[at + 1], periods = (int64_t)h->word[at + 2];
        int64_t v[PROFILE_VALUES] = {periods, periods * (int64_t)period};
        uint32_t n = (uint32_t)h->word[at];
        trid_profile_add(&cpu.profile, &h->word[at + RECORD_HEAD], n, v, g ? "goroutine" : NULL, g, NULL);
        at += RECORD_HEAD + n;
    }
    memset(h->word, 0, used * sizeof *h->word);
    h->used = 0;
}

static void collect(void) {
    uint32_t active = __atomic_load_n(&cpu.active, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cpu.active, 1 - active, __ATOMIC_SEQ_CST);
    count_half(&cpu.half[active]);
}

static uint64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Threads are looked for a hundred times a second, since what a new one does before it is found is not seen; less often when
 * there are so many that looking would take more than 2 % of a processor. */
static void *collector(void *unused) {
    uint64_t collected = now_ns(CLOCK_MONOTONIC);
    while (!__atomic_load_n(&cpu.stopping, __ATOMIC_SEQ_CST)) {
        uint64_t from = now_ns(CLOCK_THREAD_CPUTIME_ID);
        look_for_threads();
        uint64_t pause = (now_ns(CLOCK_THREAD_CPUTIME_ID) - from) * 50, now = now_ns(CLOCK_MONOTONIC);
        if (pause < LOOK_NS) pause = LOOK_NS;
        if (pause > COLLECT_NS) pause = COLLECT_NS;
        if (now - collected >= COLLECT_NS) collect(), collected = now;
        nanosleep(&(struct timespec){.tv_nsec = (long)pause}, NULL);
    }
    return unused;
}

/* ---- start and stop; lock ---- */

static bool map_halves(void) {
    for (int i = 0; i < 2; i++) {
        if (cpu.half[i].word) continue;
        void *at = mmap(NULL, HALF_WORDS * sizeof(uintptr_t), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) return false;
        cpu.half[i].word = at;
    }
    return true;
}

/* The child has neither the timers nor the thread: nothing is under way in it. */
static void after_fork(void) {
    pthread_mutex_init(&cpu.lock, NULL);
    if (cpu.running) trid_core()->on_tick(NULL);
    cpu.running = false;
    cpu.on = 0;
    cpu.to = NULL;
    cpu.timer = NULL; /* which may have been growing */
    cpu.ntimers = cpu.timers_room = 0;
    for (int i = 0; i < 2; i++) {
        if (cpu.half[i].word) munmap(cpu.half[i].word, HALF_WORDS * sizeof(uintptr_t));
        cpu.half[i] = (struct half){0};
    }
}
static void watch_forks(void) { pthread_atfork(NULL, NULL, after_fork); }

static int start(FILE *to) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    if (cpu.running) return EBUSY;
    if (!map_halves()) return ENOMEM;
    cpu.hz = cpu.next_hz;
    cpu.to = to;
    cpu.lost = 0;
    cpu.profile = (struct profile){.name = "cpu", .nvalues = 2, .type = {"samples", "cpu"}, .unit = {"count", "nanoseconds"},
                                   .period_type = "cpu", .period_unit = "nanoseconds", .period = 1000000000 / cpu.hz,
                                   .interrupted = true};
    cpu.profile.time_ns = (int64_t)now_ns(CLOCK_REALTIME);
    cpu.begun = now_ns(CLOCK_MONOTONIC);
    if (!trid_core()->on_tick(on_tick)) return errno;
    __atomic_store_n(&cpu.stopping, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cpu.on, 1, __ATOMIC_SEQ_CST);
    int error = pthread_create(&cpu.thread, NULL, collector, NULL);
    if (error) {
        cpu.on = 0;
        trid_core()->on_tick(NULL);
        return error;
    }
    cpu.running = true;
    return 0;
}

/* Ticks under way may still come in after their timer has gone: they find that nobody counts, or the program's own handler. */
static int stop(struct page *out) {
    if (!cpu.running) return EINVAL;
    __atomic_store_n(&cpu.stopping, 1, __ATOMIC_SEQ_CST);
    pthread_join(cpu.thread, NULL);
    delete_timers();
    __atomic_store_n(&cpu.on, 0, __ATOMIC_SEQ_CST);
    trid_core()->on_tick(NULL);
    collect();
    collect();
    cpu.profile.duration_ns = (int64_t)(now_ns(CLOCK_MONOTONIC) - cpu.begun);
    bool done = trid_profile_encode(&cpu.profile, out);
    trid_profile_free(&cpu.profile);
    cpu.running = false;
    return done ? 0 : ENOMEM;
}

static int failed(int error) {
    errno = error;
    return error ? -1 : 0;
}

EXPORT int tri_cpu_profile_start(FILE *to) {
    if (!to) return failed(EINVAL);
    pthread_mutex_lock(&cpu.lock);
    int error = start(to);
    pthread_mutex_unlock(&cpu.lock);
    return failed(error);
}

EXPORT int tri_cpu_profile_stop(void) {
    struct page out = {0};
    pthread_mutex_lock(&cpu.lock);
    int error = cpu.to ? stop(&out) : EINVAL;
    FILE *to = cpu.to;
    cpu.to = NULL;
    if (!error && (fwrite(out.text, 1, out.n, to) != out.n || fflush(to) != 0)) error = errno;
    pthread_mutex_unlock(&cpu.lock);
    free(out.text);
    return failed(error);
}

int trid_cpu_start(void) {
    pthread_mutex_lock(&cpu.lock);
    int error = start(NULL);
    pthread_mutex_unlock(&cpu.lock);
    return error;
}

int trid_cpu_stop(struct page *out) {
    pthread_mutex_lock(&cpu.lock);
    int error = stop(out);
    pthread_mutex_unlock(&cpu.lock);
    return error;
}

EXPORT int tri_set_cpu_profile_rate(int hz) {
    pthread_mutex_lock(&cpu.lock);
    int old = cpu.next_hz;
    if (hz >= 1 && hz <= 1000) cpu.next_hz = hz;
    pthread_mutex_unlock(&cpu.lock);
    return old;
}
