/* require.h - what the tests of several layers share: a test is a program that exits 0, or says what is not true. */
#ifndef TEST_REQUIRE_H
#define TEST_REQUIRE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <tricolor.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELPER    __attribute__((unused)) static
#define NO_INLINE __attribute__((noinline))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#define REQUIRE(condition, ...)                                                                                \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            fprintf(stderr, "%s:%d: not true: %s: ", __FILE__, __LINE__, #condition);                          \
            fprintf(stderr, __VA_ARGS__);                                                                      \
            fprintf(stderr, "\n");                                                                             \
            _exit(1);                                                                                          \
        }                                                                                                      \
    } while (0)

/* Overwrites what calls have left below the caller's frame. (Address sanitizer would put a red zone of kilobytes beside the
 * array, just there, and leave it as it is.) */
NO_INLINE __attribute__((no_sanitize("address"))) HELPER void clear_stack(void) {
    volatile char dead[48 << 10];
    for (size_t i = 0; i < sizeof dead; i++) dead[i] = 0;
}

/* Cheap numbers (xorshift). */
HELPER uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
