/* libc.h - the C library's own functions behind those that tricolor interposes. */
#ifndef TRIX_LIBC_H
#define TRIX_LIBC_H

#include "../base/attr.h"

#include <pthread.h>

/* Whether this is a fully static executable: the archive in one without a loader. */
bool trix_libc_static(void);

/* The next definition of the name behind this library's, or NULL in a fully static executable. */
void *trix_libc_next(const char *name);

/* The same, of a given symbol version where there is one. */
void *trix_libc_next_version(const char *name, const char *version);

/* The C library's pthread_create and kin: they return what it does. */
int trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);

int trix_libc_setspecific(pthread_key_t key, uintptr_t value);
int trix_libc_join(pthread_t thread, void **result);
int trix_libc_detach(pthread_t thread);
/* Ends the thread. In a static executable joining gives PTHREAD_CANCELED instead of the result. */
void trix_libc_exit(void *result) __attribute__((noreturn));

#endif
