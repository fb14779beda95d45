/* net - reading and writing park the goroutine: many connections on few threads, pipes, files, errors. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { CLIENTS = 200, ROUNDS = 20 };

static tri_waitgroup group;

/* What a call has returned, or minus its error. (A function of its own: who waits may go on on another thread, with another errno.) */
static __attribute__((noinline)) long outcome(ssize_t n) { return n < 0 ? -errno : n; }

static void echo(void *arg) {
    int fd = (int)(intptr_t)arg;
    char *buffer = tri_alloc_leaf(4096);
    for (ssize_t n; (n = outcome(tri_read(fd, buffer, 4096))) != 0;) {
        EXPECT(n > 0);
        EXPECT_EQ(outcome(tri_write(fd, buffer, (size_t)n)), n);
    }
    close(fd);
    tri_waitgroup_done(&group); /* nobody is given the number before */
}

static int listener;
static void serve(void *arg) {
    (void)arg;
    for (int i = 0; i < CLIENTS; i++) {
        int fd = tri_accept(listener, NULL, NULL);
        EXPECT(fd >= 0);
        tri_go(echo, (void *)(intptr_t)fd);
    }
}

static void client(void *arg) {
    const struct sockaddr_in *at = arg;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(tri_connect(fd, (const struct sockaddr *)at, sizeof *at), 0);
    for (int i = 0; i < ROUNDS; i++) {
        char *out = tri_alloc_leaf(1000), *in = tri_alloc_leaf(1000);
        memset(out, 'a' + i, 1000);
        EXPECT_EQ(outcome(tri_write(fd, out, 1000)), 1000);
        for (ssize_t have = 0; have < 1000;) {
            ssize_t n = tri_read(fd, in + have, (size_t)(1000 - have));
            if (n <= 0) EXPECT_EQ(outcome(n), 1000 - have);
            have += n;
        }
        EXPECT(memcmp(in, out, 1000) == 0);
    }
    close(fd);
    tri_waitgroup_done(&group);
}

static void connections(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    EXPECT_EQ(listen(listener, CLIENTS), 0);
    EXPECT_EQ(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    tri_go(serve, NULL);
    tri_waitgroup_add(&group, 2 * CLIENTS);
    for (int i = 0; i < CLIENTS; i++) tri_go(client, &at);
    tri_waitgroup_wait(&group);
    close(listener);
}

/* A pipe whose reader comes first, and a writer that fills it. */
static int ends[2];
static void drain(void *arg) {
    long *total = arg;
    char buffer[1000];
    for (ssize_t n; (n = tri_read(ends[0], buffer, sizeof buffer)) > 0;) *total += n;
    tri_waitgroup_done(&group);
}

static void pipes(void) {
    static long total;
    static char much[300000];
    EXPECT_EQ(pipe(ends), 0);
    tri_waitgroup_add(&group, 1);
    tri_go(drain, &total);
    tri_yield();
    EXPECT_EQ(tri_write(ends[1], much, sizeof much), (long)sizeof much);
    close(ends[1]);
    tri_waitgroup_wait(&group);
    EXPECT_EQ(total, (long)sizeof much);
    close(ends[0]);
}

static void files(void) {
    char name[] = "sched_net_XXXXXX", text[6] = {0};
    int fd = mkstemp(name);
    EXPECT(fd >= 0);
    unlink(name);
    EXPECT_EQ(tri_write(fd, "hello", 5), 5);
    lseek(fd, 0, SEEK_SET);
    EXPECT_EQ(tri_read(fd, text, 5), 5);
    EXPECT(strcmp(text, "hello") == 0);
    EXPECT_EQ(tri_read(fd, text, 5), 0);
    EXPECT_EQ(tri_wait_readable(fd), 0); /* as poll says */
    EXPECT_EQ(tri_wait_writable(fd), 0);
    close(fd);
    EXPECT_EQ(tri_read(fd, text, 5), -1);
    EXPECT_EQ(errno, EBADF);
}

static long read_five(void *arg) {
    char text[6];
    (void)arg;
    return tri_read(ends[0], text, 5);
}
static void reads_five(void *arg) {
    *(long *)arg = read_five(NULL);
    tri_waitgroup_done(&group);
}

/* A daemon closes all descriptors that it may have, and opens its own. The scheduler's must neither be among those, nor be taken for them:
 * what it writes to wake somebody would be in the program's pipe. */
static void daemons(void) {
    for (int way = 0; way < 4; way++) {
        long got = 0;
        if (way == 0) EXPECT_EQ(close_range(3, ~0u, 0), 0);
        else if (way == 1) closefrom(3);
        else for (int fd = 3; fd < 1024; fd++) close(fd);
        EXPECT_EQ(pipe(ends), 0);
        EXPECT(ends[0] == 3 && ends[1] == 4);
        tri_waitgroup_add(&group, 1);
        tri_go(reads_five, &got);
        tri_sleep(2000000); /* it waits at the poller, which is woken */
        EXPECT_EQ(outcome(tri_write(ends[1], "hello", 5)), 5);
        tri_waitgroup_wait(&group);
        EXPECT_EQ(got, 5);
        close(ends[1]);
        EXPECT_EQ(read_five(NULL), 0); /* and nobody else has written there */
        close(ends[0]);
    }
}

static void run(void *arg) {
    (void)arg;
    connections();
    pipes();
    files();
    daemons();
}

int main(void) {
    tri_run(run, NULL);
    puts("ok");
}
