/* ephemeron.c - values for keys, for as long as the keys live (Hayes 1997, "Ephemerons: a new finalization mechanism").
 *
 * An entry is a special of its key. While marking, an entry waits in a list until its key and its table's face are both
 * marked; then its value is shaded. The list is gone over when nothing is grey, as often as that finds something, and
 * once more in the last stop, where it holds only entries whose key looks dead. What a program stores or takes
 * while marking is shaded, so an entry may change at any time.
 *
 * A key or a table found dead loses its entries, even if a finalizer makes it reachable again: what they held may be gone.
 */
#include "special.h"
#include "../heap/metadata.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/control.h"
#include "../../include/tricolor/life.h"

/* Outside the heap: lives until its face is dead and its last entry is gone. */
struct table {
    union {
        uintptr_t face; /* constant; never a root */
        struct table *free;
    };
    uint64_t entries; /* relaxed */
    bool dead;        /* relaxed; lock to write */
};

struct tri_ephemerons {
    struct table *table;
};

static struct {
    struct lock lock;
    struct table *free; /* lock */
} tables = {.lock = LOCK_INIT(DUE)};

static struct vector pending; /* collector: entries whose value is not known to be alive */
static bool backwards;        /* collector: direction of the next pass, so that chains in either order are short */

/* ---- tables ---- */

static struct table *table_make(void) {
    lock_acquire(&tables.lock);
    struct table *t = tables.free;
    if (t) tables.free = t->free;
    lock_release(&tables.lock);
    if (!t) t = trix_metadata_alloc(sizeof *t);
    if (!t) trix_fatal("out of memory");
    *t = (struct table){0};
    return t;
}

static void table_free_if_done(struct table *t) {
    if (!t->dead || t->entries) return;
    t->free = tables.free;
    tables.free = t;
}

void trix_table_dead(struct table *t) {
    lock_acquire(&tables.lock);
    store_relaxed(&t->dead, true);
    table_free_if_done(t);
    lock_release(&tables.lock);
}

void trix_ephemeron_release(struct special *s) {
    struct table *t = s->ephemeron.table;
    lock_acquire(&tables.lock);
    store_relaxed(&t->entries, t->entries - 1);
    table_free_if_done(t);
    lock_release(&tables.lock);
}

static void table_count(struct table *t) {
    lock_acquire(&tables.lock);
    store_relaxed(&t->entries, t->entries + 1);
    lock_release(&tables.lock);
}

/* ---- marking ---- */

/* Its table is dead, or it was taken out while marking. */
bool trix_ephemeron_dropped(const struct special *s) {
    return load_relaxed(&s->ephemeron.table->dead) || !load_relaxed(&s->ephemeron.value);
}
void trix_ephemerons_forget(void) { pending.n = 0; }
void trix_ephemeron_seen(struct special *s) { trix_vector_push(&pending, s); }

enum verdict { WAITS, DONE, SHADED };

static enum verdict consider(struct marker *m, const struct special *s) {
    if (!trix_marker_is_marked(s->object) || !trix_marker_is_marked(s->ephemeron.table->face)) return WAITS;
    uintptr_t value = load_relaxed(&s->ephemeron.value);
    if (trix_marker_is_marked(value)) return DONE;
    trix_marker_shade(m, value);
    return SHADED;
}

bool trix_ephemerons_mark(struct marker *m) {
    bool any = false;
    size_t kept = 0, n = pending.n;
    for (size_t i = 0; i < n; i++) {
        struct special *s = pending.item[backwards ? n - 1 - i : i];
        enum verdict v = consider(m, s);
        any |= v == SHADED;
        if (v != WAITS) s = NULL;
        pending.item[backwards ? n - 1 - i : i] = s;
    }
    for (size_t i = 0; i < n; i++)
        if (pending.item[i]) pending.item[kept++] = pending.item[i];
    pending.n = kept;
    backwards = !backwards;
    return any;
}

/* ---- the public calls ---- */

EXPORT tri_ephemerons *tri_ephemerons_new(void) {
    struct thread *t = (struct thread *)gate_enter();
    tri_ephemerons *face = tri_alloc_leaf(sizeof *face);
    struct special_place at;
    face->table = table_make();
    face->table->face = (uintptr_t)face;
    bool found = trix_special_lock(&at, (uintptr_t)face);
    CHECK(found, "a fresh object cannot be found");
    trix_special_add(&at, SPECIAL_TABLE, (uintptr_t)face)->table.table = face->table;
    trix_special_unlock(&at);
    gate_leave(&t->cache.gate);
    return face;
}

static struct special *find_entry(const struct special_place *at, const struct table *table, const void *key) {
    struct special *s = trix_special_first(at);
    while (s && (s->kind != SPECIAL_EPHEMERON || s->ephemeron.table != table ||
                 !trix_special_same_object(at, s->object, (uintptr_t)key)))
        s = s->next;
    return s;
}

static struct special *add_entry(struct special_place *at, struct table *table, void *key) {
    struct special *s = trix_special_add(at, SPECIAL_EPHEMERON, (uintptr_t)key);
    s->ephemeron.table = table;
    table_count(table);
    return s;
}

/* While marking, the collector may have the entry in its list. */
static void remove_entry(struct special_place *at, struct special *s) {
    if (gate_marking()) return;
    trix_special_remove(at, s);
    trix_ephemeron_release(s);
    trix_special_discard(at, s);
}

EXPORT void tri_ephemerons_put(tri_ephemerons *face, void *key, void *value) {
    struct special_place at;
    struct thread *t = (struct thread *)gate_enter();
    trix_special_demand(&at, "tri_ephemerons_put", key);
    struct special *s = find_entry(&at, face->table, key);
    uintptr_t old = s ? s->ephemeron.value : 0;
    if (!s && value && !load_relaxed(&face->table->dead)) s = add_entry(&at, face->table, key);
    if (s) {
        store_relaxed(&s->ephemeron.value, (uintptr_t)value);
        if (!value) remove_entry(&at, s);
    }
    trix_special_unlock(&at);
    if (gate_marking()) trix_shade(t, old, 0), trix_shade(t, (uintptr_t)value, 0);
    gate_leave(&t->cache.gate);
    tri_keep_alive(face);
}

EXPORT void *tri_ephemerons_get(tri_ephemerons *face, void *key) {
    struct special_place at;
    struct thread *t = (struct thread *)gate_enter();
    trix_special_demand(&at, "tri_ephemerons_get", key);
    const struct special *s = find_entry(&at, face->table, key);
    uintptr_t value = s && !load_relaxed(&face->table->dead) ? load_relaxed(&s->ephemeron.value) : 0;
    trix_special_unlock(&at);
    if (gate_marking()) trix_shade(t, value, 0);
    gate_leave(&t->cache.gate);
    tri_keep_alive(face);
    return (void *)value;
}

EXPORT size_t tri_ephemerons_len(tri_ephemerons *face) {
    size_t n = load_relaxed(&face->table->entries);
    tri_keep_alive(face);
    return n;
}
