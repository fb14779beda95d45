/* arguments - what crosses from one stack to another counts as a word on a stack all the way: the object that it points into lives, and
 * so does one that ends there. Goroutines and threads are started, and waiting receivers sent to, while collections run, with a pointer
 * just past the end of an object that nothing else holds; under gccheckmark=1 a cycle that does not see it so ends the program. What
 * a goroutine has been given and has let go of is garbage. */
#include "test.h"

#include <pthread.h>

struct pair {
    struct pair *next;
    uint64_t value;
};
TRI_TYPE(struct pair, next)

#ifdef __SANITIZE_THREAD__ /* for which threads and goroutines are dear */
enum { STARTS = 3000, SENDS = 1500, THREADS = 40 };
#else
enum { STARTS = 40000, SENDS = 20000, THREADS = 500 };
#endif
enum { ROOM = 500, RECEIVERS = 8, FORGOTTEN = 40 };

static uint32_t finished, over;

static void look(void *arg) {
    const struct pair *p = (const struct pair *)arg - 1;
    EXPECT(p->value == 77 && !p->next);
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

static void *collect(void *arg) {
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) tri_gc();
    return arg;
}

static struct pair *pair_new(void) {
    struct pair *p = tri_new(struct pair);
    p->value = 77;
    return p;
}

/* ---- handed to a receiver that waits ---- */

static tri_chan *ends;

static void receive(void *arg) {
    (void)arg;
    for (struct pair *end; tri_recv(ends, &end);) {
        tri_yield();
        look(end);
    }
    look(pair_new() + 1);
}

static void send_all(void) {
    uint32_t from = __atomic_load_n(&finished, __ATOMIC_SEQ_CST);
    ends = tri_chan_new(struct pair *, 0);
    for (int i = 0; i < RECEIVERS; i++) tri_go(receive, NULL);
    for (uint32_t i = 0; i < SENDS; i++) {
        struct pair *end = pair_new() + 1;
        tri_send(ends, &end);
    }
    tri_close(ends);
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) - from < SENDS + RECEIVERS) tri_yield();
}

/* ---- given to a thread, and back ---- */

static void *thread_looks(void *arg) {
    look(arg);
    return pair_new() + 1;
}

static void *join(void *thread) {
    void *end = NULL;
    pthread_join(*(pthread_t *)thread, &end);
    return end;
}

static void make_threads(void) {
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        EXPECT_EQ(pthread_create(&thread, NULL, thread_looks, pair_new() + 1), 0);
        look(tri_blocking_call(join, &thread));
    }
}

/* ---- given to a goroutine ---- */

static void start_all(void) {
    for (uint32_t i = 0; i < STARTS; i++) {
        tri_go(look, pair_new() + 1);
        while (i - __atomic_load_n(&finished, __ATOMIC_SEQ_CST) > ROOM && i > __atomic_load_n(&finished, __ATOMIC_SEQ_CST)) tri_yield();
    }
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < STARTS) tri_yield();
}

/* ---- forgotten by the goroutine that it was given to ---- */

static uint32_t gone, looked; /* atomic */

static void note_gone(void *arg) {
    (void)arg;
    __atomic_fetch_add(&gone, 1, __ATOMIC_SEQ_CST);
}

static void stay(void *arg) {
    (void)arg;
    for (int i = 0; i < 1000 && __atomic_load_n(&gone, __ATOMIC_SEQ_CST) < FORGOTTEN / 2; i++) tri_sleep(1000000);
    __atomic_fetch_add(&looked, 1, __ATOMIC_SEQ_CST);
}

static __attribute__((noinline)) void give_watched(void) {
    struct pair *p = pair_new();
    tri_add_cleanup(p, note_gone, NULL);
    tri_go(stay, p);
}

static void forget(void) {
    for (int i = 0; i < FORGOTTEN; i++) give_watched();
    while (__atomic_load_n(&looked, __ATOMIC_SEQ_CST) < FORGOTTEN) tri_sleep(1000000);
    EXPECT(__atomic_load_n(&gone, __ATOMIC_SEQ_CST) >= FORGOTTEN / 2);
}

static void run(void *arg) {
    (void)arg;
    forget();
    start_all();
    send_all();
    make_threads();
}

int main(void) {
    pthread_t collector;
    EXPECT_EQ(pthread_create(&collector, NULL, collect, NULL), 0);
    tri_run(run, NULL);
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    pthread_join(collector, NULL);
    puts("ok");
}
