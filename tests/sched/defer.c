/* defer - deferred calls, panic and recover, rule by rule; also that locals which deferred calls see are alive and written
 * when they run, at every level of optimisation. */
#include "test.h"

#include <string.h>

static char trace[200];
static void note(void *arg) { strcat(trace, arg); }
static void expect_trace(const char *expected) {
    if (strcmp(trace, expected) != 0) fprintf(stderr, "trace is \"%s\", not \"%s\"\n", trace, expected);
    EXPECT(strcmp(trace, expected) == 0);
    trace[0] = 0;
}

/* ---- order ---- */

static int ordered(int n) {
    TRI_FUNC;
    tri_defer(note, "a");
    if (n == 0) return 10;
    for (int i = 0; i < n; i++) tri_defer(note, "b");
    tri_defer(note, "c");
    return 20;
}

static void order(void) {
    EXPECT_EQ(ordered(0), 10);
    expect_trace("a");
    EXPECT_EQ(ordered(2), 20);
    expect_trace("cbba");
    EXPECT_EQ(ordered(20), 20); /* more than the frame has room for */
    expect_trace("cbbbbbbbbbbbbbbbbbbbba");
}

/* ---- locals declared after the frame ---- */

static long sum;
static void add_up(void *arg) {
    const long *p = arg;
    for (int i = 0; i < 100; i++) sum += p[i];
}

static int __attribute__((noinline)) locals(int n) {
    TRI_FUNC;
    long values[100];
    long *const at = values;
    for (int i = 0; i < 100; i++) values[i] = i;
    tri_defer(add_up, at);
    values[0] = n;
    for (int i = 1; i < 100; i++) values[i] += n;
    return n;
}

static void locals_live(void) {
    for (int i = 0; i < 10; i++) {
        sum = 0;
        EXPECT_EQ(locals(i), i);
        EXPECT_EQ(sum, 4950 + 100 * i);
    }
}

/* ---- panic and recover ---- */

static const char *caught;
static void catch(void *arg) {
    (void)arg;
    caught = tri_recover();
}

static int deep_panic(int depth) {
    volatile char room[64];
    room[0] = (char)depth;
    if (depth <= 0) tri_panic("boom");
    return depth > 100 ? 0 : deep_panic(depth - 1) + room[0];
}

static int guarded(int depth, long keep) {
    TRI_FUNC;
    tri_defer(note, "1");
    tri_defer(catch, NULL);
    tri_defer(note, "2");
    int r = deep_panic(depth);
    tri_defer(note, "never");
    return r + (int)keep;
}

static void recovered(void) {
    long a = 1, b = 2, c = 3, d = 4;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    for (int i = 0; i < 50; i++) {
        EXPECT_EQ(guarded(i, 5), 0);
        EXPECT(strcmp(caught, "boom") == 0);
        expect_trace("21");
        a += b + c + d; /* kept in callee-saved registers across the call */
    }
    EXPECT_EQ(a, 1 + 50 * 9);
    EXPECT(tri_recover() == NULL);
}

static void rethrow(void *arg) {
    (void)arg;
    tri_recover();
    tri_panic("second");
}

static void inner(void) {
    TRI_FUNC;
    tri_defer(rethrow, NULL);
    tri_panic("first");
}

static void outer(void) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    inner();
}

/* A deferred call that panics and recovers by itself leaves the panic under way as it is. */
static void quiet(void *arg) {
    (void)arg;
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_panic("within");
}
static void outer2(void) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_defer(quiet, NULL);
    tri_panic("without");
}

/* A function that returns while a panic runs a deferred call has no panic to recover; nor has one that has recovered its own. */
static const char *seen_within;
static void look_within(void *arg) {
    (void)arg;
    seen_within = tri_recover();
}
static int __attribute__((noinline)) returns(int n) {
    TRI_FUNC;
    tri_defer(look_within, NULL);
    return n;
}
static void clean_up(void *arg) {
    seen_within = "never called";
    EXPECT_EQ(returns(*(int *)arg), *(int *)arg);
    EXPECT(seen_within == NULL);
}
static void recovers_early(void *arg) {
    (void)arg;
    TRI_FUNC;
    tri_defer(look_within, NULL); /* when the panic within is over */
    tri_defer(catch, NULL);
    tri_panic("within");
}
static void outer3(void (*fn)(void *)) {
    TRI_FUNC;
    int n = 7, *const at = &n;
    tri_defer(catch, NULL);
    tri_defer(fn, at);
    tri_panic("without");
}
/* Deferred calls of a function that returns panic, and recover that. */
static void recovers_late(void) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_defer(rethrow, NULL);
}

static void nested(void) {
    outer();
    EXPECT(strcmp(caught, "second") == 0);
    outer2();
    EXPECT(strcmp(caught, "without") == 0);
    outer3(clean_up);
    EXPECT(strcmp(caught, "without") == 0);
    seen_within = "never called";
    outer3(recovers_early);
    EXPECT(strcmp(caught, "without") == 0);
    EXPECT(seen_within == NULL);
    recovers_late();
    EXPECT(strcmp(caught, "second") == 0);
    EXPECT(tri_recover() == NULL);
}

