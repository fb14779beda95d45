/* Hazards 3 and 16. What crosses from one thread to another in libc's memory lives: a thread's argument until
 * it has it, its result until somebody joins. Destructors of keys, which run after the thread's own code, may
 * allocate, and what a thread kept in its keys lives until then. Threads that come and go while cycles run
 * leave nothing behind. */
#include "check.h"

#include <limits.h>

#include <threads.h>

enum { THREADS = 60, KEYS = 100, CHURN = 400 };

static int go; /* atomic */
static pthread_key_t keys[KEYS], last_key;
static int destroyed, rounds; /* atomic */

NO_INLINE static hidden start_with(pthread_t *thread, void *(*fn)(void *), uint64_t number) {
    struct stamped *s = stamped_new(number);
    int error = pthread_create(thread, NULL, fn, s);
    REQUIRE(error == 0, "pthread_create: %s", strerror(error));
    return tri_hide(s);
}

/* ---- arguments and results ---- */

static void *give_back(void *arg) { return arg; }
static void *exit_with_new(void *arg) {
    REQUIRE(((struct stamped *)arg)->self == tri_hide(arg), "the argument is lost");
    pthread_exit(stamped_new(4711));
}

static void results(void *(*fn)(void *), bool exits) {
    pthread_t thread[THREADS];
    hidden where[THREADS];
    for (int i = 0; i < THREADS; i++) where[i] = start_with(&thread[i], fn, (uint64_t)i);
    clear_stack();
    for (int k = 0; k < 3; k++) collect();
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        REQUIRE(stamped_ok((struct stamped *)result, exits ? 4711 : (uint64_t)i),
                "the result of thread %d is lost", i);
        REQUIRE(exits || result == tri_reveal(where[i]), "thread %d has returned something else", i);
    }
}

static int c11_main(void *arg) { return (int)((struct stamped *)arg)->number; }

static void c11(void) {
    thrd_t thread;
    int result;
    REQUIRE(thrd_create(&thread, c11_main, stamped_new(12)) == thrd_success, "thrd_create");
    collect();
    REQUIRE(thrd_join(thread, &result) == thrd_success && result == 12, "thrd_join");
}

/* What a thread was started with, and has let go of, is garbage while it runs. */
static volatile hidden argument;
static int argument_gone; /* atomic */
NO_INLINE static void start_with_new(pthread_t *thread, void *(*fn)(void *)) {
    struct stamped *s = stamped_new(13);
    argument = tri_hide(s);
    REQUIRE(pthread_create(thread, NULL, fn, s) == 0, "pthread_create");
}
static void *looks_for_its_argument(void *unused) {
    (void)unused;
    clear_stack();
    collect();
    collect();
    if (!stamped_lives(argument, 13)) post(&argument_gone);
    return NULL;
}
static void arguments_go(void) {
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        start_with_new(&thread, looks_for_its_argument);
        clear_stack();
        pthread_join(thread, NULL);
    }
    REQUIRE(SANITIZED || argument_gone > 10, "of 20 arguments only %d went", argument_gone);
}

/* ---- keys ---- */

/* Comes round as often as libc allows, allocating and setting keys each time. */
static void on_key(void *value) {
    REQUIRE(stamped_ok((struct stamped *)value, 99), "a value is lost when its destructor runs");
    post(&destroyed);
}
static void on_last_key(void *value) {
    REQUIRE(((struct stamped *)value)->self == tri_hide(value), "the value of the last key is lost");
    for (int i = 0; i < 500; i++) stamped_new(3);
    post(&rounds);
    pthread_setspecific(last_key, stamped_new(1));
}

NO_INLINE static void set_keys(void) {
    for (int k = 0; k < KEYS; k++) pthread_setspecific(keys[k], stamped_new(99));
    pthread_setspecific(last_key, stamped_new(1));
}

static void *hold_keys(void *arg) {
    set_keys();
    clear_stack();
    post((int *)arg);
    await(&go, 1);
    for (int k = 0; k < KEYS; k++)
        REQUIRE(stamped_ok((struct stamped *)pthread_getspecific(keys[k]), 99), "the value of key %d is lost",
                k);
    return NULL;
}

