/* goroutines_test.c - what profiles see of goroutines: states, stacks, ages, contention. */
#include "unit.h"

#include "sched/goroutines.h"

#include <tricolor.h>

#include <string.h>

static tri_chan *never;
static tri_waitgroup ready;

static void __attribute__((noinline)) wait_here(void) {
    tri_waitgroup_done(&ready);
    tri_recv(never, NULL);
    __asm__ volatile("");
}

static void __attribute__((noinline)) waits(void *arg) {
    (void)arg;
    wait_here();
    __asm__ volatile("");
}

static void sleeps(void *arg) {
    (void)arg;
    tri_waitgroup_done(&ready);
    tri_sleep(3600ll * 1000000000);
}

static struct seen {
    unsigned all, receiving, sleeping, self, others;
    uint64_t least_wait, parent;
    bool walked, created_here;
} seen;

static void starts(void *arg);

static bool within(uintptr_t pc, void (*fn)(void)) { return pc - (uintptr_t)fn < 400; }

static void look(const struct goroutine *g, void *arg) {
    (void)arg;
    seen.all++;
    if (strcmp(g->state, "chan receive") == 0) {
        unsigned at = 0;
        while (at < g->npcs && !within(g->pcs[at], wait_here)) at++;
        seen.walked = at + 1 < g->npcs && within(g->pcs[at + 1], (void (*)(void))waits);
        seen.created_here = within(g->creator, (void (*)(void))starts);
        seen.least_wait = g->waited_ns;
        seen.parent = g->parent;
        assert_true(g->fn == waits && g->sp); /* the frame pointer may be any register here */
        seen.receiving++;
    } else if (strcmp(g->state, "sleep") == 0) {
        seen.sleeping++;
    } else if (g->self) {
        assert_string_equal(g->state, "running");
        assert_int_equal(g->npcs, 0);
        seen.self++;
    } else {
        seen.others++;
    }
}

static void __attribute__((noinline)) starts(void *arg) {
    (void)arg;
    tri_waitgroup_add(&ready, 20);
    for (int i = 0; i < 10; i++) tri_go(waits, NULL);
    for (int i = 0; i < 10; i++) tri_go(sleeps, NULL);
    tri_waitgroup_wait(&ready);
    for (int i = 0; i < 100; i++) tri_yield(); /* until they have parked */
    do {
        memset(&seen, 0, sizeof seen);
        trix_goroutines_visit(look, NULL);
    } while (seen.receiving != 10 || seen.sleeping != 10);
    assert_int_equal(seen.all, 21);
    assert_int_equal(seen.self, 1);
    assert_int_equal(seen.parent, 1);
    assert_true(seen.walked);
    assert_true(seen.created_here);
    assert_int_equal(trix_goroutines_count(), 21);
    memset(&seen, 0, sizeof seen);
    trix_goroutines_visit(look, NULL);
    assert_true(seen.least_wait > 0);
}

static void test_visit(void **state) {
    (void)state;
    never = tri_chan_new(char, 0);
    tri_run(starts, NULL);
    while (tri_num_goroutine() > 20) tri_yield(); /* the first one may still be ending */
    memset(&seen, 0, sizeof seen);
    trix_goroutines_visit(look, NULL); /* from a plain thread, and they all go on */
    assert_int_equal(seen.all, 20);
    tri_close(never);
    while (tri_num_goroutine() > 10) tri_yield();
}

/* ---- contention ---- */

static uint64_t block_ns, mutex_ns;
static unsigned blocks, mutexes;
static tri_mutex lock;

static void on_block(uint64_t ns, const char *reason) {
    if (strcmp(reason, "sync.Mutex.Lock") != 0) return;
    block_ns += ns;
    blocks++;
}
static void on_mutex(uint64_t ns, const char *reason) {
    assert_string_equal(reason, "sync.Mutex.Lock");
    mutex_ns += ns;
    mutexes++;
}

static void locks(void *arg) {
    (void)arg;
    tri_mutex_lock(&lock);
    tri_mutex_unlock(&lock);
    tri_waitgroup_done(&ready);
}

static void contends(void *arg) {
    (void)arg;
    tri_mutex_lock(&lock);
    tri_waitgroup_add(&ready, 1);
    tri_go(locks, NULL);
    tri_sleep(20 * 1000 * 1000);
    tri_mutex_unlock(&lock);
    tri_waitgroup_wait(&ready);
}

static void test_contention(void **state) {
    (void)state;
    tri_run(contends, NULL);
    assert_int_equal(blocks + mutexes, 0);
    __atomic_store_n(&trix_block_hook, on_block, __ATOMIC_RELEASE);
    __atomic_store_n(&trix_mutex_hook, on_mutex, __ATOMIC_RELEASE);
    while (!mutexes) tri_run(contends, NULL); /* the other one may come too late to contend */
    __atomic_store_n(&trix_block_hook, NULL, __ATOMIC_RELEASE);
    __atomic_store_n(&trix_mutex_hook, NULL, __ATOMIC_RELEASE);
    assert_true(blocks >= 1 && block_ns > 0 && mutex_ns > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_visit), cmocka_unit_test(test_contention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
