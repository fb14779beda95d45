/* forks - the child of a fork goes on using goroutines: those it had are gone, those it starts run. */
#include "test.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

static tri_chan *common;
static uint32_t parents; /* rounds of the parent's goroutines */
static volatile uint32_t stop;

struct node {
    struct node *next;
    uint64_t value;
};
TRI_TYPE(struct node, next)

/* The parent's, which must not be seen in the child. */
static void receiver(void *arg) {
    int v;
    (void)arg;
    while (tri_recv(common, &v)) {}
}
static void busy(void *arg) {
    (void)arg;
    while (!stop) {
        struct node *list = NULL;
        for (int i = 0; i < 100; i++) {
            struct node *n = tri_new(struct node);
            tri_set(n->next, list);
            list = n;
        }
        __atomic_fetch_add(&parents, 1, __ATOMIC_RELAXED);
        tri_sleep(100000);
    }
}
static void loops(void *arg) {
    (void)arg;
    while (!stop) {}
}

static void adder(void *arg) {
    tri_chan *out = arg;
    uint64_t *boxed = tri_alloc_leaf(16);
    *boxed = 7;
    tri_yield();
    tri_send(out, &boxed);
}

static void echo(void *arg) {
    char c;
    int fd = (int)(intptr_t)arg;
    while (tri_read(fd, &c, 1) == 1) tri_write(fd, &c, 1);
}

static void child(void) {
    EXPECT(tri_num_goroutine() <= 1);
    /* a send to the parent's receivers finds nobody */
    tri_case send[] = {TRI_SEND(common, &(int){1})};
    EXPECT_EQ(tri_select(send, 1, true), -1);
    tri_sleep(1000000);
    tri_chan *in = tri_chan_new(uint64_t *, 0);
    for (int i = 0; i < 100; i++) tri_go(adder, in);
    uint64_t sum = 0, *v;
    for (int i = 0; i < 100; i++) {
        EXPECT(tri_recv(in, &v));
        sum += *v;
        if (i % 25 == 0) tri_gc();
    }
    EXPECT_EQ(sum, 700);
    tri_recv(tri_after(1000000), NULL);
    int pair[2];
    char c = 0;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    tri_go(echo, (void *)(intptr_t)pair[1]);
    EXPECT_EQ(tri_write(pair[0], "x", 1), 1);
    EXPECT_EQ(tri_read(pair[0], &c, 1), 1);
    EXPECT_EQ(c, 'x');
    EXPECT_EQ(tri_goroutine_leaks(-1), 0);
}

static void in_child(void *arg) {
    (void)arg;
    child();
}

static void fork_once(bool from_goroutine) {
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        if (from_goroutine) child();
        else tri_run(in_child, NULL);
        _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT_EQ(status, 0);
}

static void run(void *arg) {
    (void)arg;
    common = tri_chan_new(int, 0);
    for (int i = 0; i < 10; i++) tri_go(receiver, NULL);
    for (int i = 0; i < 20; i++) tri_go(busy, NULL);
    for (int i = 0; i < 2; i++) tri_go(loops, NULL);
    for (int i = 0; i < 15; i++) {
        uint32_t before = __atomic_load_n(&parents, __ATOMIC_RELAXED);
        fork_once(true);
        while (__atomic_load_n(&parents, __ATOMIC_RELAXED) == before) tri_yield(); /* the parent's go on */
        int v = i;
        tri_send(common, &v);
    }
}

int main(void) {
    tri_run(run, NULL);
    for (int i = 0; i < 5; i++) fork_once(false);
    stop = 1;
    puts("ok");
}
