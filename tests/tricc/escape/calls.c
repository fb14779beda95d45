/* calls.c - recursion, calls by pointer, functions out of sight, promises, bodies that may be replaced, variadic functions. */
#include "test.h"

#include <stdarg.h>

#ifndef TRI_NOESCAPE
#error "TRI_NOESCAPE is missing"
#endif

static struct node *sink;
static volatile int zero;

/* ---- recursion ---- */
__attribute__((noinline)) static long length(struct node *p) { return p ? 1 + length(p->next) : 0; } // WANT "p does not escape"
__attribute__((noinline)) static struct node *last(struct node *p) { return p->next ? last(p->next) : p; } // WANT "leaking param: p to result ~r0 level=0"
__attribute__((noinline)) static void leak_last(struct node *p) { // WANT "leaking param: p"
    if (p->next) leak_last(p->next);
    else sink = p;
}
__attribute__((noinline)) static long odd(struct node *p);
__attribute__((noinline)) static long even(struct node *p) { return p ? odd(p->next) : 1; } // WANT "p does not escape"
__attribute__((noinline)) static long odd(struct node *p) { return p ? even(p->next) : 0; } // WANT "p does not escape"
__attribute__((noinline)) static void leak_odd(struct node *p, int n);
__attribute__((noinline)) static void leak_even(struct node *p, int n) { // WANT "leaking param: p"
    if (n) leak_odd(p, n - 1);
}
__attribute__((noinline)) static void leak_odd(struct node *p, int n) { // WANT "leaking param: p"
    if (n) leak_even(p, n - 1);
    else sink = p;
}
__attribute__((noinline)) static long chain(int n, struct node *up) { // WANT "up does not escape"
    struct node here = {.next = up, .v = n};
    if (n) return chain(n - 1, &here);
    return length(up);
}
/* The result of the inner call is the address of a frame's local that has ended. */
__attribute__((noinline)) static struct node *unwound(int n) {
    struct node here = {.v = n}; // WANT "moved to heap: here"
    if (n) here.next = unwound(n - 1);
    return &here;
}

static void recursive(void) {
    struct node c = {.v = 3}, b = {.next = &c, .v = 2}, a = {.next = &b, .v = 1};
    CHECK(length(&a) == 3 && last(&a) == &c && even(&a) == 0);
    CHECK(ON_STACK(&a) && ON_STACK(&b) && ON_STACK(&c));
    struct node d = {.v = 4}, e = {.v = 5}; // WANT "moved to heap: d" "moved to heap: e"
    leak_last(&d);
    CHECK(ON_HEAP(&d));
    leak_even(&e, 5);
    CHECK(ON_HEAP(&e) && sink == &e);
    CHECK(chain(10, NULL) == 10);
    struct node *p = unwound(20);
    disturb();
    CHECK(length(p) == 21 && p->next->next->v == 18);
}

/* ---- by pointer, and out of sight ---- */
__attribute__((noinline)) static void nothing(struct node *p) { (void)p; } // WANT "p does not escape"
static void (*volatile pointer)(struct node *) = nothing;
extern void unknown(struct node *p) __attribute__((weak));
extern void promised(TRI_NOESCAPE struct node *p, struct node *q) __attribute__((weak));

static void unseen(void) {
    struct node a = {.v = 1}, b = {.v = 2}, c = {.v = 3}, d = {.v = 4}, e = {.v = 5}; // WANT "moved to heap: a" "moved to heap: b" "moved to heap: d" "moved to heap: e"
    pointer(&a);
    CHECK(ON_HEAP(&a));
    if (unknown) unknown(&b);
    CHECK(ON_HEAP(&b));
    if (promised) promised(&c, &d);
    CHECK(ON_STACK(&c) && ON_HEAP(&d));
    void (*known)(struct node *) = nothing;
    known(&e);
    CHECK(ON_HEAP(&e)); /* Go would see through it */
}

/* ---- promises, and bodies ---- */
struct registry {
    struct node *first;
};
__attribute__((noinline)) static void passing(TRI_NOESCAPE struct node *p) { // WANT "p does not escape"
    sink = p;
    sink = NULL;
}
__attribute__((weak, noinline)) void replaceable(struct node *p) { (void)p; } // WANT "p does not escape"
__attribute__((noinline)) void visible(struct node *p) { (void)p; } // WANT "p does not escape"

static void bodies(void) {
    struct node a = {.v = 1}, b = {.v = 2}, c = {.v = 3}; // WANT "moved to heap: b"
    passing(&a);
    CHECK(ON_STACK(&a));
    replaceable(&b);
    CHECK(ON_HEAP(&b));
    visible(&c);
    CHECK(ON_STACK(&c));
}

/* ---- variable arguments ---- */
__attribute__((noinline)) static long sum(int n, ...) {
    va_list args, again;
    long s = 0;
    va_start(args, n);
    va_copy(again, args);
    for (int i = 0; i < n; i++) s += va_arg(args, struct node *)->v;
    for (int i = 0; i < n; i++) s += va_arg(again, struct node *)->v;
    va_end(args);
    va_end(again);
    return s;
}
__attribute__((noinline)) static void vformat(char *to, const char *format, va_list args) { vsprintf(to, format, args); } // WANT "to does not escape" "format does not escape" "args does not escape"
__attribute__((noinline)) static void format(char *to, const char *text, ...) { // WANT "to does not escape" "text does not escape"
    va_list args;
    va_start(args, text);
    vformat(to, text, args);
    va_end(args);
}
static void variadic(void) {
    struct node a = {.v = 1}, b = {.v = 2}; // WANT "moved to heap: a" "moved to heap: b"
    CHECK(sum(2, &a, &b) == 6 && ON_HEAP(&a));
    char text[20], word[] = "word"; // WANT "moved to heap: word"
    format(text, "%s %d", word, 5);
    CHECK(strcmp(text, "word 5") == 0 && ON_STACK(text) && ON_HEAP(word));
}

/* ---- of another shape than the call's ---- */
static void shapes(void) {
    struct node a = {.v = 1}; // WANT "moved to heap: a"
    ((void (*)(struct node *, int))(void *)nothing)(&a, 1);
    CHECK(ON_HEAP(&a));
}

int main(void) {
    recursive();
    unseen();
    bodies();
    variadic();
    if (!zero) shapes();
    return 0;
}
