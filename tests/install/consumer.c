/* A user's program in C: a long list, a second thread that makes garbage, collections, and the list is whole. */
#include <tricolor.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct item {
    struct item *next;
    char *name;
    long number;
};
TRI_TYPE(struct item, next, name)

enum { ITEMS = 20000, THROWN_AWAY = 200000 };

static struct item *list;

static void *make_garbage(void *arg) {
    for (long i = 0; i < THROWN_AWAY; i++) tri_new(struct item)->number = i;
    pthread_exit(arg);
}

int main(void) {
    pthread_t other;
    void *result;
    tri_mem_stats stats;
    if (pthread_create(&other, NULL, make_garbage, &stats) != 0) return 1;
    for (long i = 0; i < ITEMS; i++) {
        struct item *item = tri_new(struct item);
        item->number = i;
        tri_set(item->name, tri_strdup("item"));
        tri_set(item->next, list);
        list = item;
    }
    if (pthread_join(other, &result) != 0 || result != &stats) return 1;
    tri_gc();
    long n = ITEMS;
    for (struct item *item = list; item; item = item->next)
        if (item->number != --n || strcmp(item->name, "item") != 0) return 1;
    tri_read_mem_stats(&stats);
    if (n != 0 || stats.num_gc == 0 || stats.frees < THROWN_AWAY / 2) {
        fprintf(stderr, "%ld items missing; %u cycles, %ju objects freed\n", n, stats.num_gc, (uintmax_t)stats.frees);
        return 1;
    }
    printf("C: tricolor %s, %u cycles\n", tri_version(), stats.num_gc);
    return 0;
}
