/* preempt - goroutines that compute without a call make room for others: preempt NAME. Run with GODEBUG=preemptslice=... for a
 * high rate. Each form ends only when others have run in between. */
#include "test.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

static volatile int stop;
static tri_waitgroup group;

/* Every register that the compiler can find a use for is in use, and must come back. */
static uint64_t __attribute__((noinline)) spin(uint64_t seed) {
    uint64_t a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed ^ 11, f = seed ^ 13, g = ~seed, h = seed + 17, n = 0;
    double x[8], y = 0;
    for (int i = 0; i < 8; i++) x[i] = (double)(seed % 100) + i;
    while (!stop || n < 1000) {
        a += b ^ 1, b += c ^ 2, c += d ^ 3, d += e ^ 4, e += f ^ 5, f += g ^ 6, g += h ^ 7, h += a ^ 8;
        for (int i = 0; i < 8; i++) x[i] = x[i] * 0.5 + 1;
        n++;
    }
    uint64_t a2 = seed, b2 = seed * 3, c2 = seed * 5, d2 = seed * 7, e2 = seed ^ 11, f2 = seed ^ 13, g2 = ~seed, h2 = seed + 17;
    for (uint64_t i = 0; i < n; i++)
        a2 += b2 ^ 1, b2 += c2 ^ 2, c2 += d2 ^ 3, d2 += e2 ^ 4, e2 += f2 ^ 5, f2 += g2 ^ 6, g2 += h2 ^ 7, h2 += a2 ^ 8;
    EXPECT(a == a2 && b == b2 && c == c2 && d == d2 && e == e2 && f == f2 && g == g2 && h == h2);
    for (int i = 0; i < 8; i++) y += x[i];
    EXPECT(fabs(y - 16) < 1e-6 || n < 100);
    return n;
}

static void spinner(void *arg) { spin((uint64_t)(uintptr_t)arg); }

static void stopper(void *arg) {
    (void)arg;
    stop = 1;
}

/* One goroutine, which computes: the other one runs nevertheless. */
static void loop(void) {
    tri_go(stopper, NULL);
    spin(1);
}

/* More of them than processors. */
static void many(void) {
    for (int i = 0; i < 20; i++) tri_waitgroup_go(&group, spinner, (void *)(uintptr_t)(i + 1));
    tri_waitgroup_go(&group, stopper, NULL);
    tri_waitgroup_wait(&group);
}

/* Timers go on while all processors compute. */
static void timers(void) {
    for (int i = 0; i < 8; i++) tri_waitgroup_go(&group, spinner, (void *)(uintptr_t)(i + 1));
    tri_ticker *ticker = tri_ticker_new(2000000);
    for (int i = 0; i < 10; i++) EXPECT(tri_recv(tri_ticker_chan(ticker), NULL));
    for (int i = 0; i < 10; i++) tri_sleep(1000000);
    stop = 1;
    tri_waitgroup_wait(&group);
}

/* What only registers and stacks of paused goroutines hold is alive; so are thread-locals and errno their own. */
struct node {
    struct node *next;
    uint64_t value;
};
TRI_TYPE(struct node, next)
static __thread uint64_t mine;

static void builder(void *arg) {
    uint64_t id = (uint64_t)(uintptr_t)arg;
    for (uint64_t round = 0; !stop || round < 3; round++) {
        struct node *list = NULL;
        for (uint64_t i = 0; i < 2000; i++) {
            struct node *n = tri_new(struct node);
            n->value = id * i;
            tri_set(n->next, list);
            list = n;
        }
        errno = (int)id;
        mine = id;
        uint64_t sum = 0, expected = 0;
        for (struct node *n = list; n; n = n->next) { /* no call: paused here, if at all */
            sum += n->value;
            for (volatile int k = 0; k < 50; k++) {}
        }
        EXPECT_EQ(errno, (int)id);
        EXPECT_EQ(mine, id);
        for (uint64_t i = 0; i < 2000; i++) expected += id * i;
        EXPECT_EQ(sum, expected);
    }
}

static void lists(void) {
    for (int i = 0; i < 12; i++) tri_waitgroup_go(&group, builder, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 20; i++) {
        tri_sleep(3000000);
        tri_gc();
    }
    stop = 1;
    tri_waitgroup_wait(&group);
}

