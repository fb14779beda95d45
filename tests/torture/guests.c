/* guests.c - what comes and goes: threads that live for a moment, children of fork, modules. */
#include "torture.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- threads ---- */

struct pearl {
    struct pearl *next;
    uint64_t number;
};
TRI_TYPE(struct pearl, next)

static NOINLINE struct pearl *string_pearls(unsigned n) {
    struct pearl *first = NULL;
    for (unsigned i = 0; i < n; i++) {
        struct pearl *p = tri_new(struct pearl);
        p->number = content(9, i);
        tri_set(p->next, first);
        first = p;
    }
    return first;
}

static void count_pearls(struct pearl *p, unsigned n) {
    while (n--) {
        if (!p || p->number != content(9, n))
            fail("pearl %u at %p is 0x%lx", n, (void *)p, p ? p->number : 0);
        p = p->next;
    }
    if (p) fail("there is a pearl too many, at %p", (void *)p);
}

static __thread struct pearl *own_pearls; /* a root that goes with the thread */

static void *short_life(void *arg) {
    struct random r = {(uintptr_t)arg};
    unsigned n = below(&r, 100);
    struct pearl *pearls = string_pearls(n);
    own_pearls = string_pearls(n / 2);
    for (unsigned i = below(&r, 200); i; i--) object_make_garbage(&r);
    count_pearls(pearls, n);
    count_pearls(own_pearls, n / 2);
    return NULL;
}

static __attribute__((noreturn)) void *wait_to_be_cancelled(void *arg) {
    struct pearl *pearls = string_pearls(50);
    struct timespec t = {0, 20000};
    while (true) {
        nanosleep(&t, NULL);
        if (arg) string_pearls(20);
        count_pearls(pearls, 50);
    }
}

static void churn(struct worker *w) {
    struct random *r = &w->random;
    pthread_t thread[8];
    unsigned n = 1 + below(r, 8), made = 0;
    for (unsigned i = 0; i < n; i++)
        made += pthread_create(&thread[made], NULL, short_life, (void *)(random_next(r) >> 8)) == 0;
    __atomic_fetch_add(&figures->threads, made, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < made; i++) pthread_join(thread[i], NULL);
}

/* A detached one may outlive its maker, and whatever the maker waits for. */
static void churn_detached(struct worker *w) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, short_life, (void *)(random_next(&w->random) >> 8)) != 0) return;
    pthread_detach(thread);
    COUNT(threads);
}

static void churn_cancelled(struct worker *w) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_to_be_cancelled, (void *)(uintptr_t)below(&w->random, 2)) != 0)
        return;
    COUNT(threads);
    for (unsigned n = below(&w->random, 100); n; n--) object_make_garbage(&w->random);
    pthread_cancel(thread);
    void *result = NULL;
    pthread_join(thread, &result);
    if (result != PTHREAD_CANCELED) fail("a cancelled thread's result is %p", result);
}

/* Chases pointers without a call, for a while. */
static void loop(struct worker *w) {
    struct pearl *pearls = string_pearls(1000), *p = pearls;
    for (unsigned n = 100000 + below(&w->random, 3000000); n; n--) p = p->next ? p->next : pearls;
    count_pearls(pearls, 1000);
}

/* ---- children ---- */

static void child_main(struct worker *w, struct plot *shared) {
    struct random *r = &w->random;
    doing("a child verifies");
    roots_after_fork(&w->plot);
    roots_after_fork(shared);
    plot_verify(&w->plot, false);
    plot_verify(shared, false);
    doing("a child changes its plots");
    for (unsigned n = below(r, 300); n; n--) {
        change_one(one_in(r, 2) ? shared : &w->plot, r);
        if (one_in(r, 8)) object_make_garbage(r);
    }
    doing("a child collects");
    if (one_in(r, 2)) tri_gc();
    doing("a child carries");
    carry_one(&w->plot, r);
    if (one_in(r, 2)) churn(w);
    doing("a child collects again");
    tri_gc();
    doing("a child verifies again");
    plot_verify(&w->plot, true);
    plot_verify(shared, true);
    _exit(0);
}

static void fork_one(struct worker *w, struct plot *shared) {
    pthread_mutex_lock(&shared->lock);
    pid_t pid = fork();
    if (pid == 0) child_main(w, shared);
    pthread_mutex_unlock(&shared->lock);
    if (pid < 0) return; /* the system has no more processes for us */
    COUNT(forks);
    doing("waits for its child");
    __atomic_store_n(&w->progress->child, pid, __ATOMIC_RELAXED);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) fail("waitpid: %s", strerror(errno));
    __atomic_store_n(&w->progress->child, 0, __ATOMIC_RELAXED);
    if (status != 0) fail("a child has ended with status 0x%x", status);
}

/* ---- modules ---- */

static char plugin_path[PATH_MAX];
static pthread_mutex_t one_module = PTHREAD_MUTEX_INITIALIZER; /* so that it really comes and goes */

static NOINLINE uintptr_t give_to_plugin(void *handle, unsigned n) {
    void (*keep)(void *, unsigned) = (void (*)(void *, unsigned))dlsym(handle, "plugin_keep");
    struct pearl *pearls = string_pearls(60);
    keep(pearls, n);
    return tri_hide(pearls);
}

static void load_module(struct worker *w) {
    struct random *r = &w->random;
    if (pthread_mutex_trylock(&one_module) != 0) return;
    void *handle = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) fail("dlopen: %s", dlerror());
    COUNT(modules);
    unsigned n = below(r, 200);
    uintptr_t hidden = give_to_plugin(handle, n);
    weather_cycle(r);
    if (one_in(r, 8)) tri_gc();
    void *(*release)(unsigned) = (void *(*)(unsigned))dlsym(handle, "plugin_release");
    struct pearl *back = release(n);
    if (tri_hide(back) != hidden) fail("the module gives back %p", (void *)back);
    count_pearls(back, 60);
    if (dlclose(handle) != 0) fail("dlclose: %s", dlerror());
    count_pearls(back, 60);
    pthread_mutex_unlock(&one_module);
}

/* ---- which ---- */

static void churn_any(struct worker *w) {
    switch (below(&w->random, 4)) {
    case 0: churn_detached(w); break;
    case 1: churn_cancelled(w); break;
    default: churn(w);
    }
}

void guests_init(const char *program) {
    char path[PATH_MAX] = "";
    if (!realpath(program, path) && readlink("/proc/self/exe", path, sizeof path - 1) < 0) fail("who am I?");
    snprintf(plugin_path, sizeof plugin_path, "%.*s/torture_plugin.so", PATH_MAX - 32, dirname(path));
}

void guests_one(struct worker *w, struct plot *shared) {
    struct random *r = &w->random;
    switch (below(r, 8)) {
    case 0:
        if (!options.on[F_fork]) return;
        doing("forks");
        fork_one(w, shared);
        return;
    case 1:
    case 2:
        if (!options.on[F_dl]) return;
        doing("loads a module");
        load_module(w);
        return;
    case 3:
    case 4:
        if (!options.on[F_loop]) return;
        doing("loops without calls");
        loop(w);
        return;
    default:
        if (!options.on[F_churn]) return;
        doing("makes threads");
        churn_any(w);
    }
}
