/* Weak pointers: equal for equal pointers, NULL for the dead and the dying, also while marking and sweeping. */
#include "life_test.h"

struct item {
    struct item *next;
    uintptr_t self; /* ~address */
    long number;
};
TRI_TYPE(struct item, next)

static struct item *item_new(long number) {
    struct item *i = tri_new(struct item);
    i->self = tri_hide(i);
    i->number = number;
    return i;
}

/* ---- equality ---- */

static void equality(void) {
    struct item *a = item_new(1), *b = item_new(2);
    tri_weak wa = tri_weak_make(a);
    REQUIRE(wa == tri_weak_make(a), "two weak pointers to one object differ");
    REQUIRE(wa != tri_weak_make(b), "weak pointers to two objects are equal");
    REQUIRE(tri_weak_make(&a->number) != wa, "a weak pointer into an object equals the one to its start");
    REQUIRE(tri_weak_get(tri_weak_make(&a->number)) == &a->number, "a weak pointer into an object is another");
    REQUIRE(tri_weak_make(NULL) == NULL && tri_weak_get(NULL) == NULL, "the weak NULL is not NULL");
    tri_gc();
    REQUIRE(tri_weak_get(wa) == a && tri_weak_make(a) == wa, "a collection changed a weak pointer");
    tri_keep_alive(b);
}

/* ---- death ---- */

NO_INLINE static tri_weak make_dying(void) { return tri_weak_make(item_new(3)); }
static void death(void) {
    tri_weak w[100];
    int left = 100;
    for (int i = 0; i < 100; i++) w[i] = make_dying();
    for (int cycles = 0; left > 2; cycles++) { /* words on the stack may hold one or two */
        REQUIRE(cycles < 100, "%d of 100 weak pointers keep their object", left);
        collect();
        left = 0;
        for (int i = 0; i < 100; i++) left += tri_weak_get(w[i]) != NULL;
    }
}

/* ---- cleared before the finalizer runs, and for ever ---- */

static tri_weak of_revived;
static struct item *revived;
static int revivals, seen_alive;
static void revive(void *object) {
    if (tri_weak_get(of_revived)) seen_alive = 1;
    revived = object;
    count_up(&revivals);
}
NO_INLINE static void make_revived(void) {
    struct item *i = item_new(4);
    of_revived = tri_weak_make(i);
    tri_set_finalizer(i, revive);
}
static void finalizer(void) {
    make_revived();
    collect_until(&revivals, 1);
    REQUIRE(!seen_alive, "a finalizer could get its object from a weak pointer");
    REQUIRE(!tri_weak_get(of_revived), "a revived object came back in an old weak pointer");
    REQUIRE(tri_weak_make(revived) != of_revived, "a revived object has its old weak pointer");
    REQUIRE(tri_weak_get(tri_weak_make(revived)) == revived, "a revived object cannot be weak");
}

/* ---- storms: threads get and drop while cycles run one after the other ---- */

enum { SLOTS = 512, THREADS = 3, ROUNDS = 150000 };
static struct slot {
    tri_weak weak;
    struct item *strong;
} *slots; /* a heap array */
static int stop;
static long gets, nulls;

static void *collector(void *unused) {
    while (!count_of(&stop)) tri_gc();
    return unused;
}

static void *player(void *arg) {
    uint64_t random = 88172645463325252ull + (uintptr_t)arg * 7919;
    long got = 0, dead = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct slot *s = &slots[random_next(&random) % SLOTS];
        switch (random_next(&random) % 8) {
        case 0: { /* a new object, weak only, or strong too */
            struct item *fresh = item_new((long)i);
            tri_set(s->weak, tri_weak_make(fresh));
            tri_set(s->strong, random & 64 ? fresh : NULL);
            break;
        }
        case 1: tri_set(s->strong, NULL); break;
        default: {
            tri_weak w = __atomic_load_n(&s->weak, __ATOMIC_RELAXED);
            struct item *it = tri_weak_get(w);
            got++;
            if (!it) {
                dead++;
                break;
            }
            REQUIRE(it->self == tri_hide(it), "a weak pointer gave %p, which was freed", (void *)it);
            if (random & 128) { /* hold it over an allocation, and look again */
                for (int k = 0; k < 20; k++) item_new(k);
                REQUIRE(it->self == tri_hide(it), "an object got from a weak pointer was freed");
                REQUIRE(tri_weak_get(w) == it, "a weak pointer forgot a live object");
            }
            if (random & 256) tri_set(s->strong, it); /* may be another slot's by now: harmless */
        }
        }
    }
    __atomic_fetch_add(&gets, got, __ATOMIC_RELAXED);
    __atomic_fetch_add(&nulls, dead, __ATOMIC_RELAXED);
    return NULL;
}

static void storm(void) {
    pthread_t thread[THREADS], gc;
    slots = tri_alloc(SLOTS * sizeof *slots);
    pthread_create(&gc, NULL, collector, NULL);
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, player, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    count_up(&stop);
    pthread_join(gc, NULL);
    REQUIRE(gets && nulls, "the storm was none: %ld gets, %ld of the dead", gets, nulls);
}

int main(void) {
    equality();
    death();
    finalizer();
    storm();
    return 0;
}
