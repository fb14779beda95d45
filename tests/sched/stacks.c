/* stacks - goroutines that hold the only pointers to their data on their stacks, at all depths, while collections run: what
 * each built must still be whole when it looks again. */
#include "test.h"

struct cell {
    struct cell *next;
    uint64_t value;
};
TRI_TYPE(struct cell, next)

static int goroutines = 200, rounds = 30;
static uint32_t finished;

/* A list of n cells whose values follow from the seed. */
static struct cell *build(uint64_t seed, int n) {
    struct cell *list = NULL;
    for (int i = 0; i < n; i++) {
        struct cell *c = tri_new(struct cell);
        c->value = seed + (uint64_t)i;
        tri_set(c->next, list);
        list = c;
        if (i % 7 == 3) tri_yield();
    }
    return list;
}

static void check(const struct cell *list, uint64_t seed, int n) {
    for (int i = n; i-- > 0; list = list->next) {
        EXPECT(list);
        EXPECT_EQ(list->value, seed + (uint64_t)i);
    }
    EXPECT(!list);
}

static void __attribute__((noinline)) descend(uint64_t seed, int depth) {
    struct cell *mine = build(seed, 10 + depth % 5);
    volatile char room[200];
    room[0] = (char)depth;
    if (depth > 0) descend(seed * 3 + 1, depth - 1);
    tri_yield();
    check(mine, seed, 10 + depth % 5);
    EXPECT_EQ(room[0], (char)depth);
}

static void work(void *arg) {
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    for (int i = 0; i < rounds; i++) {
        descend(seed, (int)(seed + (uint64_t)i) % 40);
        if (seed % 50 == 0) tri_gc();
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

/* Each one starts the next: the argument is the only pointer to its data. */
static void relay(void *arg) {
    struct cell *c = arg;
    if (c->value == 0) {
        __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
        return;
    }
    struct cell *next = tri_new(struct cell);
    next->value = c->value - 1;
    tri_go(relay, next);
}

static void run(void *arg) {
    (void)arg;
    for (int i = 0; i < goroutines; i++) tri_go(work, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 8; i++) {
        struct cell *c = tri_new(struct cell);
        c->value = 2000;
        tri_go(relay, c);
    }
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) != (uint32_t)goroutines + 8) tri_yield();
    EXPECT_EQ(tri_goroutine_id(), 1);
}

int main(int argc, char **argv) {
    if (argc > 1) goroutines = atoi(argv[1]);
    if (argc > 2) rounds = atoi(argv[2]);
    EXPECT_EQ(tri_goroutine_id(), 0);
    tri_run(run, NULL);
    puts("ok");
}
