/* programs - the programs that every scheduler is tried on, each with a known result: programs NAME [size]. */
#include "test.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t random_next(uint64_t *state) {
    uint64_t x = *state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* ---- prime sieve: a chain of filters that grows ---- */

struct filter {
    tri_chan *in, *out;
    int prime;
};
TRI_TYPE(struct filter, in, out)

static void generate(void *out) {
    for (int i = 2;; i++) tri_send(out, &i);
}

static void sift(void *arg) {
    struct filter *f = arg;
    for (int i;;) {
        tri_recv(f->in, &i);
        if (i % f->prime) tri_send(f->out, &i);
    }
}

static void sieve(int n) {
    tri_chan *c = tri_chan_new(int, 0);
    int prime = 0;
    tri_go(generate, c);
    for (int i = 0; i < n; i++) {
        tri_recv(c, &prime);
        struct filter *f = tri_new(struct filter);
        f->prime = prime;
        tri_set(f->in, c);
        c = tri_chan_new(int, 0);
        tri_set(f->out, c);
        tri_go(sift, f);
    }
    if (n == 100) EXPECT_EQ(prime, 541);
    if (n == 500) EXPECT_EQ(prime, 3571);
}

/* ---- ring: a token goes round through goroutines, each of which holds boxed values ---- */

struct token {
    uint64_t hops;
    struct token *before;
};
TRI_TYPE(struct token, before)

struct link {
    tri_chan *in, *out;
};
TRI_TYPE(struct link, in, out)

static void pass(void *arg) {
    struct link *l = arg;
    struct token *t;
    while (tri_recv(l->in, &t)) {
        struct token *next = tri_new(struct token);
        next->hops = t->hops + 1;
        if (t->hops % 64) tri_set(next->before, t);
        tri_send(l->out, &next);
    }
    tri_close(l->out);
}

static void ring(int n) {
    tri_chan *first = tri_chan_new(struct token *, 0), *c = first;
    for (int i = 0; i < n; i++) {
        struct link *l = tri_new(struct link);
        tri_set(l->in, c);
        c = tri_chan_new(struct token *, 0);
        tri_set(l->out, c);
        tri_go(pass, l);
    }
    struct token *t = tri_new(struct token);
    for (int round = 1; round <= 3; round++) {
        tri_send(first, &t);
        t = NULL;
        EXPECT(tri_recv(c, &t));
        EXPECT_EQ(t->hops, (uint64_t)round * (uint64_t)n);
        uint64_t hops = t->hops;
        for (struct token *b = t; b; b = b->before) EXPECT_EQ(b->hops, hops--);
    }
    tri_close(first);
    EXPECT(!tri_recv(c, &t));
}

/* ---- fan out, fan in: jobs to workers, results to one place ---- */

struct job {
    uint64_t number, result;
    uint64_t *data;
};
TRI_TYPE(struct job, data)

struct office {
    tri_chan *jobs, *results;
    tri_waitgroup workers;
};
TRI_TYPE(struct office, jobs, results)

static void work(void *arg) {
    struct office *o = arg;
    struct job *j;
    while (tri_recv(o->jobs, &j)) {
        j->result = 0;
        for (int i = 0; i < 20; i++) j->result += j->data[i];
        tri_send(o->results, &j);
    }
}

static void produce(void *arg) {
    struct office *o = arg;
    for (uint64_t n = 0; n < 20000; n++) {
        struct job *j = tri_new(struct job);
        uint64_t *data = tri_alloc_leaf(20 * sizeof *data);
        j->number = n;
        tri_set(j->data, data);
        for (uint64_t i = 0; i < 20; i++) data[i] = n + i;
        tri_send(o->jobs, &j);
    }
    tri_close(o->jobs);
}

static void finish(void *arg) {
    struct office *o = arg;
    tri_waitgroup_wait(&o->workers);
    tri_close(o->results);
}

