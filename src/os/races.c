/* races.c - see races.h. */
#include "races.h"

#include <stdint.h>
#include <unistd.h>

#define OPTIONAL __attribute__((weak, visibility("default"))) extern
OPTIONAL void __tsan_java_init(unsigned long heap, unsigned long bytes);
OPTIONAL void __tsan_java_alloc(unsigned long at, unsigned long bytes);
OPTIONAL void __tsan_java_free(unsigned long at, unsigned long bytes);
OPTIONAL void __tsan_java_finalize(void);

bool trix_races_told;
TLS bool trix_races_here;

void trix_races_heap(void *at, size_t bytes) {
    trix_races_here = getpid() == gettid(); /* the main thread: those that are made say it themselves */
    if (!__tsan_java_init || !__tsan_java_alloc || !__tsan_java_free || !__tsan_java_finalize) return;
    __tsan_java_init((uintptr_t)at, bytes);
    trix_races_told = true;
}

/* Locks and atomic variables that lay there go with the old memory. */
void trix_races_fresh(void *at, size_t bytes) {
    __tsan_java_free((uintptr_t)at, bytes);
    __tsan_java_alloc((uintptr_t)at, bytes);
}

void trix_races_after_all(void) { __tsan_java_finalize(); }
