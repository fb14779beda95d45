/* rules.h - frame of the tests of barriers: each rule is a function that moves the only pointer to a fresh object about by one means;
 * threads do this while another one collects all the time, and what comes out must be what went in.
 *
 * An object carries a seal. Each round makes one, moves it through the rule's places, drops all other pointers, and looks at the seal
 * later; with GODEBUG=clobberfree=1 what was collected too early has lost it. gccheckmark=1 finds a barrier that is missing
 * even when nothing came of it.
 */
#ifndef RULES_H
#define RULES_H

#include <tricolor.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct thing {
    uint64_t seal;
    struct thing *next;
    char padding[48];
};

enum { SEAL = 0x5ea1 };

/* Not inlined, or its stores would count for the rules'. */
__attribute__((noinline, unused)) static struct thing *thing_new(uint64_t n) {
    struct thing *t = tri_new(struct thing);
    t->seal = SEAL + n;
    return t;
}

static inline void thing_check(const struct thing *t, uint64_t n, const char *rule) {
    if (t && t->seal == SEAL + n) return;
    fprintf(stderr, "%s: object %llu is lost: seal %llx\n", rule, (unsigned long long)n, t ? (unsigned long long)t->seal : 0ull);
    abort();
}

/* Rounds between a store and the look at it. */
#define ROOM 256

static atomic_bool rules_over;

static inline void *rules_collect(void *unused) {
    (void)unused;
    while (!atomic_load(&rules_over)) tri_gc();
    return NULL;
}

/* Something to mark, so that a cycle takes a while: a list, which markers cannot share out. */
static struct thing *rules_ballast;

static inline void rules_load(void) {
    for (int i = 0; i < 50000; i++) {
        struct thing *t = thing_new(0);
        tri_set(t->next, rules_ballast);
        rules_ballast = t;
    }
}

/* Runs the rules on two threads, `rounds` times each, collecting meanwhile. */
static inline int rules_run(void *(*all)(void *rounds), long rounds) {
    pthread_t collector, worker[2];
    rules_load();
    pthread_create(&collector, NULL, rules_collect, NULL);
    for (int i = 0; i < 2; i++) pthread_create(&worker[i], NULL, all, (void *)rounds);
    for (int i = 0; i < 2; i++) pthread_join(worker[i], NULL);
    atomic_store(&rules_over, true);
    pthread_join(collector, NULL);
    return 0;
}

#endif
