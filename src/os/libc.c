/* libc.c - see libc.h.
 *
 * In a dynamic executable the loader knows the next definition. In a fully static one there is no loader: system calls
 * are made directly (host/blocking.c), and the thread functions are known to libc by second names. Those are weak
 * references, so that the dynamic case links, and weak references fetch nothing from libc's archive. mq_notify does: it
 * needs __pthread_create, __pthread_detach and with them __pthread_setspecific. Joining goes by a function that is not
 * interposed in the archive. Nothing fetches __pthread_exit, so there a thread ends by cancelling itself.
 */
#include "libc.h"
#include "../base/atomic.h"
#include "../base/check.h"

#include <dlfcn.h>
#include <mqueue.h>
#include <stdlib.h>

extern __typeof__(dlsym) dlsym __attribute__((weak));
extern __typeof__(dlvsym) dlvsym __attribute__((weak));
extern __typeof__(pthread_create) __pthread_create __attribute__((weak));
extern __typeof__(pthread_detach) __pthread_detach __attribute__((weak));
extern __typeof__(pthread_setspecific) __pthread_setspecific __attribute__((weak));

#ifndef TRIX_SHARED
extern void *const trix_libc_fetch;
void *const trix_libc_fetch = (void *)mq_notify;
#endif

bool trix_libc_static(void) { return __pthread_create != NULL; }

/* A symbol without that version has only one. */
void *trix_libc_next(struct libc_next *next) {
    if (trix_libc_static()) return NULL;
    void *found = next->version ? dlvsym(RTLD_NEXT, next->name, next->version) : NULL;
    if (!found) found = dlsym(RTLD_NEXT, next->name);
    store_relaxed(&next->found, found);
    return found;
}

extern struct libc_next *const __start_trix_next[] __attribute__((weak, visibility("hidden")));
extern struct libc_next *const __stop_trix_next[] __attribute__((weak, visibility("hidden")));

void trix_libc_init(void) {
    for (struct libc_next *const *next = __start_trix_next; next < __stop_trix_next; next++) trix_libc_next(*next);
}

/* The function by its second name in a static executable, or else the next one. */
#define LIBC(name, second)                                                                                     \
    ({                                                                                                         \
        __typeof__(name) *function_ = (second) ? (second) : NEXT(name);                                        \
        CHECK(function_, "libc has no " #name);                                                                \
        function_;                                                                                             \
    })

int trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg) {
    return LIBC(pthread_create, __pthread_create)(thread, attributes, start, arg);
}

TLS bool trix_libc_own_thread;

#ifdef TRIX_SHARED
extern void __tsan_init(void) __attribute__((weak));
extern void __asan_init(void) __attribute__((weak));
bool trix_libc_thread_sanitizer(void) { return __tsan_init != NULL; }
bool trix_libc_sanitizer(void) { return __tsan_init || __asan_init; }
#else
bool trix_libc_thread_sanitizer(void) { return false; }
bool trix_libc_sanitizer(void) { return false; }
#endif

int trix_libc_setspecific(pthread_key_t key, uintptr_t value) {
    return LIBC(pthread_setspecific, __pthread_setspecific)(key, (const void *)value);
}

int trix_libc_join(pthread_t thread, void **result) {
    if (trix_libc_static()) return pthread_timedjoin_np(thread, result, NULL); /* NULL: without end */
    return LIBC(pthread_join, NULL)(thread, result);
}

int trix_libc_detach(pthread_t thread) { return LIBC(pthread_detach, __pthread_detach)(thread); }

/* Runs what pthread_exit runs: cleanup handlers, destructors of keys. */
static void exit_by_cancelling(void) {
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

void trix_libc_exit(void *result) {
    if (trix_libc_static()) exit_by_cancelling();
    else LIBC(pthread_exit, NULL)(result);
    abort();
}
