/* integers.c - pointers in integers that are cut, moved and computed with; and numbers that look like it. See stores.c.
 *
 * As in unions.c, old objects are moved about between the nodes of a list, each known to one node only.
 */
#include "rules.h"

enum { NODES = 4096 };

struct node {
    struct node *next;
    uintptr_t cut, divided, step, tag, late, based, moved, either, shared;
    uint64_t hash, sum, count;
};

static void cut(struct node *to, const struct node *from) { to->cut = from->cut >> 4 << 4; }                //=> 1 stores barriered
static void divided(struct node *to, const struct node *from) { to->divided = from->divided / 16 * 16; }    //=> 1 stores barriered
static void step(struct node *to, const struct node *from, size_t n) { to->step = from->step / n * n; }     //=> 1 stores barriered
static void tag(struct node *to, const struct node *from) { to->tag = from->tag << 16 >> 16; }              //=> 1 stores barriered
static void late(struct node *to, const struct node *from) { //=> 1 stores barriered
    uintptr_t w = from->late;
    for (int i = 0; i < 4; i++) w /= 2;
    for (int i = 0; i < 4; i++) w *= 2;
    to->late = w;
}
static void based(struct node *to, uintptr_t base) { to->based += base; }                                   //=> 1 stores barriered
static void moved(struct node *to, const struct node *from) { to->moved -= from->moved; }                   //=> 1 stores barriered
static void shared(struct node *to, uintptr_t by) { __atomic_fetch_sub(&to->shared, by, __ATOMIC_RELAXED); } //=> 1 atomic stores barriered
static void either(struct node *to, const struct node *from, int n) { //=> 1 stores barriered
    uintptr_t w = from->either >> 3;
    to->either = n ? w : w << 3;
}

/* Numbers. */
static uint64_t rotated(uint64_t w, int by) { return w << by | w >> (64 - by); } //=> nothing
static void hash(struct node *n, uint64_t w) { //=> 1 left out: no pointer
    w = (w ^ w >> 31) * 0x9e3779b97f4a7c15;
    n->hash = rotated(w, 27) * 5 + 0x52dce729;
}
static void fixed(struct node *n, int64_t a, int64_t by) { n->sum = (uint64_t)((a * by) >> 15); }           //=> 1 left out: no pointer
static void halves(struct node *n, uint64_t a, uint64_t b) { n->sum = (a >> 32) * (b & 0xffffffff) >> 7; }  //=> 1 left out: no pointer
static void counter(struct node *n, unsigned k) { n->count += k, n->count++, n->sum -= 2; }                 //=> 3 left out: no pointer
static void place(struct node *n, uint64_t a, size_t many) { n->count = a / 24 * 16 + a % many; }           //=> 1 left out: no pointer
static void field(struct node *n, uint64_t a) { n->count = a >> 3 & 0xfff; }                                //=> 1 left out: no pointer

#define WORDS(DO) DO(cut, 1) DO(divided, 2) DO(step, 3) DO(tag, 0) DO(late, 5) DO(based, 0) DO(moved, 0) DO(either, 0) DO(shared, 0)
#define FILL(name, tag) list->name = (uintptr_t)thing_new(0) + (tag);

static struct node **make_nodes(struct node **first) {
    struct node **all = tri_alloc_leaf(NODES * sizeof *all), *list = NULL;
    for (long k = 0; k < NODES; k++) {
        struct node *next = list;
        list = tri_new(struct node);
        list->next = next;
        all[k] = list;
        if (k % 2) continue;
        WORDS(FILL)
    }
    *first = list;
    return all;
}

/* Not by a store that shows what was there. */
static void empty(uintptr_t *word) {
    static uintptr_t none[3];
    memcpy(word, none, sizeof *word * (size_t)(none[1] + 1));
}

#define MOVE(name, tagged, call)                                               \
    if (a->name && !b->name) {                                                 \
        thing_check((struct thing *)(a->name << 16 >> 20 << 4), 0, #name);     \
        call;                                                                  \
        empty(&a->name);                                                       \
    }

static void *rounds(void *n) {
    unsigned r = 1;
    struct node *first, **all = make_nodes(&first);
    for (long i = 0; i < (long)n; i++) {
        r = r * 1664525u + 1013904223u;
        struct node *a = all[r >> 20], *b = all[r >> 8 & 0xfff];
        MOVE(cut, 1, cut(b, a))
        MOVE(divided, 2, divided(b, a))
        MOVE(step, 3, step(b, a, 16))
        MOVE(tag, 0, tag(b, a))
        MOVE(late, 5, late(b, a))
        MOVE(based, 0, based(b, a->based))
        MOVE(either, 0, either(b, a, 0))
        MOVE(shared, 0, shared(b, -a->shared))
        if (a->moved && !b->moved) {
            thing_check((struct thing *)a->moved, 0, "moved");
            struct node minus = {.moved = -a->moved};
            moved(b, &minus);
            empty(&a->moved);
        }
        hash(b, r), fixed(b, r, 7), halves(b, r, r), counter(b, 1), place(b, r, 7), field(b, r);
        if (i % 8 == 0) thing_new(1); /* takes the place of what was lost */
    }
    tri_keep_alive(first);
    return NULL;
}

int main(int argc, char **argv) { return rules_run(rounds, argc > 1 ? atol(argv[1]) : 1000000); }
