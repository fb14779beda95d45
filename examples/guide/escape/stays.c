/* No escape: an object that does not outlive its function is put on the stack, and costs nothing. */
#include <stdio.h>
#include <tricolor.h>

struct pair {
    int a, b;
};

static int sum(int a, int b) {
    struct pair *p = tri_new(struct pair);
    p->a = a;
    p->b = b;
    return p->a + p->b;
}

int main(void) {
    printf("%d\n", sum(40, 2));
    return 0;
}
