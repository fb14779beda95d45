/* finalizer.c - tri_set_finalizer and tri_add_cleanup: Go's runtime.SetFinalizer and AddCleanup. */
#include "due.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/life.h"

/* Whether p is where an object begins: a slot, or a piece of a tiny block. */
static bool is_start(const struct special_place *at, uintptr_t p) {
    const struct page *entry = map_page(at->page);
    uintptr_t offset = p - map_address(at->page);
    if (page_is_large(entry)) return offset == 0;
    if (entry->layout == LAYOUT_ID_TINY) return offset % TINY_PIECE == 0;
    return offset == at->slot * entry->size;
}

static struct special *find_finalizer(const struct special_place *at, uintptr_t p) {
    struct special *s = trix_special_first(at);
    while (s && (s->kind != SPECIAL_FINALIZER || s->object != p)) s = s->next;
    return s;
}

EXPORT void tri_set_finalizer(void *p, void (*finalizer)(void *)) {
    struct special_place at;
    struct thread *t = (struct thread *)gate_enter();
    trix_special_demand(&at, "tri_set_finalizer", p);
    if (!is_start(&at, (uintptr_t)p))
        trix_misuse("tri_set_finalizer", "%p points into an object; pass the object's start", p);
    struct special *old = find_finalizer(&at, (uintptr_t)p), *s;
    if (old && finalizer)
        trix_misuse("tri_set_finalizer", "%p has a finalizer already; take it back with NULL first", p);
    if (finalizer) {
        s = trix_special_add(&at, SPECIAL_FINALIZER, (uintptr_t)p);
        s->call.fn = finalizer;
    } else if (old) {
        trix_special_remove(&at, old);
        trix_special_discard(&at, old);
    }
    trix_special_unlock(&at);
    /* This cycle has looked for finalizers already: without this it might find the object dead and not what it needs. */
    if (gate_marking()) trix_shade(t, (uintptr_t)p, 0);
    if (finalizer) trix_due_start(t);
    gate_leave(&t->cache.gate);
}

EXPORT tri_cleanup tri_add_cleanup(void *p, void (*cleanup)(void *), void *arg) {
    struct special_place at;
    struct thread *t = (struct thread *)gate_enter();
    trix_special_demand(&at, "tri_add_cleanup", p);
    if (!cleanup) trix_misuse("tri_add_cleanup", "the function is NULL");
    if (trix_special_same_object(&at, (uintptr_t)p, (uintptr_t)arg))
        trix_misuse("tri_add_cleanup", "the argument %p lies in the object and keeps it alive; pass what the cleanup needs", arg);
    struct special *s = trix_special_add(&at, SPECIAL_CLEANUP, (uintptr_t)p);
    s->call.fn = cleanup;
    s->call.arg = arg;
    tri_cleanup result = {tri_hide(p), s->id};
    trix_special_unlock(&at);
    if (gate_marking()) trix_shade(t, (uintptr_t)arg, 0);
    trix_due_start(t);
    gate_leave(&t->cache.gate);
    return result;
}

EXPORT bool tri_cleanup_stop(tri_cleanup cleanup) {
    struct special_place at;
    bool found = false;
    uintptr_t p = (uintptr_t)tri_reveal(cleanup.tri__object);
    struct thread *t = (struct thread *)gate_enter();
    if (cleanup.tri__id && trix_special_lock(&at, p)) {
        struct special *s = trix_special_first(&at);
        while (s && (s->kind != SPECIAL_CLEANUP || s->id != cleanup.tri__id || s->object != p)) s = s->next;
        found = s != NULL;
        if (found) {
            if (gate_marking()) trix_shade(t, (uintptr_t)s->call.arg, 0);
            trix_special_remove(&at, s);
            trix_special_discard(&at, s);
        }
        trix_special_unlock(&at);
    }
    gate_leave(&t->cache.gate);
    return found;
}
