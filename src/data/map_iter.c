/* map_iter.c - iteration over maps that change meanwhile, as Go defines it (spec, "For statements with range clause").
 *
 * An iterator goes round the hashes once, from a random one on, table by table: the range of hashes that a table serves is all of
 * the table's place that matters, since tables are only ever split. In a table it goes round the slots, from a random one on.
 * A table that is replaced while the iterator stands on it stays as it was (I2): from then on its keys are looked up in the map:
 * what is found comes with its value of now, what is not has been deleted. Keys that came into the range since do not come. So each key
 * comes once at most: those of a range come from one table, of which each slot is looked at once; but a slot can be vacated and
 * taken by a key that has come already, from a slot before: such a key was deleted and added again, and is a new entry.
 *
 * After a clear everything there was is deleted, and what came since may be left out: the iteration ends.
 */
#include "map.h"

enum { FRESH, RUNNING, DONE };

/* ---- tables ---- */

static uint64_t table_range(const char *table) {
    unsigned depth = ((const struct table *)(const void *)table)->depth;
    return depth ? (uint64_t)1 << (64 - depth) : 0; /* 0: all of them */
}

static void stand_on(tri_map_iter *it, const struct tri_map *m) {
    char *table = word_table(m->dir[dir_index(m, it->tri__at)]);
    it->tri__table = table;
    it->tri__slots = (uint64_t)GROUP_SLOTS << table_of(table)->log;
    it->tri__slot = 0;
    it->tri__offset = (uint32_t)trix_hash_seed();
}

EXPORT tri_map_iter tri__map_iterate(const void *map) { return (tri_map_iter){.tri__map = map}; }

static void begin(tri_map_iter *it, const struct tri_map *m) {
    it->tri__at = trix_hash_seed();
    stand_on(it, m);
    uint64_t range = table_range(it->tri__table);
    it->tri__begin = it->tri__at = range ? it->tri__at & ~(range - 1) : 0;
    it->tri__clears = m->clears;
    it->tri__state = RUNNING;
}

/* To the next range of hashes; false: all have been visited. */
static bool move_on(tri_map_iter *it, const struct tri_map *m) {
    it->tri__at += table_range(it->tri__table);
    if (it->tri__at == it->tri__begin) return false;
    stand_on(it, m);
    return true;
}

/* ---- entries ---- */

/* NULL: the entry was deleted. A key that does not equal itself cannot have been. */
static const char *as_of_now(const struct tri_map *m, const char *slot) {
    const struct map_type *t = m->type;
    if (t->equal && !t->equal(slot, slot)) return slot;
    return trix_map_find(m, slot);
}

static const char *next_slot(tri_map_iter *it, const struct tri_map *m) {
    const struct map_type *t = m->type;
    char *table = (char *)(uintptr_t)it->tri__table;
    bool replaced = word_table(m->dir[dir_index(m, it->tri__at)]) != table;
    while (it->tri__slot < it->tri__slots) {
        uint64_t i = (it->tri__slot++ + it->tri__offset) & (it->tri__slots - 1);
        char *group = group_at(t, FORM_ANY, table, i / GROUP_SLOTS);
        if (!((unsigned char)group[i % GROUP_SLOTS] & CONTROL_FULL)) continue;
        const char *slot = slot_at(t, FORM_ANY, group, i % GROUP_SLOTS);
        if (replaced) slot = as_of_now(m, slot);
        if (slot) return slot;
    }
    return NULL;
}

static bool finish(tri_map_iter *it) {
    it->tri__state = DONE;
    it->tri__table = NULL;
    return false;
}

EXPORT bool tri__map_next(tri_map_iter *it, void *key, void *value) {
    const struct tri_map *m = it->tri__map;
    const char *slot;
    if (!m || it->tri__state == DONE) return false;
    if (UNLIKELY(load_relaxed(&m->writing))) trix_fatal("concurrent map iteration and map write");
    if (it->tri__state == FRESH) begin(it, m);
    if (it->tri__clears != m->clears) return finish(it);
    while (!(slot = next_slot(it, m)))
        if (!move_on(it, m)) return finish(it);
    if (key) memcpy(key, slot, m->type->key_bytes);
    if (value) memcpy(value, slot + m->type->value_at, m->type->value_bytes);
    return true;
}
