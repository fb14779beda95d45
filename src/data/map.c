/* map.c - looking up, putting in, deleting: see map.h for how maps are built. */
#include "map.h"
#include "panic.h"
#include "../heap/gate.h"
#include "../../include/tricolor/defer.h"

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

/* The group's slots lie behind its control bytes, a line or two on: they are fetched while those are looked at. */
INLINE void group_fetch(const struct map_type *t, unsigned form, const char *group) {
    __builtin_prefetch(group + 64);
    if (form_element_bytes(t, form) > 64 + 64) __builtin_prefetch(group + 128);
}

INLINE char *find(const struct tri_map *m, const void *key, unsigned form) {
    const struct map_type *t = m->type;
    uint64_t hash = key_hash(t, form, key, m->seed);
    uintptr_t word = m->dir[dir_index(m, hash)];
    char *table = word_table(word);
    uint64_t mask = word_mask(word), at = hash >> 7 & mask, step = 0;
    for (;;) {
        char *group = group_at(t, form, table, at);
        group_fetch(t, form, group);
        uint64_t control = group_control(group);
        for (uint64_t match = control_match(control, hash_tag(hash)); match; match &= match - 1) {
            char *slot = slot_at(t, form, group, control_first(match));
            if (LIKELY(key_equal(t, form, slot, key))) return slot;
        }
        if (LIKELY(control_empty(control))) return NULL;
        at = (at + ++step) & mask;
    }
}

char *trix_map_find(const struct tri_map *m, const void *key) { return find(m, key, FORM_ANY); }

INLINE char *get(const struct tri_map *m, const void *key, unsigned form) {
    char *slot = form == FORM_ANY ? trix_map_find(m, key) : find(m, key, form);
    return slot ? slot + form_value_at(m->type, form) : NULL;
}

EXPORT void *tri__map_get(const void *map, const void *key) {
    const struct tri_map *m = map;
    if (UNLIKELY(!m || !m->len)) return NULL;
    check_no_writer(m, "concurrent map read and map write");
#define GET(form) get(m, key, form)
    MAP_BY_FORM(m->type, GET)
#undef GET
}

EXPORT size_t tri__map_len(const void *map) { return map ? ((const struct tri_map *)map)->len : 0; }

/* ---- putting in ---- */

/* Where a key is, or would go. */
struct place {
    char *group;
    unsigned slot;
    bool deleted; /* the slot is one, to be used again */
};

/* Finds the key, or where it would go. */
INLINE bool seek(const struct tri_map *m, const void *key, uint64_t hash, unsigned form, struct place *p) {
    const struct map_type *t = m->type;
    uintptr_t word = m->dir[dir_index(m, hash)];
    char *table = word_table(word);
    uint64_t mask = word_mask(word), at = hash >> 7 & mask, step = 0;
    *p = (struct place){NULL, 0, false};
    for (;;) {
        char *group = group_at(t, form, table, at);
        group_fetch(t, form, group);
        uint64_t control = group_control(group);
        for (uint64_t match = control_match(control, hash_tag(hash)); match; match &= match - 1) {
            unsigned i = control_first(match);
            if (LIKELY(key_equal(t, form, slot_at(t, form, group, i), key))) {
                *p = (struct place){group, i, false};
                return true;
            }
        }
        uint64_t empty = control_empty(control), deleted = control_free(control) & ~empty;
        if (UNLIKELY(deleted) && !p->deleted) *p = (struct place){group, control_first(deleted), true};
        if (LIKELY(empty)) {
            if (LIKELY(!p->deleted)) *p = (struct place){group, control_first(empty), false};
            return false;
        }
        at = (at + ++step) & mask;
    }
}

INLINE struct table *table_head(const struct tri_map *m, uint64_t hash) {
    return table_of(word_table(m->dir[dir_index(m, hash)]));
}

INLINE bool has_room(const struct table *head, const struct place *p) { return LIKELY(!p->deleted) ? head->left > 0 : true; }