static void fan(int workers) {
    struct office *o = tri_new(struct office);
    tri_set(o->jobs, tri_chan_new(struct job *, 16));
    tri_set(o->results, tri_chan_new(struct job *, 0));
    for (int i = 0; i < workers; i++) tri_waitgroup_go(&o->workers, work, o);
    tri_go(produce, o);
    tri_go(finish, o);
    struct job *j;
    uint64_t n = 0, sum = 0;
    while (tri_recv(o->results, &j)) {
        EXPECT_EQ(j->result, 20 * j->number + 190);
        sum += j->number;
        n++;
    }
    EXPECT_EQ(n, 20000);
    EXPECT_EQ(sum, 20000ull * 19999 / 2);
}

/* ---- select storm: goroutines that send and receive on random channels at once; sums must agree ---- */

enum { STORM_CHANS = 10 };
static struct storm {
    tri_chan *c[STORM_CHANS];
    tri_chan *stop;
    uint64_t sent, received, nsent, nreceived;
    tri_waitgroup group;
} storm;

static void storm_one(void *arg) {
    uint64_t state = (uint64_t)(uintptr_t)arg, sent = 0, received = 0, nsent = 0, nreceived = 0;
    for (;;) {
        tri_case k[7];
        uint64_t out = random_next(&state) % 1000, *boxed = tri_alloc_leaf(32), *in[3] = {0};
        *boxed = out;
        for (int i = 0; i < 3; i++) k[i] = (tri_case)TRI_SEND(storm.c[random_next(&state) % STORM_CHANS], &boxed);
        for (int i = 0; i < 3; i++) k[3 + i] = (tri_case)TRI_RECV(storm.c[random_next(&state) % STORM_CHANS], &in[i]);
        k[6] = (tri_case)TRI_RECV(storm.stop, NULL);
        int i = tri_select(k, 7, random_next(&state) % 4 == 0);
        if (i == 6) break;
        if (i >= 0 && i < 3) sent += out, nsent++;
        if (i >= 3) received += *in[i - 3], nreceived++;
        if (i < 0) tri_yield();
    }
    __atomic_fetch_add(&storm.sent, sent, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&storm.received, received, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&storm.nsent, nsent, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&storm.nreceived, nreceived, __ATOMIC_SEQ_CST);
}

static void select_storm(int n) {
    for (int i = 0; i < STORM_CHANS; i++) storm.c[i] = tri_chan_new(uint64_t *, (size_t)(i % 3));
    storm.stop = tri_chan_new(char, 0);
    for (int i = 0; i < n; i++) tri_waitgroup_go(&storm.group, storm_one, (void *)(uintptr_t)(i + 1));
    tri_sleep(300 * 1000 * 1000);
    tri_close(storm.stop);
    tri_waitgroup_wait(&storm.group);
    for (int i = 0; i < STORM_CHANS; i++)
        while (tri_chan_len(storm.c[i])) {
            uint64_t *v;
            tri_recv(storm.c[i], &v);
            storm.received += *v;
            storm.nreceived++;
        }
    EXPECT_EQ(storm.nsent, storm.nreceived);
    EXPECT_EQ(storm.sent, storm.received);
    EXPECT(storm.nsent > 0);
}

/* ---- locks ---- */

static struct bank {
    tri_mutex lock;
    tri_rwmutex book;
    tri_cond changed;
    long count, a, b;
    uint64_t **kept;
    tri_waitgroup group;
} bank;

static void clerk(void *arg) {
    uint64_t state = (uint64_t)(uintptr_t)arg;
    for (int i = 0; i < 2000; i++) {
        tri_mutex_lock(&bank.lock);
        long seen = bank.count;
        uint64_t *fresh = tri_alloc_leaf(64);
        *fresh = (uint64_t)seen;
        if (i % 16 == 0) tri_yield();
        bank.count = seen + 1;
        tri_set(*bank.kept, fresh);
        tri_mutex_unlock(&bank.lock);
        if (random_next(&state) % 8 == 0) {
            tri_rwmutex_lock(&bank.book);
            bank.a++;
            if (i % 8 == 0) tri_yield();
            bank.b--;
            tri_rwmutex_unlock(&bank.book);
        } else {
            tri_rwmutex_rlock(&bank.book);
            EXPECT_EQ(bank.a + bank.b, 0);
            if (i % 32 == 0) tri_yield();
            EXPECT_EQ(bank.a + bank.b, 0);
            tri_rwmutex_runlock(&bank.book);
        }
    }
    tri_mutex_lock(&bank.lock);
    tri_cond_signal(&bank.changed);
    tri_mutex_unlock(&bank.lock);
}

