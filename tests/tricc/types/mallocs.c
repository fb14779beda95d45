/* mallocs.c - which calls of malloc and calloc are laid out as a struct, and that whatever a program can rightly do with such a block
 * keeps what it points to. Each rule fills a table of blocks, each of which alone knows another block, collects, and looks.
 */
// FLAGS -fmanaged-malloc
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tricolor.h>

enum { MANY = 200 }; /* the first 32 of a layout are scanned conservatively in any case */

static void *table[MANY];
static int bad, line_of_rule;

static long *secret(int i) {
    long *p = malloc(5 * sizeof *p); // WANT "malloc(5 * sizeof *p) escapes to heap"
    for (int k = 0; k < 5; k++) p[k] = 1000 * i + k;
    return p;
}

__attribute__((noinline)) static void disturb(void) {
    volatile long dirt[500];
    for (int i = 0; i < 500; i++) dirt[i] = 0;
    tri_gc();
    for (int i = 0; i < 2000; i++) memset(malloc(40), 0x77, 40); // WANT "malloc(40) does not escape"
    tri_gc();
}

static void look(int i, const long *p) { // WANT "p does not escape"
    for (int k = 0; k < 5; k++) {
        if (p[k] == 1000 * i + k) continue;
        fprintf(stderr, "mallocs.c:%d: what block %d points to is lost\n", line_of_rule, i);
        bad = 1;
        return;
    }
}

/* fill(i) makes block i, find(block) the pointer that it holds. */
static void rule(int line, void *(*fill)(int), long *(*find)(void *)) { // WANT "fill does not escape" "find does not escape"
    line_of_rule = line;
    for (int i = 0; i < MANY; i++) table[i] = fill(i);
    disturb();
    for (int i = 0; i < MANY; i++) look(i, find(table[i]));
    memset(table, 0, sizeof table);
}
#define RULE(name) rule(__LINE__, name##_fill, name##_find)

#define CHECK(what)                                                                                             \
    do {                                                                                                        \
        if (!(what) && !bad++) fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                 \
    } while (0)

/* What other functions do with a block is not seen where it is allocated. */
__attribute__((noinline)) static void *put(void *block, int word, void *p) { // WANT "leaking param: block to result ~r0 level=0" "leaking param: p"
    ((void **)block)[word] = p;
    return block;
}

/* ---- laid out ---- */

struct mixed { int kind; int k; void *p; double weight; float x, y; };
static void *mixed_fill(int i) {
    struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is laid out as struct mixed: 2 of 4 words may be pointers"
    if (!m) return NULL;
    m->kind = i;
    m->p = secret(i);
    m->weight = i;
    return m;
}
static long *mixed_find(void *p) { return ((struct mixed *)p)->p; } // WANT "leaking param: p to result ~r0 level=1"

/* The first word of a dead object in a free list of the program's. */
struct numbers { int a, b; double x, y, z; };
static void *listed_fill(int i) {
    struct numbers *n = calloc(1, sizeof(struct numbers)); // WANT "calloc(1, sizeof(struct numbers)) escapes to heap" "calloc is laid out as struct numbers: 1 of 4 words may be pointers"
    n->a = i;
    return put(n, 0, secret(i));
}
static long *listed_find(void *p) { return *(long **)p; } // WANT "leaking param: p to result ~r0 level=1"

struct buffer { int used; double d; char bytes[24]; };
static void *buffer_fill(int i) {
    struct buffer *b = malloc(sizeof(struct buffer)); // WANT "malloc(sizeof(struct buffer)) escapes to heap" "malloc is laid out as struct buffer: 4 of 5 words may be pointers"
    long *p = secret(i);
    b->used = 8;
    memcpy(b->bytes + 8, &p, sizeof p);
    return b;
}
static long *buffer_find(void *p) { // WANT "leaking param: p to result ~r0 level=1"
    long *q;
    memcpy(&q, ((struct buffer *)p)->bytes + 8, sizeof q);
    return q;
}

struct ints { int first; double d; int words[6]; };
static void *ints_fill(int i) {
    struct ints *b = malloc(sizeof(struct ints)); // WANT "malloc(sizeof(struct ints)) escapes to heap" "malloc is laid out as struct ints: 4 of 5 words may be pointers"
    long *p = secret(i);
    memcpy(b->words + 2, &p, sizeof p);
    return b;
}
static long *ints_find(void *p) { // WANT "leaking param: p to result ~r0 level=1"
    long *q;
    memcpy(&q, ((struct ints *)p)->words + 2, sizeof q);
    return q;
}

struct variant { short is; union { double d; int i; } value; double weight; };
static void *variant_fill(int i) {
    struct variant *v = malloc(sizeof *v); // WANT "malloc(sizeof *v) escapes to heap" "malloc is laid out as struct variant: 2 of 3 words may be pointers"
    long *p = secret(i);
    memcpy(&v->value, &p, sizeof p);
    return v;
}
static long *variant_find(void *p) { // WANT "leaking param: p to result ~r0 level=1"
    long *q;
    memcpy(&q, &((struct variant *)p)->value, sizeof q);
    return q;
}

