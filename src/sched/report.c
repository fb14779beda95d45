/* report.c - how a program ends when all is lost, in Go's words: deadlock, stack overflow, panic, SIGQUIT.
 *
 * A goroutine's trace is found by walking its own stack, from within when it is parked (walk.h). One that runs on another
 * thread is not walked.
 */
#include "report.h"
#include "sched.h"
#include "goroutines.h"
#include "walk.h"
#include "poller.h"
#include "symbols.h"
#include "timers.h"
#include "../base/fmt.h"
#include "../base/options.h"
#include "../host/host.h"
#include "../os/os.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one stack ---- */

/* Frames of the library's own, on the inside, are left out. (In an executable with the library linked in there is no telling.) */
static bool is_ours(const Dl_info *there) {
#ifdef TRIX_SHARED
    Dl_info here;
    return dladdr((void *)(uintptr_t)trix_report_frames, &here) && here.dli_fbase == there->dli_fbase &&
           !(there->dli_sname && strncmp(there->dli_sname, "tri_", 4) == 0);
#else
    return (void)there, false;
#endif
}

static const char *name_of(struct symbols *s, const Dl_info *info, uintptr_t pc) {
    const char *name = info->dli_sname ? info->dli_sname : trix_symbols_find(s, info, pc);
    return name ? name : "?";
}

/* name(...)
 *         module +0x1234 */
static void print_frame(int fd, struct symbols *s, uintptr_t pc) {
    Dl_info info = {0};
    if (!dladdr((void *)(pc - 1), &info) || !info.dli_fname) trix_print(fd, "?(...)\n\t%p\n", (void *)pc);
    else if (!is_ours(&info))
        trix_print(fd, "%s(...)\n\t%s +0x%lx\n", name_of(s, &info, pc - 1), info.dli_fname, pc - (uintptr_t)info.dli_fbase);
}

void trix_report_frames(int fd, const uintptr_t *pcs, uint32_t n) {
    struct symbols s = {0};
    for (uint32_t i = 0; i < n; i++) print_frame(fd, &s, pcs[i]);
    trix_symbols_close(&s);
    if (n == GOROUTINE_FRAMES) trix_print(fd, "...additional frames elided...\n");
}

/* "goroutine 7 [chan receive, 2 minutes]:" */
void trix_report_goroutine(int fd, uint64_t id, const char *state, bool leaked, uint64_t waited_ns) {
    uint64_t minutes = waited_ns / 60000000000ull;
    trix_print(fd, "\ngoroutine %lu [%s%s", id, state, leaked ? " (leaked)" : "");
    if (minutes) trix_print(fd, ", %lu minutes", minutes);
    trix_print(fd, "]:\n");
}

void trix_report_creator(int fd, uint64_t parent, uintptr_t pc) {
    Dl_info info = {0};
    struct symbols s = {0};
    if (!parent) return;
    if (!pc || !dladdr((void *)(pc - 1), &info) || !info.dli_fname) {
        trix_print(fd, "created by goroutine %lu\n", parent);
        return;
    }
    trix_print(fd, "created by %s in goroutine %lu\n\t%s +0x%lx\n", name_of(&s, &info, pc - 1), parent, info.dli_fname,
               pc - (uintptr_t)info.dli_fbase);
    trix_symbols_close(&s);
}

/* ---- all goroutines ---- */

/* World stopped, or everybody asleep. */
static void dump(struct g *g, void *t) {
    struct frames f = {0};
    if (load_relaxed(&g->context) == G_NONE || g->dying) return;
    uint64_t waited = g_waits(g) && g->wait_since ? trix_os_now() - g->wait_since : 0;
    trix_report_goroutine(2, g->id, trix_goroutine_state(g), g->leaked, waited);
    if (g->context != G_SAVED) {
        trix_print(2, "\tgoroutine running on other thread; stack unavailable\n");
    } else {
        trix_walk_parked(t, g, &f);
        trix_report_frames(2, f.pc, f.n);
    }
    trix_report_creator(2, g->parent, g->creator);
}

static void dump_all(void) { trix_stacks_visit(0, trix_stacks_count(), dump, thread_self()); }

static NORETURN void end(void) {
    const char *traceback = getenv("GOTRACEBACK");
    if (traceback && strcmp(traceback, "crash") == 0) abort();
    _exit(2);
}

/* ---- panic ---- */

void trix_report_end(struct g *g) {
    struct frames f = {0};
    trix_report_goroutine(2, g->id, "running", false, 0);
    trix_walk_here(&f);
    trix_report_frames(2, f.pc, f.n);
    end();
}

/* ---- deadlock ---- */

static bool workers_asleep(uint32_t *runners) {
    uint32_t asleep = 0;
    lock_acquire(&trix_sched.lock);
    for (struct worker *w = trix_sched.idle; w; w = w->next) asleep += !load_seq(&w->wake);
    *runners = trix_sched.nworkers;
    bool busy = trix_sched.nidle < trix_sched.nprocs || trix_sched.queued || load_seq(&trix_sched.spinning);
    lock_release(&trix_sched.lock);
    return !busy && asleep == *runners && *runners >= trix_sched.nprocs;
}

