/* wait.h - queues of waiters. A waiter lies on the stack of the goroutine that waits, so queues cost nothing to keep, and
 * hold no pointers that the collector need follow. The lock is that of the thing waited for. */
#ifndef TRIX_WAIT_H
#define TRIX_WAIT_H

#include "g.h"

struct waiter {
    struct g *g;
    struct waiter *next, *previous;
    struct waitq *queue; /* it is in; NULL: none */
    void *value;         /* channels: where to copy from or to, NULL: nowhere */
    struct select *select; /* several waiters of one goroutine: see select.c */
    uint32_t index;      /* select: which case */
    uint32_t ticket;     /* free for the thing waited for */
    uint64_t since;      /* ns; likewise */
    bool done;           /* what it waited for has been done, as opposed to: the thing was closed */
};

struct waitq {
    struct waiter *first, *last;
};

INLINE void waitq_add(struct waitq *q, struct waiter *w) {
    w->next = NULL;
    w->previous = q->last;
    w->queue = q;
    if (q->last) q->last->next = w;
    else q->first = w;
    q->last = w;
}

INLINE void waitq_add_first(struct waitq *q, struct waiter *w) {
    w->previous = NULL;
    w->next = q->first;
    w->queue = q;
    if (q->first) q->first->previous = w;
    else q->last = w;
    q->first = w;
}

INLINE void waitq_remove(struct waitq *q, struct waiter *w) {
    if (w->previous) w->previous->next = w->next;
    else q->first = w->next;
    if (w->next) w->next->previous = w->previous;
    else q->last = w->previous;
    w->queue = NULL;
}

INLINE struct waiter *waitq_take(struct waitq *q) {
    struct waiter *w;
    while ((w = q->first)) {
        waitq_remove(q, w);
        if (LIKELY(!w->g->gone)) break;
    }
    return w;
}

#endif
