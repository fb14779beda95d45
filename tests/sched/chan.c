/* chan - channels and select, rule by rule. */
#include "test.h"

struct box {
    uint64_t value;
    struct box *inner;
};
TRI_TYPE(struct box, inner)

static struct box *box(uint64_t value) {
    struct box *b = tri_new(struct box);
    b->value = value;
    return b;
}

/* ---- buffered, without waiting ---- */

static void buffered(void) {
    tri_chan *c = tri_chan_new(int, 3);
    EXPECT_EQ(tri_chan_cap(c), 3);
    for (int i = 0; i < 3; i++) tri_send(c, &i);
    EXPECT_EQ(tri_chan_len(c), 3);
    int v = -1;
    for (int i = 0; i < 3; i++) {
        EXPECT(tri_recv(c, &v));
        EXPECT_EQ(v, i);
    }
    tri_send(c, &(int){7});
    tri_close(c);
    EXPECT(tri_recv(c, &v));
    EXPECT_EQ(v, 7);
    EXPECT(!tri_recv(c, &v));
    EXPECT_EQ(v, 0);
    EXPECT(!tri_recv(c, NULL));
    EXPECT_EQ(tri_chan_len(NULL), 0);
}

/* ---- hand-off ---- */

static void echo(void *arg) {
    tri_chan **c = arg;
    struct box *b;
    while (tri_recv(c[0], &b)) {
        tri_set(b->inner, box(b->value * 2));
        tri_send(c[1], &b);
    }
    tri_close(c[1]);
}

static void hand_off(size_t cap) {
    tri_chan **c = tri_new_array(tri_chan *, 2);
    tri_set(c[0], tri_chan_new(struct box *, cap));
    tri_set(c[1], tri_chan_new(struct box *, cap));
    tri_go(echo, c);
    for (uint64_t i = 0; i < 2000; i++) {
        struct box *b = box(i);
        tri_send(c[0], &b);
        b = NULL;
        if (i % 500 == 0) tri_gc();
        EXPECT(tri_recv(c[1], &b));
        EXPECT_EQ(b->value, i);
        EXPECT_EQ(b->inner->value, 2 * i);
    }
    tri_close(c[0]);
    EXPECT(!tri_recv(c[1], NULL));
}

/* Large values, wider than any fast path. */
struct wide {
    struct box *b[9];
    char tail[3];
};

static void send_wide(void *arg) {
    for (int i = 0; i < 200; i++) {
        struct wide w = {.tail = {1, 2, 3}};
        for (int k = 0; k < 9; k++) w.b[k] = box((uint64_t)(i * 9 + k));
        tri_send(arg, &w);
    }
    tri_close(arg);
}

static void wide(size_t cap) {
    tri_chan *c = tri_chan_new(struct wide, cap);
    tri_go(send_wide, c);
    struct wide w;
    for (int i = 0; tri_recv(c, &w); i++) {
        for (int k = 0; k < 9; k++) EXPECT_EQ(w.b[k]->value, i * 9 + k);
        EXPECT_EQ(w.tail[2], 3);
    }
}

/* ---- close wakes everybody ---- */

static tri_chan *gate, *report;

static void wait_at_gate(void *arg) {
    int v = 99;
    (void)arg;
    bool ok = tri_recv(gate, &v);
    int result = ok ? -1 : v;
    tri_send(report, &result);
}

static void close_wakes(void) {
    gate = tri_chan_new(int, 0);
    report = tri_chan_new(int, 0);
    for (int i = 0; i < 100; i++) tri_go(wait_at_gate, NULL);
    for (int i = 0; i < 50; i++) tri_yield();
    tri_close(gate);
    for (int i = 0; i < 100; i++) {
        int v;
        EXPECT(tri_recv(report, &v));
        EXPECT_EQ(v, 0);
    }
}

/* ---- select ---- */

static void select_rules(void) {
    tri_chan *a = tri_chan_new(int, 1), *b = tri_chan_new(int, 1);
    int v = 0, w = 5;
    tri_case none[] = {TRI_RECV(a, &v), TRI_RECV(NULL, &v), TRI_SEND(NULL, &w)};
    EXPECT_EQ(tri_select(none, 3, true), -1);
    EXPECT_EQ(tri_select(NULL, 0, true), -1);
    tri_case send[] = {TRI_SEND(a, &w)};
    EXPECT_EQ(tri_select(send, 1, false), 0);
    EXPECT_EQ(tri_select(send, 1, true), -1);
    EXPECT_EQ(tri_select(none, 3, false), 0);
    EXPECT(none[0].ok);
    EXPECT_EQ(v, 5);
    tri_close(b);
    tri_case closed[] = {TRI_RECV(a, &v), TRI_RECV(b, &w)};
    EXPECT_EQ(tri_select(closed, 2, false), 1);
    EXPECT(!closed[1].ok);
    EXPECT_EQ(w, 0);
    /* Each ready case gets its turn. */
    int taken[4] = {0};
    tri_chan *c[4];
    for (int i = 0; i < 4; i++) c[i] = tri_chan_new(int, 1);
    for (int n = 0; n < 4000; n++) {
        tri_case k[4];
        for (int i = 0; i < 4; i++) {
            if (!tri_chan_len(c[i])) tri_send(c[i], &i);
            k[i] = (tri_case)TRI_RECV(c[i], &v);
        }
        int i = tri_select(k, 4, false);
        EXPECT_EQ(v, i);
        taken[i]++;
    }
    for (int i = 0; i < 4; i++) EXPECT(taken[i] > 500);
}

