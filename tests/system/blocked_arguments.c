/* Hazard 17. The only pointer to a buffer is the argument of a system call that blocks: collections meanwhile
 * leave it alone, and the kernel writes into the block it was given. The same between tri_blocking_begin and
 * end, and for the argument and result of tri_blocking_call; callee-saved registers count as well. */
#include "check.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { BYTES = 3000 };

static int pipe_fd[2], sockets[2];
static hidden where;
static int begun; /* atomic */
static char received[BYTES];

/* A fresh buffer that only the caller's register knows. */
NO_INLINE static void *buffer(void) {
    char *p = (char *)tri_alloc_leaf(BYTES);
    where = tri_hide(p);
    post(&begun);
    return p;
}

/* Reads the buffer by its hidden address: only right if it is still a live object. */
static void take(ssize_t n) {
    char *p = (char *)tri_reveal(where);
    REQUIRE(n == 5, "%ld bytes: %s", (long)n, strerror(errno));
    REQUIRE(tri_is_heap(p), "the buffer is gone");
    memcpy(received, p, 5);
}

NO_INLINE static void by_read(void) { take(read(pipe_fd[0], buffer(), BYTES)); }
NO_INLINE static void by_recv(void) { take(recv(sockets[0], buffer(), BYTES, 0)); }
NO_INLINE static void by_recvfrom(void) { take(recvfrom(sockets[0], buffer(), BYTES, 0, NULL, NULL)); }

/* The vector is on the heap and holds the only pointer to the buffer. */
NO_INLINE static struct iovec *vector(void) {
    struct iovec *v = (struct iovec *)tri_alloc(sizeof *v);
    v->iov_len = BYTES;
    tri_set(v->iov_base, buffer());
    return v;
}
NO_INLINE static void by_readv(void) { take(readv(pipe_fd[0], vector(), 1)); }

NO_INLINE static void *blocking_read(void *arg) { return (void *)syscall(SYS_read, pipe_fd[0], arg, BYTES); }
NO_INLINE static void by_blocking_call(void) { take((ssize_t)tri_blocking_call(blocking_read, buffer())); }

NO_INLINE static void by_begin_and_end(void) {
    void *p = buffer();
    tri_blocking_begin();
    ssize_t n = syscall(SYS_read, pipe_fd[0], p, BYTES);
    tri_blocking_end();
    take(n);
}

static const struct way {
    const char *name;
    void (*call)(void);
} ways[] = {
    {"read", by_read},
    {"recv", by_recv},
    {"recvfrom", by_recvfrom},
    {"readv", by_readv},
    {"tri_blocking_call", by_blocking_call},
    {"tri_blocking_begin", by_begin_and_end},
};

static int tid; /* atomic */
static void *reader(void *way) {
    __atomic_store_n(&tid, own_tid(), __ATOMIC_SEQ_CST);
    ((const struct way *)way)->call();
    return NULL;
}

static void try(const struct way *way) {
    pthread_t thread;
    step(way->name);
    tid = begun = 0;
    memset(received, 0, sizeof received);
    pthread_create(&thread, NULL, reader, (void *)(uintptr_t)way);
    await(&begun, 1);
    await_asleep(tid);
    collect();
    await_asleep(tid);
    for (int i = 0; i < 300; i++) memset(tri_alloc_leaf(BYTES), 0xdd, BYTES);
    collect();
    REQUIRE(tri_is_heap(tri_reveal(where)), "%s: the buffer is gone while the kernel has it", way->name);
    REQUIRE(write(pipe_fd[1], "hello", 5) == 5 && write(sockets[1], "hello", 5) == 5, "write");
    pthread_join(thread, NULL);
    REQUIRE(memcmp(received, "hello", 5) == 0, "%s: the kernel has written elsewhere", way->name);
    char drain[16];
    syscall(SYS_recvfrom, sockets[0], drain, 16, MSG_DONTWAIT, NULL, NULL);
    struct pollfd p = {.fd = pipe_fd[0], .events = POLLIN};
    if (poll(&p, 1, 0) == 1) syscall(SYS_read, pipe_fd[0], drain, 16);
}

/* ---- registers ---- */

#ifdef __x86_64__
static int in_block, out_block; /* atomic */
static hidden in_register[5];

/* Five objects, each in one callee-saved register and nowhere else, from before tri_blocking_begin to after
 * _end. */
NO_INLINE static void *five(void) {
    struct stamped **all = (struct stamped **)tri_alloc(5 * sizeof *all);
    for (uint64_t i = 0; i < 5; i++) {
        struct stamped *s = stamped_new(i);
        in_register[i] = tri_hide(s);
        tri_set(all[i], s);
    }
    return all;
}
static void wait_blocked(void) {
    post(&in_block);
    while (!posted(&out_block)) {
    }
}
static void (*const calls[3])(void) = {tri_blocking_begin, wait_blocked, tri_blocking_end};

static void *holds_registers(void *arg) {
    register void *all __asm__("rax") = five();
    register void (*const *call)(void) __asm__("rdx") = calls;
    (void)arg;
    __asm__ volatile("movq 0(%%rax), %%rbx\n\tmovq 8(%%rax), %%r12\n\tmovq 16(%%rax), %%r13\n\t"
                     "movq 24(%%rax), %%r14\n\tmovq 32(%%rax), %%r15\n\t"
                     "movq $0, 0(%%rax)\n\tmovq $0, 8(%%rax)\n\tmovq $0, 16(%%rax)\n\t"
                     "movq $0, 24(%%rax)\n\tmovq $0, 32(%%rax)\n\t"
                     "pushq %%rbp\n\tmovq %%rsp, %%rbp\n\tsubq $256, %%rsp\n\tandq $-16, %%rsp\n\t"
                     "pushq %%rdx\n\tpushq %%rdx\n\t"
                     "call *(%%rdx)\n\tmovq (%%rsp), %%rdx\n\tcall *8(%%rdx)\n\t"
                     "movq (%%rsp), %%rdx\n\tcall *16(%%rdx)\n\t"
                     "movq %%rbp, %%rsp\n\tpopq %%rbp\n\t"
                     : "+r"(all), "+r"(call)
                     :
                     : "rbx", "r12", "r13", "r14", "r15", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11",
                       "memory", "cc");
    return NULL;
}

static void registers(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, holds_registers, NULL);
    await(&in_block, 1);
    collect();
    for (uint64_t i = 0; i < 5; i++)
        REQUIRE(stamped_lives(in_register[i], i), "the object in callee-saved register %d is lost", (int)i);
    post(&out_block);
    pthread_join(thread, NULL);
}
#endif

int main(void) {
    REQUIRE(pipe(pipe_fd) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "pipe");
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) try(&ways[i]);
#ifdef __x86_64__
    step("registers");
    registers();
#endif
    return 0;
}