static void *clerk_thread(void *arg) {
    clerk(arg);
    tri_waitgroup_done(&bank.group);
    return NULL;
}

static void locks(int n) {
    pthread_t thread[2];
    bank.kept = tri_alloc(sizeof *bank.kept);
    for (int i = 0; i < n; i++) tri_waitgroup_go(&bank.group, clerk, (void *)(uintptr_t)(i + 1));
    tri_waitgroup_add(&bank.group, 2); /* plain threads take part */
    for (int i = 0; i < 2; i++) pthread_create(&thread[i], NULL, clerk_thread, (void *)(uintptr_t)(i + 1000));
    tri_mutex_lock(&bank.lock);
    while (bank.count < 2000l * (n + 2)) tri_cond_wait(&bank.changed, &bank.lock);
    tri_mutex_unlock(&bank.lock);
    tri_waitgroup_wait(&bank.group);
    EXPECT_EQ(bank.count, 2000l * (n + 2));
    EXPECT_EQ(**bank.kept, (uint64_t)bank.count - 1);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
}

/* ---- timers ---- */

static tri_waitgroup sleepers;
static uint32_t fired;

static void sleeper(void *arg) {
    uint64_t state = (uint64_t)(uintptr_t)arg;
    for (int i = 0; i < 20; i++) {
        uint64_t *mine = tri_alloc_leaf(48), value = random_next(&state);
        *mine = value;
        switch (value % 4) {
        case 0: tri_sleep((int64_t)(value % 3000000)); break;
        case 1: tri_recv(tri_after((int64_t)(value % 3000000)), NULL); break;
        case 2: {
            tri_timer *t = tri_timer_new((int64_t)(value % 1000000));
            tri_case k[] = {TRI_RECV(tri_timer_chan(t), NULL), TRI_RECV(tri_after((int64_t)(value % 2000000)), NULL)};
            tri_select(k, 2, false);
            tri_timer_stop(t);
            break;
        }
        default: {
            tri_context *c = tri_context_with_timeout(tri_context_background(), (int64_t)(value % 2000000));
            tri_context *d = tri_context_with_cancel(c);
            EXPECT(!tri_recv(tri_context_done(d), NULL));
            EXPECT(tri_context_err(d) != NULL);
            tri_context_cancel(c);
        }
        }
        EXPECT_EQ(*mine, value);
    }
}

static void count_fired(void *arg) {
    (void)arg;
    __atomic_fetch_add(&fired, 1, __ATOMIC_SEQ_CST);
}

static void timers(int n) {
    for (int i = 0; i < n; i++) tri_waitgroup_go(&sleepers, sleeper, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 1000; i++) tri_after_func(i * 1000, count_fired, NULL);
    tri_timer *never = tri_after_func(3600ll * 1000000000, count_fired, NULL);
    tri_ticker *ticker = tri_ticker_new(1000000);
    for (int i = 0; i < 20; i++) {
        int64_t now;
        EXPECT(tri_recv(tri_ticker_chan(ticker), &now));
        EXPECT(now > 1600000000ll * 1000000000);
        tri_gc();
    }
    tri_ticker_stop(ticker);
    tri_waitgroup_wait(&sleepers);
    while (__atomic_load_n(&fired, __ATOMIC_SEQ_CST) != 1000) tri_sleep(1000000);
    EXPECT(tri_timer_stop(never));
    EXPECT(!tri_timer_stop(never));
}

/* ---- mass park and unpark ---- */

struct sleeping {
    tri_chan *wake;
    uint64_t value;
};
static tri_waitgroup mass_group;
static uint64_t mass_sum;

static void mass_one(void *arg) {
    tri_chan *c = arg;
    uint64_t **v, sum = 0;
    while (tri_recv(c, &v)) sum += **v;
    __atomic_fetch_add(&mass_sum, sum, __ATOMIC_SEQ_CST);
}

