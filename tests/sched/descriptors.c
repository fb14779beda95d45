/* descriptors - what becomes of those who wait for a descriptor when it is closed, seen or unseen, when its number is used again, when
 * several wait, and in the child of a fork; of who sleeps at the poller; and what waiting asks of the kernel. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static tri_waitgroup group;

/* ---- what the library asks the kernel for ---- */

static unsigned asked_kernel[2]; /* epoll_ctl, write */

/* In place of libc's, which the library calls. It reads as many arguments as there may be. */
__attribute__((no_sanitize("address"))) long syscall(long number, ...) {
    va_list more;
    va_start(more, number);
    long a = va_arg(more, long), b = va_arg(more, long), c = va_arg(more, long), d = va_arg(more, long), e = va_arg(more, long),
         f = va_arg(more, long), r;
    va_end(more);
    if (number == SYS_epoll_ctl) __atomic_fetch_add(&asked_kernel[0], 1, __ATOMIC_RELAXED);
    if (number == SYS_write) __atomic_fetch_add(&asked_kernel[1], 1, __ATOMIC_RELAXED);
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
#else
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d,
                  x4 __asm__("x4") = e, x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    r = x0;
#endif
    if (r >= 0 || r < -4095) return r;
    errno = (int)-r;
    return -1;
}

/* A pipe whose ends have these numbers. */
static void pipe_at(int ends[2], const int at[2]) {
    int fresh[2];
    EXPECT_EQ(pipe(fresh), 0);
    for (int i = 0; i < 2; i++) {
        int got;
        while ((got = dup2(fresh[i], at[i])) < 0 && errno == EBUSY) {} /* a thread, of libc's say, is about to open a file there */
        EXPECT_EQ(got, at[i]);
        if (fresh[i] != at[i]) syscall(SYS_close, fresh[i]);
        ends[i] = at[i];
    }
}

/* ---- closed under who waits ---- */

static void read_closed(void *arg) {
    char c;
    EXPECT_EQ(tri_read(*(int *)arg, &c, 1), -1);
    EXPECT_EQ(errno, EBADF);
    tri_waitgroup_done(&group);
}

static void closed(void) {
    for (int i = 0; i < 100; i++) {
        int ends[2];
        EXPECT_EQ(pipe(ends), 0);
        for (int k = 0; k < 3; k++) tri_waitgroup_add(&group, 1), tri_go(read_closed, ends);
        if (i % 2) tri_sleep(100000);
        else for (int k = 0; k < 10; k++) tri_yield();
        /* Who has not tried yet is told by the kernel, or reads what has the number next: not here, nothing is opened. */
        close(ends[0]);
        tri_waitgroup_wait(&group);
        close(ends[1]);
    }
}

/* ---- closed unseen ---- */

struct reader {
    int fd;
    char got;
};

