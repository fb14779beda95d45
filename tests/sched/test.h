/* test.h - what the scheduler's tests share. A failed expectation ends the program with status 1 and says where. */
#ifndef SCHED_TEST_H
#define SCHED_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <tricolor.h>

#define EXPECT(condition)                                                                                      \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                            \
            _exit(1);                                                                                          \
        }                                                                                                      \
    } while (0)
#define EXPECT_EQ(a, b)                                                                                        \
    do {                                                                                                       \
        long long a_ = (long long)(a), b_ = (long long)(b);                                                    \
        if (a_ != b_) {                                                                                        \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld (%s)\n", __FILE__, __LINE__, #a, a_, b_, #b);         \
            _exit(1);                                                                                          \
        }                                                                                                      \
    } while (0)

#endif
