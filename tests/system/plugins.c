/* Hazards 9, 11 and 16. Modules that come and go by dlopen and dlclose: their globals, their thread-locals in
 * every thread and what their early constructors store are seen; gone, they leave nothing that a collection
 * or a signal would stumble over. */
#include "check.h"

#include <dlfcn.h>
#include <poll.h>

enum { THREADS = 4, ROUNDS = 60 };

struct plugin {
    void *handle;
    void (*keep)(int slot, void *object);     /* in a global array */
    void (*keep_own)(int slot, void *object); /* in a thread-local one */
    void *(*kept)(int slot);
    void *(*kept_own)(int slot);
    void *(*push)(void *list); /* stores by the module's own barrier */
};

static void plugin_open(struct plugin *p) {
    p->handle = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(p->handle, "%s", dlerror());
    *(void **)&p->keep = dlsym(p->handle, "keep");
    *(void **)&p->keep_own = dlsym(p->handle, "keep_own");
    *(void **)&p->kept = dlsym(p->handle, "kept");
    *(void **)&p->kept_own = dlsym(p->handle, "kept_own");
    *(void **)&p->push = dlsym(p->handle, "push");
}

static struct plugin plugin;
static int ready, go; /* atomic */

NO_INLINE static void fill_own(uint64_t thread) {
    for (uint64_t i = 0; i < 100; i++) plugin.keep_own((int)i, stamped_new(thread * 1000 + i));
}

static void *thread_main(void *number) {
    fill_own((uint64_t)(uintptr_t)number);
    clear_stack();
    post(&ready);
    await(&go, 1);
    for (uint64_t i = 0; i < 100; i++)
        REQUIRE(stamped_ok((struct stamped *)plugin.kept_own((int)i), (uint64_t)(uintptr_t)number * 1000 + i),
                "thread-local %d of thread %d is lost", (int)i, (int)(uintptr_t)number);
    return NULL;
}

NO_INLINE static void fill(void) {
    for (uint64_t i = 0; i < 100; i++) plugin.keep((int)i, stamped_new(i));
}

/* One that was there before the module, and the main thread, have the variables too. */
static void hold_all(void) {
    pthread_t thread[THREADS];
    ready = go = 0;
    plugin_open(&plugin);
    fill();
    fill_own(0);
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, thread_main, (void *)(i + 1));
    await(&ready, THREADS);
    clear_stack();
    collect();
    for (uint64_t i = 0; i < 100; i++) {
        REQUIRE(stamped_ok((struct stamped *)plugin.kept((int)i), i), "the module's global %d is lost",
                (int)i);
        REQUIRE(stamped_ok((struct stamped *)plugin.kept_own((int)i), i), "thread-local %d of main is lost",
                (int)i);
    }
    post(&go);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    dlclose(plugin.handle);
}

/* With collections, and signals aimed at the module's barrier, all the time. */
static void come_and_go(void) {
    struct gc_loop loop;
    gc_loop_start(&loop);
    for (int round = 0; round < ROUNDS; round++) {
        struct plugin p;
        plugin_open(&p);
        void *list = NULL;
        for (int i = 0; i < 2000; i++) list = p.push(list);
        int n = 0;
        for (void **at = (void **)list; at; at = (void **)*at) n++;
        REQUIRE(n == 2000, "%d of 2000 objects are in the list", n);
        p.keep(1, list);
        dlclose(p.handle);
    }
    gc_loop_await(&loop, 2);
    gc_loop_stop(&loop);
}

/* A handler looks for the sequence it has interrupted also on a thread that is blocked, and so need not stop for a module
 * to go. */
enum { DEAF = 3, MODULES = 1500 };
static int over, tids[DEAF]; /* atomic */

static void on_usr1(int sig) { (void)sig; }
static void *be_deaf(void *tid) {
    __atomic_store_n((int *)tid, own_tid(), __ATOMIC_SEQ_CST);
    while (!posted(&over)) poll(NULL, 0, 5);
    return NULL;
}
static void *ring(void *arg) {
    for (unsigned i = 0; !posted(&over); i++) syscall(SYS_tgkill, getpid(), tids[i % DEAF], SIGUSR1);
    return arg;
}

static void go_under_signals(void) {
    pthread_t deaf[DEAF], bell;
    signal(SIGUSR1, on_usr1);
    for (int i = 0; i < DEAF; i++) {
        pthread_create(&deaf[i], NULL, be_deaf, &tids[i]);
        await(&tids[i], 1);
    }
    pthread_create(&bell, NULL, ring, NULL);
    for (int i = 0; i < MODULES; i++) dlclose(dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL));
    post(&over);
    pthread_join(bell, NULL);
    for (int i = 0; i < DEAF; i++) {
        pthread_kill(deaf[i], SIGUSR1);
        pthread_join(deaf[i], NULL);
    }
}

int main(void) {
    step("globals and thread-locals");
    for (int i = 0; i < 5; i++) hold_all();
    step("come and go");
    come_and_go();
    step("going under signals");
    go_under_signals();
    return 0;
}
