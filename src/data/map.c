/* map.c - looking up, putting in, deleting: see map.h for how maps are built. */
#include "map.h"
#include "panic.h"
#include "../heap/gate.h"

TRI_TYPE(struct tri_map, dir, one)

/* ---- noticing others; I4 ---- */

static COLD void concurrent(const char *what) { trix_fatal(what); }

INLINE void check_no_writer(const struct tri_map *m, const char *what) {
    if (UNLIKELY(load_relaxed(&m->writing))) concurrent(what);
}
INLINE void write_begin(struct tri_map *m) {
    check_no_writer(m, "concurrent map writes");
    store_relaxed(&m->writing, 1);
}
INLINE void write_end(struct tri_map *m) {
    if (UNLIKELY(!load_relaxed(&m->writing))) concurrent("concurrent map writes");
    store_relaxed(&m->writing, 0);
}

/* ---- looking up ---- */

/* Where a key is, or would go. */
struct place {
    char *group; /* of the slot; NULL: the key is not there, and there is nothing deleted to use again */
    unsigned slot;
    char *last; /* the group with an empty slot that ended the search */
};

/* The group's slots lie behind its control bytes, a line or two on: they are fetched while those are looked at. */
INLINE void group_fetch(const struct map_type *t, const char *group) {
    __builtin_prefetch(group + 64);
    if (t->element_bytes > 64 + 64) __builtin_prefetch(group + 128);
}

INLINE void *find(const struct tri_map *m, const void *key, uint64_t hash, unsigned kind) {
    const struct map_type *t = m->type;
    uintptr_t word = m->dir[dir_index(m, hash)];
    char *table = word_table(word);
    uint64_t mask = word_mask(word), at = hash >> 7 & mask, step = 0;
    for (;;) {
        char *group = group_at(t, table, at);
        group_fetch(t, group);
        uint64_t control = group_control(group);
        for (uint64_t match = control_match(control, hash_tag(hash)); match; match &= match - 1) {
            char *slot = slot_at(t, group, control_first(match));
            if (LIKELY(key_equal(t, kind, slot, key))) return slot;
        }
        if (LIKELY(control_empty(control))) return NULL;
        at = (at + ++step) & mask;
    }
}

void *trix_map_find(const struct tri_map *m, const void *key, uint64_t hash) {
    switch (m->type->kind) {
    case TRI__KEY_BITS: return find(m, key, hash, TRI__KEY_BITS);
    case TRI__KEY_STRING: return find(m, key, hash, TRI__KEY_STRING);
    default: return find(m, key, hash, TRI__KEY_OTHER);
    }
}

EXPORT void *tri__map_get(const void *map, const void *key) {
    const struct tri_map *m = map;
    if (UNLIKELY(!m || !m->len)) return NULL;
    check_no_writer(m, "concurrent map read and map write");
    char *slot = trix_map_find(m, key, key_hash(m, key));
    return slot ? slot + m->type->value_at : NULL;
}

EXPORT size_t tri__map_len(const void *map) { return map ? ((const struct tri_map *)map)->len : 0; }

/* ---- putting in ---- */

/* Finds the key, or where it would go. */
INLINE bool seek(const struct tri_map *m, const void *key, uint64_t hash, unsigned kind, struct place *p) {
    const struct map_type *t = m->type;
    uintptr_t word = m->dir[dir_index(m, hash)];
    char *table = word_table(word);
    uint64_t mask = word_mask(word), at = hash >> 7 & mask, step = 0;
    p->group = NULL;
    for (;;) {
        char *group = group_at(t, table, at);
        group_fetch(t, group);
        uint64_t control = group_control(group);
        for (uint64_t match = control_match(control, hash_tag(hash)); match; match &= match - 1) {
            unsigned i = control_first(match);
            if (LIKELY(key_equal(t, kind, slot_at(t, group, i), key))) {
                *p = (struct place){group, i, group};
                return true;
            }
        }
        uint64_t empty = control_empty(control), deleted = control_free(control) & ~empty;
        if (UNLIKELY(deleted) && !p->group) p->group = group, p->slot = control_first(deleted);
        if (LIKELY(empty)) {
            p->last = group;
            return false;
        }
        at = (at + ++step) & mask;
    }
}

