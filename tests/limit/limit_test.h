/* limit_test.h - what the tests of memory limit and scavenger share: what the kernel says the process holds, and a program that
 * allocates beside a live heap. A test is one program: exits 0 when all is well, with a line that says what is not
 * otherwise, 77 when it cannot be run here. */
#ifndef LIMIT_TEST_H
#define LIMIT_TEST_H

#include "../require.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define MIB       ((size_t)1 << 20)

/* A line of /proc/self/status, in bytes. */
HELPER size_t status(const char *name) {
    char line[256];
    size_t bytes = 0, n = strlen(name);
    FILE *f = fopen("/proc/self/status", "r");
    REQUIRE(f, "no /proc/self/status");
    while (fgets(line, sizeof line, f))
        if (strncmp(line, name, n) == 0 && line[n] == ':') bytes = strtoul(line + n + 1, NULL, 10) << 10;
    fclose(f);
    return bytes;
}

HELPER size_t resident(void) { return status("VmRSS"); }
HELPER size_t peak(void) { return status("VmHWM"); }

/* ---- a live heap of chains, with garbage beside it ---- */

struct node {
    struct node *next, *other;
    uint64_t value[6];
};
TRI_TYPE(struct node, next, other)

enum { CHAIN = 32 };

HELPER struct node *chain_new(int length, uint64_t value) {
    struct node *first = NULL;
    for (int i = 0; i < length; i++) {
        struct node *n = tri_new(struct node);
        tri_set(n->next, first);
        for (int k = 0; k < 6; k++) n->value[k] = value + (uint64_t)k;
        first = n;
    }
    return first;
}

HELPER void chain_check(const struct node *n, int length, uint64_t value) {
    for (int i = 0; i < length; i++, n = n->next) {
        REQUIRE(n, "a chain has lost its end");
        for (int k = 0; k < 6; k++) REQUIRE(n->value[k] == value + (uint64_t)k, "an object was overwritten");
    }
    REQUIRE(!n, "a chain has grown");
}

/* A table of chains, `bytes` in all; chain i holds numbers from i on. */
HELPER struct node **table_new(size_t bytes, size_t *slots) {
    *slots = bytes / (CHAIN * sizeof(struct node));
    struct node **table = tri_new_array(struct node *, *slots);
    for (size_t i = 0; i < *slots; i++) tri_set(table[i], chain_new(CHAIN, i));
    return table;
}

HELPER void table_check(struct node **table, size_t slots) {
    for (size_t i = 0; i < slots; i++) chain_check(table[i], CHAIN, i);
}

/* Allocates so many bytes of garbage, a chain and a leaf of 512 bytes at a time; and now and then replaces a chain. */
HELPER void churn(struct node **table, size_t slots, size_t bytes) {
    for (size_t i = 0; i < bytes / 1024; i++) {
        chain_check(chain_new(8, i), 8, i);
        memset(tri_alloc_leaf(512), (int)i, 512);
        if (slots && i % 64 == 0) {
            size_t k = i * 2654435761u % slots;
            tri_set(table[k], chain_new(CHAIN, k));
        }
    }
}
#endif
