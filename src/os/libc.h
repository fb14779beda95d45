/* libc.h - the C library's own functions behind those that tricolor interposes. */
#ifndef TRIX_LIBC_H
#define TRIX_LIBC_H

#include "../base/attr.h"

#include <pthread.h>

/* Whether this is a fully static executable: the archive in one without a loader. */
bool trix_libc_static(void);

/* One name whose next definition, behind this library's, is wanted. All are looked up at the start, so that nobody asks the
 * loader later: from a signal handler, or in the child of a fork, where its lock may be held for ever by a thread that is
 * no more. */
struct libc_next {
    void *found;         /* relaxed; NULL: not looked up yet, or there is none */
    const char *name;
    const char *version; /* of the symbol, where there are several; or NULL */
};
void *trix_libc_next(struct libc_next *next);
void trix_libc_init(void);

/* The C library's function of that name; NULL in a fully static executable. */
#define NEXT_VERSION(name, version)                                                                            \
    ({                                                                                                         \
        static struct libc_next next_ = {NULL, #name, version};                                                \
        static struct libc_next *const listed_ KEPT_IN("trix_next") = &next_;                           \
        void *found_ = __atomic_load_n(&next_.found, __ATOMIC_RELAXED);                                        \
        (__typeof__(name) *)(LIKELY(found_) ? found_ : trix_libc_next(&next_));                                \
    })
#define NEXT(name) NEXT_VERSION(name, NULL)

/* The C library's pthread_create and kin: they return what it does. */
int trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);

/* The calling thread makes one of the library's own: pthread_create, which the program calls too, lets it pass. Set only where
 * a sanitizer must see all threads that are made, and is in front of us. */
extern TLS bool trix_libc_own_thread;
bool trix_libc_sanitizer(void); /* the thread or the address sanitizer is in front */
bool trix_libc_thread_sanitizer(void); /* it is in front */

int trix_libc_setspecific(pthread_key_t key, uintptr_t value);
int trix_libc_join(pthread_t thread, void **result);
int trix_libc_detach(pthread_t thread);
/* Ends the thread. In a static executable joining gives PTHREAD_CANCELED instead of the result. */
void trix_libc_exit(void *result) __attribute__((noreturn));

#endif