/* Inside libc, in a callback from libc, and holding a lock of pthreads. */
static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
static uint64_t guarded[2];

static void foreigner(void *arg) {
    enum { N = 20000 };
    uint32_t *v = malloc(N * sizeof *v), x = (uint32_t)(uintptr_t)arg;
    while (!stop) {
        for (int i = 0; i < N; i++) v[i] = x = x * 1664525 + 1013904223;
        qsort(v, N, sizeof *v, compare);
        for (int i = 1; i < N; i++) EXPECT(v[i - 1] <= v[i]);
        for (int i = 0; i < 20; i++) {
            char *s = malloc(100000);
            memset(s, i, 100000);
            EXPECT(s[99999] == i);
            free(s);
        }
        pthread_mutex_lock(&plain);
        guarded[0]++;
        for (volatile int k = 0; k < 20000; k++) {}
        guarded[1]++;
        EXPECT_EQ(guarded[0], guarded[1]);
        pthread_mutex_unlock(&plain);
    }
    free(v);
}

static void foreign(void) {
    for (int i = 0; i < 6; i++) tri_waitgroup_go(&group, foreigner, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 30; i++) {
        tri_sleep(3000000);
        if (i % 5 == 0) tri_gc();
    }
    stop = 1;
    tri_waitgroup_wait(&group);
}

/* One that does nothing but start others, and so is nearly always found inside the library, makes room too: and comes back on its
 * own thread, with its errno. */
static void starter_nothing(void *arg) { tri_waitgroup_done(arg); }

static void starter(void *arg) {
    pthread_t self = pthread_self();
    for (uint64_t i = 0; !stop || i < 1000; i++) {
        errno = (int)(i % 100 + 1);
        tri_waitgroup_add(&group, 1);
        tri_go(starter_nothing, &group);
        EXPECT_EQ(errno, (int)(i % 100 + 1));
        EXPECT(pthread_equal(self, pthread_self()));
    }
    (void)arg;
}

static void starts(void) {
    enum { MOST = 100000 };
    int most = 0;
    for (int i = 0; i < 4; i++) tri_waitgroup_go(&group, starter, NULL);
    for (int i = 0; i < 20; i++) {
        tri_sleep(2000000);
        if (i % 5 == 0) tri_gc();
        int n = tri_num_goroutine();
        if (n > most) most = n;
    }
    stop = 1;
    tri_waitgroup_wait(&group);
    if (most >= MOST) fprintf(stderr, "%d at a time\n", most);
    EXPECT(most < MOST);
}

/* The number of processors changes meanwhile. */
static void procs(void) {
    for (int i = 0; i < 8; i++) tri_waitgroup_go(&group, i % 2 ? spinner : builder, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 20; i++) {
        tri_sleep(2000000);
        tri_gomaxprocs(1 + i * 5 % 7);
    }
    stop = 1;
    tri_waitgroup_wait(&group);
}

/* One that has lost its processor while it was blocked starts no more than the others can bear. */
static void ends(void *arg) {
    (void)arg;
    tri_waitgroup_done(&group);
}

static void floods(void) {
    enum { ROUNDS = 5, STARTS = 20000, MOST = 12000 };
    int most = 0;
    for (int i = 0; i < 8; i++) tri_waitgroup_go(&group, spinner, (void *)(uintptr_t)(i + 1));
    for (int round = 0; round < ROUNDS; round++) {
        usleep(20000);
        for (int i = 0; i < STARTS; i++) {
            tri_waitgroup_add(&group, 1);
            tri_go(ends, NULL);
            int n = tri_num_goroutine();
            if (n > most) most = n;
        }
    }
    stop = 1;
    tri_waitgroup_wait(&group);
    if (most >= MOST) fprintf(stderr, "%d at a time\n", most);
    EXPECT(most < MOST);
}

static struct form forms[] = {{"loop", loop}, {"many", many}, {"timers", timers}, {"lists", lists}, {"foreign", foreign}, {"procs", procs},
             {"starts", starts}, {"floods", floods}};

int main(int argc, char **argv) { return RUN_FORM(forms, argc, argv); }
