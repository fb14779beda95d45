/* explain.c - what -m -m says about the flow behind a decision, and that -m=json says the same as -m. */
// WHY "x escapes to heap in returned:"
// WHY "flow: p ← &x:"
// WHY "from int *p = &x (assign) at "
// WHY "flow: ~r0 ← p:"
// WHY "from return p (return) at "
// WHY "parameter q leaks to {heap} for kept with derefs=1:"
// WHY "flow: {heap} ← *q:"
// WHY "flow: {heap} ← &{storage for tri_new(struct node)}:"
// WHY "from non-constant size"
// WHY "from too large for stack"
// WHY "from take(&y) (call parameter) at "
#include "test.h"

static struct node *sink;
static int *returned(void) {
    int x = 1; // WANT "moved to heap: x"
    int *p = &x;
    return p;
}
static void kept(struct node *q) { sink = q->next; } // WANT "leaking param content: q"
static void take(struct node *q) { sink = q; } // WANT "leaking param: q"

int main(int argc, char **argv) { // WANT "argv does not escape"
    (void)argv;
    CHECK(*returned() == 1);
    struct node x = {.next = sink}, y = {.v = 1}; // WANT "moved to heap: y"
    kept(&x);
    take(&y);
    sink = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    char *a = tri_alloc((size_t)argc + 1), *b = tri_alloc(1 << 20); // WANT "tri_alloc((size_t)argc + 1) escapes to heap" "tri_alloc(1 << 20) escapes to heap"
    a[0] = b[0] = 1;
    return 0;
}
