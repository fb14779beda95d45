/* Pools: what is put comes back, is kept over one collection and gone after two; each object goes to one taker; stealing. */
#include "life_test.h"

struct item {
    struct item *next;
    uintptr_t self;
    int owner; /* atomic: 1 while somebody has it */
};
TRI_TYPE(struct item, next)

static int made;
static void *item_make(void *arg) {
    struct item *i = tri_new(struct item);
    i->self = tri_hide(i);
    count_up(arg);
    return i;
}

static void comes_back(void) {
    static tri_pool pool = {.new_fn = item_make, .arg = &made};
    struct item *seen[100], *got[100];
    int found = 0;
    for (int i = 0; i < 100; i++) seen[i] = tri_pool_get(&pool);
    REQUIRE(made == 100, "%d were made", made);
    for (int i = 0; i < 100; i++) tri_pool_put(&pool, seen[i]);
    for (int i = 0; i < 100; i++) got[i] = tri_pool_get(&pool);
    for (int i = 0; i < 100; i++)
        for (int k = 0; k < 100; k++) found += got[i] == seen[k];
    REQUIRE(found + (made - 100) == 100, "%d came back, %d were made anew", found, made - 100);
    REQUIRE(made - 100 <= 2, "%d were lost without a collection", made - 100); /* one may have come between */
    static tri_pool none;
    REQUIRE(!tri_pool_get(&none), "a pool without new_fn gave something");
    tri_pool_put(&none, NULL);
    REQUIRE(!tri_pool_get(&none), "NULL was put");
}

static int gone;
static void note_gone(void *arg) { (void)arg, count_up(&gone); }
enum { KEPT = 2000 };
static tri_pool keeping;
NO_INLINE static void put_many(void) {
    for (int i = 0; i < KEPT; i++) {
        struct item *it = item_make(&made);
        tri_add_cleanup(it, note_gone, NULL);
        tri_pool_put(&keeping, it);
    }
}
NO_INLINE static int take_all(void) {
    int n = 0;
    for (struct item *it; (it = tri_pool_get(&keeping)); n++)
        REQUIRE(it->self == tri_hide(it), "the pool gave what was freed");
    return n;
}

/* An object survives the first collection after it was put, and not the second. */
static void two_collections(void) {
    tri_set_gc_percent(-1);
    put_many();
    tri_gc();
    REQUIRE(count_of(&gone) == 0, "%d were dropped by the first collection", gone);
    int n = take_all();
    REQUIRE(n == KEPT, "%d of %d were left after one collection", n, KEPT);
    put_many();
    tri_gc();
    tri_gc();
    n = take_all();
    REQUIRE(n == 0, "%d were left after two collections", n);
    collect_until(&gone, 2 * KEPT - 20);
    tri_set_gc_percent(100);
}

/* What another thread put, idle or ended, can be taken. */
static tri_pool shared;
static void *put_shared(void *arg) {
    for (int i = 0; i < 100; i++) tri_pool_put(&shared, item_make(&made));
    count_up(arg);
    while (count_of(arg) == 1) sched_yield();
    return NULL;
}
static void stealing(void) {
    pthread_t thread;
    int state = 0, n = 0;
    tri_set_gc_percent(-1);
    pthread_create(&thread, NULL, put_shared, &state);
    await(&state, 1);
    while (tri_pool_get(&shared)) n++;
    REQUIRE(n >= 90, "only %d of 100 could be stolen", n);
    count_up(&state);
    pthread_join(thread, NULL);
    tri_set_gc_percent(100);
}

/* Threads and cycles: nobody gets what somebody has, or what was freed. */
enum { THREADS = 4, ROUNDS = 60000 };
static tri_pool stormy = {.new_fn = item_make, .arg = &made};
static int stop;
static void *collector(void *unused) {
    while (!count_of(&stop)) tri_gc();
    return unused;
}
static void *player(void *arg) {
    uint64_t random = 1000 + (uintptr_t)arg;
    struct item **hand = tri_new_array(struct item *, 32);
    for (int i = 0; i < ROUNDS; i++) {
        struct item **h = &hand[random_next(&random) % 32];
        if (*h) {
            REQUIRE((*h)->self == tri_hide(*h), "an object in use was freed");
            REQUIRE(__atomic_exchange_n(&(*h)->owner, 0, __ATOMIC_SEQ_CST) == 1, "somebody else has it");
            tri_pool_put(&stormy, *h);
            tri_set(*h, NULL);
        } else {
            struct item *it = tri_pool_get(&stormy);
            REQUIRE(it->self == tri_hide(it), "the pool gave what was freed");
            REQUIRE(__atomic_exchange_n(&it->owner, 1, __ATOMIC_SEQ_CST) == 0, "the pool gave one object to two");
            tri_set(*h, it);
        }
    }
    return NULL;
}
static void storm(void) {
    pthread_t gc, thread[THREADS];
    pthread_create(&gc, NULL, collector, NULL);
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, player, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    count_up(&stop);
    pthread_join(gc, NULL);
}

int main(void) {
    comes_back();
    two_collections();
    stealing();
    storm();
    return 0;
}
