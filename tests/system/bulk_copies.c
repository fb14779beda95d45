/* Hazard 8. Long copies, and operations of more than one store, are going on when marking begins and ends:
 * pointers that are nowhere but in the memory being moved stay good. */
#include "check.h"

enum { N = 20000, ROOM = N + 1, SWAPPED = 64, CYCLES = 100 };

struct cell {
    struct stamped *p;
};
TRI_TYPE(struct cell, p)

struct stamped **array[2]; /* roots; the pointers wander from one to the other */
struct cell *cells[SWAPPED];
static hidden where[N + SWAPPED];
static int stop; /* atomic */

static void check_array(struct stamped **a) {
    for (size_t i = 0; i < N; i++)
        REQUIRE(a[i] == tri_reveal(where[i]) && stamped_ok(a[i], i), "object %zu is lost", i);
}

static int last; /* which array they are in */

static void *move(void *loop) {
    for (unsigned round = 0; gc_loop_cycles((struct gc_loop *)loop) < CYCLES; round++) {
        struct stamped **from = array[round & 1], **to = array[!(round & 1)];
        tri_memmove(to, from, N * sizeof *to);
        tri_memset(from, 0, N * sizeof *from);
        if (round % 10 == 0) check_array(to);
        tri_memmove(to + 1, to, N * sizeof *to); /* overlapping, there and back */
        tri_memmove(to, to + 1, N * sizeof *to);
        last = !(round & 1);
    }
    post(&stop);
    return NULL;
}

/* The same objects, in any order. */
static void *swap(void *arg) {
    unsigned seed = 1;
    (void)arg;
    while (!posted(&stop)) {
        struct cell *a = cells[(seed = seed * 1103515245 + 12345) >> 16 & (SWAPPED - 1)];
        struct cell *b = cells[(seed = seed * 1103515245 + 12345) >> 16 & (SWAPPED - 1)];
        struct stamped *p = tri_exchange(a->p, NULL);
        struct stamped *q = a == b ? p : b->p;
        if (a == b)
            tri_set(a->p, p);
        else {
            REQUIRE(tri_cas(b->p, q, p), "nobody else stores there");
            tri_set(a->p, q);
        }
        REQUIRE(q->self == tri_hide(q), "an object is lost");
    }
    return NULL;
}

NO_INLINE static void fill(void) {
    for (int k = 0; k < 2; k++) array[k] = tri_new_array(struct stamped *, ROOM);
    for (size_t i = 0; i < N; i++) {
        struct stamped *s = stamped_new(i);
        where[i] = tri_hide(s);
        tri_set(array[0][i], s);
    }
    for (size_t i = 0; i < SWAPPED; i++) {
        cells[i] = tri_new(struct cell);
        tri_set(cells[i]->p, stamped_new(N + i));
    }
}

int main(void) {
    pthread_t mover, swapper;
    struct gc_loop loop;
    fill();
    clear_stack();
    gc_loop_start(&loop);
    gc_loop_await(&loop, 1);
    step("move");
    pthread_create(&mover, NULL, move, &loop);
    pthread_create(&swapper, NULL, swap, NULL);
    pthread_join(mover, NULL);
    pthread_join(swapper, NULL);
    gc_loop_stop(&loop);
    check_array(array[last]);
    uint64_t sum = 0;
    for (size_t i = 0; i < SWAPPED; i++) {
        REQUIRE(stamped_ok(cells[i]->p, cells[i]->p->number), "a swapped object is lost");
        sum += cells[i]->p->number;
    }
    REQUIRE(sum == (uint64_t)SWAPPED * N + SWAPPED * (SWAPPED - 1) / 2,
            "swapping has lost or doubled objects");
    return 0;
}