struct words { double d; long l; uintptr_t u; double e; };
static void *words_fill(int i) {
    struct words *w = malloc(sizeof *w); // WANT "malloc(sizeof *w) escapes to heap" "malloc is laid out as struct words: 3 of 4 words may be pointers"
    w->l = (long)secret(i);
    return w;
}
static long *words_find(void *p) { return (long *)((struct words *)p)->l; } // WANT "leaking param: p to result ~r0 level=1"

/* A block that is one thing and then another: they begin alike. */
struct number { int tag; int pad; double value; };
struct string { int tag; int pad; char *text; };
static void *changed_fill(int i) {
    struct number *n = malloc(sizeof *n); // WANT "malloc(sizeof *n) escapes to heap" "malloc is laid out as struct number: 2 of 2 words may be pointers"
    n->tag = 1;
    return put(n, offsetof(struct string, text) / 8, secret(i));
}
static long *changed_find(void *p) { return (long *)((struct string *)p)->text; } // WANT "leaking param: p to result ~r0 level=1"

typedef struct { struct mixed *field; double d; } holder;
static holder held;
static struct mixed *global;
static void *placed_fill(int i) {
    holder *h = &held;
    if (i & 1) {
        h->field = malloc(sizeof(struct mixed)); // WANT "malloc(sizeof(struct mixed)) escapes to heap" "malloc is laid out as struct mixed: 2 of 4 words may be pointers"
        h->field->p = secret(i);
        return h->field;
    }
    global = malloc(sizeof *global); // WANT "malloc(sizeof *global) escapes to heap" "malloc is laid out as struct mixed: 2 of 4 words may be pointers"
    global->p = secret(i);
    return global;
}
static struct mixed *returned(void) { return malloc(sizeof(struct mixed)); } // WANT "malloc(sizeof(struct mixed)) escapes to heap" "malloc is laid out as struct mixed: 2 of 4 words may be pointers"

static void *array_fill(int i) {
    struct mixed *a = calloc((size_t)(i % 40 + 2), sizeof *a); // WANT "calloc((size_t)(i % 40 + 2), sizeof *a) escapes to heap" "calloc is laid out as struct mixed: 2 of 4 words may be pointers"
    a[1].kind = 7;
    a[i % 40 + 1].p = secret(i);
    a->weight = i;
    return a;
}
static long *array_find(void *p) { // WANT "leaking param: p to result ~r0 level=1"
    for (struct mixed *m = p;; m++)
        if (m->p) return m->p;
}
static void *large_fill(int i) {
    struct mixed *a = calloc(3000, sizeof *a); // WANT "calloc(3000, sizeof *a) escapes to heap" "calloc is laid out as struct mixed: 2 of 4 words may be pointers"
    a[2999].p = secret(i);
    return a;
}
static long *large_find(void *p) { return ((struct mixed *)p)[2999].p; } // WANT "leaking param: p to result ~r0 level=1"

/* Resized, it may be anything. */
static void *resized_fill(int i) {
    struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is laid out as struct mixed: 2 of 4 words may be pointers"
    m->kind = i;
    table[i] = m;
    long **more = realloc(table[i], 32);
    more[2] = secret(i);
    return more;
}
static long *resized_find(void *p) { return ((long **)p)[2]; } // WANT "leaking param: p to result ~r0 level=1"

/* ---- left as they are ---- */

static void *cast_fill(int i) {
    struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is scanned conservatively: struct mixed is not all that it is used as"
    ((long **)m)[2] = secret(i);
    return m;
}
static long *cast_find(void *p) { return ((long **)p)[2]; } // WANT "leaking param: p to result ~r0 level=1"

static void *copy_fill(int i) {
    struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is scanned conservatively: struct mixed is not all that it is used as"
    void *same = m;
    ((long **)same)[2] = secret(i);
    return same;
}
static void *changed_here_fill(int i) {
    struct words *w = malloc(sizeof *w); // WANT "malloc(sizeof *w) escapes to heap" "malloc is scanned conservatively: struct words is not all that it is used as"
    struct mixed *m = (struct mixed *)w;
    m->p = secret(i);
    return m;
}
struct packed { short s; void *p; double d, e; } __attribute__((packed));
static void *packed_fill(int i) {
    struct packed *k = malloc(sizeof *k); // WANT "malloc(sizeof *k) escapes to heap" "malloc is scanned conservatively: struct packed has pointers that are not aligned"
    k->s = 1;
    return put(k, 2, secret(i));
}

static void *behind_fill(int i) {
    struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is scanned conservatively: struct mixed is not all that it is used as"
    m->p = secret(i);
    return m + 1;
}
static long *behind_find(void *p) { return ((struct mixed *)p)[-1].p; } // WANT "leaking param: p to result ~r0 level=1"

