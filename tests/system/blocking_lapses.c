/* What a thread gets from the library in a section in which it counts as blocked lives, though the section's frames are not
 * scanned: the section lapses. Another thread collects all the time; memory that is freed is clobbered. */
#include "check.h"
#include "gc/thread.h"

enum { OBJECTS = 300, CYCLES = 3 };

static struct gc_loop loop;
static tri_pool pool;
static tri_weak weak;
static struct stamped *volatile in_global; /* never read: else there would be no such variable */

static bool counts_as_blocked(void) { return thread_self()->state == THREAD_BLOCKED; }

/* ---- what a call may get hold of; each returns something stamped with 7 ---- */

static void *allocates(void *arg) {
    struct stamped *first = NULL;
    (void)arg;
    REQUIRE(counts_as_blocked(), "a call that has asked nothing of the library");
    for (uint64_t i = 0; i < OBJECTS; i++) {
        struct stamped *s = stamped_new(i ? i : 7);
        tri_set(s->next, first);
        first = s;
        if (i == OBJECTS / 2) gc_loop_await(&loop, CYCLES);
    }
    gc_loop_await(&loop, CYCLES);
    struct stamped *s = first;
    for (uint64_t i = OBJECTS; i-- > 1; s = s->next) REQUIRE(stamped_ok(s, i), "object %lu made in the call", i);
    gc_loop_await(&loop, CYCLES);
    return s;
}

static void *result_of_thread(void *arg) { return (void)arg, stamped_new(7); }

static void *joins(void *arg) {
    void *result = NULL;
    pthread_join(*(pthread_t *)arg, &result);
    gc_loop_await(&loop, CYCLES);
    return result;
}

static void *takes_from_pool(void *arg) {
    void *object = tri_pool_get(&pool);
    (void)arg;
    gc_loop_await(&loop, CYCLES);
    return object;
}

static void *gets_a_weak_one(void *arg) {
    void *object = tri_weak_get(weak);
    (void)arg;
    in_global = NULL; /* the only strong one: a global's pointer needs no barrier */
    gc_loop_await(&loop, CYCLES);
    return object;
}

static void *calls_again(void *arg) {
    struct stamped *s = tri_blocking_call(allocates, arg);
    gc_loop_await(&loop, CYCLES);
    REQUIRE(stamped_ok(s, 7), "what an inner call returned");
    return s;
}

static void is_there(const char *what, const struct stamped *s) {
    gc_loop_await(&loop, CYCLES);
    REQUIRE(stamped_ok(s, 7), "%s: %p", what, (const void *)s);
    REQUIRE(!counts_as_blocked(), "after the call");
}

NO_INLINE static void fill_pool(void) { tri_pool_put(&pool, stamped_new(7)); }
NO_INLINE static void make_weak(void) { weak = tri_weak_make(in_global = stamped_new(7)); }

/* ---- handlers ---- */

static struct stamped *from_handler;

static void on_signal(int sig) {
    (void)sig;
    from_handler = stamped_new(7);
}

static void *is_signalled(void *arg) {
    (void)arg;
    for (int i = 0; i < 50; i++) {
        raise(SIGUSR1);
        REQUIRE(counts_as_blocked(), "after a handler that allocates");
        REQUIRE(stamped_ok(from_handler, 7), "what a handler allocated");
    }
    return allocates(NULL);
}

/* ---- by hand ---- */

static void by_hand(void) {
    tri_blocking_begin();
    REQUIRE(counts_as_blocked(), "between begin and end");
    struct stamped *s = stamped_new(7);
    gc_loop_await(&loop, CYCLES);
    REQUIRE(stamped_ok(s, 7), "what was allocated between begin and end");
    tri_blocking_end();
    is_there("allocated between begin and end", s);
    tri_blocking_begin(); /* one that has lapsed and ended does not count as under way */
    REQUIRE(counts_as_blocked(), "between begin and end");
    tri_blocking_end();
    is_there("the same", s);
}

int main(void) {
    pthread_t thread;
    signal(SIGUSR1, on_signal);
    gc_loop_start(&loop);
    step("allocating");
    is_there("allocated in a call", tri_blocking_call(allocates, NULL));
    step("joining");
    REQUIRE(pthread_create(&thread, NULL, result_of_thread, NULL) == 0, "no thread");
    is_there("a thread's result", tri_blocking_call(joins, &thread));
    step("a pool");
    fill_pool();
    is_there("an object of a pool", tri_blocking_call(takes_from_pool, NULL) ?: stamped_new(7)); /* (a cycle may have emptied it) */
    step("a weak pointer");
    make_weak();
    is_there("a weak pointer's object", tri_blocking_call(gets_a_weak_one, NULL));
    step("nested");
    is_there("from a call in a call", tri_blocking_call(calls_again, NULL));
    step("handlers");
    is_there("after handlers", tri_blocking_call(is_signalled, NULL));
    step("by hand");
    by_hand();
    gc_loop_stop(&loop);
    return 0;
}
