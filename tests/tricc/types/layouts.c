/* layouts.c - what tricc says of types: each line of the table is a type and its words, p for one that is scanned, . for one that is not;
 * "leaf" when nothing is. Then: a TRI_TYPE in the file is believed instead, and what a layout leaves out is not kept alive.
 */
#include <tricolor.h>
#include <complex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct node { struct node *next; long n; };
struct numbers { double d[3]; int i, k; float f[4]; char text[24]; };
struct mixed { int a; char *b; short c; void *d; double e; };
struct nested { struct mixed m; struct numbers n; struct node *tail; };
struct arrays { int i[4]; void *p[3]; struct node nodes[2]; double d; };
union either { double d; void *p; };
union values { double d; int i; };
struct tagged { int kind; union either u; double after; };
struct untagged { int kind; union values u; };
struct bits { unsigned a : 3, b : 20; void *p; };
struct wide_bits { unsigned long a : 60; double d; };
struct function { void (*call)(void *); int n; };
struct flexible { int n; void *rest[]; };
struct flexible_text { void *p; char text[]; };
struct atomics { _Atomic(struct node *) p; atomic_int i; _Atomic double d; };
struct complexes { double complex c; void *p; };
struct longs { long l; unsigned long long u; int i; uintptr_t w; };
struct anonymous { int kind; union { struct { void *x; double y; }; struct { double z, w; }; }; };
struct self { struct { struct { struct self *deep; } in; int n; } a; };
struct booleans { bool b[16]; void *p; };
struct wide { __int128 w; double d; };
struct volatiles { void *volatile p; const double d; volatile int i; };
struct incomplete;
struct opaque { double d; struct incomplete *p; };
typedef void *handle;
typedef struct { handle h; double d; } named;
enum colour { RED };
struct enums { enum colour c[2]; void *p; };
struct declared { void *scanned; void *not; };
TRI_TYPE(struct declared, scanned)
struct no_words { void *p, *q; };
TRI_TYPE_LEAF(struct no_words)
struct all_words { double d[2]; };
TRI_TYPE_ANY(struct all_words)

static int bad;

static const char *words_of(const tri_type *t) {
    static char text[64];
    if ((t->kind & 7) == TRI__KIND_LEAF) return "leaf";
    if ((t->kind & 7) == TRI__KIND_ANY) return "any";
    memset(text, '.', sizeof text);
    text[(t->size + 7) / 8] = 0;
    for (uint32_t i = 0; i < t->nfields; i++)
        for (uint32_t at = 0; at < t->fields[i].size; at += 8) text[(t->fields[i].offset + at) / 8] = 'p';
    return text;
}

static void check(const tri_type *t, const char *wanted, const char *name) {
    const char *got = words_of(t);
    if (strcmp(got, wanted) == 0) return;
    printf("%s: wanted %s, got %s\n", name, wanted, got);
    bad++;
}
#define CHECK(T, wanted) check(tri_type_of(T), wanted, #T)

static void check_layouts(void) {
    CHECK(struct node, "pp");
    CHECK(struct numbers, "leaf");
    CHECK(struct mixed, ".p.p.");
    CHECK(struct nested, ".p.p..........p");
    CHECK(struct arrays, "..ppppppp.");
    CHECK(union either, "p");
    CHECK(union values, "leaf");
    CHECK(struct tagged, ".p.");
    CHECK(struct untagged, "leaf");
    CHECK(struct bits, ".p");
    CHECK(struct wide_bits, "p.");
    CHECK(struct function, "p.");
    CHECK(struct flexible_text, "p");
    CHECK(struct atomics, "p..");
    CHECK(struct complexes, "..p");
    CHECK(struct longs, "pp.p");
    CHECK(struct anonymous, ".pp"); /* of a union with a pointer in it, all words */
    CHECK(struct self, "p.");
    CHECK(struct booleans, "..p");
    CHECK(struct wide, "pp..");
    CHECK(struct volatiles, "p..");
    CHECK(struct opaque, ".p");
    CHECK(named, "p.");
    CHECK(struct enums, ".p");
    CHECK(void *, "p");
    CHECK(handle, "p");
    CHECK(double, "leaf");
    CHECK(double[5], "leaf");
    CHECK(int, "leaf");
    CHECK(char *[3], "ppp");
    CHECK(struct mixed[2], ".p.p..p.p.");
}

/* ---- what is kept ---- */

static struct declared *declared;
static struct no_words *unscanned;
static struct mixed *exact;
static struct all_words *all;
static tri_weak weak[5];

static void *watched(int i) {
    void *p = tri_alloc(48);
    weak[i] = tri_weak_make(p);
    return p;
}

__attribute__((noinline)) static void fill(void) {
    declared = tri_new(struct declared);
    unscanned = tri_new(struct no_words);
    exact = tri_new(struct mixed);
    all = tri_new(struct all_words);
    declared->scanned = watched(0);
    declared->not = watched(1);    /* TRI_TYPE leaves it out */
    unscanned->p = watched(2);     /* TRI_TYPE_LEAF */
    void *p = watched(3);
    memcpy(&exact->e, &p, sizeof p); /* a pointer in a double */
    p = watched(4);
    memcpy(&all->d[1], &p, sizeof p); /* TRI_TYPE_ANY */
}

__attribute__((noinline)) static void disturb(void) {
    volatile char room[4096];
    memset((char *)room, 0, sizeof room);
}

static void check_kept(void) {
    static const bool kept[5] = {true, false, false, false, true};
    fill();
    for (int i = 0; i < 3; i++) disturb(), tri_gc();
    for (int i = 0; i < 5; i++) {
        if ((tri_weak_get(weak[i]) != NULL) == kept[i]) continue;
        printf("object %d is %s\n", i, kept[i] ? "lost" : "kept by a word that is no pointer");
        bad++;
    }
}

int main(void) {
    check_layouts();
    check_kept();
    return bad != 0;
}