static void read_one(void *arg) {
    struct reader *r = arg;
    EXPECT_EQ(tri_read(r->fd, &r->got, 1), 1);
    tri_waitgroup_done(&group);
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Nothing has the number any more while somebody waits there, or a file that nobody can wait for has it. The monitor looks once; when this
 * thread was kept from its processor until then, closing is shown. */
static void close_under_reader(const int at[2], bool taken) {
    int ends[2];
    int64_t began = now_ms();
    pipe_at(ends, at);
    tri_waitgroup_add(&group, 1);
    tri_go(read_closed, ends);
    for (int k = 0; k < 10; k++) tri_yield();
    tri_sleep(100000);
    int file = taken ? open("/proc/self/exe", O_RDONLY | O_CLOEXEC) : -1;
    if (taken) EXPECT_EQ((int)syscall(SYS_dup3, file, ends[0], O_CLOEXEC), ends[0]);
    else syscall(SYS_close, ends[0]);
    if (now_ms() - began >= 8) close(ends[0]);
    tri_waitgroup_wait(&group);
    close(ends[1]);
    if (taken) close(ends[0]), close(file);
}

/* Leaves a registration behind, closes both ends by system calls, and goes on with others of the same numbers. */
static void unseen(void) {
    int ends[2];
    const int at[2] = {200, 201};
    for (int i = 0; i < 20; i++) {
        pipe_at(ends, at);
        struct reader *r = tri_alloc(sizeof *r);
        *r = (struct reader){.fd = ends[0]};
        tri_waitgroup_add(&group, 1);
        tri_go(read_one, r);
        for (int k = 0; k < 10; k++) tri_yield();
        if (i % 2) tri_sleep(1000000);
        EXPECT_EQ(tri_write(ends[1], "x", 1), 1);
        tri_waitgroup_wait(&group);
        EXPECT_EQ(r->got, 'x');
        syscall(SYS_close, ends[0]);
        syscall(SYS_close, ends[1]);
    }
    close_under_reader(at, false);               /* it trusts in the registration left behind */
    for (int i = 0; i < 20; i++) close_under_reader((int[]){120 + 2 * i, 121 + 2 * i}, i % 2); /* it has registered itself */
}

/* ---- the file lives on under another number, and tells of things under the old one ---- */

static void zombies(void) {
    for (int i = 0; i < 20; i++) {
        int a[2], b[2];
        EXPECT_EQ(pipe(a), 0);
        struct reader r = {.fd = a[0]};
        tri_waitgroup_add(&group, 1);
        tri_go(read_one, &r);
        for (int k = 0; k < 10; k++) tri_yield();
        EXPECT_EQ(tri_write(a[1], "x", 1), 1);
        tri_waitgroup_wait(&group);
        int other = dup(a[0]);
        close(a[0]);
        pipe_at(b, (int[]){a[0], 210});
        struct reader q = {.fd = b[0]};
        tri_waitgroup_add(&group, 1);
        tri_go(read_one, &q);
        for (int k = 0; k < 10; k++) {
            EXPECT_EQ(tri_write(a[1], "y", 1), 1); /* an event with the number of b[0] */
            tri_sleep(100000);
        }
        EXPECT_EQ(q.got, 0);
        EXPECT_EQ(tri_write(b[1], "z", 1), 1);
        tri_waitgroup_wait(&group);
        EXPECT_EQ(q.got, 'z');
        close(other), close(a[1]), close(b[0]), close(b[1]);
    }
}

/* ---- several for one ---- */

enum { ACCEPTORS = 8, CONNECTIONS = 400 };
static int listener, accepted;
static void acceptor(void *arg) {
    (void)arg;
    for (int fd; (fd = tri_accept(listener, NULL, NULL)) >= 0;) {
        char c = 'a';
        __atomic_fetch_add(&accepted, 1, __ATOMIC_RELAXED);
        tri_write(fd, &c, 1);
        close(fd);
    }
    EXPECT_EQ(errno, EBADF);
    tri_waitgroup_done(&group);
}

static tri_waitgroup clients;
static void client(void *arg) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char c;
    EXPECT_EQ(tri_connect(fd, arg, sizeof(struct sockaddr_in)), 0);
    EXPECT_EQ(tri_read(fd, &c, 1), 1);
    EXPECT_EQ(tri_read(fd, &c, 1), 0);
    close(fd);
    tri_waitgroup_done(&clients);
}

static void several(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    EXPECT_EQ(listen(listener, CONNECTIONS), 0);
    EXPECT_EQ(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    tri_waitgroup_add(&group, ACCEPTORS);
    for (int i = 0; i < ACCEPTORS; i++) tri_go(acceptor, NULL);
    for (int batch = 0; batch < 4; batch++) {
        tri_waitgroup_add(&clients, CONNECTIONS / 4);
        for (int i = 0; i < CONNECTIONS / 4; i++) tri_go(client, &at);
        tri_waitgroup_wait(&clients);
    }
    EXPECT_EQ(__atomic_load_n(&accepted, __ATOMIC_RELAXED), CONNECTIONS);
    close(listener);
    tri_waitgroup_wait(&group);
}

/* ---- tri_wait_readable tells of what is there, however long it has been ---- */

static void level(void) {
    int ends[2];
    char c;
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(tri_write(ends[1], "xyz", 3), 3);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(tri_wait_readable(ends[0]), 0);
        EXPECT_EQ(tri_wait_readable(ends[0]), 0);
        EXPECT_EQ(tri_read(ends[0], &c, 1), 1);
        EXPECT_EQ(c, 'x' + i);
    }
    EXPECT_EQ(tri_wait_writable(ends[1]), 0);
    struct reader r = {.fd = ends[0]};
    tri_waitgroup_add(&group, 1);
    tri_go(read_one, &r);
    tri_yield();
    EXPECT_EQ(tri_write(ends[1], "w", 1), 1);
    tri_waitgroup_wait(&group);
    close(ends[1]);
    EXPECT_EQ(tri_wait_readable(ends[0]), 0);
    EXPECT_EQ(tri_wait_readable(ends[0]), 0);
    EXPECT_EQ(tri_read(ends[0], &c, 1), 0);
    close(ends[0]);
    EXPECT_EQ(tri_wait_readable(ends[0]), -1);
    EXPECT_EQ(errno, EBADF);
}

