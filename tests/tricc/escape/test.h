/* test.h - what the tests of escape analysis share. */
#ifndef ESCAPE_TEST_H
#define ESCAPE_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tricolor.h>

struct node {
    struct node *next, *other;
    long v;
};

/* Each test's main is a list of these; the first that fails ends it. */
#define CHECK(what)                                                                                             \
    do {                                                                                                        \
        if (!(what)) {                                                                                          \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                                  \
            exit(1);                                                                                            \
        }                                                                                                       \
    } while (0)

/* Overwrites what ended frames have left, and collects. */
__attribute__((noinline, unused)) static void disturb(void) {
    volatile long dirt[1000];
    for (int i = 0; i < 1000; i++) dirt[i] = 0x55555555;
    tri_gc();
}

#define ON_HEAP(p)  tri_is_heap(p)
#define ON_STACK(p) (!tri_is_heap(p))

#endif
