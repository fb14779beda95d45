/* list.c - a queue: a singly linked list with a pointer to its last link. */
#include "expect.h"
#include <tricolor.h>

struct job {
    struct job *next;
    int number;
};
TRI_TYPE(struct job, next)

struct queue {
    struct job *first, **end;
};
TRI_TYPE(struct queue, first, end)

static struct queue *queue_new(void) {
    struct queue *q = tri_new(struct queue);
    tri_set(q->end, &q->first);
    return q;
}

static void queue_put(struct queue *q, int number) {
    struct job *j = tri_new(struct job);
    j->number = number;
    tri_set(*q->end, j);
    tri_set(q->end, &j->next);
}

static struct job *queue_take(struct queue *q) {
    struct job *j = q->first;
    if (!j) return NULL;
    tri_set(q->first, j->next);
    if (!q->first) tri_set(q->end, &q->first);
    tri_set(j->next, NULL);
    return j;
}

int main(void) {
    struct queue *q = queue_new();
    int taken = 0;
    for (int i = 0; i < 200000; i++) {
        queue_put(q, i);
        if (i % 3 == 2) expect(queue_take(q)->number == taken++);
    }
    tri_gc();
    for (struct job *j; (j = queue_take(q));) expect(j->number == taken++);
    expect(taken == 200000);
    return 0;
}