/* ---- the child of a fork waits for what the parent has registered ---- */

static void forked(void) {
    int ends[2], status = -1;
    EXPECT_EQ(pipe(ends), 0);
    struct reader r = {.fd = ends[0]};
    tri_waitgroup_add(&group, 1);
    tri_go(read_one, &r);
    tri_sleep(1000000);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        char c = 0;
        EXPECT_EQ(tri_read(ends[0], &c, 1), 1);
        _exit(c == 'c' ? 0 : 1);
    }
    tri_sleep(20000000);
    EXPECT_EQ(tri_write(ends[1], "cc", 2), 2); /* one for each, whoever comes first */
    tri_waitgroup_wait(&group);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    close(ends[0]), close(ends[1]);
}

/* ---- who sleeps where the network and timers wake it is woken for work, too, while others look at the network ---- */

static void read_on(void *fd) {
    char c;
    while (tri_read((int)(intptr_t)fd, &c, 1) == 1) {}
    tri_waitgroup_done(&group);
}

static void yielder(void *arg) {
    (void)arg;
    for (int i = 0; i < 3; i++) tri_yield();
    tri_waitgroup_done(&clients);
}

static void nudged(void) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    tri_waitgroup_add(&group, 1);
    tri_go(read_on, (void *)(intptr_t)ends[0]);
    for (int i = 0; i < 5000; i++) {
        tri_sleep(20000 + i % 7 * 10000);
        EXPECT_EQ(tri_write(ends[1], "n", 1), 1);
        tri_waitgroup_add(&clients, 4);
        for (int k = 0; k < 4; k++) tri_go(yielder, NULL);
        tri_waitgroup_wait(&clients);
    }
    close(ends[1]);
    tri_waitgroup_wait(&group);
    close(ends[0]);
}

/* ---- who waits costs nothing ---- */

static void read_after_writing(void *arg) {
    struct reader *r = arg;
    EXPECT_EQ(tri_wait_writable(r->fd), 0); /* it can be, from now on for ever */
    EXPECT_EQ(tri_read(r->fd, &r->got, 1), 1);
    tri_waitgroup_done(&group);
}

/* Somebody waits to read from a socket that can be written to, once waited for too. The kernel told that over and over. */
static void quiet(void) {
    enum { TIMES = 20 };
    unsigned most[2] = {0};
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct reader r = {.fd = ends[0]};
    tri_waitgroup_add(&group, 1);
    tri_go(read_after_writing, &r);
    tri_sleep(50 * 1000 * 1000); /* the monitor has looked once */
    for (int i = 0; i < TIMES; i++) {
        unsigned before[2] = {asked_kernel[0], asked_kernel[1]};
        tri_sleep(20 * 1000 * 1000);
        for (int k = 0; k < 2; k++)
            if (asked_kernel[k] - before[k] > most[k]) most[k] = asked_kernel[k] - before[k];
    }
    EXPECT(most[0] <= 2);
    EXPECT(most[1] <= 4);
    EXPECT_EQ(tri_write(ends[1], "q", 1), 1);
    tri_waitgroup_wait(&group);
    EXPECT_EQ(r.got, 'q');
    close(ends[0]), close(ends[1]);
}

int main(int argc, char **argv) {
    static struct form forms[] = {{"closed", closed}, {"unseen", unseen}, {"zombies", zombies},
                                  {"several", several}, {"level", level}, {"forked", forked}, {"nudged", nudged}, {"quiet", quiet}};
    return RUN_FORM(forms, argc, argv);
}
