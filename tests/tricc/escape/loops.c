/* loops.c - what lives longer than one iteration of the loop it is made in. */
#include "test.h"

enum { N = 5 };
static volatile int one = 1;

static long for_loop(void) {
    struct node *list = NULL;
    for (int i = 0; i < N; i++) {
        struct node x = {.next = list, .v = i}; // WANT "moved to heap: x"
        list = &x;
    }
    disturb();
    long s = 0;
    for (struct node *p = list; p; p = p->next) s = s * 10 + p->v;
    CHECK(ON_HEAP(list));
    return s;
}

static long inside_only(void) {
    long s = 0;
    for (int i = 0; i < N; i++) {
        struct node x = {.v = i};
        struct node *p = &x;
        s += p->v;
        CHECK(ON_STACK(p));
    }
    return s;
}

static long while_loop(void) {
    struct node *last[N];
    int i = 0;
    while (one) {
        struct node x = {.v = i}; // WANT "moved to heap: x"
        last[i] = &x;
        if (++i == N) break;
    }
    disturb();
    long s = 0;
    for (i = 0; i < N; i++) s = s * 10 + last[i]->v;
    return s;
}

static long do_loop(void) {
    struct node *last = NULL, *all[N];
    int i = 0;
    do {
        struct node x = {.v = i, .next = last}; // WANT "moved to heap: x"
        all[i] = last = &x;
    } while (++i < N);
    long s = 0;
    for (i = 0; i < N; i++) s = s * 10 + all[i]->v;
    CHECK(ON_HEAP(last));
    return s;
}

static long endless(void) {
    struct node *all[N];
    int i = 0;
    for (;;) {
        struct node x = {.v = i}; // WANT "moved to heap: x"
        all[i] = &x;
        if (++i == N) break;
    }
    long s = 0;
    for (i = 0; i < N; i++) s = s * 10 + all[i]->v;
    return s;
}

static long nested(void) {
    long s = 0;
    for (int i = 0; i < N; i++) {
        struct node *list = NULL;
        struct node outer = {.v = i};
        struct node *o = &outer;
        for (int k = 0; k < 2; k++) {
            struct node inner = {.next = list, .v = k}; // WANT "moved to heap: inner"
            list = &inner;
        }
        CHECK(ON_STACK(o) && ON_HEAP(list));
        for (struct node *p = list; p; p = p->next) s = s * 2 + p->v + o->v;
    }
    return s;
}

static long allocations(void) {
    struct node *keep[N], *last = NULL;
    long s = 0;
    for (int i = 0; i < N; i++) {
        keep[i] = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
        keep[i]->v = i;
        struct node *now = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
        CHECK(now->v == 0 && ON_STACK(now));
        now->v = i;
        s += now->v;
        last = keep[i];
    }
    disturb();
    for (int i = 0; i < N; i++) s = s * 10 + keep[i]->v;
    return s + last->v;
}

/* The variable is outside the loop, but what it holds is not looked at in the next iteration: Go calls this an escape. */
static long overwritten(void) {
    struct node *p;
    long s = 0;
    for (int i = 0; i < N; i++) {
        p = tri_new(struct node); // WANT "tri_new(struct node) does not escape"
        CHECK(p->v == 0 && ON_STACK(p));
        p->v = i;
        s += p->v;
    }
    return s;
}

static long seen_again(void) {
    struct node *p = NULL;
    long s = 0;
    for (int i = 0; i < N; i++) {
        struct node *old = p;
        p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
        p->v = i;
        if (old) s = s * 10 + old->v;
    }
    return s;
}

static long after_loop(void) {
    struct node *p = NULL;
    for (int i = 0; i < N; i++) {
        struct node *q = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
        q->v = i;
        if (i == 2) p = q;
    }
    disturb();
    return p->v;
}

static long continues(void) {
    struct node *p = NULL;
    long s = 0;
    for (int i = 0; i < N; i++) {
        struct node *q = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
        q->v = i;
        if (i & 1) continue;
        p = q;
        s = s * 10 + p->v;
    }
    return s + (p ? 1 : 0);
}

static long by_pointer(void) {
    struct node *p = NULL, **pp = &p;
    long s = 0;
    for (int i = 0; i < N; i++) {
        if (*pp) s = s * 10 + (*pp)->v;
        p = tri_new(struct node); // WANT "tri_new(struct node) escapes to heap"
        p->v = i;
    }
    return s;
}

static long switched(void) {
    struct node *a = NULL, *b = NULL;
    for (int i = 0; i < N; i++) {
        switch (i & 1) {
        case 0: {
            struct node x = {.v = i}; // WANT "moved to heap: x"
            a = &x;
            break;
        }
        default: {
            struct node y = {.v = i}; // WANT "moved to heap: y"
            b = &y;
        }
        }
    }
    disturb();
    return a->v * 10 + b->v;
}

int main(void) {
    CHECK(for_loop() == 43210);
    CHECK(inside_only() == 10);
    CHECK(while_loop() == 1234);
    CHECK(do_loop() == 1234);
    CHECK(endless() == 1234);
    CHECK(nested() > 0);
    CHECK(allocations() == 1001234 + 4);
    CHECK(overwritten() == 10);
    CHECK(seen_again() == 123);
    CHECK(after_loop() == 2);
    CHECK(continues() == 25);
    CHECK(by_pointer() == 123);
    CHECK(switched() == 43);
    return 0;
}
