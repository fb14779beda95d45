/* kept.c - pointers that the program gives to libc or the kernel, which keep them where no scan looks.
 *
 *   pthread_setspecific, tss_set   a shadow in the thread's record (gc/specific.c)
 *   epoll_ctl                      epoll_data, by epoll descriptor and descriptor, until EPOLL_CTL_DEL or until the
 *                                  number is registered again (closing the descriptor does not drop it)
 *   putenv, on_exit                for ever
 *
 * What else takes a pointer and keeps it (io_uring, timer_create, a pipe, tsearch) the program pins: tri_pin.
 */
#include "../gc/kept.h"
#include "host.h"
#include "../gc/specific.h"
#include "../heap/gate.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

const char trix_kept_here = 1;

/* ---- keys ---- */

static void shadow(unsigned key, const void *value) {
    struct thread *t = (struct thread *)gate_enter();
    trix_specific_set(t, key, value);
    gate_leave(&t->cache.gate);
}

/* What is no pointer into the heap, nor to its very end, needs a shadow only where another value may have one. */
static bool needs_shadow(const void *value) {
    bool has_shadows = thread_self() && thread_self()->specifics;
    return has_shadows || map_contains((uintptr_t)value) || map_contains((uintptr_t)value - 1);
}

INTERPOSE int pthread_setspecific(pthread_key_t key, const void *value) {
    int error = trix_libc_setspecific(key, (uintptr_t)value);
    if (!error && needs_shadow(value)) shadow(key, value);
    return error;
}

INTERPOSE int tss_set(tss_t key, void *value) {
    return pthread_setspecific(key, value) == 0 ? thrd_success : thrd_error;
}

/* ---- epoll ---- */

struct watch {
    uint64_t key; /* epoll descriptor and descriptor; 0: empty */
    struct kept *kept;
};

static struct {
    struct lock lock;
    struct watch *slot;    /* lock */
    size_t capacity, used; /* lock; capacity a power of two. Slots are never emptied: a dropped one keeps its key */
} watches = {.lock = LOCK_INIT(ROOTS)};

static uint64_t watch_key(int epfd, int fd) { return (uint64_t)(uint32_t)epfd << 32 | ((uint32_t)fd + 1u); }

static struct watch *watch_find(uint64_t key) {
    size_t i = (size_t)(key * 0x9e3779b97f4a7c15ull >> 32) & (watches.capacity - 1);
    while (watches.slot[i].key && watches.slot[i].key != key) i = (i + 1) & (watches.capacity - 1);
    return &watches.slot[i];
}

static void watches_grow(void) {
    struct watch *old = watches.slot;
    size_t old_capacity = watches.capacity, capacity = old_capacity ? old_capacity * 2 : 256;
    watches.slot = trix_os_map(capacity * sizeof(struct watch));
    if (!watches.slot) trix_fatal("out of memory");
    watches.capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].key) *watch_find(old[i].key) = old[i];
    if (old) trix_os_unmap(old, old_capacity * sizeof(struct watch));
}

static void watch_set(int epfd, int fd, uint64_t data) {
    struct thread *t = (struct thread *)gate_enter();
    lock_acquire(&watches.lock);
    if (watches.used * 2 >= watches.capacity) watches_grow();
    struct watch *w = watch_find(watch_key(epfd, fd));
    if (!w->key) {
        w->key = watch_key(epfd, fd);
        w->kept = trix_kept_add(t, 0);
        watches.used++;
    }
    trix_kept_set(t, w->kept, data);
    lock_release(&watches.lock);
    gate_leave(&t->cache.gate);
}

INTERPOSE int epoll_ctl(int epfd, int operation, int fd, struct epoll_event *event) {
    int r = (int)syscall(SYS_epoll_ctl, epfd, operation, fd, event);
    if (r == 0) watch_set(epfd, fd, operation == EPOLL_CTL_DEL ? 0 : event->data.u64);
    return r;
}

/* ---- for ever ---- */

#ifdef TRIX_SHARED
static void keep(const void *pointer) {
    struct thread *t = (struct thread *)gate_enter();
    if (map_contains((uintptr_t)pointer)) trix_kept_add(t, (uintptr_t)pointer);
    gate_leave(&t->cache.gate);
}

INTERPOSE int putenv(char *string) {
    keep(string);
    return NEXT(putenv)(string);
}

INTERPOSE int on_exit(void (*fn)(int, void *), void *arg) {
    keep(arg);
    return NEXT(on_exit)(fn, arg);
}
#endif
