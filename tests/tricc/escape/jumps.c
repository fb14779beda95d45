/* jumps.c - goto, computed goto, jumps into loops, setjmp: cycles without a loop statement, and what C says of blocks. */
#include "test.h"

#include <setjmp.h>

static volatile int one = 1;

static long goto_loop(void) {
    struct node *all[3];
    int i = 0;
again: {
    struct node x = {.v = i}; // WANT "moved to heap: x"
    all[i] = &x;
}
    if (++i < 3) goto again;
    disturb();
    return all[0]->v * 100 + all[1]->v * 10 + all[2]->v;
}

static long goto_allocation(void) {
    struct node *all[3];
    int i = 0;
again:
    all[i] = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    all[i]->v = i;
    if (++i < 3) goto again;
    return all[0]->v * 100 + all[1]->v * 10 + all[2]->v;
}

static long goto_forward(void) {
    struct node *p = NULL;
    if (one) goto on;
    return 0;
on:
    p = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
    p->v = 3;
    CHECK(ON_STACK(p));
    return p->v;
}

/* C11 6.5.2.5, example 8: jumping back within the block keeps the object. */
struct s {
    int i;
};
static int same_object(void) {
    struct s *p = 0, *q;
    int j = 0;
again:
    q = p, p = &((struct s){j++}); // WANT "(struct s){...} does not escape"
    if (j < 2) goto again;
    return p == q && q->i == 1;
}

static int same_variable(void) {
    int *p = NULL, n = 0, same = 1;
again:;
    int x;
    if (p) same = same && p == &x;
    p = &x;
    x = n;
    if (++n < 3) goto again;
    return same && *p == 2;
}

static struct s *literals(int n) {
    struct s *last = NULL, *first = NULL;
    for (int i = 0; i < n; i++) {
        last = &(struct s){i}; // WANT "(struct s){...} escapes to heap"
        if (!first) first = last;
    }
    CHECK(first != last);
    return last;
}

static long literal_inside(void) {
    long s = 0;
    for (int i = 0; i < 3; i++) {
        struct s *p = &(struct s){i}; // WANT "(struct s){...} does not escape"
        s += p->i;
        CHECK(ON_STACK(p));
    }
    return s;
}

static long computed(void) {
    static void *const to[] = {&&a, &&b, &&end};
    struct node *all[4];
    int i = 0, n = 0;
    long s = 0;
    goto *to[0];
a: {
    struct node x = {.v = 1}; // WANT "moved to heap: x"
    all[n++] = &x;
    goto *to[i++ & 1];
}
b: {
    all[n] = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    all[n++]->v = 2;
    goto *to[n < 4 ? 0 : 2];
}
end:
    for (i = 0; i < n; i++) s = s * 10 + all[i]->v;
    return s;
}

static long into_loop(int start) {
    struct node *p = NULL;
    int i = 0;
    long s = 0;
    if (start) goto middle;
    while (i < 3) {
        if (p) s = s * 10 + p->v;
middle:
        p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
        p->v = ++i;
    }
    return s;
}

static jmp_buf jump;
static long twice(void) {
    struct node *volatile all[2];
    volatile int n = 0;
    setjmp(jump);
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    p->v = n;
    all[n] = p;
    n = n + 1;
    if (n < 2) longjmp(jump, 1);
    CHECK(all[0] != all[1]);
    return all[0]->v * 10 + all[1]->v;
}

static void *registers[5];
__attribute__((noinline)) static void jump_back(void) { __builtin_longjmp(registers, 1); }

static long twice_by_builtin(void) {
    struct node *volatile all[2];
    volatile int n = 0;
    __builtin_setjmp(registers);
    struct node *p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
    p->v = n;
    all[n] = p;
    n = n + 1;
    if (n < 2) jump_back();
    CHECK(all[0] != all[1]);
    return all[0]->v * 10 + all[1]->v;
}

static long local_over_jump(void) {
    jmp_buf here;
    volatile long x = 1;
    volatile long *p = &x;
    if (!setjmp(here)) {
        *p = 2;
        longjmp(here, 1);
    }
    CHECK(ON_STACK((void *)p));
    return x;
}

static volatile long *kept;
static long moved_over_jump(void) {
    jmp_buf here;
    volatile long x = 1; // WANT "moved to heap: x"
    kept = &x;
    if (!setjmp(here)) {
        x = 2;
        disturb();
        longjmp(here, 1);
    }
    disturb();
    CHECK(ON_HEAP((void *)&x) && *kept == x);
    return x;
}

static int over_declaration(int c) {
    int *p = NULL;
    if (c) goto in;
    {
        int x;
in:
        x = 5;
        p = &x;
        if (*p != 5) goto in;
        return *p;
    }
}

static int *over_declaration_out(int c) {
    switch (c) {
        int x;
    case 1: x = 6; return &x;
    default: x = 7; return &x;
    }
}

int main(void) {
    CHECK(goto_loop() == 12);
    CHECK(goto_allocation() == 12);
    CHECK(goto_forward() == 3);
    CHECK(same_object());
    CHECK(same_variable());
    CHECK(literals(3)->i == 2);
    CHECK(literal_inside() == 3);
    CHECK(computed() > 0);
    CHECK(into_loop(1) == 12 && into_loop(0) == 12);
    CHECK(twice() == 1);
    CHECK(twice_by_builtin() == 1);
    CHECK(local_over_jump() == 2);
    CHECK(moved_over_jump() == 2);
    CHECK(over_declaration(1) == 5 && over_declaration(0) == 5);
    int *p = over_declaration_out(1), *q = over_declaration_out(2);
    disturb();
    CHECK(*p == 6 && *q == 7 && ON_HEAP(p) && ON_HEAP(q));
    return 0;
}