/* Looks one after the other are not a moment: the last timer may fire after its goroutine's worker has been seen asleep. But who
 * was seen asleep, and has not been woken up to the end by the count of wake-ups, slept through all the later looks; and while
 * everybody sleeps there is nobody to add or take a timer. So threads are looked at first, and what could wake them after that;
 * at last, in the order in which they change, a thread that was being made all the while. A handler of the program for a signal
 * could wake anybody, as in Go a program with signal.Notify is never taken for dead. */
static bool all_asleep(void) {
    uint32_t runners, wakeups = load_seq(&trix_sched.wakeups);
    if (!workers_asleep(&runners)) return false;
    uint32_t parked = load_seq(&trix_sched.parked_threads);
    if (runners + parked != load_seq(&trix_threads.count) || !(parked || trix_goroutines_count())) return false;
    if (trix_timers_next() != TIME_NEVER || trix_poller_used() || trix_signals_handled()) return false;
    fence_seq();
    return !load_seq(&trix_threads.starting) && load_seq(&trix_threads.count) == runners + parked &&
           load_seq(&trix_sched.wakeups) == wakeups;
}

void trix_check_deadlock(void) {
    static uint32_t reported;
    if (load_seq(&trix_sched.started) != 2 || !all_asleep()) return;
    if (swap_seq(&reported, 1)) return;
    if (trix_goroutines_count()) trix_print(2, "fatal error: all goroutines are asleep - deadlock!\n");
    else trix_print(2, "fatal error: no goroutines (main called tri_goexit) - deadlock!\n");
    dump_all();
    end();
}

/* ---- stack overflow ---- */


static void on_fault(const siginfo_t *info, const void *context) {
    bool guard = false;
    uintptr_t at = (uintptr_t)info->si_addr;
    struct g *g = info->si_code > 0 ? trix_stacks_find(at, &guard) : NULL;
    if (!g || !guard) return;
    trix_print(2, "runtime: goroutine stack exceeds %zu-byte limit\n", trix_stack_limit(g));
    trix_print(2, "runtime: sp=%p stack=[%p, %p]\nfatal error: stack overflow\n", (void *)trix_os_context_sp(context),
               (void *)g->fiber.lo, (void *)g->fiber.hi);
    trix_report_end(g);
}

/* ---- SIGQUIT ---- */

uint32_t trix_dump_wanted;

static void on_quit(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info, (void)context;
    store_seq(&trix_dump_wanted, 1);
    trix_monitor_wake();
}

void trix_reports_serve(void) {
    trix_world_stop(false);
    trix_print(2, "SIGQUIT: quit\n");
    dump_all();
    end();
}

/* ---- schedtrace: a line in Go's format (runtime.schedtrace) ---- */

static void trace(uint64_t now) {
    static char buffer[16 << 10]; /* monitor only */
    NO_ROOTS(buffer);
    static uint64_t from;
    struct text t = text_over(buffer, sizeof buffer);
    if (!from) from = now;
    lock_acquire(&trix_sched.lock);
    uint32_t idle = 0, procs = trix_sched.nprocs;
    for (struct worker *w = trix_sched.idle; w; w = w->next) idle++;
    trix_text_add(&t, "SCHED %lums: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u needspinning=0 idlethreads=%u runqueue=%u [",
                  (now - from) / 1000000, procs, trix_sched.nidle, trix_sched.nworkers + 1, load_relaxed(&trix_sched.spinning), idle,
                  trix_sched.queued);
    for (uint32_t i = 0; i < procs; i++)
        trix_text_add(&t, " %u", queue_length(&trix_sched.procs[i]) + (load_relaxed(&trix_sched.procs[i].runnext) != NULL));
    trix_text_add(&t, " ] schedticks=[ ");
    for (uint32_t i = 0; i < procs; i++) trix_text_add(&t, "%u ", load_relaxed(&trix_sched.procs[i].ticks));
    lock_release(&trix_sched.lock);
    trix_text_add(&t, "]\n");
    trix_text_write(&t, 2);
}

void trix_schedtrace(uint64_t now) {
    static uint64_t last; /* monitor only */
    if (!trix_options.debug.schedtrace || now - last < (uint64_t)trix_options.debug.schedtrace * 1000000) return;
    last = now;
    trace(now);
}

/* ---- start ---- */

/* Only where the program has not put a handler of its own. */
static void install(int sig, trix_os_handler *handler) {
    struct trix_kernel_action now;
    if (!trix_os_sigaction_raw(sig, NULL, &now) || now.handler != (void *)SIG_DFL) return;
    trix_os_sigaction(sig, handler, SA_SIGINFO | SA_ONSTACK | SA_RESTART);
}

void trix_reports_init(void) {
    trix_signals_on_altstack = true;
    trix_signals_watch_faults(SIGSEGV, on_fault);
    install(SIGQUIT, on_quit);
}
