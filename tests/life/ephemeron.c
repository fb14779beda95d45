/* Ephemerons: a value lives while its key does, even if it reaches the key; chains of them; tables that die. */
#include "life_test.h"

struct item {
    struct item *next;
    uintptr_t self;
};
TRI_TYPE(struct item, next)

static struct item *item_new(void) {
    struct item *i = tri_new(struct item);
    i->self = tri_hide(i);
    return i;
}
static bool intact(const struct item *i) { return i && i->self == tri_hide(i); }

static struct item *keys[64];
static tri_ephemerons *table;

NO_INLINE static void fill(void) {
    for (int i = 0; i < 64; i++) {
        struct item *value = item_new();
        keys[i] = item_new();
        tri_set(value->next, keys[i]); /* the value reaches its key */
        tri_ephemerons_put(table, keys[i], value);
    }
}

static int values_gone;
static void value_gone(void *arg) { (void)arg, count_up(&values_gone); }

NO_INLINE static void watch_values(int from, int to) {
    for (int i = from; i < to; i++) tri_add_cleanup(tri_ephemerons_get(table, keys[i]), value_gone, NULL);
}

static void values_live_with_keys(void) {
    table = tri_ephemerons_new();
    fill();
    for (int round = 0; round < 3; round++) {
        collect();
        for (int i = 0; i < 64; i++) {
            struct item *v = tri_ephemerons_get(table, keys[i]);
            REQUIRE(intact(v) && v->next == keys[i], "the value of key %d was lost", i);
        }
    }
    REQUIRE(tri_ephemerons_len(table) == 64, "%zu entries", tri_ephemerons_len(table));
    clear_stack();
    watch_values(0, 64);
    for (int i = 0; i < 32; i++) keys[i] = NULL;
    collect_until(&values_gone, 31); /* one may be on the stack */
    settle();
    REQUIRE(count_of(&values_gone) <= 32, "values of live keys went: %d", values_gone);
    for (int i = 32; i < 64; i++) REQUIRE(intact(tri_ephemerons_get(table, keys[i])), "key %d lost its value", i);
}

/* ---- a chain: each value is the next key; in both orders ---- */

enum { LINKS = 2000 };
static struct item *chain_key[2];
NO_INLINE static void make_chain(bool backwards) {
    struct item **all = tri_new_array(struct item *, LINKS + 1);
    for (int i = 0; i <= LINKS; i++) tri_set(all[i], item_new());
    for (int i = 0; i < LINKS; i++) {
        int k = backwards ? LINKS - 1 - i : i;
        tri_ephemerons_put(table, all[k], all[k + 1]);
    }
    chain_key[backwards] = all[0];
}
static void chains(void) {
    make_chain(false);
    make_chain(true);
    for (int round = 0; round < 2; round++) {
        collect();
        for (int b = 0; b < 2; b++) {
            int n = 0;
            for (struct item *k = chain_key[b]; k; k = tri_ephemerons_get(table, k), n++)
                REQUIRE(intact(k), "link %d was lost", n);
            REQUIRE(n == LINKS + 1, "the chain ends after %d", n);
        }
    }
    chain_key[0] = chain_key[1] = NULL;
}

/* ---- changes, and taking out ---- */

static void changes(void) {
    struct item *k = item_new();
    tri_ephemerons_put(table, k, item_new());
    struct item *second = item_new();
    tri_ephemerons_put(table, k, second);
    REQUIRE(tri_ephemerons_get(table, k) == second, "a second put did not replace the first");
    tri_ephemerons_put(table, k, NULL);
    REQUIRE(!tri_ephemerons_get(table, k), "an entry taken out is still there");
    REQUIRE(!tri_ephemerons_get(tri_ephemerons_new(), keys[40]), "another table has the entry");
}

/* ---- tiny keys: several in one block of the heap ---- */

static void tiny_keys(void) {
    enum { N = 8 };
    char *key[N];
    tri_ephemerons *t = tri_ephemerons_new();
    for (int i = 0; i < N; i++) {
        key[i] = tri_alloc_leaf(4);
        REQUIRE(!tri_ephemerons_get(t, key[i]), "key %d has another one's value", i);
        tri_ephemerons_put(t, key[i] + i % 4, keys[32 + i]);
    }
    for (int i = 0; i < N; i++) REQUIRE(tri_ephemerons_get(t, key[i]) == keys[32 + i], "key %d has lost its value", i);
    REQUIRE(tri_ephemerons_len(t) == N, "%zu entries of %d", tri_ephemerons_len(t), N);
}

/* ---- what is taken out while marking is gone after the next cycle ---- */

static int taken_out;
static void *take_out(void *t) {
    while (!count_of(&taken_out)) {
        for (int k = 32; k < 64; k++) tri_ephemerons_put(t, keys[k], keys[32]);
        for (int k = 32; k < 64; k++) tri_ephemerons_put(t, keys[k], NULL);
        if (tri_ephemerons_len(t)) count_up(&taken_out); /* a cycle was marking */
    }
    return NULL;
}
static void taking_out(void) {
    pthread_t thread;
    tri_ephemerons *t = tri_ephemerons_new();
    pthread_create(&thread, NULL, take_out, t);
    for (int i = 0; i < 300 && !count_of(&taken_out); i++) tri_gc();
    count_up(&taken_out); /* with the world stopped it is never while marking */
    pthread_join(thread, NULL);
    tri_gc();
    REQUIRE(tri_ephemerons_len(t) == 0, "%zu entries that were taken out are still there", tri_ephemerons_len(t));
}

/* ---- a table that dies ---- */

static int table_values_gone;
static void table_value_gone(void *arg) { (void)arg, count_up(&table_values_gone); }
NO_INLINE static void make_dying_table(struct item *key) {
    tri_ephemerons *t = tri_ephemerons_new();
    struct item *v = item_new();
    tri_add_cleanup(v, table_value_gone, NULL);
    tri_ephemerons_put(t, key, v);
}
static void dying_tables(void) {
    struct item *key = item_new();
    for (int i = 0; i < 50; i++) make_dying_table(key);
    collect_until(&table_values_gone, 48);
    REQUIRE(intact(key), "the key went");
}

/* ---- while cycles run ---- */

static int stop;
static void *collector(void *unused) {
    while (!count_of(&stop)) tri_gc();
    return unused;
}
static void storm(void) {
    pthread_t gc;
    uint64_t random = 42;
    struct item **k = tri_new_array(struct item *, 200);
    pthread_create(&gc, NULL, collector, NULL);
    for (int i = 0; i < 100000; i++) {
        int n = (int)(random_next(&random) % 200);
        if (!k[n] || random % 16 == 0) {
            struct item *v = item_new();
            tri_set(k[n], item_new());
            tri_set(v->next, k[n]);
            tri_ephemerons_put(table, k[n], v);
        } else if (random % 16 == 1) {
            tri_ephemerons_put(table, k[n], NULL);
            tri_set(k[n], NULL);
        } else {
            struct item *v = tri_ephemerons_get(table, k[n]);
            REQUIRE(intact(v) && v->next == k[n], "a value was lost");
        }
    }
    count_up(&stop);
    pthread_join(gc, NULL);
}

int main(void) {
    values_live_with_keys();
    chains();
    changes();
    tiny_keys();
    taking_out();
    dying_tables();
    storm();
    return 0;
}
