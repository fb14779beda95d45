/* Finalizers: run once, on another thread, with the object intact; order along chains; resurrection; cycles; taking back. */
#include "life_test.h"

struct node {
    struct node *next;
    long number;
};
TRI_TYPE(struct node, next)

static int ran, last_number;
static pthread_t ran_on;

static void note(void *object) {
    struct node *n = object;
    __atomic_store_n(&last_number, (int)n->number, __ATOMIC_SEQ_CST);
    ran_on = pthread_self();
    count_up(&ran);
}

NO_INLINE static void make_one(long number) {
    struct node *n = tri_new(struct node);
    n->number = number;
    tri_set_finalizer(n, note);
}

/* ---- many at once ---- */

/* More than one mark buffer holds, in the first cycle of all and in one of a heap that has grown since: what each points to is there
 * when its finalizer runs, and after that. */
enum { MANY = 5000, OTHERS = 200000 };
static struct node *brought[MANY]; /* root */
static int revivals;

static void bring(void *object) {
    struct node *n = object;
    tri_set(brought[n->number], n);
    count_up(&revivals);
}

NO_INLINE static void make_many(void) {
    for (int i = 0; i < MANY; i++) { /* in pages of their own */
        tri_set(brought[i], tri_new(struct node));
        brought[i]->number = ~i;
    }
    for (int i = 0; i < MANY; i++) {
        struct node *n = tri_new(struct node);
        n->number = i;
        tri_set(n->next, brought[i]);
        tri_set(brought[i], NULL);
        tri_set_finalizer(n, bring);
    }
}

static struct node *others; /* root */
static void many_at_once(void) {
    revivals = 0;
    tri_set_gc_percent(-1);
    make_many();
    collect_until(&revivals, MANY);
    tri_set_gc_percent(100);
    collect();
    for (int i = 0; i < OTHERS; i++) { /* in place of what is lost */
        struct node *n = tri_new(struct node);
        tri_set(n->next, others);
        others = n;
    }
    for (int i = 0; i < MANY; i++) REQUIRE(brought[i]->next->number == ~i, "object %d has lost what it points to", i);
    memset(brought, 0, sizeof brought);
}

static void runs_once_elsewhere(void) {
    ran = 0;
    make_one(7);
    collect_until(&ran, 1);
    REQUIRE(count_of(&last_number) == 7, "the object was not intact: %d", last_number);
    REQUIRE(!pthread_equal(ran_on, pthread_self()), "it ran on the thread that made the object");
    settle();
    REQUIRE(count_of(&ran) == 1, "it ran %d times", ran);
}

/* ---- a chain: one link a cycle ---- */

enum { LINKS = 5 };
static int chain_order[LINKS], chain_ran, chain_bad;

static void chain_note(void *object) {
    struct node *n = object;
    for (const struct node *k = n; k; k = k->next)
        if (k->next && k->next->number != k->number + 1) chain_bad = 1; /* what it points to is intact */
    chain_order[chain_ran] = (int)n->number;
    count_up(&chain_ran);
}

NO_INLINE static void make_chain(void) {
    struct node *next = NULL;
    for (int i = LINKS - 1; i >= 0; i--) {
        struct node *n = tri_new(struct node);
        n->number = i;
        tri_set(n->next, next);
        tri_set_finalizer(n, chain_note);
        next = n;
    }
}

static void chain(void) {
    int before = 0;
    make_chain();
    for (int cycles = 0; before < LINKS; cycles++) {
        settle(); /* at least one cycle, and all that is due has run */
        REQUIRE(cycles < 1000, "the chain does not end");
        before = count_of(&chain_ran);
    }
    REQUIRE(!chain_bad, "a finalizer found its object damaged");
    for (int i = 0; i < LINKS; i++) REQUIRE(chain_order[i] == i, "link %d ran as number %d", chain_order[i], i);
}

/* One cycle frees one link only: with the world quiet, the second link's finalizer is not due after the first cycle. */
static int pair_first, pair_second;
static void pair_note_first(void *object) { (void)object, count_up(&pair_first); }
static void pair_note_second(void *object) { (void)object, count_up(&pair_second); }
NO_INLINE static void make_pair(void) {
    struct node *a = tri_new(struct node), *b = tri_new(struct node);
    tri_set(a->next, b);
    tri_set_finalizer(a, pair_note_first);
    tri_set_finalizer(b, pair_note_second);
}
static void one_link_a_cycle(void) {
    make_pair();
    while (!count_of(&pair_first)) {
        REQUIRE(!count_of(&pair_second), "the second link came first");
        collect();
        sched_yield();
    }
    collect_until(&pair_second, 1);
}

