/* dynamic.c - arrays of variable length, and alloca. */
#include "test.h"

#include <alloca.h>

static int *returned(int n) {
    int a[n]; // WANT "moved to heap: a"
    for (int i = 0; i < n; i++) a[i] = i;
    return a;
}

static long stays(int n) {
    long a[n], s = 0;
    for (int i = 0; i < n; i++) a[i] = i;
    for (int i = 0; i < n; i++) s += a[i];
    CHECK(ON_STACK(a));
    return s;
}

static long (*two(int n))[3] {
    long a[n][3]; // WANT "moved to heap: a"
    memset(a, 0, sizeof a);
    a[n - 1][2] = n;
    return a;
}

static char *by_alloca(size_t n) {
    char *p = alloca(n);
    memset(p, 'x', n);
    p[n - 1] = 0;
    return p;
}

static size_t alloca_stays(size_t n) {
    char *p = alloca(n);
    memset(p, 'x', n);
    p[n - 1] = 0;
    CHECK(ON_STACK(p));
    return strlen(p);
}

static long in_loop(int n) {
    long *all[4], s = 0;
    for (int i = 0; i < 4; i++) {
        long a[n + i]; // WANT "moved to heap: a"
        a[n + i - 1] = i;
        all[i] = a + n + i - 1;
    }
    disturb();
    for (int i = 0; i < 4; i++) s = s * 10 + *all[i];
    return s;
}

static long loop_inside(int n) {
    long s = 0;
    for (int i = 0; i < 4; i++) {
        long a[n + i];
        a[n + i - 1] = i;
        long *p = a;
        s += p[n + i - 1];
        CHECK(ON_STACK(p));
    }
    return s;
}

static struct node **holds(int n) {
    struct node x = {.v = 5}; // WANT "moved to heap: x"
    struct node *a[n]; // WANT "moved to heap: a"
    for (int i = 0; i < n; i++) a[i] = &x;
    return a;
}

static long holds_inside(int n) {
    struct node x = {.v = 5};
    struct node *a[n];
    for (int i = 0; i < n; i++) a[i] = &x;
    CHECK(ON_STACK(&x));
    return a[n - 1]->v;
}

static long parameter(int n, long a[n]) { return a[n - 1]; } // WANT "leaking param: a to result ~r0 level=1"

int main(void) {
    int *a = returned(100);
    disturb();
    CHECK(a[99] == 99 && ON_HEAP(a));
    CHECK(stays(10) == 45);
    long(*t)[3] = two(4);
    disturb();
    CHECK(t[3][2] == 4 && ON_HEAP(t));
    char *s = by_alloca(30);
    disturb();
    CHECK(strlen(s) == 29 && ON_HEAP(s));
    CHECK(alloca_stays(20) == 19);
    CHECK(in_loop(3) == 123);
    CHECK(loop_inside(3) == 6);
    struct node **h = holds(3);
    disturb();
    CHECK(h[2]->v == 5 && ON_HEAP(h) && ON_HEAP(h[2]));
    CHECK(holds_inside(3) == 5);
    long three[3] = {1, 2, 3};
    CHECK(parameter(3, three) == 3 && ON_STACK(three));
    return 0;
}
