/* inlined.c - functions that make objects are inlined, so that callers decide where the objects live; under -fmanaged-malloc, where a
 * free in another function is none. Callers look where their objects are.
 */
// FLAGS -fmanaged-malloc
// LEVELS -O1 -O2 -O3
#include "test.h"

struct point { long x, y; struct point *next; };
static struct point *kept;
static long sum(const struct point *p) { return p->x + p->y; } // WANT "leaking param: p to result ~r0 level=1"
static void drop(struct point *p) { free(p); } // WANT "p does not escape"

static struct point *point_new(long x, long y) {
    struct point *p = malloc(sizeof *p); // WANT "malloc(sizeof *p) escapes to heap" "malloc is scanned conservatively: struct point is not all that it is used as"
    if (!p) return NULL;
    p->x = x;
    p->y = y;
    return p;
}

/* ---- the maker's object, by what the caller does with it ---- */

static void forgotten(void) {
    struct point *p = point_new(1, 2); // WANT "inlining call to point_new" "malloc(sizeof *p) does not escape"
    CHECK(ON_STACK(p) && sum(p) == 3);
}

static void dropped(void) {
    struct point *p = point_new(1, 2); // WANT "inlining call to point_new" "malloc(sizeof *p) does not escape"
    disturb();
    CHECK(ON_STACK(p) && sum(p) == 3);
    drop(p);
    free(p);
}

static void globally_kept(void) {
    kept = point_new(3, 4); // WANT "inlining call to point_new" "malloc(sizeof *p) escapes to heap"
    CHECK(ON_HEAP(kept));
    disturb();
    CHECK(sum(kept) == 7);
}

static struct point *handed_on(void) {
    struct point *p = point_new(5, 6); // WANT "inlining call to point_new" "malloc(sizeof *p) escapes to heap"
    p->next = kept;
    return p;
}

static void stored_in_heap(void) {
    struct point *p = point_new(7, 8); // WANT "inlining call to point_new" "malloc(sizeof *p) escapes to heap"
    kept->next = p;
    CHECK(ON_HEAP(p));
    disturb();
    CHECK(sum(kept->next) == 15);
}

static void resized(void) {
    struct point *p = point_new(1, 2); // WANT "inlining call to point_new" "malloc(sizeof *p) escapes to heap"
    p = realloc(p, 1000);
    CHECK(ON_HEAP(p) && p->y == 2);
}

/* ---- loops ---- */

static void each_time(void) {
    for (long i = 0; i < 100; i++) {
        struct point *p = point_new(i, i); // WANT "inlining call to point_new" "malloc(sizeof *p) does not escape"
        CHECK(ON_STACK(p) && sum(p) == 2 * i);
        p->x = 99;
    }
}

static void from_one_to_the_next(void) {
    struct point *last = NULL;
    for (long i = 0; i < 100; i++) {
        struct point *p = point_new(i, 1); // WANT "inlining call to point_new" "malloc(sizeof *p) escapes to heap"
        CHECK(ON_HEAP(p));
        p->next = last;
        last = p;
    }
    disturb();
    long n = 0;
    for (struct point *p = last; p; p = p->next) n += p->y;
    CHECK(n == 100);
}

/* ---- makers of makers ---- */

struct line { struct point *a, *b; };
static struct line *line_new(struct point *a, struct point *b) { // WANT "leaking param: a" "leaking param: b"
    struct line *l = malloc(sizeof *l); // WANT "malloc(sizeof *l) escapes to heap" "malloc is laid out as struct line: 2 of 2 words may be pointers"
    l->a = a;
    l->b = b;
    return l;
}
static struct line *line_from(struct point *a) { return line_new(a, a); } // WANT "leaking param: a" "inlining call to line_new" "malloc(sizeof *l) escapes to heap"

static void twice(void) {
    struct line *l = line_from(kept); // WANT "inlining call to line_from" "malloc(sizeof *l) does not escape"
    CHECK(ON_STACK(l));
    disturb();
    CHECK(sum(l->a) == 7);
}

/* Objects of an object: where it goes is one place for all. */
static void parts(void) {
    struct line *l = line_new(point_new(1, 1), point_new(2, 2)); // WANT "inlining call to line_new" "malloc(sizeof *l) does not escape" "inlining call to point_new" "malloc(sizeof *p) escapes to heap" "inlining call to point_new" "malloc(sizeof *p) escapes to heap"
    CHECK(ON_STACK(l));
    disturb();
    CHECK(sum(l->a) == 2 && sum(l->b) == 4);
}

/* ---- not inlined ---- */

__attribute__((noinline)) static struct point *outlined_new(void) { return malloc(sizeof(struct point)); } // WANT "malloc(sizeof(struct point)) escapes to heap"
static struct point *looping_new(int n) {
    struct point *p = calloc(1, sizeof *p); // WANT "calloc(1, sizeof *p) escapes to heap"
    for (int i = 0; i < n; i++) p->x += i;
    return p;
}
static void reader(long **p) { CHECK(*p); } // WANT "p does not escape"
static struct point *address_new(void) {
    struct point *p = malloc(sizeof *p); // WANT "malloc(sizeof *p) escapes to heap" "malloc is scanned conservatively: struct point is not all that it is used as"
    reader((long **)&p);
    return p;
}
__attribute__((target("avx2"))) static struct point *other_new(void) {
    struct point *p = malloc(sizeof *p); // WANT "malloc(sizeof *p) escapes to heap"
    p->x = 1;
    return p;
}
static void left(void) {
    if (__builtin_cpu_supports("avx2")) CHECK(ON_HEAP(other_new()));
    CHECK(ON_HEAP(outlined_new()));
    CHECK(ON_HEAP(looping_new(3)));
    CHECK(ON_HEAP(address_new()));
}

int main(void) {
    forgotten();
    dropped();
    globally_kept();
    CHECK(ON_STACK(handed_on())); /* a maker too */ // WANT "inlining call to handed_on" "malloc(sizeof *p) does not escape"
    stored_in_heap();
    resized();
    each_time();
    from_one_to_the_next();
    twice();
    parts();
    left();
    return 0;
}