/* ---- goexit ---- */

static tri_waitgroup group;
static void done(void *arg) {
    (void)arg;
    tri_waitgroup_done(&group);
}
static void leave(void) {
    TRI_FUNC;
    tri_defer(note, "x");
    tri_goexit();
}
static void leaver(void *arg) {
    (void)arg;
    TRI_FUNC;
    tri_defer(done, NULL);
    tri_defer(catch, NULL); /* cannot recover it */
    tri_defer(note, "y");
    leave();
    note("never");
}

static void panicker(void *arg) {
    (void)arg;
    tri_panic("in goexit");
}
static void catcher(void) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_defer(panicker, NULL);
    tri_goexit();
}
static void leaver2(void *arg) {
    (void)arg;
    TRI_FUNC;
    tri_defer(done, NULL);
    catcher();
    note("never"); /* the panic is recovered, the goexit goes on */
}

static void goexit(void) {
    tri_waitgroup_add(&group, 1);
    tri_go(leaver, NULL);
    tri_waitgroup_wait(&group);
    tri_waitgroup_add(&group, 1);
    tri_go(leaver2, NULL);
    tri_waitgroup_wait(&group);
    expect_trace("xy");
    EXPECT(strcmp(caught, "in goexit") == 0);
}

/* ---- what runs a function for the program, and is there for others afterwards ---- */

static void boom(void *arg) {
    (void)arg;
    tri_panic("boom");
}
static void exits(void *arg) {
    (void)arg;
    tri_goexit();
}
static void do_once(tri_once *o, void (*fn)(void *)) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_once_do(o, fn, NULL);
}
static void do_once_and_leave(void *arg) {
    TRI_FUNC;
    tri_defer(done, NULL);
    do_once(arg, exits);
    note("never");
}

static void once_panics(void) {
    tri_once o = {0};
    do_once(&o, boom);
    EXPECT(strcmp(caught, "boom") == 0);
    do_once(&o, boom); /* neither waits nor runs it again */
    EXPECT(caught == NULL);
}

static void once_exits(void) {
    static tri_once o;
    tri_waitgroup_add(&group, 1);
    tri_go(do_once_and_leave, &o);
    tri_waitgroup_wait(&group);
    do_once(&o, boom);
    EXPECT(caught == NULL);
    expect_trace("");
}

static void group_exits(void) {
    tri_waitgroup_go(&group, exits, NULL);
    tri_waitgroup_go(&group, note, "z");
    tri_waitgroup_wait(&group);
    expect_trace("z");
}

/* ---- what channels say ---- */

static void send_closed(tri_chan *c) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_send(c, &(int){1});
}
static void close_twice(tri_chan *c) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_close(c);
}
static void panic_null(void) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_panic(NULL);
}
static void negative(void) {
    TRI_FUNC;
    tri_waitgroup g = {0};
    tri_defer(catch, NULL);
    tri_waitgroup_done(&g);
}

static tri_chan *told;
static void wait_early(tri_waitgroup *g) {
    TRI_FUNC;
    tri_defer(catch, NULL);
    tri_waitgroup_wait(g);
}
static void waits_early(void *arg) {
    wait_early(arg);
    tri_send(told, &caught);
}

/* A group that is used again before one who has waited for it has gone on. */
static void reused(void) {
    static tri_waitgroup g;
    int procs = tri_gomaxprocs(1);
    const char *said = NULL;
    told = tri_chan_new(const char *, 0);
    for (int i = 0; i < 1000 && !said; i++) { /* but for a preemption just then it is found the first time */
        tri_waitgroup_add(&g, 1);
        tri_go(waits_early, &g);
        while ((uint32_t)__atomic_load_n(&g.count, __ATOMIC_SEQ_CST) == 0) tri_yield();
        tri_yield();
        tri_waitgroup_done(&g);
        tri_waitgroup_add(&g, 1);
        tri_recv(told, &said);
        tri_waitgroup_done(&g);
    }
    EXPECT(said && strcmp(said, "sync: WaitGroup is reused before previous Wait has returned") == 0);
    tri_gomaxprocs(procs);
}

static void words(void) {
    tri_chan *c = tri_chan_new(int, 0);
    tri_close(c);
    send_closed(c);
    EXPECT(strcmp(caught, "send on closed channel") == 0);
    close_twice(c);
    EXPECT(strcmp(caught, "close of closed channel") == 0);
    close_twice(NULL);
    EXPECT(strcmp(caught, "close of nil channel") == 0);
    negative();
    EXPECT(strcmp(caught, "sync: negative WaitGroup counter") == 0);
    panic_null();
    EXPECT(strcmp(caught, "runtime error: panic called with nil argument") == 0);
}

static void all(void *arg) {
    (void)arg;
    order();
    locals_live();
    recovered();
    nested();
    words();
    once_panics();
}

static void run(void *arg) {
    all(arg);
    goexit();
    once_exits();
    group_exits();
    reused();
}

int main(void) {
    all(NULL); /* on a plain thread */
    tri_run(run, NULL);
    puts("ok");
}
