/* data_test.h - what the tests of slices, strings and maps share: a test is a program that exits 0, or says what is not true. */
#ifndef DATA_TEST_H
#define DATA_TEST_H

#include "../require.h"

static const char *panic_words;
static void panic_note(void *unused) { (void)unused, panic_words = tri_recover(); }
__attribute__((noinline)) static void panic_frame(void (*fn)(void *), void *arg) {
    TRI_FUNC;
    tri_defer(panic_note, NULL);
    fn(arg);
}
HELPER void must_panic(void (*fn)(void *), void *arg, const char *words) {
    panic_words = NULL;
    panic_frame(fn, arg);
    REQUIRE(panic_words, "no panic; wanted \"%s\"", words);
    REQUIRE(strcmp(panic_words, words) == 0, "panic \"%s\", not \"%s\"", panic_words, words);
}

HELPER uint64_t random_seed(int argc, char **argv) {
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 88172645463325252u;
    return seed ? seed : 1;
}

/* A heap object that knows its number: dead ones are clobbered under clobberfree=1. */
struct boxed {
    struct boxed *self;
    uint64_t number;
};
TRI_TYPE(struct boxed, self)
HELPER struct boxed *box(uint64_t number) {
    struct boxed *b = tri_new(struct boxed);
    b->number = number;
    tri_set(b->self, b);
    return b;
}
HELPER bool box_is(const struct boxed *b, uint64_t number) { return b->self == b && b->number == number; }

#endif
