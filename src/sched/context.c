/* context.c - contexts, written on the public calls as a program would.
 *
 * A context that can be cancelled hangs in its nearest cancellable ancestor's list of children until it is done. `err` is set,
 * and the channel closed, under the context's own mutex; a parent's is never taken while holding a child's, but the
 * other way round.
 */
#include "../base/attr.h"
#include "../base/atomic.h"
#include "../os/os.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/barrier.h"
#include "../../include/tricolor/context.h"
#include "../../include/tricolor/defer.h"
#include "../../include/tricolor/sync.h"
#include "../../include/tricolor/time.h"

struct tri_context {
    tri_context *parent;    /* constant */
    tri_context *canceller; /* nearest ancestor that can be done, itself included; constant */
    const void *key;        /* constant */
    void *value;            /* constant */
    tri_chan *done;         /* constant; NULL: this context adds a value only */
    tri_timer *timer;       /* mutex */
    tri_context *children, *next, *previous; /* links: the parent's mutex */
    const char *err;        /* release; mutex */
    int64_t deadline;       /* ns since 1970, when has_deadline; constant */
    bool has_deadline;      /* constant */
    tri_mutex mutex;
};
TRI_TYPE(tri_context, parent, canceller, key, value, done, timer, children, next, previous)

EXPORT tri_context *tri_context_background(void) {
    static tri_context background;
    return &background;
}

static tri_context *make(tri_context *parent) {
    if (!parent) tri_panic("cannot create context from nil parent");
    tri_context *c = tri_new(tri_context);
    tri_set(c->parent, parent);
    tri_set(c->canceller, parent->canceller);
    c->deadline = parent->deadline;
    c->has_deadline = parent->has_deadline;
    return c;
}

/* ---- the tree; the parent's mutex held ---- */

static void link_child(tri_context *parent, tri_context *c) {
    tri_set(c->next, parent->children);
    if (parent->children) tri_set(parent->children->previous, c);
    tri_set(parent->children, c);
}

static void unlink_child(tri_context *parent, tri_context *c) {
    if (parent->children != c && !c->previous) return; /* not there any more */
    if (c->previous) tri_set(c->previous->next, c->next);
    else tri_set(parent->children, c->next);
    if (c->next) tri_set(c->next->previous, c->previous);
    tri_set(c->next, NULL);
    tri_set(c->previous, NULL);
}

/* ---- done ---- */

static void finish(tri_context *c, const char *err, bool leave_parent) {
    tri_mutex_lock(&c->mutex);
    if (c->err) {
        tri_mutex_unlock(&c->mutex);
        return;
    }
    store_release(&c->err, err);
    tri_close(c->done);
    for (tri_context *child; (child = c->children);) {
        unlink_child(c, child);
        finish(child, err, false);
    }
    if (c->timer) tri_timer_stop(c->timer);
    tri_set(c->timer, NULL);
    tri_mutex_unlock(&c->mutex);
    tri_context *parent = c->parent->canceller;
    if (!leave_parent || !parent) return;
    tri_mutex_lock(&parent->mutex);
    unlink_child(parent, c);
    tri_mutex_unlock(&parent->mutex);
}

static const char canceled[] = "context canceled", too_late[] = "context deadline exceeded";

static void time_is_up(void *context) { finish(context, too_late, true); }

EXPORT void tri_context_cancel(tri_context *c) {
    if (c->canceller == c) finish(c, canceled, true);
}

EXPORT tri_context *tri_context_with_cancel(tri_context *parent) {
    tri_context *c = make(parent), *above = parent->canceller;
    tri_set(c->done, tri_chan_new(char, 0));
    tri_set(c->canceller, c);
    if (!above) return c;
    tri_mutex_lock(&above->mutex);
    const char *err = above->err;
    if (!err) link_child(above, c);
    tri_mutex_unlock(&above->mutex);
    if (err) finish(c, err, false);
    return c;
}

EXPORT tri_context *tri_context_with_deadline(tri_context *parent, int64_t unix_ns) {
    tri_context *c = tri_context_with_cancel(parent);
    if (parent->has_deadline && parent->deadline <= unix_ns) return c; /* the parent's comes first */
    c->deadline = unix_ns;
    c->has_deadline = true;
    int64_t left, now = (int64_t)trix_os_wall();
    if (__builtin_sub_overflow(unix_ns, now, &left) || left <= 0) { /* what overflows is long past */
        finish(c, too_late, true);
        return c;
    }
    tri_mutex_lock(&c->mutex);
    if (!c->err) tri_set(c->timer, tri_after_func(left, time_is_up, c));
    tri_mutex_unlock(&c->mutex);
    return c;
}

EXPORT tri_context *tri_context_with_timeout(tri_context *parent, int64_t ns) {
    int64_t at, now = (int64_t)trix_os_wall();
    return tri_context_with_deadline(parent, __builtin_add_overflow(now, ns, &at) ? INT64_MAX : at);
}

/* ---- asking ---- */

EXPORT tri_context *tri_context_with_value(tri_context *parent, const void *key, void *value) {
    tri_context *c = make(parent);
    tri_set(c->key, key);
    tri_set(c->value, value);
    return c;
}

EXPORT void *tri_context_value(tri_context *c, const void *key) {
    for (; c; c = c->parent)
        if (c->key && c->key == key) return c->value;
    return NULL;
}

EXPORT tri_chan *tri_context_done(tri_context *c) { return c->canceller ? c->canceller->done : NULL; }

/* There is an error a moment before the channel is closed: whoever is told of it may count on both, as in Go. */
EXPORT const char *tri_context_err(tri_context *c) {
    const char *err = c->canceller ? load_acquire(&c->canceller->err) : NULL;
    if (err) tri_recv(c->canceller->done, NULL);
    return err;
}

EXPORT bool tri_context_deadline(tri_context *c, int64_t *unix_ns) {
    if (c->has_deadline) *unix_ns = c->deadline;
    return c->has_deadline;
}
