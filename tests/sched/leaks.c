/* leaks - goroutines that are blocked for ever are found, others never. With `report`, two are left behind, and the report is
 * compared with what it should be. */
#include "test.h"

#include <string.h>

enum { N = 100 };

struct pair {
    tri_chan *a, *b;
    uint64_t *kept;
};
TRI_TYPE(struct pair, a, b, kept)
/* The same in objects of another size: a pointer to one keeps its neighbour alive too, since it may be that one's end. */
struct apart {
    struct pair pair;
    char room[40];
};
TRI_TYPE(struct apart, pair.a, pair.b, pair.kept)

struct locks {
    tri_mutex mutex;
    tri_rwmutex rw;
    tri_waitgroup group;
    tri_cond cond;
    uint64_t *kept;
};
TRI_TYPE(struct locks, kept)

static tri_chan *global;
static tri_waitgroup made;

/* ---- those that leak; each is made by a goroutine that ends ---- */

static void receives(void *c) { tri_recv(c, NULL); }
static void sends(void *c) { tri_send(c, &(int){1}); }
static void selects(void *arg) {
    struct pair *p = arg;
    tri_case k[] = {TRI_RECV(p->a, NULL), TRI_SEND(p->b, &(int){2})};
    tri_select(k, 2, false);
}
static void receives_nothing(void *arg) {
    (void)arg;
    tri_recv(NULL, NULL);
}
static void selects_nothing(void *arg) {
    (void)arg;
    tri_select(NULL, 0, false);
}
static void locks_twice(void *arg) {
    struct locks *l = arg;
    tri_mutex_lock(&l->mutex);
    tri_mutex_lock(&l->mutex);
}
static void writes_twice(void *arg) {
    struct locks *l = arg;
    tri_rwmutex_lock(&l->rw);
    tri_rwmutex_lock(&l->rw);
}
static void waits_for_group(void *arg) {
    struct locks *l = arg;
    tri_waitgroup_add(&l->group, 1);
    tri_waitgroup_wait(&l->group);
}
static void waits_for_signal(void *arg) {
    struct locks *l = arg;
    tri_mutex_lock(&l->mutex);
    tri_cond_wait(&l->cond, &l->mutex);
}
/* Two that know only each other: the first holds what the second waits for. */
static void holds(void *arg) {
    struct pair *p = arg;
    tri_recv(p->a, NULL);
    tri_send(p->b, NULL);
}
static void on_own_stack(void *arg) {
    tri_waitgroup group = {0};
    (void)arg;
    tri_waitgroup_add(&group, 1);
    tri_waitgroup_wait(&group);
}
/* What it holds stays alive, and is not written to. */
static void keeps(void *arg) {
    struct pair *p = arg;
    uint64_t *kept = tri_alloc_leaf(1000);
    for (int i = 0; i < 125; i++) kept[i] = (uint64_t)i;
    tri_recv(p->a, NULL);
    for (int i = 0; i < 125; i++) EXPECT_EQ(kept[i], i);
    tri_waitgroup_done(&made);
}

static struct pair *pair(void) {
    struct pair *p = tri_new(struct pair);
    tri_set(p->a, tri_chan_new(int, 0));
    tri_set(p->b, tri_chan_new(int, 0));
    return p;
}

