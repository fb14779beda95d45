/* test.h - what the scheduler's tests share. A failed expectation ends the program with status 1 and says where. */
#ifndef SCHED_TEST_H
#define SCHED_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* ---- one of several forms of a test, by its name ---- */

struct form {
    const char *name;
    void (*fn)(void);
};

static void run_chosen(void *form) { ((const struct form *)form)->fn(); }

__attribute__((unused)) static int run_form(struct form *forms, size_t n, int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < n; i++)
        if (strcmp(argv[1], forms[i].name) == 0) {
            tri_run(run_chosen, &forms[i]);
            puts("ok");
            return 0;
        }
    return 2;
}
#define RUN_FORM(forms, argc, argv) run_form(forms, sizeof(forms) / sizeof((forms)[0]), argc, argv)

#endif