/* Counts a new key in its place. */
INLINE void take(struct tri_map *m, struct table *head, const struct place *p) {
    if (UNLIKELY(p->deleted)) head->tombs--;
    else head->left--;
    m->len++;
}

INLINE char *slot_for(struct tri_map *m, const void *key, unsigned form) {
    const struct map_type *t = m->type;
    uint64_t hash = key_hash(t, form, key, m->seed);
    struct place p;
    write_begin(m);
    while (LIKELY(!seek(m, key, hash, form, &p))) {
        struct table *head = table_head(m, hash);
        if (LIKELY(has_room(head, &p))) {
            take(m, head, &p);
            char *slot = slot_at(t, form, p.group, p.slot);
            store_bytes(slot, key, form_key_bytes(t, form), t->key_scanned);
            p.group[p.slot] = (char)hash_tag(hash);
            write_end(m);
            return slot + form_value_at(t, form);
        }
        trix_map_make_room(m, hash);
    }
    write_end(m);
    return slot_at(t, form, p.group, p.slot) + form_value_at(t, form);
}

static NOINLINE char *slot_any(struct tri_map *m, const void *key) { return slot_for(m, key, FORM_ANY); }

/* A hash or an equality of the program's own may panic: then nobody writes any longer. It is called before anything is changed. */
static void write_over(void *map) { store_relaxed(&((struct tri_map *)map)->writing, 0); }

static NOINLINE char *slot_or_panic(struct tri_map *m, const void *key) {
    TRI_FUNC;
    tri_defer(write_over, m);
    return slot_any(m, key);
}

EXPORT void *tri__map_slot(void *map, const void *key) {
    struct tri_map *m = map;
    if (UNLIKELY(!m)) trix_panic_words("assignment to entry in nil map");
    if (UNLIKELY(m->type->kind == TRI__KEY_OTHER)) return slot_or_panic(m, key);
#define SLOT(form) form == FORM_ANY ? slot_any(m, key) : slot_for(m, key, form)
    MAP_BY_FORM(m->type, SLOT)
#undef SLOT
}

/* ---- taking out ---- */

INLINE void wipe(char *at, size_t bytes, bool scanned) {
    if (!scanned) memset(at, 0, bytes);
    else if (bytes == 8) tri_set(*(tri__word *)(void *)at, 0);
    else tri_memset(at, 0, bytes);
}

/* A search that came by here goes on if the group was full, so then the slot stays as deleted. */
INLINE void vacate(struct tri_map *m, uint64_t hash, struct place *p, unsigned form) {
    const struct map_type *t = m->type;
    struct table *head = table_head(m, hash);
    char *slot = slot_at(t, form, p->group, p->slot);
    wipe(slot, form_key_bytes(t, form), t->key_scanned);
    wipe(slot + form_value_at(t, form), form_value_bytes(t, form), t->value_scanned);
    if (control_empty(group_control(p->group))) {
        p->group[p->slot] = CONTROL_EMPTY;
        head->left++;
    } else {
        p->group[p->slot] = CONTROL_DELETED;
        head->tombs++;
    }
    m->len--;
}

INLINE bool take_out(struct tri_map *m, const void *key, unsigned form) {
    uint64_t hash = key_hash(m->type, form, key, m->seed);
    struct place p;
    write_begin(m);
    bool found = seek(m, key, hash, form, &p);
    if (found) vacate(m, hash, &p, form);
    write_end(m);
    return found;
}

static NOINLINE bool take_out_any(struct tri_map *m, const void *key) { return take_out(m, key, FORM_ANY); }

static NOINLINE bool take_out_or_panic(struct tri_map *m, const void *key) {
    TRI_FUNC;
    tri_defer(write_over, m);
    return take_out_any(m, key);
}

EXPORT bool tri__map_delete(void *map, const void *key) {
    struct tri_map *m = map;
    if (UNLIKELY(!m || !m->len)) return false;
    if (UNLIKELY(m->type->kind == TRI__KEY_OTHER)) return take_out_or_panic(m, key);
    return m->type->form == FORM_WORD_TO_WORD ? take_out(m, key, FORM_WORD_TO_WORD) : take_out_any(m, key);
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
