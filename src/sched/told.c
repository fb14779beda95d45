/* told.c - see told.h. */
#include "told.h"
#include "../gc/thread.h"
#include "../os/libc.h"
#include "../os/os.h"
#include "../os/races.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#define OPTIONAL __attribute__((weak, visibility("default"))) extern
OPTIONAL void __sanitizer_start_switch_fiber(void **fake, const void *lo, size_t bytes);
OPTIONAL void __sanitizer_finish_switch_fiber(void *fake, const void **lo, size_t *bytes);
OPTIONAL void __asan_handle_no_return(void);
OPTIONAL void __asan_unpoison_memory_region(const volatile void *at, size_t bytes);
OPTIONAL void *__tsan_get_current_fiber(void);
OPTIONAL void *__tsan_create_fiber(unsigned flags);
OPTIONAL void __tsan_destroy_fiber(void *fiber);
OPTIONAL void __tsan_switch_to_fiber(void *fiber, unsigned flags);
OPTIONAL void __tsan_acquire(void *at);
OPTIONAL void __tsan_release(void *at);
OPTIONAL void *__cxa_get_globals(void);

enum { NO_SYNC = 1 }; /* the switch itself orders nothing: goroutines on one thread may race with each other */

bool trix_told_any, trix_told_order_too;
static bool address, threads, exceptions;

void trix_told_init(void) {
    address = __sanitizer_start_switch_fiber && __sanitizer_finish_switch_fiber && __asan_handle_no_return &&
              __asan_unpoison_memory_region;
    threads = __tsan_create_fiber && __tsan_destroy_fiber && __tsan_switch_to_fiber && __tsan_get_current_fiber &&
              __tsan_acquire && __tsan_release;
    exceptions = __cxa_get_globals;
    trix_told_order_too = threads;
    trix_told_any = address || threads || exceptions;
}

static void create(void *making) {
    struct making *m = making;
    m->error = trix_libc_pthread_create(&m->thread, &m->attributes, m->main, m->arg);
}

bool trix_told_thread(void *(*main)(void *), void *arg) {
    bool attached = thread_self() != NULL;
    struct making m = {.main = main, .arg = arg};
    trix_told_init();
    pthread_attr_init(&m.attributes);
    pthread_attr_setdetachstate(&m.attributes, PTHREAD_CREATE_DETACHED);
    uint64_t mask = trix_os_sigmask(SIG_SETMASK, ~0ull);
    if (address || threads) m.error = pthread_create(&m.thread, &m.attributes, main, arg);
    else trix_thread_aside(create, &m);
    if (!attached && thread_self()) trix_thread_detach(); /* the library's own pthread_create attaches who calls it: the monitor */
    trix_os_sigmask(SIG_SETMASK, mask);
    pthread_attr_destroy(&m.attributes);
    return !m.error;
}

static NOINLINE void exchange_exceptions(struct told *from, struct told *to) {
    uintptr_t *now = __cxa_get_globals();
    memcpy(from->exceptions, now, sizeof from->exceptions);
    memcpy(now, to->exceptions, sizeof to->exceptions);
}

void trix_told_leave(struct told *from, struct told *to, uintptr_t lo, uintptr_t hi, bool dying) {
    if (address) __sanitizer_start_switch_fiber(dying ? NULL : &from->fake, (const void *)lo, hi - lo);
    if (exceptions) exchange_exceptions(from, to);
    if (!threads) return;
    if (!from->fiber) from->fiber = __tsan_get_current_fiber(); /* a system stack, for the first time */
    if (!to->fiber) to->fiber = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(to->fiber, NO_SYNC);
    if (trix_races_here) __tsan_acquire(thread_self()); /* its thread-locals, errno for one, were made before (worker_main) */
}

void trix_told_arrive(struct told *own) {
    if (!address) return;
    __sanitizer_finish_switch_fiber(own->fake, NULL, NULL);
    own->fake = NULL;
}

void trix_told_dead(struct told *t, uintptr_t lo, uintptr_t hi) {
    if (address) __asan_unpoison_memory_region((const void *)lo, hi - lo);
    if (threads && t->fiber) __tsan_destroy_fiber(t->fiber);
    t->fiber = t->fake = NULL;
    memset(t->exceptions, 0, sizeof t->exceptions); /* of one that ended in a handler */
}

void trix_told_unwound(void) {
    if (__asan_handle_no_return) __asan_handle_no_return();
}

void trix_told_order(const void *at, bool after) {
    if (!threads || !trix_races_here) return;
    if (after) __tsan_acquire((void *)(uintptr_t)at);
    else __tsan_release((void *)(uintptr_t)at);
}
