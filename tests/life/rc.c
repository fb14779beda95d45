/* Counted handles: destroyed by the last release, there and then; unreachable ones and cycles of them by the collector; once. */
#include "life_test.h"

struct conn {
    tri_rc *peer;
    int destroyed;
    int *counter;
};
TRI_TYPE(struct conn, peer)

static int gone, twice, damaged;

static void conn_destroy(void *p) {
    struct conn *c = p;
    if (c->destroyed++) twice = 1;
    if (c->peer) {
        struct conn *other = tri_rc_get(c->peer);
        if (other && other->counter != &gone) damaged = 1;
        tri_rc_release(c->peer);
    }
    count_up(c->counter);
}

static tri_rc *conn_new(void) {
    struct conn *c = tri_new(struct conn);
    c->counter = &gone;
    return tri_rc_new(c, conn_destroy);
}

static void deterministic(void) {
    tri_rc *h = conn_new();
    struct conn *c = tri_rc_get(h);
    REQUIRE(tri_rc_retain(h) == h, "retain gives another handle");
    tri_rc_release(h);
    REQUIRE(gone == 0, "destroyed with a user left");
    tri_rc_release(h);
    REQUIRE(gone == 1 && c->destroyed == 1, "the last release did not destroy");
    REQUIRE(!tri_rc_get(h), "a destroyed handle still gives its pointer");
    settle();
    REQUIRE(count_of(&gone) == 1, "destroyed twice");
}

static int foreign;
static void foreign_destroy(void *p) {
    free(p);
    count_up(&foreign);
}
NO_INLINE static void leak_foreign(void) {
    for (int i = 0; i < 100; i++) tri_rc_new(malloc(100), foreign_destroy);
}

NO_INLINE static void leak_cycle(int n) {
    tri_rc *first = conn_new(), *last = first;
    for (int i = 1; i < n; i++) {
        tri_rc *h = conn_new();
        tri_set(((struct conn *)tri_rc_get(h))->peer, tri_rc_retain(last));
        last = h;
    }
    tri_set(((struct conn *)tri_rc_get(first))->peer, tri_rc_retain(last));
}

static tri_rc *kept;
static void unreachable(void) {
    leak_foreign();
    collect_until(&foreign, 98);
    gone = 0;
    kept = conn_new();
    leak_cycle(2);
    leak_cycle(1);
    leak_cycle(50);
    collect_until(&gone, 53);
    settle();
    REQUIRE(count_of(&gone) == 53 && !twice && !damaged, "%d destroyed, twice %d, damaged %d", gone, twice, damaged);
    REQUIRE(tri_rc_get(kept), "a handle in use was destroyed");
    tri_rc_release(kept);
    REQUIRE(count_of(&gone) == 54, "the last release did not destroy");
    kept = NULL;
}

/* A weak pointer to a dead handle is cleared before it is destroyed. */
static tri_weak weak_handle;
static int weak_seen, weak_gone;
static void weak_destroy(void *p) {
    (void)p;
    if (tri_weak_get(weak_handle)) weak_seen = 1;
    count_up(&weak_gone);
}
NO_INLINE static void leak_weak(void) {
    weak_handle = tri_weak_make(tri_rc_new(NULL, weak_destroy));
}
static void weak(void) {
    leak_weak();
    collect_until(&weak_gone, 1);
    REQUIRE(!weak_seen, "a weak pointer gave a dead handle");
}

static int stop;
static void *collector(void *unused) {
    while (!count_of(&stop)) tri_gc();
    return unused;
}
static void *worker(void *unused) {
    for (int i = 0; i < 4000; i++) {
        if (i % 2) leak_cycle(1 + i % 7);
        else tri_rc_release(conn_new());
    }
    return unused;
}
static void storm(void) {
    pthread_t gc, w[2];
    int expected = 0;
    gone = 0;
    for (int i = 0; i < 4000; i++) expected += i % 2 ? 1 + i % 7 : 1;
    pthread_create(&gc, NULL, collector, NULL);
    for (int i = 0; i < 2; i++) pthread_create(&w[i], NULL, worker, NULL);
    for (int i = 0; i < 2; i++) pthread_join(w[i], NULL);
    count_up(&stop);
    pthread_join(gc, NULL);
    collect_until(&gone, 2 * expected - 14);
    settle();
    REQUIRE(count_of(&gone) <= 2 * expected && !twice && !damaged, "%d of %d, twice %d, damaged %d", gone, 2 * expected,
            twice, damaged);
}

/* A cache that holds its entries weakly, as each is found by somebody: an entry that is given out has its handle, however many others
 * are being found dead at that moment. */
enum { ENTRIES = 4000, IN_USE = 8, LOOKUPS = 40000 };
struct entry {
    tri_rc *handle;
    long key;
};
TRI_TYPE(struct entry, handle)

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static tri_weak cache[ENTRIES];
static int entries_gone, entries_made;
static void entry_destroy(void *unused) { (void)unused, count_up(&entries_gone); }

static struct entry *look_up(long key) {
    pthread_mutex_lock(&cache_lock);
    struct entry *e = tri_weak_get(cache[key]);
    if (!e) {
        e = tri_new(struct entry);
        e->key = key;
        tri_set(e->handle, tri_rc_new(&entries_gone, entry_destroy));
        cache[key] = tri_weak_make(e);
        count_up(&entries_made);
    }
    pthread_mutex_unlock(&cache_lock);
    return e;
}
static void *client(void *unused) {
    struct entry *in_use[IN_USE] = {0};
    uint64_t random = 88172645463325252u + (uintptr_t)in_use;
    for (int i = 0; i < LOOKUPS; i++) {
        long key = (long)(random_next(&random) % ENTRIES);
        struct entry *e = look_up(key);
        REQUIRE(e->key == key && tri_rc_get(e->handle), "entry %ld (%ld) without its handle", e->key, key);
        in_use[i % IN_USE] = e;
        tri_alloc(200);
        tri_keep_alive(e);
    }
    tri_keep_alive(in_use);
    return unused;
}
static void weak_cache(void) {
    pthread_t t[2];
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, client, NULL);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    collect_until(&entries_gone, count_of(&entries_made) - 4 * IN_USE);
    REQUIRE(count_of(&entries_gone) <= entries_made, "%d of %d handles destroyed", entries_gone, entries_made);
}

int main(void) {
    deterministic();
    unreachable();
    weak();
    storm();
    weak_cache();
    return 0;
}
