/* An arena: what a request needs is made in it and freed with it, in one go; what shall live on is cloned to the heap. */
#include <stdio.h>
#include <string.h>
#include <tricolor.h>

struct item {
    struct item *next;
    int number;
};
TRI_TYPE(struct item, next)

static struct item *largest(int n) {
    tri_arena *arena = tri_arena_new();
    struct item *list = NULL, *best = NULL;
    for (int i = 0; i < n; i++) {
        struct item *it = tri_arena_make(arena, struct item);
        it->number = i * 7919 % n;
        tri_set(it->next, list);
        list = it;
        if (!best || it->number > best->number) best = it;
    }
    struct item *kept = tri_arena_clone(best); /* shallow: next still points into the arena */
    tri_set(kept->next, NULL);
    tri_arena_free(arena); /* all n items, at once */
    return kept;
}

int main(void) {
    struct item *it = largest(10000);
    printf("the largest is %d, on the %s\n", it->number, tri_is_heap(it) ? "heap" : "?");
    return 0;
}
