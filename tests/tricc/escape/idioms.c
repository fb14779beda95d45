/* idioms.c - what programs written for malloc do that needs no heap, once small functions are inlined: objects made for a moment by functions
 * of their own, and freed by others. Each counts how many of its allocations reached the heap.
 */
// FLAGS -fmanaged-malloc
// LEVELS -O1 -O2 -O3
#include "test.h"

static uint64_t mallocs(void) {
    static tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s.mallocs;
}

/* What the step allocates on the heap in 1000 rounds. */
#define EXPECT(step, most)                                                                                      \
    do {                                                                                                        \
        uint64_t before = mallocs();                                                                            \
        for (long round = 0; round < 1000; round++) step(round);                                                \
        CHECK(mallocs() - before <= (most) + 20);                                                               \
    } while (0)

/* ---- values as objects ---- */

typedef struct vector { double x, y, z; } vector;
static vector *vector_new(double x, double y, double z) {
    vector *v = malloc(sizeof(vector)); // WANT "malloc(sizeof(vector)) escapes to heap" "malloc is laid out as struct vector: 1 of 3 words may be pointers"
    if (v == NULL) abort();
    v->x = x;
    v->y = y;
    v->z = z;
    return v;
}
static vector *vector_add(const vector *a, const vector *b) { return vector_new(a->x + b->x, a->y + b->y, a->z + b->z); } // WANT "a does not escape" "b does not escape" "inlining call to vector_new" "malloc(sizeof(vector)) escapes to heap"
static vector *vector_scaled(const vector *a, double k) { return vector_new(a->x * k, a->y * k, a->z * k); } // WANT "a does not escape" "inlining call to vector_new" "malloc(sizeof(vector)) escapes to heap"
static double vector_dot(const vector *a, const vector *b) { return a->x * b->x + a->y * b->y + a->z * b->z; } // WANT "leaking param: a to result ~r0 level=1" "leaking param: b to result ~r0 level=1"
static void vector_free(vector *v) { free(v); } // WANT "v does not escape"

static void vectors(long round) {
    vector *a = vector_new(1, 2, (double)round), *b = vector_scaled(a, 2), *c = vector_add(a, b); // WANT "inlining call to vector_new" "malloc(sizeof(vector)) does not escape" "inlining call to vector_scaled" "malloc(sizeof(vector)) does not escape" "inlining call to vector_add" "malloc(sizeof(vector)) does not escape"
    CHECK(vector_dot(c, c) == 9 * vector_dot(a, a));
    vector_free(a);
    vector_free(b);
    vector_free(c);
}

/* ---- an iterator ---- */

struct item { struct item *next; long value; };
static struct item *items;
struct iterator { struct item *at; long seen; };
static struct iterator *iterator_new(struct item *list) { // WANT "leaking param: list"
    struct iterator *it = calloc(1, sizeof *it); // WANT "calloc(1, sizeof *it) escapes to heap" "calloc is laid out as struct iterator: 2 of 2 words may be pointers"
    it->at = list;
    return it;
}
static struct item *iterator_next(struct iterator *it) { // WANT "leaking param content: it" "leaking param: it to result ~r0 level=1"
    struct item *now = it->at;
    if (now) it->at = now->next, it->seen++;
    return now;
}
static void iterator_free(struct iterator *it) { // WANT "it does not escape"
    if (it) free(it);
}

static void iterate(long round) {
    struct iterator *it = iterator_new(items); // WANT "inlining call to iterator_new" "calloc(1, sizeof *it) does not escape"
    long sum = 0;
    for (struct item *i; (i = iterator_next(it));) sum += i->value;
    CHECK(sum == 45 && it->seen == 10 && round >= 0);
    iterator_free(it);
}

/* ---- a buffer for a moment ---- */

static void format(long round) {
    char *text = malloc(64); // WANT "malloc(64) does not escape"
    snprintf(text, 64, "%ld-%ld", round, round + 1);
    CHECK(strchr(text, '-'));
    free(text);
}

/* ---- a key to look up with, and the entry that stays ---- */

struct key { long a, b; };
struct entry { struct entry *next; struct key key; long value; };
static struct entry *table[64];
static struct key *key_new(long a, long b) {
    struct key *k = malloc(sizeof *k); // WANT "malloc(sizeof *k) escapes to heap" "malloc is laid out as struct key: 2 of 2 words may be pointers"
    k->a = a;
    k->b = b;
    return k;
}
static struct entry *entry_new(const struct key *k, long value) { // WANT "leaking param content: k"
    struct entry *e = malloc(sizeof *e); // WANT "malloc(sizeof *e) escapes to heap" "malloc is laid out as struct entry: 4 of 4 words may be pointers"
    e->key = *k;
    e->value = value;
    return e;
}
static struct entry **find(const struct key *k) { // WANT "k does not escape"
    struct entry **e = &table[(k->a * 31 + k->b) & 63];
    while (*e && ((*e)->key.a != k->a || (*e)->key.b != k->b)) e = &(*e)->next;
    return e;
}

static void look_up(long round) {
    struct key *k = key_new(round % 50, 7); // WANT "inlining call to key_new" "malloc(sizeof *k) does not escape"
    struct entry **e = find(k);
    if (!*e) *e = entry_new(k, 0); // WANT "inlining call to entry_new" "malloc(sizeof *e) escapes to heap"
    (*e)->value++;
    free(k);
}

/* ---- options, passed down ---- */

struct options { int width, depth; const char *name; };
static struct options *options_default(void) {
    struct options *o = calloc(1, sizeof *o); // WANT "calloc(1, sizeof *o) escapes to heap" "calloc is laid out as struct options: 2 of 2 words may be pointers"
    o->width = 80;
    o->name = "plain";
    return o;
}
static long work(const struct options *o, long n) { return n ? work(o, n - 1) + o->width : o->depth; } // WANT "o does not escape"

static void configure(long round) {
    struct options *o = options_default(); // WANT "inlining call to options_default" "calloc(1, sizeof *o) does not escape"
    o->depth = (int)round;
    CHECK(work(o, 3) == 240 + round);
    free(o);
}

int main(void) {
    for (long i = 0; i < 10; i++) {
        struct item *new = malloc(sizeof *new); // WANT "malloc(sizeof *new) escapes to heap" "malloc is laid out as struct item: 2 of 2 words may be pointers"
        *new = (struct item){items, i}; // WANT "(struct item){...} does not escape"
        items = new;
    }
    EXPECT(vectors, 0);
    EXPECT(iterate, 0);
    EXPECT(format, 0);
    EXPECT(look_up, 50);
    EXPECT(configure, 0);
    return 0;
}
