/* queue_not_kept - a queue in plain C, which never clears the links of what it takes out: a single old pointer in a gap of a stack frame
 * would keep everything that has passed through it since. Queues on plain threads and in goroutines, of blocks and of a type. */
#include "check.h"

struct node {
    struct node *next;
    long number;
    long pad[4];
};
TRI_TYPE(struct node, next)

struct queue {
    struct node *head, *tail;
    bool typed;
};

enum { QUEUES = 4, ALIVE = 50000, PASS = 6000000 }; /* 300 MB pass through each */
static struct queue *queues[QUEUES];

static void pass(void *arg) {
    struct queue *q = (struct queue *)arg;
    for (long i = 0; i < PASS; i++) {
        struct node *n = q->typed ? tri_new(struct node) : (struct node *)tri_alloc(sizeof *n);
        n->number = i;
        if (q->tail) tri_set(q->tail->next, n);
        else tri_set(q->head, n);
        tri_set(q->tail, n);
        if (i >= ALIVE) tri_set(q->head, q->head->next);
    }
    long next = PASS - ALIVE;
    for (struct node *n = q->head; n; n = n->next, next++) REQUIRE(n->number == next, "number %ld is where %ld should be", n->number, next);
    REQUIRE(next == PASS, "the queue ends at %ld", next);
}

static void *on_thread(void *arg) {
    pass(arg);
    return NULL;
}

static void in_goroutines(void *arg) {
    tri_waitgroup all = {0};
    (void)arg;
    for (int i = 0; i < QUEUES; i++) tri_waitgroup_go(&all, pass, queues[i]);
    tri_waitgroup_wait(&all);
}

static void make(bool typed) {
    for (int i = 0; i < QUEUES; i++) {
        tri_set(queues[i], (struct queue *)tri_alloc(sizeof *queues[i]));
        queues[i]->typed = typed;
    }
}

/* The heap was never larger than a few times what is alive. */
static void check_peak(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    REQUIRE(s.heap_sys < 200 << 20, "the heap has taken %lu MB for %d MB alive", s.heap_sys >> 20, QUEUES * 3);
}

int main(void) {
    for (int typed = 0; typed < 2; typed++) {
        pthread_t thread[QUEUES];
        step(typed ? "typed, threads" : "blocks, threads");
        make(typed);
        for (int i = 0; i < QUEUES; i++) pthread_create(&thread[i], NULL, on_thread, queues[i]);
        for (int i = 0; i < QUEUES; i++) pthread_join(thread[i], NULL);
        check_peak();
        step(typed ? "typed, goroutines" : "blocks, goroutines");
        make(typed);
        tri_run(in_goroutines, NULL);
        check_peak();
    }
    return 0;
}