static void mass(int n) {
    tri_chan **c = tri_new_array(tri_chan *, (size_t)n);
    for (int i = 0; i < n; i++) {
        tri_set(c[i], tri_chan_new(uint64_t **, 0));
        tri_waitgroup_go(&mass_group, mass_one, c[i]);
    }
    uint64_t expected = 0;
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < n; i++) {
            uint64_t **v = tri_alloc(16), *inner = tri_alloc_leaf(16);
            *inner = (uint64_t)(round * i);
            tri_set(*v, inner);
            expected += *inner;
            tri_send(c[i], &v);
        }
    for (int i = 0; i < n; i++) tri_close(c[i]);
    tri_waitgroup_wait(&mass_group);
    EXPECT_EQ(mass_sum, expected);
}

/* ---- deep recursion while others serve ---- */

static tri_waitgroup deep_group;

static uint64_t __attribute__((noinline)) down(int depth, uint64_t **parent) {
    uint64_t *mine = NULL;
    if (depth % 1000 == 0) {
        mine = tri_alloc_leaf(64);
        *mine = (uint64_t)depth;
        parent = &mine;
    }
    uint64_t below = depth ? down(depth - 1, parent) : 0;
    return below + (mine ? *mine : 1) + (parent && *parent ? 0 : 1);
}

static void dive(void *arg) {
    int depth = (int)(uintptr_t)arg;
    for (int i = 0; i < 3; i++) {
        uint64_t expected = 0;
        for (int d = 0; d <= depth; d++) expected += d % 1000 ? 1 : (uint64_t)d;
        EXPECT_EQ(down(depth, NULL), expected + (uint64_t)(depth % 1000));
    }
}

static void deep(int n) {
    for (int i = 0; i < 10; i++) tri_waitgroup_go(&deep_group, dive, (void *)(uintptr_t)n);
    fan(10);
    tri_waitgroup_wait(&deep_group);
}

/* ---- bursts of work so small that nobody is worth waking, then work that must not be left lying ---- */

static tri_waitgroup burst_group;
static uint32_t burst_done;

static void burst_one(void *arg) {
    (void)arg;
    tri_waitgroup_done(&burst_group);
}

static void burst_flag(void *arg) {
    (void)arg;
    __atomic_fetch_add(&burst_done, 1, __ATOMIC_SEQ_CST);
}

static void burst(int n) {
    for (uint32_t round = 1; round <= 5; round++) {
        for (int i = 0; i < n; i++) {
            tri_waitgroup_add(&burst_group, 100);
            for (int k = 0; k < 100; k++) tri_go(burst_one, NULL);
            tri_waitgroup_wait(&burst_group);
        }
        tri_go(burst_flag, NULL);
        tri_go(burst_flag, NULL);
        while (__atomic_load_n(&burst_done, __ATOMIC_SEQ_CST) < 2 * round) {} /* it gives nobody way, and wakes nobody */
    }
}

/* ---- */

/* A hundred thousand stacks need guards in the page tables (Linux 6.13); without them there is room for some 32,000. */
static bool many_stacks(void) {
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return madvise(page, 4096, 102 /* MADV_GUARD_INSTALL */) == 0;
}

static const struct program {
    const char *name;
    void (*fn)(int);
    int size;
} programs[] = {{"sieve", sieve, 100},  {"ring", ring, 100000},    {"fan", fan, 50},     {"select", select_storm, 40},
                {"locks", locks, 20},   {"timers", timers, 300},   {"mass", mass, 5000}, {"deep", deep, 100000},
                {"burst", burst, 300}};

static const struct program *chosen;
static int size;

static void run(void *arg) {
    (void)arg;
    chosen->fn(size);
}

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(argv[1], programs[i].name) == 0) chosen = &programs[i];
    if (!chosen) {
        fprintf(stderr, "usage: programs NAME [size]\n");
        return 2;
    }
    size = argc > 2 ? atoi(argv[2]) : chosen->size;
    if (size > 20000 && chosen->fn == ring && !many_stacks()) size = 20000;
#ifdef __SANITIZE_THREAD__
    if (size > 4000 && chosen->fn == ring) size = 4000;   /* it takes 8,128 threads, and counts goroutines */
    if (size > 50000 && chosen->fn == deep) size = 50000; /* and 65,536 calls within each other */
#endif
    tri_run(run, NULL);
    puts("ok");
}