static void keys_live(void) {
    pthread_t thread;
    int ready = 0;
    for (int k = 0; k < KEYS; k++) REQUIRE(pthread_key_create(&keys[k], on_key) == 0, "no key");
    pthread_key_create(&last_key, on_last_key);
    pthread_create(&thread, NULL, hold_keys, &ready);
    await(&ready, 1);
    collect();
    post(&go);
    pthread_join(thread, NULL);
    REQUIRE(posted(&destroyed) == KEYS, "%d destructors of %d", posted(&destroyed), KEYS);
    REQUIRE(posted(&rounds) >= 4, "%d rounds", posted(&rounds));
    for (int k = 0; k < KEYS; k++) pthread_key_delete(keys[k]);
}

/* In the last round: a destructor that does nothing but wait for a collection, and one after it whose value has to be there still. */
static pthread_key_t waiting_key, later_key;
static int waited, asked, collected;
static void on_waiting_key(void *value) {
    if (++waited < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(waiting_key, value);
        return;
    }
    post(&asked);
    await(&collected, 1);
}
static void on_later_key(void *value) {
    REQUIRE(stamped_ok((struct stamped *)value, 5), "a value is lost before its destructor runs in round %d", waited);
    if (waited < PTHREAD_DESTRUCTOR_ITERATIONS) pthread_setspecific(later_key, stamped_new(5));
}
static void *hold_to_the_last_round(void *arg) {
    pthread_setspecific(waiting_key, &waited);
    pthread_setspecific(later_key, stamped_new(5));
    return arg;
}
static void last_round(void) {
    pthread_t thread;
    pthread_key_create(&waiting_key, on_waiting_key);
    pthread_key_create(&later_key, on_later_key);
    pthread_create(&thread, NULL, hold_to_the_last_round, NULL);
    await(&asked, 1);
    collect();
    post(&collected);
    pthread_join(thread, NULL);
}

/* ---- coming and going ---- */

static void *worker(void *arg) {
    struct stamped *list = NULL;
    for (uint64_t i = 0; i < 300; i++) {
        struct stamped *s = stamped_new(i);
        tri_set(s->next, list);
        list = s;
    }
    uint64_t n = 300;
    for (struct stamped *s = list; s; s = s->next) REQUIRE(stamped_ok(s, --n), "object %lu is lost", (long)n);
    if ((uintptr_t)arg & 1) pthread_exit(list);
    return list;
}

static void *churner(void *arg) {
    (void)arg;
    for (uintptr_t i = 0; i < CHURN; i++) {
        pthread_t thread;
        void *result;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        if (i % 3 == 0) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        while (pthread_create(&thread, &attributes, worker, (void *)i)) sched_yield();
        if (i % 3 == 1) {
            pthread_join(thread, &result);
            REQUIRE(stamped_ok((struct stamped *)result, 299), "the result is lost");
        } else if (i % 3 == 2) {
            pthread_detach(thread);
        }
    }
    return NULL;
}

static int thread_count(void) {
    char text[32];
    task_status(getpid(), "Threads:", text, sizeof text);
    return atoi(text);
}

int main(void) {
    step("arguments and results");
    results(give_back, false);
    results(exit_with_new, true);
    c11();
    arguments_go();
    step("keys");
    keys_live();
    last_round();
    step("coming and going");
    pthread_t churners[2];
    struct gc_loop loop;
    gc_loop_start(&loop);
    for (int i = 0; i < 2; i++) pthread_create(&churners[i], NULL, churner, NULL);
    for (int i = 0; i < 2; i++) pthread_join(churners[i], NULL);
    REQUIRE(gc_loop_stop(&loop) > 2, "hardly any collection");
    step("nothing is left");
    while (thread_count() > 5) sched_yield(); /* ours, and the collector's */
    collect();
    tri_mem_stats stats;
    tri_read_mem_stats(&stats);
    REQUIRE(stats.heap_objects < 40000, "%lu objects are left", (long)stats.heap_objects);
    REQUIRE(stats.mcache_sys < 64 << 20, "threads' caches take %lu bytes", (long)stats.mcache_sys);
    return 0;
}
