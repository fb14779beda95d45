/* Escape: a returned pointer to a local. In plain C the error; under tricc the local lives on the heap. */
#include <stdio.h>

struct point {
    int x, y;
};

struct point *make(int x, int y) {
    struct point p = {x, y};
    return &p;
}

int main(void) {
    struct point *a = make(1, 2), *b = make(3, 4);
    printf("%d %d\n", a->x + b->x, a->y + b->y);
    return 0;
}