static void sender(void *arg) {
    tri_chan **c = arg;
    for (int i = 0; i < 1000; i++) {
        int v = i;
        tri_case k[] = {TRI_SEND(c[0], &v), TRI_SEND(c[1], &v), TRI_SEND(c[2], &v)};
        tri_select(k, 3, false);
    }
    tri_send(c[3], &(int){0});
}

static void select_blocks(void) {
    tri_chan **c = tri_new_array(tri_chan *, 4);
    for (int i = 0; i < 4; i++) tri_set(c[i], tri_chan_new(int, (size_t)(i & 1)));
    for (int i = 0; i < 4; i++) tri_go(sender, c);
    long sum = 0;
    int done = 0, v, n = 0;
    while (done < 4 || n < 4000) {
        tri_case k[] = {TRI_RECV(c[0], &v), TRI_RECV(c[1], &v), TRI_RECV(c[2], &v), TRI_RECV(c[3], NULL)};
        int i = tri_select(k, 4, false);
        EXPECT(k[i].ok);
        if (i == 3) done++;
        else sum += v, n++;
    }
    EXPECT_EQ(sum, 4 * 999 * 1000 / 2);
}

/* More cases than fit on the stack, all of one channel but one. */
static void select_many(void) {
    enum { N = 100 };
    tri_chan *c = tri_chan_new(int, 0), *d = tri_chan_new(int, 1);
    tri_case k[N];
    int v = 0;
    for (int i = 0; i < N; i++) k[i] = (tri_case)TRI_RECV(c, &v);
    k[50] = (tri_case)TRI_RECV(d, &v);
    tri_send(d, &(int){11});
    EXPECT_EQ(tri_select(k, N, false), 50);
    EXPECT_EQ(v, 11);
}

/* Of those ready each has the same chance, wherever they lie: here three neighbours in the order of locking, and two more. The
 * bounds are some nine standard deviations away. */
static int by_address(const void *a, const void *b) {
    const tri_chan *x = *(tri_chan *const *)a, *y = *(tri_chan *const *)b;
    return (uintptr_t)x < (uintptr_t)y ? -1 : (uintptr_t)x > (uintptr_t)y;
}
static void select_fairly(int n, const int *ready, int nready) {
    enum { MOST = 20, EACH = 2000 };
    tri_chan *c[MOST];
    tri_case k[MOST];
    int taken[MOST] = {0};
    for (int i = 0; i < n; i++) c[i] = tri_chan_new(char, 1);
    qsort(c, (size_t)n, sizeof c[0], by_address);
    for (int i = 0; i < n; i++) k[i] = (tri_case)TRI_RECV(c[i], NULL);
    for (int round = 0; round < nready * EACH; round++) {
        for (int i = 0; i < nready; i++)
            if (!tri_chan_len(c[ready[i]])) tri_send(c[ready[i]], "");
        taken[tri_select(k, (size_t)n, false)]++;
    }
    for (int i = 0; i < nready; i++) EXPECT(taken[ready[i]] > EACH - 360 && taken[ready[i]] < EACH + 360);
}

/* Those of timers seem to have no buffer. */
static void of_timers(void) {
    tri_timer *timer = tri_timer_new(1000);
    tri_ticker *ticker = tri_ticker_new(1000);
    tri_chan *both[] = {tri_timer_chan(timer), tri_ticker_chan(ticker)};
    tri_sleep(1000000); /* both are due */
    for (int i = 0; i < 2; i++) {
        int64_t when = 0;
        EXPECT_EQ(tri_chan_len(both[i]), 0);
        EXPECT_EQ(tri_chan_cap(both[i]), 0);
        EXPECT(tri_recv(both[i], &when) && when > 0);
        EXPECT_EQ(tri_chan_len(both[i]), 0);
    }
    tri_ticker_stop(ticker);
}

static void run(void *arg) {
    (void)arg;
    buffered();
    hand_off(0);
    hand_off(1);
    hand_off(10);
    wide(0);
    wide(5);
    close_wakes();
    select_rules();
    select_blocks();
    select_many();
    select_fairly(20, (const int[]){0, 1, 2}, 3);
    select_fairly(20, (const int[]){3, 4, 5, 11, 19}, 5);
    select_fairly(8, (const int[]){0, 1, 2}, 3);
    select_fairly(3, (const int[]){0, 1, 2}, 3);
    select_fairly(2, (const int[]){0, 1}, 2);
    of_timers();
}

int main(void) {
    buffered(); /* a plain thread may, too */
    tri_run(run, NULL);
    puts("ok");
}