/* ---- resurrection ---- */

static struct node *revived;
static int revivals;

static void revive(void *object) {
    revived = object;
    count_up(&revivals);
}
NO_INLINE static void make_revived(void) {
    struct node *n = tri_new(struct node);
    n->number = 99;
    tri_set(n->next, tri_new(struct node));
    n->next->number = 100;
    tri_set_finalizer(n, revive);
}
/* By itself: the caller keeps nothing of it in a register. */
NO_INLINE static void let_go_again(void) {
    REQUIRE(revived->number == 99 && revived->next->number == 100, "the revived object was freed");
    tri_set_finalizer(revived, revive); /* can be set anew */
    revived = NULL;
}
static void resurrection(void) {
    make_revived();
    collect_until(&revivals, 1);
    settle();
    settle();
    let_go_again();
    clear_stack(); /* where the next call's frame will be */
    collect_until(&revivals, 2);
    revived = NULL;
}

/* ---- cycles are never finalized ---- */

static int cycle_ran;
static void cycle_note(void *object) { (void)object, count_up(&cycle_ran); }
NO_INLINE static void make_cycle(void) {
    struct node *a = tri_new(struct node), *b = tri_new(struct node);
    tri_set(a->next, b);
    tri_set(b->next, a);
    tri_set_finalizer(a, cycle_note);
}
static void cycles(void) {
    make_cycle();
    for (int i = 0; i < 5; i++) settle();
    REQUIRE(count_of(&cycle_ran) == 0, "a cycle was finalized");
}

/* ---- taking back, and what is not finalized ---- */

static int taken_ran;
static void taken_note(void *object) { (void)object, count_up(&taken_ran); }
NO_INLINE static void make_taken(void) {
    struct node *n = tri_new(struct node);
    tri_set_finalizer(n, taken_note);
    tri_set_finalizer(n, NULL);
    tri_set_finalizer(n, NULL); /* none: nothing happens */
    tri_free(n);
}
static void taken_back(void) {
    make_taken();
    for (int i = 0; i < 3; i++) settle();
    REQUIRE(count_of(&taken_ran) == 0, "a finalizer ran that was taken back");
}

static struct node *global;
static void reachable(void) {
    global = tri_new(struct node);
    tri_set_finalizer(global, taken_note);
    tri_free(global); /* does nothing: it has a finalizer */
    for (int i = 0; i < 3; i++) settle();
    REQUIRE(count_of(&taken_ran) == 0, "a live object was finalized");
    tri_set_finalizer(global, NULL);
}

/* ---- every kind of object ---- */

static int kinds_ran;
static void kinds_note(void *object) { (void)object, count_up(&kinds_ran); }
NO_INLINE static int make_kinds(void) {
    static const size_t sizes[] = {8, 16, 24, 100, 512, 1000, 8192, 32000, 40000, 300000, 5 << 20};
    int n = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++, n += 2) {
        tri_set_finalizer(tri_alloc(sizes[i]), kinds_note);
        tri_set_finalizer(tri_alloc_leaf(sizes[i]), kinds_note);
    }
    for (size_t i = 1; i < 8; i++, n++) tri_set_finalizer(tri_alloc_leaf(i), kinds_note); /* tiny */
    tri_set_finalizer(tri_new_array(struct node, 3), kinds_note);
    tri_set_finalizer(tri_new_array(struct node, 30000), kinds_note);
    return n + 2;
}
static void kinds(void) {
    int n = make_kinds();
    collect_until(&kinds_ran, n);
    settle();
    REQUIRE(count_of(&kinds_ran) == n, "%d objects, %d finalizers", n, kinds_ran);
}

/* ---- a finalizer that waits for a collection, and one that ends its thread ---- */

static int collected, ended;
static void collects(void *object) {
    (void)object;
    tri_gc();
    count_up(&collected);
}
static void ends_thread(void *object) {
    (void)object;
    count_up(&ended);
    pthread_exit(NULL);
}
NO_INLINE static void make_busy(void (*finalizer)(void *)) { tri_set_finalizer(tri_new(struct node), finalizer); }
static void busy(void) {
    make_busy(collects);
    collect_until(&collected, 1);
    make_busy(ends_thread);
    collect_until(&ended, 1);
    ran = 0;
    make_one(1);
    collect_until(&ran, 1);
}

int main(void) {
    many_at_once();
    many_at_once();
    runs_once_elsewhere();
    chain();
    one_link_a_cycle();
    resurrection();
    cycles();
    taken_back();
    reachable();
    kinds();
    busy();
    return 0;
}
