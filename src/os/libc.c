/* libc.c - see libc.h.
 *
 * In a dynamic executable the loader knows the next definition. In a fully static one there is no loader: system calls
 * are made directly (host/blocking.c), and the thread functions are known to libc by second names. Those are weak
 * references, so that the dynamic case links; the C11 functions that call them are named here to make the static
 * linker fetch them.
 */
#include "libc.h"
#include "../base/atomic.h"
#include "../base/check.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <threads.h>

extern __typeof__(dlsym) dlsym __attribute__((weak));
extern __typeof__(dlvsym) dlvsym __attribute__((weak));
extern __typeof__(pthread_create) __pthread_create __attribute__((weak));
extern __typeof__(pthread_join) __pthread_join __attribute__((weak));
extern __typeof__(pthread_detach) __pthread_detach __attribute__((weak));
extern __typeof__(pthread_exit) __pthread_exit __attribute__((weak));
extern __typeof__(pthread_setspecific) __pthread_setspecific __attribute__((weak));

extern void *const trix_libc_fetch[];
void *const trix_libc_fetch[] = {(void *)thrd_create, (void *)thrd_join, (void *)thrd_detach, (void *)thrd_exit,
                                 (void *)tss_set};

static bool fully_static(void) { return __pthread_create != NULL; }

void *trix_libc_next(const char *name) { return fully_static() ? NULL : dlsym(RTLD_NEXT, name); }

void *trix_libc_next_version(const char *name, const char *version) {
    void *found = fully_static() ? NULL : dlvsym(RTLD_NEXT, name, version);
    return found ? found : trix_libc_next(name);
}

/* The function by its second name in a static executable, or else the next one, looked up once. */
#define LIBC(name)                                                                                             \
    ({                                                                                                         \
        static __typeof__(name) *cached_;                                                                      \
        __typeof__(name) *found_ = load_relaxed(&cached_);                                                     \
        if (UNLIKELY(!found_)) {                                                                               \
            found_ = __##name ? __##name : (__typeof__(name) *)trix_libc_next(#name);                          \
            CHECK(found_, "libc has no " #name);                                                               \
            store_relaxed(&cached_, found_);                                                                   \
        }                                                                                                      \
        found_;                                                                                                \
    })

int trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg) {
    return LIBC(pthread_create)(thread, attributes, start, arg);
}

int trix_libc_setspecific(pthread_key_t key, uintptr_t value) {
    return LIBC(pthread_setspecific)(key, (const void *)value);
}
int trix_libc_join(pthread_t thread, void **result) { return LIBC(pthread_join)(thread, result); }
int trix_libc_detach(pthread_t thread) { return LIBC(pthread_detach)(thread); }

void trix_libc_exit(void *result) {
    LIBC(pthread_exit)(result);
    abort();
}