static void make(void *arg) {
    switch ((int)(uintptr_t)arg) {
    case 0: tri_go(receives, tri_chan_new(int, 0)); break;
    case 1: tri_go(sends, tri_chan_new(int, 0)); break;
    case 2: tri_go(selects, pair()); break;
    case 3: tri_go(receives_nothing, NULL); break;
    case 4: tri_go(selects_nothing, NULL); break;
    case 5: tri_go(locks_twice, tri_new(struct locks)); break;
    case 6: tri_go(writes_twice, tri_new(struct locks)); break;
    case 7: tri_go(waits_for_group, tri_new(struct locks)); break;
    case 8: tri_go(waits_for_signal, tri_new(struct locks)); break;
    case 9: {
        struct pair *p = pair();
        tri_go(holds, p);
        tri_go(receives, p->b);
        break;
    }
    case 10: tri_go(on_own_stack, NULL); break;
    /* those that do not leak */
    case 11: tri_go(receives, global); break;
    case 12: { /* on what one holds that waits on a channel that can be reached */
        struct pair *p = &tri_new(struct apart)->pair;
        tri_set(p->a, global);
        tri_set(p->b, tri_chan_new(int, 0));
        tri_go(holds, p);
        tri_go(receives, p->b);
        break;
    }
    case 13: {
        struct pair *p = &tri_new(struct apart)->pair;
        tri_set(p->a, global);
        tri_set(p->b, tri_chan_new(int, 0));
        tri_go(selects, p);
        break;
    }
    case 14: tri_go(receives, tri_after(3600ll * 1000000000)); break;
    case 15: tri_go(receives, tri_context_done(tri_context_with_timeout(tri_context_background(), 3600ll * 1000000000))); break;
    default: break;
    }
    tri_waitgroup_done(&made);
}

static void __attribute__((noinline)) make_all(int first, int last) {
    tri_waitgroup_add(&made, N * (last - first + 1));
    for (int i = 0; i < N; i++)
        for (int kind = first; kind <= last; kind++) tri_go(make, (void *)(uintptr_t)kind);
    tri_waitgroup_wait(&made);
    for (int i = 0; i < 50; i++) tri_yield();
}

static void spins(void *arg) {
    uint64_t *n = arg;
    while (!__atomic_load_n(n, __ATOMIC_ACQUIRE)) tri_yield();
}

static void search(void *arg) {
    (void)arg;
    global = tri_chan_new(int, 0);
    EXPECT_EQ(tri_goroutine_leaks(-1), 0);
    make_all(11, 15);
    EXPECT_EQ(tri_goroutine_leaks(-1), 0);
    uint64_t *done = tri_alloc_leaf(16);
    for (int i = 0; i < 4; i++) tri_go(spins, done); /* the search runs beside others */
    make_all(0, 10);
    int found;
    do { /* until they have come to where they stay; stale words may hide some for ever */
        found = tri_goroutine_leaks(-1);
        EXPECT(found <= 12 * N);
    } while (found < 9 * N);
    for (int i = 0; i < 3; i++) tri_gc();
    EXPECT(tri_goroutine_leaks(-1) <= 12 * N);
    __atomic_store_n(done, 1, __ATOMIC_RELEASE);
    /* Wake those that can be: none of them was leaked. */
    tri_close(global);
}

/* The collector is lied to: what was reported goes on all the same, with all it held. */
static void lied(void *arg) {
    enum { FEW = 50 };
    static uintptr_t hidden[FEW];
    (void)arg;
    tri_waitgroup_add(&made, FEW);
    for (int i = 0; i < FEW; i++) {
        struct pair *p = pair();
        hidden[i] = tri_hide(p->a);
        tri_go(keeps, p);
    }
    for (int i = 0; i < 100; i++) tri_yield();
    tri_sleep(10000000);
    for (int i = 0; i < 3; i++) EXPECT(tri_goroutine_leaks(-1) <= FEW);
    tri_gc();
    for (int i = 0; i < FEW; i++) tri_send(tri_reveal(hidden[i]), &(int){0});
    tri_waitgroup_wait(&made);
    EXPECT_EQ(tri_goroutine_leaks(-1), 0);
}

static void report(void *arg) {
    (void)arg;
    tri_waitgroup_add(&made, 1);
    tri_go(make, (void *)(uintptr_t)3);
    tri_waitgroup_wait(&made);
    while (tri_goroutine_leaks(-1) < 1) tri_yield();
    printf("%d\n", tri_goroutine_leaks(1));
}

int main(int argc, char **argv) {
    (void)argv;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1) {
        tri_run(report, NULL);
        return 0;
    }
    tri_run(lied, NULL);
    tri_run(search, NULL);
    puts("ok");
}
