/* A user's program for tricc: plain stores, no declarations, and a local that outlives its function. */
#include <tricolor.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct item *next;
    char *name;
    long number;
};

static struct item *list;

static long *counter(long from) {
    long count = from;
    return &count;
}

int main(void) {
    long *n = counter(0);
    for (; *n < 20000; ++*n) {
        struct item *item = tri_new(struct item);
        item->number = *n;
        item->name = strdup("item");
        item->next = list;
        list = item;
        if (*n % 5000 == 0) tri_gc();
    }
    for (struct item *item = list; item; item = item->next)
        if (item->number != --*n || strcmp(item->name, "item") != 0) return 1;
    if (*n != 0) return 1;
    printf("tricc: tricolor %s\n", tri_version());
    return 0;
}
