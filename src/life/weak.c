/* weak.c - weak pointers: a handle of 8 bytes for each pointer that was ever made weak, found again through a special of the
 * object, so that equal pointers give equal handles.
 *
 * The handle is a heap object that is not scanned. The special keeps it while the object lives; afterwards it lives as
 * long as somebody holds it, and reads NULL: so it can be compared and be a key for ever.
 *
 * Getting the pointer back makes a weak one strong, which no scan has seen. While marking, it is shaded, as by a store: the
 * last stop finds it, so nothing has to wait. Afterwards the object may be dead and not swept yet: its span is
 * swept first, which clears the handle. No phase changes in between, since the thread is inside.
 *
 * Counted handles are found dead before marking has quite ended (rc.c), and what is white then with them. In programs that have such handles the weak
 * pointers to white objects are therefore listed too, and those still white read NULL from that stop on. Their specials
 * stay, until the object is swept.
 */
#include "special.h"
#include "../sched/told.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/life.h"

struct tri__weak {
    uintptr_t target; /* atomic; 0: the object is gone */
};

static struct vector white; /* collector: weak pointers to objects that may be dead */

void trix_weak_forget(void) { white.n = 0; }

void trix_weak_seen(struct special *s) {
    if (load_relaxed(&trix_rc_used)) trix_vector_push(&white, s);
}

void trix_weak_narrow(void) {
    size_t kept = 0;
    for (size_t i = 0; i < white.n; i++)
        if (!trix_marker_is_marked(white.item[i]->object)) white.item[kept++] = white.item[i];
    white.n = kept;
}

void trix_weak_end_white(void) {
    trix_weak_narrow();
    for (size_t i = 0; i < white.n; i++) trix_weak_clear(white.item[i]->weak.handle);
    white.n = 0;
}

void trix_weak_clear(struct tri__weak *handle) { store_release(&handle->target, 0); }

static struct tri__weak *find_handle(const struct special_place *at, uintptr_t p) {
    struct special *s = trix_special_first(at);
    while (s && (s->kind != SPECIAL_WEAK || s->object != p || !load_acquire(&s->weak.handle->target))) s = s->next;
    return s ? s->weak.handle : NULL;
}

/* The handle there is, else `fresh`, if that is not NULL, in its place. */
static struct tri__weak *find_or_add(struct thread *t, void *p, struct tri__weak *fresh) {
    struct special_place at;
    trix_special_demand(&at, "tri_weak_make", p);
    struct tri__weak *handle = find_handle(&at, (uintptr_t)p);
    if (!handle && fresh) {
        handle = fresh;
        trix_special_add(&at, SPECIAL_WEAK, (uintptr_t)p)->weak.handle = handle;
    }
    trix_special_unlock(&at);
    if (handle && gate_marking()) {
        trix_shade(t, (uintptr_t)handle, 0);
        trix_shade(t, (uintptr_t)p, 0); /* it may be on no list */
    }
    return handle;
}

EXPORT tri_weak tri_weak_make(void *p) {
    if (!p) return NULL;
    struct thread *t = (struct thread *)gate_enter();
    struct tri__weak *handle = find_or_add(t, p, NULL);
    if (!handle) {
        struct tri__weak *fresh = tri_alloc_leaf(sizeof *fresh); /* before the lock: it may have to wait for a cycle */
        fresh->target = (uintptr_t)p;
        handle = find_or_add(t, p, fresh);
    }
    gate_leave(&t->cache.gate);
    order_before(handle);
    return handle;
}

/* Not marking: the object that p points to may be dead. */
static uintptr_t settle(const struct tri__weak *handle, uintptr_t p) {
    uint32_t page = trix_map_span(map_page_of(p));
    if (page && UNLIKELY(load_acquire(&map_state(page)->swept) != sweep_parity())) trix_gate_sweep_span(page);
    return load_acquire(&handle->target);
}

EXPORT void *tri_weak_get(tri_weak weak) {
    if (!weak) return NULL;
    struct thread *t = (struct thread *)gate_enter();
    uintptr_t p = load_acquire(&weak->target);
    if (p) {
        if (UNLIKELY(gate_marking())) trix_shade(t, p, 0);
        else p = settle(weak, p);
    }
    gate_leave(&t->cache.gate);
    order_after(weak);
    return (void *)p;
}
