/* report.c - failing loudly, and the watchdog.
 *
 * The watchdog is a process of its own, a child made before anything else, so that it goes on whatever the
 * library does to threads. It reads where the workers are from shared memory; one that has done nothing for
 * HANG_SECONDS hangs. With --gdb it and every failure print where all threads are, by gdb.
 */
#include "torture.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MOST = 256, HANG_SECONDS = 40, TICK_SECONDS = 2 };

static struct shared {
    struct figures figures;
    struct progress progress[WORKERS_MOST];
} * shared;
struct figures *figures;
static char command[1024];
static pid_t watchdog;
__thread const struct plot *reporting_plot;

/* ---- gdb ---- */

static void run_gdb(pid_t pid) {
    char text[512];
    snprintf(text, sizeof text, "gdb -p %d -batch -nx -ex 'thread apply all bt 30' %s %s 1>&2 2>/dev/null",
             (int)pid, *options.gdb_script ? "-x" : "", options.gdb_script);
    if (system(text) != 0) fprintf(stderr, "(no gdb)\n");
}

/* ---- failing ---- */

static void print_chain(const struct shade *s) {
    for (int i = 0; s && i < 12; i++, s = s->found_from) {
        fprintf(stderr, "  id %lu, %s of %zu bytes at %p", s->id, kind_name(s->kind), s->bytes,
                object_address(s));
        if (s->found_from)
            fprintf(stderr, ", by word %u of\n", s->found_from->link[s->found_by].word);
        else if (reporting_plot)
            fprintf(stderr, ", by root %u: %s\n", s->found_by,
                    root_name(reporting_plot->root[s->found_by % ROOTS].kind));
        else
            fprintf(stderr, "\n");
    }
}

static void print_history(const struct shade *s) {
    unsigned n = s->nhistory, have = n < HISTORY ? n : HISTORY;
    fprintf(stderr, "  what happened to it (cycles begun by then; now %u):", cycles_begun());
    for (unsigned i = n - have; i < n; i++)
        fprintf(stderr, " %s@%u", change_name(s->history[i % HISTORY].change), s->history[i % HISTORY].cycle);
    fprintf(stderr, "\n");
}

static void print_words(const struct shade *s, const void *at) {
    const uint64_t *word = (const uint64_t *)object_address(s);
    fprintf(stderr, "  at %p; tri_base says %p, tri_size %zu\n  words:", at, tri_base(word), tri_size(word));
    for (size_t w = 0; w < s->bytes / 8 && w < 24; w++) fprintf(stderr, " %lx", word[w]);
    fprintf(stderr, "\n");
}

static void end(void) __attribute__((noreturn));
static void end(void) {
    fprintf(stderr, "%d %s\n", (int)getpid(), command);
    if (options.gdb) run_gdb(getpid());
    kill(watchdog, SIGKILL);
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void print_head(const char *format, va_list args) {
    static int failing;
    while (__atomic_exchange_n(&failing, 1, __ATOMIC_SEQ_CST)) pause(); /* one report is enough */
    fprintf(stderr, "torture: FAILED: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n  in worker %d, which %s\n", self ? self->number : -1,
            self ? self->progress->doing : "is a guest");
}

void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_head(format, args);
    va_end(args);
    end();
}

void fail_object(const struct shade *s, const void *at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_head(format, args);
    va_end(args);
    print_chain(s);
    print_history(s);
    print_words(s, at);
    end();
}

/* A crash is a failure too. */
static void crashed(int sig, siginfo_t *info, void *context) {
    (void)context;
    fail("signal %d at address %p", sig, info->si_addr);
}

static void catch_crashes(void) {
    struct sigaction a = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
    sigfillset(&a.sa_mask);
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
    sigaction(SIGILL, &a, NULL);
}

/* ---- the watchdog ---- */

static void bark(pid_t program, int worker) {
    const struct progress *p = &shared->progress[worker];
    fprintf(stderr, "torture: HANGS: worker %d, which %s\n", worker, p->doing);
    for (int i = 0; i < WORKERS_MOST; i++)
        if (shared->progress[i].doing)
            fprintf(stderr, "  worker %d %s (step %lu, child %d)\n", i, shared->progress[i].doing,
                    shared->progress[i].steps, (int)shared->progress[i].child);
    fprintf(stderr, "%d %s\n", (int)program, command);
    if (options.gdb) {
        run_gdb(program);
        if (p->child) run_gdb(p->child);
    }
    if (p->child) kill(p->child, SIGKILL);
    kill(program, SIGKILL);
    _exit(1);
}

static void watch(pid_t program) {
    static uint64_t seen[WORKERS_MOST], idle[WORKERS_MOST];
    for (;;) {
        struct timespec t = {TICK_SECONDS, 0};
        nanosleep(&t, NULL);
        for (int i = 0; i < WORKERS_MOST; i++) {
            const struct progress *p = &shared->progress[i];
            uint64_t steps = __atomic_load_n(&p->steps, __ATOMIC_RELAXED);
            if (steps != seen[i] || !__atomic_load_n(&p->doing, __ATOMIC_RELAXED))
                idle[i] = 0;
            else if (++idle[i] * TICK_SECONDS >= HANG_SECONDS)
                bark(program, i);
            seen[i] = steps;
        }
    }
}

void report_init(int argc, char **argv) {
    size_t n = (size_t)snprintf(command, sizeof command, "repeat: %s", argv[0]);
    for (int i = 1; i < argc && n < sizeof command; i++)
        n += (size_t)snprintf(command + n, sizeof command - n, " %s", argv[i]);
    if (n < sizeof command) snprintf(command + n, sizeof command - n, " --seed %lu", options.seed);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) fail("mmap: %s", strerror(errno));
    figures = &shared->figures;
    catch_crashes();
    pid_t program = getpid();
    watchdog = fork();
    if (watchdog < 0) fail("fork: %s", strerror(errno));
    if (watchdog == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != program) _exit(0);
        watch(program);
    }
}

struct progress *report_progress(int worker) {
    return &shared->progress[worker];
}

void report_done(void) {
    kill(watchdog, SIGKILL);
    waitpid(watchdog, NULL, 0);
}