static void *grown_fill(int i) {
    struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is scanned conservatively: struct mixed is not all that it is used as"
    m = realloc(m, 2 * sizeof *m);
    m->p = secret(i);
    return m;
}
static void *copied_fill(int i) {
    static long *from[8];
    struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is scanned conservatively: struct mixed is not all that it is used as"
    from[2] = secret(i);
    memcpy(m, from, (size_t)(24 + i % 8));
    return m;
}
static void *unsaid_fill(int i) {
    void *m = malloc(sizeof(struct mixed)); // WANT "malloc(sizeof(struct mixed)) escapes to heap"
    ((long **)m)[2] = secret(i);
    return m;
}
static void *sized_fill(int i) {
    struct mixed *m = malloc(sizeof *m + 8); // WANT "malloc(sizeof *m + 8) escapes to heap"
    ((long **)(m + 1))[0] = secret(i);
    return m;
}
static long *sized_find(void *p) { return *(long **)((char *)p + sizeof(struct mixed)); } // WANT "leaking param: p to result ~r0 level=1"

struct hack { int room; double d; char text[1]; };
static void *hack_fill(int i) {
    struct hack *h = malloc(sizeof *h); // WANT "malloc(sizeof *h) escapes to heap" "malloc is scanned conservatively: struct hack has an array that may be longer than declared"
    long *p = secret(i);
    memcpy(h->text, &p, sizeof p);
    return h;
}
static long *hack_find(void *p) { // WANT "leaking param: p to result ~r0 level=1"
    long *q;
    memcpy(&q, ((struct hack *)p)->text, sizeof q);
    return q;
}
struct flexible { int length; double d; void *rest[]; };
static void *flexible_fill(int i) {
    struct flexible *f = malloc(sizeof *f); // WANT "malloc(sizeof *f) escapes to heap" "malloc is scanned conservatively: struct flexible has an array that may be longer than declared"
    f->length = i;
    return put(f, 1, secret(i));
}
static long *flexible_find(void *p) { return ((long **)p)[1]; } // WANT "leaking param: p to result ~r0 level=1"

static void *numbers_fill(int i) {
    double *d = calloc(4, sizeof *d); // WANT "calloc(4, sizeof *d) escapes to heap"
    ((long **)d)[i % 4] = secret(i);
    return d;
}
static long *numbers_find(void *p) { // WANT "leaking param: p to result ~r0 level=1"
    for (int k = 0;; k++)
        if (((long **)p)[k]) return ((long **)p)[k];
}

/* ---- what it brings ---- */

/* A number that looks like a pointer keeps nothing alive. */
static int gone;
static void count(void *p) { (void)p, gone++; } // WANT "p does not escape"
__attribute__((noinline)) static void fill_numbers(void) {
    for (int i = 0; i < MANY; i++) {
        struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is laid out as struct mixed: 2 of 4 words may be pointers"
        void *p = secret(i);
        tri_set_finalizer(p, count);
        memcpy(&m->weight, &p, sizeof p);
        table[i] = m;
    }
}

struct pair { void *a, *b; };
struct four { struct four *next; long n; double d, e; };
static bool is_aligned(void *p) { return (uintptr_t)p % 16 == 0; } // WANT "p does not escape"
static void sizes(void) {
    for (int i = 0; i < MANY; i++) {
        struct pair *p = malloc(sizeof *p); // WANT "malloc(sizeof *p) escapes to heap" "malloc is laid out as struct pair: 2 of 2 words may be pointers"
        struct four *f = malloc(sizeof *f); // WANT "malloc(sizeof *f) escapes to heap" "malloc is laid out as struct four: 2 of 4 words may be pointers"
        struct mixed *m = malloc(sizeof *m); // WANT "malloc(sizeof *m) escapes to heap" "malloc is laid out as struct mixed: 2 of 4 words may be pointers"
        p->a = f->next = (void *)m;
        table[i] = p;
        CHECK(is_aligned(p) && is_aligned(f) && is_aligned(m));
        if (i < 100) continue;
        CHECK(malloc_usable_size(p) == 16 && malloc_usable_size(f) == 32);
        CHECK(malloc_usable_size(m) == 32 && !m->p && !m->weight);
    }
}

int main(void) {
    RULE(mixed);
    RULE(listed);
    RULE(buffer);
    RULE(ints);
    RULE(variant);
    RULE(words);
    RULE(changed);
    rule(__LINE__, placed_fill, mixed_find);
    RULE(array);
    RULE(large);
    RULE(resized);
    RULE(cast);
    rule(__LINE__, copy_fill, cast_find);
    rule(__LINE__, changed_here_fill, mixed_find);
    rule(__LINE__, packed_fill, cast_find);
    RULE(behind);
    rule(__LINE__, grown_fill, mixed_find);
    rule(__LINE__, copied_fill, cast_find);
    rule(__LINE__, unsaid_fill, cast_find);
    RULE(sized);
    RULE(hack);
    RULE(flexible);
    RULE(numbers);
    fill_numbers();
    disturb();
    tri_gc();
    for (int i = 0; i < 100 && gone < MANY - 40; i++) tri_gc(), tri_sleep(1000000);
    CHECK(gone >= MANY - 40); /* all but the first 32, and a few that the stack may know */
    sizes();
    CHECK(returned()->p == NULL);
    CHECK(malloc_usable_size(returned()) == 32);
    void *volatile none = NULL;
    free(none);
    return bad != 0;
}
