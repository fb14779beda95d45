/* mutex - who gets a lock, and when he runs. */
#include "test.h"

/* Whoever has waited for more than a millisecond and found the mutex taken again gets it from the next to unlock it, and runs at
 * once, though others are ready to. (Not always: every so many times the queue has its turn first.) */
static tri_mutex mutex;
static int had;
static bool enough;
static tri_waitgroup group;

static void waits(void *arg) {
    (void)arg;
    tri_mutex_lock(&mutex);
    had++;
    tri_mutex_unlock(&mutex);
    tri_waitgroup_done(&group);
}

static void yields(void *arg) {
    (void)arg;
    while (!__atomic_load_n(&enough, __ATOMIC_RELAXED)) tri_yield();
    tri_waitgroup_done(&group);
}

enum { WAITED = 2, STARVING = 4 }; /* as in sync.c */
static void until(uint32_t state) {
    while (!(__atomic_load_n(&mutex.state, __ATOMIC_RELAXED) & state)) tri_yield();
}

static void handed_over(void) {
    enum { ROUNDS = 40 };
    int at_once = 0, procs = tri_gomaxprocs(1);
    tri_waitgroup_add(&group, 8);
    for (int i = 0; i < 8; i++) tri_go(yields, NULL);
    had = 0;
    for (int i = 0; i < ROUNDS; i++) {
        tri_waitgroup_add(&group, 1);
        tri_mutex_lock(&mutex);
        tri_go(waits, NULL);
        until(WAITED);
        tri_sleep(1500000);
        tri_mutex_unlock(&mutex);
        tri_mutex_lock(&mutex); /* before it runs */
        until(STARVING); /* it has found that */
        int before = had;
        tri_mutex_unlock(&mutex);
        at_once += had > before;
        while (had == before) tri_yield();
    }
    EXPECT_EQ(had, ROUNDS);
    EXPECT(at_once > ROUNDS / 2);
    __atomic_store_n(&enough, true, __ATOMIC_RELAXED);
    tri_waitgroup_wait(&group);
    tri_gomaxprocs(procs);
}

/* Who waits for a condition gives up a mutex that others starve for: none is lost. */
static tri_cond turn;
static long rounds;

static void takes_turns(void *arg) {
    (void)arg;
    for (int i = 0; i < 50; i++) {
        tri_mutex_lock(&mutex);
        rounds++;
        for (volatile int k = 0; k < 20000; k++) {}
        tri_cond_signal(&turn);
        if (rounds < 380) tri_cond_wait(&turn, &mutex); /* the last ones may be alone */
        tri_cond_broadcast(&turn);
        tri_mutex_unlock(&mutex);
    }
    tri_waitgroup_done(&group);
}

static void turns(void) {
    rounds = 0;
    tri_waitgroup_add(&group, 8);
    for (int i = 0; i < 8; i++) tri_go(takes_turns, NULL);
    for (bool over = false; !over; tri_yield()) { /* nobody sleeps for good */
        tri_mutex_lock(&mutex);
        over = rounds == 400;
        tri_cond_broadcast(&turn);
        tri_mutex_unlock(&mutex);
    }
    tri_waitgroup_wait(&group);
    EXPECT_EQ(rounds, 400);
}

static void run(void *arg) {
    (void)arg;
    handed_over();
    turns();
}

int main(void) {
    tri_run(run, NULL);
    puts("ok");
}
