/* Stack and heap: a local lives until its function returns, an object until nothing leads to it any more. */
#include <stdio.h>
#include <tricolor.h>

struct point {
    int x, y;
};
TRI_TYPE_LEAF(struct point)

static int at_once(int x) {
    struct point p = {x, 1}; /* on the stack: gone at the closing brace, costs nothing */
    return p.x + p.y;
}

static struct point *to_keep(int x) {
    struct point *p = tri_new(struct point); /* on the heap: the pointer may be returned */
    p->x = x;
    return p;
}

static struct point global; /* neither: there as long as the program */

int main(void) {
    struct point local = {0};
    struct point *object = to_keep(41);
    printf("local:  %s\n", tri_is_heap(&local) ? "heap" : "not heap");
    printf("global: %s\n", tri_is_heap(&global) ? "heap" : "not heap");
    printf("object: %s, x = %d\n", tri_is_heap(object) ? "heap" : "not heap", object->x);
    printf("inside: %s\n", tri_base(&object->y) == object ? "a pointer into the object keeps it too" : "?");
    printf("at once: %d\n", at_once(41));
    return 0;
}
