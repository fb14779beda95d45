/* rc.c - counted handles: the last release destroys at once; what is unreachable with a count that is not zero, such as a
 * cycle, is found by the collector.
 *
 * Unlike finalizers, handles are found dead in whatever order and however they reach each other (Boehm's "no order"):
 * when all marking is done, with the world stopped, every handle still white is dead, and only then are they shaded, so
 * that `destroy` finds intact whatever it can reach. To keep that stop short, the handles that are white before it are
 * listed while the world still runs.
 *
 * What they reach may be too much for one stop: then the world runs again before marking ends. So weak pointers to whatever is white
 * at that moment end with the handles, there and then: else tri_weak_get, or a dead word on a stack that is marked from in the next stop,
 * would bring back an object whose handle has been destroyed.
 *
 *   LIVE --last release--> DESTROYED      LIVE --found dead--> DUE --by the thread, or a release--> DESTROYED
 */
#include "due.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/barrier.h"
#include "../../include/tricolor/control.h"
#include "../../include/tricolor/life.h"

enum rc_state { RC_LIVE = 1, RC_DUE, RC_DESTROYED };

struct tri_rc {
    void *ptr; /* NULL once destroyed */
    void (*destroy)(void *);
    int64_t count;  /* atomic */
    uint32_t state; /* enum rc_state; atomic */
};

static struct vector white; /* collector: handles that may be dead */

bool trix_rc_used;

/* ---- the end of a handle ---- */

/* Whoever makes the state DESTROYED destroys. Outside. */
static void destroy_once(struct tri_rc *h) {
    if (swap_seq(&h->state, RC_DESTROYED) == RC_DESTROYED) return;
    void *ptr = h->ptr;
    h->destroy(ptr);
    tri_set(h->ptr, NULL);
    tri_keep_alive(ptr);
}

/* As a function that is due. */
static void destroy_due(void *handle) { destroy_once(handle); }

/* ---- marking ---- */

void trix_rc_forget(void) { white.n = 0; }

void trix_rc_seen(struct special *s) {
    if (load_relaxed(&s->rc.handle->state) == RC_LIVE) trix_vector_push(&white, s);
}

void trix_rc_narrow(void) {
    size_t kept = 0;
    for (size_t i = 0; i < white.n; i++)
        if (!trix_marker_is_marked(white.item[i]->object)) white.item[kept++] = white.item[i];
    white.n = kept;
}

/* Takes the special off the handle and makes it due. */
static void handle_dies(struct special *s) {
    struct special_place at;
    uint32_t live = RC_LIVE;
    if (!cas_seq(&s->rc.handle->state, &live, RC_DUE)) return;
    bool found = trix_special_lock(&at, s->object);
    CHECK(found, "a handle is no object");
    trix_special_clear_weak(&at);
    trix_special_remove(&at, s);
    trix_special_unlock(&at);
    s->call.fn = destroy_due;
    trix_due_add(s);
}

bool trix_rc_mark_dead(struct marker *m) {
    trix_rc_narrow();
    size_t dead = white.n;
    if (dead) trix_weak_end_white();
    for (size_t i = 0; i < dead; i++) {
        uintptr_t handle = white.item[i]->object;
        handle_dies(white.item[i]);
        trix_marker_shade(m, handle);
    }
    white.n = 0;
    return dead > 0;
}

/* ---- the public calls ---- */

EXPORT tri_rc *tri_rc_new(void *ptr, void (*destroy)(void *)) {
    if (!destroy) trix_misuse("tri_rc_new", "destroy is NULL");
    struct thread *t = (struct thread *)gate_enter();
    struct special_place at;
    if (UNLIKELY(!load_relaxed(&trix_rc_used))) store_relaxed(&trix_rc_used, true);
    struct tri_rc *h = tri_alloc(sizeof *h);
    tri_set(h->ptr, ptr);
    h->destroy = destroy;
    h->count = 1;
    h->state = RC_LIVE;
    bool found = trix_special_lock(&at, (uintptr_t)h);
    CHECK(found, "a fresh object cannot be found");
    trix_special_add(&at, SPECIAL_RC, (uintptr_t)h)->rc.handle = h;
    trix_special_unlock(&at);
    trix_due_start(t);
    gate_leave(&t->cache.gate);
    return h;
}

EXPORT tri_rc *tri_rc_retain(tri_rc *h) {
    fetch_add_relaxed(&h->count, 1);
    return h;
}

EXPORT void tri_rc_release(tri_rc *h) {
    int64_t before = fetch_sub_seq(&h->count, 1);
    if (before == 1) destroy_once(h);
    else if (before < 1 && load_seq(&h->state) == RC_LIVE)
        trix_misuse("tri_rc_release", "the handle %p was released more often than retained", (void *)h);
    tri_keep_alive(h);
}

EXPORT void *tri_rc_get(tri_rc *h) {
    void *ptr = load_seq(&h->state) == RC_DESTROYED ? NULL : load_relaxed(&h->ptr);
    tri_keep_alive(h);
    return ptr;
}
