/* cmocka.h - as much of cmocka as the unit tests use, for machines that Debian has no cross-built cmocka for: the first
 * assertion that fails is printed and ends the program. */
#ifndef CMOCKA_H
#define CMOCKA_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    int (*setup_func)(void **state), (*teardown_func)(void **state);
    void *initial_state;
};

#define cmocka_unit_test(f)                                   {#f, f, NULL, NULL, NULL}
#define cmocka_unit_test_setup_teardown(f, setup, teardown) {#f, f, setup, teardown, NULL}

#define fail_msg(...) (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))
#define assert_true(c) ((c) ? (void)0 : fail_msg("not true: %s", #c))
#define assert_false(c) assert_true(!(c))
#define assert_null(p) assert_true((p) == NULL)
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_compare_(a, op, b)                                                                              \
    do {                                                                                                       \
        unsigned long long a_ = (unsigned long long)(a), b_ = (unsigned long long)(b);                         \
        if (!(a_ op b_)) fail_msg("not %s " #op " %s: %llu, %llu", #a, #b, a_, b_);                            \
    } while (0)
#define assert_int_equal(a, b) assert_compare_(a, ==, b)
#define assert_int_not_equal(a, b) assert_compare_(a, !=, b)
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b) assert_true((const void *)(a) != (const void *)(b))
#define assert_in_range(a, low, high)                                                                          \
    do {                                                                                                       \
        assert_compare_(a, >=, low);                                                                           \
        assert_compare_(a, <=, high);                                                                          \
    } while (0)
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)
#define assert_string_equal(a, b) assert_true(strcmp(a, b) == 0)

#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                              \
    run_tests_(name, tests, sizeof(tests) / sizeof((tests)[0]))
#define cmocka_run_group_tests(tests, setup, teardown) cmocka_run_group_tests_name(#tests, tests, setup, teardown)

static jmp_buf skipped_;
#define skip() longjmp(skipped_, 1)

static inline int run_tests_(const char *name, const struct CMUnitTest *tests, size_t n) {
    for (volatile size_t i = 0; i < n; i++) {
        void *state = tests[i].initial_state;
        if (tests[i].setup_func && tests[i].setup_func(&state) != 0) fail_msg("the setup of %s failed", tests[i].name);
        if (setjmp(skipped_) == 0) tests[i].test_func(&state);
        else fprintf(stderr, "%s is skipped\n", tests[i].name);
        if (tests[i].teardown_func && tests[i].teardown_func(&state) != 0)
            fail_msg("the teardown of %s failed", tests[i].name);
    }
    printf("%s: %zu tests passed\n", name, n);
    return 0;
}

#endif
