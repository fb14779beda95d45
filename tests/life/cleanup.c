/* Cleanups: any number, in order, after the finalizer, not before the object is gone; the argument is kept; stopping. */
#include "life_test.h"

struct box {
    struct box *next;
    long number;
};
TRI_TYPE(struct box, next)

static int ran, order[16], bad_argument;

static void note(void *arg) {
    struct box *b = arg;
    if (b->number < 0 || b->number >= 16) bad_argument = 1;
    else order[ran] = (int)b->number;
    count_up(&ran);
}

static struct box *argument(long number) {
    struct box *b = tri_new(struct box);
    b->number = number;
    return b;
}

NO_INLINE static void make_several(void) {
    struct box *b = tri_new(struct box);
    for (int i = 0; i < 5; i++) tri_add_cleanup((char *)b + i, note, argument(i));
}

static void several_in_order(void) {
    make_several();
    for (int i = 0; i < 3; i++) tri_alloc(1 << 20); /* the arguments' memory would be handed out again */
    collect_until(&ran, 5);
    REQUIRE(!bad_argument, "an argument was not kept alive");
    for (int i = 0; i < 5; i++) REQUIRE(order[i] == i, "cleanup %d came as number %d", order[i], i);
}

/* ---- stopping ---- */

static int stopped_ran;
static void stopped_note(void *arg) { (void)arg, count_up(&stopped_ran); }
NO_INLINE static tri_cleanup make_stopped(bool stop) {
    struct box *b = tri_new(struct box);
    tri_cleanup c = tri_add_cleanup(b, stopped_note, NULL), other = tri_add_cleanup(b, stopped_note, NULL);
    REQUIRE(!stop || tri_cleanup_stop(c), "a waiting cleanup could not be stopped");
    REQUIRE(!stop || !tri_cleanup_stop(c), "a cleanup was stopped twice");
    (void)other;
    return c;
}
static void stopping(void) {
    make_stopped(true);
    collect_until(&stopped_ran, 1);
    settle();
    REQUIRE(count_of(&stopped_ran) == 1, "%d cleanups ran, one was stopped, one not", stopped_ran);
    tri_cleanup c = make_stopped(false);
    collect_until(&stopped_ran, 3);
    REQUIRE(!tri_cleanup_stop(c), "a cleanup that had run was stopped");
    REQUIRE(!tri_cleanup_stop((tri_cleanup){0, 0}), "no cleanup was stopped");
}

/* ---- a cleanup that has run is not another one, of an object at the same address in a span that begins elsewhere ---- */

enum { PAGE = 8192 };
static int old_ran;
static tri_cleanup old;
static void old_note(void *arg) { (void)arg, count_up(&old_ran); }
NO_INLINE static void make_old(void) {
    uintptr_t inside = (uintptr_t)tri_alloc_leaf(64 * PAGE) + 6 * PAGE;
    old = tri_add_cleanup((void *)(inside / PAGE * PAGE), old_note, NULL);
}
static void same_address(void) {
    make_old();
    collect_until(&old_ran, 1);
    for (int i = 0; i < 2; i++) settle();
    for (int i = 0; i < 100000; i++) {
        void *p = tri_alloc_leaf(64);
        if (tri_hide(p) != old.tri__object) continue;
        tri_cleanup fresh = tri_add_cleanup(p, old_note, NULL);
        REQUIRE(!tri_cleanup_stop(old), "a cleanup that had run was stopped in another's place");
        REQUIRE(tri_cleanup_stop(fresh), "a cleanup could not be stopped");
        return;
    }
}

/* ---- after the finalizer, and only when the object is gone ---- */

static struct box *revived;
static int finalized, cleaned, early;
static void finalizer(void *object) {
    revived = object;
    count_up(&finalized);
}
static void cleanup(void *arg) {
    if (!arg || __atomic_load_n(&revived, __ATOMIC_SEQ_CST)) early = 1;
    count_up(&cleaned);
}
NO_INLINE static void make_both(void) {
    struct box *b = tri_new(struct box);
    tri_add_cleanup(b, cleanup, argument(1));
    tri_set_finalizer(b, finalizer);
}
static void after_finalizer(void) {
    make_both();
    collect_until(&finalized, 1);
    for (int i = 0; i < 3; i++) settle();
    REQUIRE(count_of(&cleaned) == 0, "a cleanup ran while the object lived");
    __atomic_store_n(&revived, NULL, __ATOMIC_SEQ_CST);
    collect_until(&cleaned, 1);
    REQUIRE(!early, "the cleanup ran early or without its argument");
}

/* ---- tiny objects: the argument may lie in the same block of the heap ---- */

static void tiny_argument(void) {
    for (int i = 0; i < 16; i++) {
        char *p = tri_alloc_leaf(4), *arg = tri_alloc_leaf(4);
        REQUIRE(tri_cleanup_stop(tri_add_cleanup(p, note, arg)), "the cleanup of a tiny object could not be stopped");
    }
}

/* ---- the argument keeps other objects, and adding while marking is safe ---- */

static int stop_looping;
static void *loop(void *unused) {
    while (!count_of(&stop_looping)) tri_gc();
    return unused;
}
enum { ROUNDS = 20000 };
static int many_ran, many_bad;
static void many_note(void *arg) {
    struct box *b = arg;
    if (b->number != 12345 || !b->next || b->next->number != 54321) many_bad = 1;
    count_up(&many_ran);
}
NO_INLINE static void make_many(int i) {
    struct box *b = tri_new(struct box), *arg = argument(12345);
    tri_set(arg->next, argument(54321));
    tri_cleanup c = tri_add_cleanup(b, many_note, arg);
    if (i % 2) tri_cleanup_stop(c);
}
static void while_marking(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, loop, NULL);
    for (int i = 0; i < ROUNDS; i++) make_many(i);
    count_up(&stop_looping);
    pthread_join(thread, NULL);
    collect_until(&many_ran, ROUNDS / 2 - 1); /* the last one may be on a stack still */
    REQUIRE(!many_bad, "an argument was not intact");
    settle();
    REQUIRE(count_of(&many_ran) <= ROUNDS / 2, "%d ran of %d", many_ran, ROUNDS / 2);
}

int main(void) {
    same_address(); /* first, while few ids have been given */
    several_in_order();
    stopping();
    after_finalizer();
    tiny_argument();
    while_marking();
    return 0;
}
