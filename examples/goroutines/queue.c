/* A bounded queue from a mutex and two conditions, for when a channel is not what is wanted: here whoever takes gets the smallest. */
#include <stdio.h>
#include <tricolor.h>

enum { ROOM = 8, EACH = 250, MAKERS = 4 };

static struct {
    tri_mutex lock;
    tri_cond not_full, not_empty;
    int item[ROOM], n; /* lock */
} queue;

static void put(int value) {
    tri_mutex_lock(&queue.lock);
    while (queue.n == ROOM) tri_cond_wait(&queue.not_full, &queue.lock);
    queue.item[queue.n++] = value;
    tri_cond_signal(&queue.not_empty);
    tri_mutex_unlock(&queue.lock);
}

static int take_smallest(void) {
    tri_mutex_lock(&queue.lock);
    while (queue.n == 0) tri_cond_wait(&queue.not_empty, &queue.lock);
    int at = 0;
    for (int i = 1; i < queue.n; i++)
        if (queue.item[i] < queue.item[at]) at = i;
    int value = queue.item[at];
    queue.item[at] = queue.item[--queue.n];
    tri_cond_signal(&queue.not_full);
    tri_mutex_unlock(&queue.lock);
    return value;
}

static void make(void *number) {
    for (int i = 0; i < EACH; i++) put((int)(intptr_t)number * EACH + i);
}

TRI_MAIN
int tri_main(int argc, char **argv) {
    (void)argc, (void)argv;
    long sum = 0;
    for (intptr_t i = 0; i < MAKERS; i++) tri_go(make, (void *)i);
    for (int i = 0; i < MAKERS * EACH; i++) sum += take_smallest();
    printf("%d values, %ld in all\n", MAKERS * EACH, sum);
    return 0;
}
