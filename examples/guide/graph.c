/* graph.c - a graph whose nodes point to each other in cycles: nothing special is needed for them. */
#include "expect.h"
#include <tricolor.h>

struct person {
    struct person **friend; /* an array of its own, grown as needed */
    int friends, room;
    int number;
};
TRI_TYPE(struct person, friend)

static void befriend_one(struct person *a, struct person *b) {
    if (a->friends == a->room) {
        a->room = a->room ? a->room * 2 : 2;
        struct person **more = tri_new_array(struct person *, a->room);
        tri_memcpy(more, a->friend, a->friends * sizeof *more); /* pointers into a heap object: tri_memcpy */
        tri_set(a->friend, more);
    }
    tri_set(a->friend[a->friends], b);
    a->friends++;
}

static void befriend(struct person *a, struct person *b) {
    befriend_one(a, b);
    befriend_one(b, a);
}

/* A ring of n persons, each also befriended with the one opposite. */
static struct person *ring(int n) {
    struct person **all = tri_new_array(struct person *, n);
    for (int i = 0; i < n; i++) {
        struct person *p = tri_new(struct person);
        p->number = i;
        tri_set(all[i], p);
    }
    for (int i = 0; i < n; i++) befriend(all[i], all[(i + 1) % n]);
    for (int i = 0; i < n / 2; i++) befriend(all[i], all[i + n / 2]);
    return all[0];
}

int main(void) {
    struct person *kept = ring(10000);
    for (int i = 0; i < 200; i++) ring(1000); /* garbage, all cycles */
    tri_gc();
    const struct person *p = kept;
    for (int i = 0; i < 10000; i++) {
        expect(p->friends == 3 && p->number == i);
        p = p->friend[i == 0 ? 0 : 1];
    }
    expect(p == kept);
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    expect(s.heap_objects < 60000); /* the ring, its arrays, and little else */
    return 0;
}
