/* net.c - calls on descriptors that park the goroutine: try without waiting, wait in the poller, try again.
 *
 * Errors travel as negative numbers and become errno last of all, in a function of its own (g.h, I3).
 */
#include "sched.h"
#include "../../include/tricolor/control.h"
#include "../../include/tricolor/net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static NOINLINE long call(long number, long a, long b, long c, long d, long e, long f) {
    long r = syscall(number, a, b, c, d, e, f);
    return r < 0 ? -errno : r;
}

static NOINLINE long give(long r) {
    if (r >= 0) return r;
    errno = (int)-r;
    return -1;
}

static NOINLINE bool is_goroutine(void) {
    struct thread *t = thread_self();
    return t && worker_of(t) != NULL;
}

/* What has been tried in vain may be worth another try, or never will: 0, or an error; -EPERM for what cannot be waited for. */
static NOINLINE long await(int fd, bool to_write, bool tried) {
    int error;
    struct thread *t = sched_enter();
    struct g *self = sched_self(t);
    sched_waits_on(self, &error);
    t = trix_poller_wait(t, fd, to_write, tried, &error);
    sched_waits_on(self, NULL); /* it may not have waited */
    sched_leave(t);
    return -error;
}

/* Until it is so: an event may be of something that is over. */
static long await_state(int fd, bool to_write) {
    for (;;) {
        long r = await(fd, to_write, false);
        if (r == -EPERM) return 0; /* a regular file or a directory, always ready */
        if (r < 0) return r;
        struct pollfd p = {.fd = fd, .events = to_write ? POLLOUT : POLLIN | POLLRDHUP};
        struct timespec none = {0};
        if (call(SYS_ppoll, (long)&p, 1, (long)&none, 0, 0, 0) != 0) return 0;
    }
}

static bool again(long r) { return r == -EAGAIN || r == -EWOULDBLOCK; }

/* ---- reading and writing ---- */

struct transfer {
    int fd;
    bool to_write;
    char *at;
    size_t bytes;
};

/* Without waiting: sockets by a flag of the call, pipes and files by one of another call. */
static long try_transfer(const struct transfer *x) {
    long number = x->to_write ? SYS_sendto : SYS_recvfrom;
    long r = call(number, x->fd, (long)x->at, (long)x->bytes, MSG_DONTWAIT | (x->to_write ? MSG_NOSIGNAL : 0), 0, 0);
    if (r != -ENOTSOCK) return r;
    struct iovec v = {x->at, x->bytes};
    return call(x->to_write ? SYS_pwritev2 : SYS_preadv2, x->fd, (long)&v, 1, -1, -1, RWF_NOWAIT);
}

static void *transfer_blocking(void *arg) {
    const struct transfer *x = arg;
    return (void *)call(x->to_write ? SYS_write : SYS_read, x->fd, (long)x->at, (long)x->bytes, 0, 0, 0);
}

static long transfer(struct transfer *x) {
    for (;;) {
        long r = try_transfer(x);
        if (r == -EINTR) continue;
        if (again(r)) {
            long waited = await(x->fd, x->to_write, true);
            if (waited == 0) continue;
            if (waited != -EPERM) return waited;
            r = -EOPNOTSUPP;
        }
        if (r != -EOPNOTSUPP && r != -ESPIPE && r != -EINVAL) return r;
        return (long)tri_blocking_call(transfer_blocking, x);
    }
}

EXPORT ssize_t tri_read(int fd, void *buffer, size_t bytes) {
    if (!is_goroutine()) return read(fd, buffer, bytes);
    struct transfer x = {fd, false, buffer, bytes};
    return give(transfer(&x));
}

EXPORT ssize_t tri_write(int fd, const void *buffer, size_t bytes) {
    if (!is_goroutine()) return write(fd, buffer, bytes);
    struct transfer x = {fd, true, (char *)(uintptr_t)buffer, bytes};
    do {
        long r = transfer(&x);
        if (r < 0) return x.bytes < bytes ? (ssize_t)(bytes - x.bytes) : give(r);
        x.at += r;
        x.bytes -= (size_t)r;
    } while (x.bytes);
    return (ssize_t)bytes;
}

/* ---- connections ---- */

/* The flags before; an error when negative. */
static long make_nonblocking(int fd) {
    long flags = call(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0);
    if (flags >= 0 && !(flags & O_NONBLOCK)) call(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK, 0, 0, 0);
    return flags;
}

EXPORT int tri_accept(int fd, struct sockaddr *from, socklen_t *length) {
    if (!is_goroutine()) return accept(fd, from, length);
    long r = make_nonblocking(fd);
    while (r >= 0) {
        r = call(SYS_accept4, fd, (long)from, (long)length, 0, 0, 0);
        if (r >= 0) break;
        if (r == -EINTR || r == -ECONNABORTED) r = 0;
        else if (again(r)) r = await(fd, false, true);
    }
    return (int)give(r);
}

static long connect_end(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    long r = await_state(fd, true);
    if (r < 0) return r;
    r = call(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, (long)&error, (long)&length, 0);
    return r < 0 ? r : -error;
}

EXPORT int tri_connect(int fd, const struct sockaddr *to, socklen_t length) {
    if (!is_goroutine()) return connect(fd, to, length);
    long flags = make_nonblocking(fd);
    if (flags < 0) return (int)give(flags);
    long r = call(SYS_connect, fd, (long)to, (long)length, 0, 0, 0);
    if (r == -EINPROGRESS || r == -EINTR) r = connect_end(fd);
    if (!(flags & O_NONBLOCK)) call(SYS_fcntl, fd, F_SETFL, flags, 0, 0, 0);
    return (int)give(r);
}

EXPORT int tri_wait_readable(int fd) { return (int)give(await_state(fd, false)); }
EXPORT int tri_wait_writable(int fd) { return (int)give(await_state(fd, true)); }
