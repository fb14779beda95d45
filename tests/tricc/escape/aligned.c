/* aligned.c - what moves to the heap is aligned there as its type says: variables, parameters passed in memory, results; and so is what is put on the stack. */
#include "test.h"

#include <stdint.h>

struct wide {
    _Alignas(64) long n[16];
    struct wide *next;
};
struct many {
    _Alignas(64) long n[16];
    long more[];
};
static struct wide *kept;

#define ALIGNED(p, n) ((uintptr_t)(p) % (n) == 0)

__attribute__((noinline)) static struct wide *passed(struct wide w) { return &w; } // WANT "moved to heap: w"

__attribute__((noinline)) static void *passed_second(int n, struct wide w) { // WANT "moved to heap: w"
    return w.n[0] = n, &w;
}

__attribute__((noinline)) static struct wide returned(long n) {
    struct wide w = {.n = {n}}; // WANT "moved to heap: w"
    kept = &w;
    return w;
}

__attribute__((noinline)) static long returned_into(void) {
    struct wide w = returned(3); // WANT "moved to heap: w"
    CHECK(ALIGNED(kept, 64));
    kept = &w;
    return w.n[0];
}

__attribute__((noinline)) static void *variable(void) {
    struct wide w = {0}; // WANT "moved to heap: w"
    return &w;
}

/* For the optimiser to use the widest aligned stores that the processor has. */
__attribute__((noinline)) static void clear(struct wide *w) { // WANT "w does not escape"
    for (int i = 0; i < 16; i++) w->n[i] = 0;
}

/* On the stack too. */
__attribute__((noinline)) static bool of_its_own(long n) {
    struct many *m = tri_new_flex(struct many, more, 5); // WANT "tri_new_flex(struct many, more, 5) does not escape"
    m->more[4] = n;
    __asm__ volatile("" : "+m"(*m));
    return ALIGNED(m, 64) && ON_STACK(m) && m->more[4] == n;
}
__attribute__((noinline)) static bool below(int n) {
    char room[n]; /* at whatever place */
    memset(room, 1, (size_t)n);
    return room[n / 2] == 1 && of_its_own(n);
}

int main(void) {
    struct wide v = {.n = {1}};
    for (int i = 0; i < 20; i++) {
        struct wide *p = passed(v);
        CHECK(ALIGNED(p, 64) && p->n[0] == 1 && ON_HEAP(p));
        clear(p);
        CHECK(ALIGNED(passed_second(i, v), 64) && ALIGNED(variable(), 64));
        struct wide r = returned(i);
        CHECK(r.n[0] == i && r.next == NULL && ALIGNED(kept, 64) && ON_HEAP(kept));
        clear(kept);
        CHECK(below(16 * i + 16));
        CHECK(returned_into() == 3 && ALIGNED(kept, 64));
        disturb();
    }
    return 0;
}