static bool seek_any(const struct tri_map *m, const void *key, uint64_t hash, struct place *p) {
    switch (m->type->kind) {
    case TRI__KEY_BITS: return seek(m, key, hash, TRI__KEY_BITS, p);
    case TRI__KEY_STRING: return seek(m, key, hash, TRI__KEY_STRING, p);
    default: return seek(m, key, hash, TRI__KEY_OTHER, p);
    }
}

/* Takes the place for a new key; false: the table is full. */
static bool take(struct tri_map *m, uint64_t hash, struct place *p) {
    struct table *head = table_of(word_table(m->dir[dir_index(m, hash)]));
    if (UNLIKELY(p->group != NULL)) {
        head->tombs--;
    } else {
        if (UNLIKELY(!head->left)) return false;
        head->left--;
        p->group = p->last;
        p->slot = control_first(control_empty(group_control(p->group)));
    }
    head->used++;
    m->len++;
    return true;
}

static char *slot_for(struct tri_map *m, const void *key, uint64_t hash) {
    const struct map_type *t = m->type;
    struct place p;
    if (seek_any(m, key, hash, &p)) return slot_at(t, p.group, p.slot);
    while (UNLIKELY(!take(m, hash, &p))) {
        trix_map_make_room(m, hash);
        seek_any(m, key, hash, &p);
    }
    char *slot = slot_at(t, p.group, p.slot);
    store_bytes(slot, key, t->key_bytes, t->key_scanned);
    p.group[p.slot] = (char)hash_tag(hash);
    return slot;
}

EXPORT void *tri__map_slot(void *map, const void *key) {
    struct tri_map *m = map;
    if (UNLIKELY(!m)) trix_panic_words("assignment to entry in nil map");
    uint64_t hash = key_hash(m, key);
    write_begin(m);
    char *slot = slot_for(m, key, hash);
    write_end(m);
    return slot + m->type->value_at;
}

/* ---- taking out ---- */

static void wipe(void *at, size_t bytes, bool scanned) {
    if (!scanned) memset(at, 0, bytes);
    else if (bytes == 8) tri_set(*(tri__word *)at, 0);
    else tri_memset(at, 0, bytes);
}

/* A search that came by here goes on if the group was full, so then the slot stays as deleted. */
static void vacate(struct tri_map *m, uint64_t hash, struct place *p) {
    const struct map_type *t = m->type;
    struct table *head = table_of(word_table(m->dir[dir_index(m, hash)]));
    char *slot = slot_at(t, p->group, p->slot);
    wipe(slot, t->key_bytes, t->key_scanned);
    wipe(slot + t->value_at, t->value_bytes, t->value_scanned);
    if (control_empty(group_control(p->group))) {
        p->group[p->slot] = CONTROL_EMPTY;
        head->left++;
    } else {
        p->group[p->slot] = CONTROL_DELETED;
        head->tombs++;
    }
    head->used--;
    m->len--;
}

EXPORT bool tri__map_delete(void *map, const void *key) {
    struct tri_map *m = map;
    struct place p;
    if (UNLIKELY(!m || !m->len)) return false;
    uint64_t hash = key_hash(m, key);
    write_begin(m);
    bool found = seek_any(m, key, hash, &p);
    if (found) vacate(m, hash, &p);
    write_end(m);
    return found;
}

EXPORT void tri__map_clear(void *map) {
    struct tri_map *m = map;
    if (!m) return;
    write_begin(m);
    m->clears++;
    m->len = 0;
    m->seed = trix_hash_seed();
    trix_map_begin(m, 0);
    write_end(m);
}

/* ---- making ---- */

EXPORT void *tri__map_new(struct tri__map_site *site, size_t n, tri_hash_fn hash, tri_equal_fn equal) {
    const struct map_type *t = trix_map_type(site, hash, equal);
    struct tri_map *m = tri_new(struct tri_map);
    m->type = t;
    m->seed = trix_hash_seed();
    trix_map_begin(m, n);
    return m;
}
