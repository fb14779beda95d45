/* threads.c - threads share the heap; a stack without locks. */
#include "expect.h"
#include <pthread.h>
#include <tricolor.h>

struct item {
    struct item *next;
    long number;
};
TRI_TYPE(struct item, next)

struct stack {
    struct item *top;
};
TRI_TYPE(struct stack, top)

/* An item is never used again while somebody may still look at it, so there is no ABA problem to solve. */
static void stack_push(struct stack *s, long number) {
    struct item *i = tri_new(struct item), *top;
    i->number = number;
    do {
        top = __atomic_load_n(&s->top, __ATOMIC_ACQUIRE);
        tri_set(i->next, top);
    } while (!tri_cas(s->top, top, i));
}

static struct item *stack_pop(struct stack *s) {
    struct item *top;
    do top = __atomic_load_n(&s->top, __ATOMIC_ACQUIRE);
    while (top && !tri_cas(s->top, top, top->next));
    return top;
}

enum { THREADS = 4, PUSHES = 50000 };

static void *work(void *arg) {
    struct stack *s = arg; /* arguments and results of threads are kept alive */
    long *sum = tri_new(long);
    for (int i = 0; i < PUSHES; i++) {
        stack_push(s, i);
        if (i % 2) *sum += stack_pop(s)->number;
    }
    return sum;
}

int main(void) {
    struct stack *s = tri_new(struct stack);
    pthread_t thread[THREADS];
    long sum = 0;
    for (int i = 0; i < THREADS; i++) expect(pthread_create(&thread[i], NULL, work, s) == 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        expect(pthread_join(thread[i], &result) == 0);
        sum += *(long *)result;
    }
    for (struct item *i; (i = stack_pop(s));) sum += i->number;
    expect(sum == (long)THREADS * PUSHES * (PUSHES - 1) / 2);
    return 0;
}
