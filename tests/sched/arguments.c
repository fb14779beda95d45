/* arguments - what a goroutine is started with counts as a word on its stack from the start, before it has run: the object that it
 * points into lives, and so does one that ends there. Goroutines are started while collections run, with an argument just past
 * the end of an object that nothing else holds; under gccheckmark=1 a cycle that does not see it so ends the program. */
#include "test.h"

#include <pthread.h>

struct pair {
    struct pair *next;
    uint64_t value;
};
TRI_TYPE(struct pair, next)

enum { STARTS = 40000, ROOM = 500 };

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

static void run(void *arg) {
    (void)arg;
    for (uint32_t i = 0; i < STARTS; i++) {
        struct pair *p = tri_new(struct pair);
        p->value = 77;
        tri_go(look, p + 1);
        while (i - __atomic_load_n(&finished, __ATOMIC_SEQ_CST) > ROOM && i > __atomic_load_n(&finished, __ATOMIC_SEQ_CST)) tri_yield();
    }
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < STARTS) tri_yield();
}

int main(void) {
    pthread_t collector;
    EXPECT_EQ(pthread_create(&collector, NULL, collect, NULL), 0);
    tri_run(run, NULL);
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    pthread_join(collector, NULL);
    puts("ok");
}
