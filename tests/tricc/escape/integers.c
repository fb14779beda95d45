/* integers.c - pointers as integers, as bytes, with tags, by arithmetic: they go wherever the number goes. */
#include "test.h"

#include <stdatomic.h>

static uintptr_t number;
static long count;
static struct node *sink;

static void as_number(void) {
    struct node x = {.v = 1}; // WANT "moved to heap: x"
    number = (uintptr_t)&x;
}

static struct node *tagged(void) {
    struct node x = {.v = 2}; // WANT "moved to heap: x"
    uintptr_t t = (uintptr_t)&x | 1;
    return (struct node *)(t & ~(uintptr_t)7);
}

static struct node *rounded(void) {
    char room[sizeof(struct node) + 64]; // WANT "moved to heap: room"
    struct node *p = (struct node *)(((uintptr_t)room + 63) / 64 * 64);
    p->v = 3;
    return p;
}

static char *from_zero(void) {
    char text[8] = "zero"; // WANT "moved to heap: text"
    return (char *)0 + (uintptr_t)text;
}

static long *from_null(void) {
    long x = 12; // WANT "moved to heap: x"
    ptrdiff_t n = &x - (long *)0;
    return (long *)0 + n;
}

static struct node *lower_half(void) {
    struct node x = {.v = 13}; // WANT "moved to heap: x"
    unsigned __int128 w = (unsigned __int128)7 << 64 | (uintptr_t)&x;
    return (struct node *)(uintptr_t)(w % ((unsigned __int128)1 << 64));
}

static union {
    long double l;
    struct node *p;
} any;
static void as_long_double(void) {
    struct node x = {.v = 14}; // WANT "moved to heap: x"
    __typeof__(any) u = {.p = &x};
    any.l = u.l;
}

static long distance(void) {
    long a[10], *p = &a[2], *q = &a[7];
    count = q - p;
    number = (uintptr_t)q - (uintptr_t)p;
    CHECK(ON_STACK(a));
    return count;
}

static int compared(void) {
    struct node x, y, *p = &x;
    count = p == &x;
    count += p != &y;
    CHECK(ON_STACK(&x) && ON_STACK(&y));
    return (int)count;
}

static void copy_bytes(void *to, const void *from, size_t n) { // WANT "to does not escape" "leaking param content: from"
    char *d = to;
    const char *s = from;
    while (n--) *d++ = *s++;
}

static void by_bytes(void) {
    struct node x = {.v = 4}, y = {.v = 5}, *p = &x, *q = &y, *here; // WANT "moved to heap: x" "moved to heap: y"
    copy_bytes(&sink, &p, sizeof p);
    copy_bytes(&here, &q, sizeof q);
    CHECK(here == &y);
}

static void swap_bytes(char *a, char *b, size_t n) { // WANT "leaking param content: a" "leaking param content: b"
    for (size_t i = 0; i < n; i++) {
        char t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

static void swapped(void) {
    struct node x = {.v = 6}, *p = &x; // WANT "moved to heap: x"
    swap_bytes((char *)&p, (char *)&sink, sizeof p);
}

static char *text_sink;
static size_t length(const char *s) { // WANT "s does not escape"
    size_t n = 0;
    while (*s++) n++;
    return n;
}
static void characters(void) {
    char a[16] = "characters", b[16];
    char *d = b;
    for (const char *s = a; (*d++ = *s++);) continue;
    count = (long)length(b);
    static char out[16];
    for (size_t i = 0; i < sizeof b; i++) out[i] = b[i];
    text_sink = out;
    CHECK(ON_STACK(a) && ON_STACK(b));
}

static struct node *halves(void) {
    struct node x = {.v = 7}; // WANT "moved to heap: x"
    uint32_t low = (uint32_t)(uintptr_t)&x, high = (uint32_t)((uintptr_t)&x >> 32);
    return (struct node *)((uintptr_t)high << 32 | low);
}

static _Atomic(struct node *) shared;
static void atomically(void) {
    struct node x = {.v = 8}, y = {.v = 9}, z = {.v = 10}; // WANT "moved to heap: x" "moved to heap: y" "moved to heap: z"
    atomic_store(&shared, &x);
    struct node *expected = &x;
    atomic_compare_exchange_strong(&shared, &expected, &y);
    CHECK(atomic_exchange(&shared, &z) == &y);
}

static long hashed(struct node *p) { return (long)((uintptr_t)p % 1021); } // WANT "p does not escape"
static void by_hash(void) {
    struct node x;
    count = hashed(&x);
    CHECK(ON_STACK(&x));
}

static struct node *volatile pipe;
static void by_volatile(void) {
    struct node x = {.v = 11}; // WANT "moved to heap: x"
    pipe = &x;
}

struct counted {
    int count;
    char kind;
    struct node *p;
};
static struct counted counted;
static void numbers_of(struct counted *c) { // WANT "c does not escape"
    counted.count = c->count;
    counted.kind = c->kind;
}
static void fields(void) {
    struct node x = {.v = 1};
    struct counted c = {3, 'a', &x};
    numbers_of(&c);
    CHECK(ON_STACK(&x) && counted.count == 3 && counted.kind == 'a');
}

int main(void) {
    as_number();
    disturb();
    CHECK(((struct node *)number)->v == 1 && ON_HEAP((void *)number));
    struct node *p = tagged();
    disturb();
    CHECK(p->v == 2 && ON_HEAP(p));
    p = rounded();
    disturb();
    CHECK(p->v == 3 && ON_HEAP(p));
    char *s = from_zero();
    disturb();
    CHECK(strcmp(s, "zero") == 0 && ON_HEAP(s));
    long *n = from_null();
    disturb();
    CHECK(*n == 12 && ON_HEAP(n));
    p = lower_half();
    disturb();
    CHECK(p->v == 13 && ON_HEAP(p));
    as_long_double();
    disturb();
    CHECK(any.p->v == 14 && ON_HEAP(any.p));
    CHECK(distance() == 5 && number == 40);
    CHECK(compared() == 2);
    by_bytes();
    disturb();
    CHECK(sink->v == 4 && ON_HEAP(sink));
    swapped();
    disturb();
    CHECK(sink->v == 6 && ON_HEAP(sink));
    characters();
    CHECK(count == 10 && strcmp(text_sink, "characters") == 0);
    p = halves();
    disturb();
    CHECK(p->v == 7 && ON_HEAP(p));
    atomically();
    disturb();
    CHECK(atomic_load(&shared)->v == 10 && ON_HEAP(atomic_load(&shared)));
    by_hash();
    by_volatile();
    disturb();
    CHECK(pipe->v == 11 && ON_HEAP(pipe));
    fields();
    return 0;
}
