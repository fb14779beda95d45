/* map_table.c - making room in maps: tables are doubled, rebuilt without their deleted slots, or split; the directory is doubled.
 * See map.h. What is replaced is left to the collector, untouched (I2). */
#include "map.h"
#include "../heap/alloc.h"

enum { DIR_SPARE = 16 };

/* ---- new tables ---- */

static char *table_new(const struct map_type *t, unsigned log, unsigned depth) {
    struct gate *g = gate_enter();
    char *table = trix_alloc_repeated(g, (((size_t)1 << log) + 1) * t->element_bytes, t->slots_at, t->element);
    gate_leave(g);
    *table_of(table) = (struct table){.left = slots_usable(log), .depth = (uint8_t)depth, .log = (uint8_t)log};
    return table;
}

static uintptr_t table_word(char *table) {
    return (uintptr_t)table | min_u64(table_of(table)->log, LOG_IN_HEADER);
}

/* ---- moving entries ---- */

/* Puts a key that is not there into a table that has room and no deleted slots. */
INLINE void add_slot(const struct map_type *t, unsigned form, char *table, const char *from, uint64_t hash) {
    struct table *head = table_of(table);
    uint64_t mask = ((uint64_t)1 << head->log) - 1, at = hash >> 7 & mask, free, step = 0;
    while (!(free = control_free(group_control(group_at(t, form, table, at))))) at = (at + ++step) & mask;
    char *group = group_at(t, form, table, at);
    unsigned i = control_first(free);
    char *slot = slot_at(t, form, group, i);
    uint32_t value_at = form_value_at(t, form);
    store_bytes(slot, from, form_key_bytes(t, form), t->key_scanned);
    store_bytes(slot + value_at, from + value_at, form_value_bytes(t, form), t->value_scanned);
    group[i] = (char)hash_tag(hash);
    head->left--;
}

/* Every entry of `from` goes to to[0], or to[1] if the bit of its hash that `bit` says is set. */
INLINE void move_by_form(struct tri_map *m, char *from, char *const to[2], unsigned bit, unsigned form) {
    const struct map_type *t = m->type;
    for (uint64_t i = 0; i < (uint64_t)1 << table_of(from)->log; i++) {
        char *group = group_at(t, form, from, i);
        uint64_t full = control_full(group_control(group));
        for (; full; full &= full - 1) {
            char *slot = slot_at(t, form, group, control_first(full));
            uint64_t hash = key_hash(t, form, slot, m->seed);
            add_slot(t, form, to[hash >> bit & 1], slot, hash);
        }
    }
}

static void move_entries(struct tri_map *m, char *from, char *const to[2], unsigned bit) {
    if (LIKELY(m->type->form == FORM_WORD_TO_WORD)) move_by_form(m, from, to, bit, FORM_WORD_TO_WORD);
    else move_by_form(m, from, to, bit, FORM_ANY);
}

/* ---- the directory ---- */

/* Puts a table into all entries of its range, of local depth d, that the hash is in. */
static void dir_put(struct tri_map *m, uint64_t hash, char *table) {
    unsigned depth = table_of(table)->depth;
    uint64_t span = (uint64_t)1 << (m->depth - depth), first = dir_index(m, hash) & ~(span - 1);
    uintptr_t word = table_word(table);
    for (uint64_t i = first; i < first + span; i++) tri_set(m->dir[i], word);
}

static void dir_double(struct tri_map *m) {
    uint64_t n = (uint64_t)1 << m->depth;
    uintptr_t *dir = tri_new_array(uintptr_t, 2 * n);
    for (uint64_t i = 0; i < n; i++) {
        tri_set(dir[2 * i], m->dir[i]);
        tri_set(dir[2 * i + 1], m->dir[i]);
    }
    tri_set(m->dir, dir);
    tri_set(m->one, 0);
    m->depth++;
}

/* ---- making room ----
 *
 * The map stays as it is until all entries have been moved: a hash of the program's own may panic before. */

static void rebuild(struct tri_map *m, uint64_t hash, char *old, unsigned log) {
    char *table = table_new(m->type, log, table_of(old)->depth);
    move_entries(m, old, (char *const[]){table, table}, 0);
    dir_put(m, hash, table);
}

static void split(struct tri_map *m, uint64_t hash, char *old) {
    unsigned depth = table_of(old)->depth, bit = 63 - depth, log = table_of(old)->log;
    char *half[2] = {table_new(m->type, log, depth + 1), table_new(m->type, log, depth + 1)};
    move_entries(m, old, half, bit);
    if (depth == m->depth) dir_double(m);
    dir_put(m, hash & ~((uint64_t)1 << bit), half[0]);
    dir_put(m, hash | (uint64_t)1 << bit, half[1]);
}

/* Larger where the directory is deep, so that neither gets long to copy. */
static unsigned most_log(const struct tri_map *m) {
    unsigned log = m->type->most_log;
    return m->depth > DEEP ? (unsigned)min_u64(log + m->depth - DEEP, LOG_IN_HEADER - 1) : log;
}

/* With a bad hash splitting does not help: the directory must not outgrow the entries. */
static bool may_split(const struct tri_map *m, const struct table *table) {
    if (table->depth < m->depth) return true;
    uint64_t fair = m->len / slots_usable(m->type->most_log);
    return m->depth < MOST_DEPTH && (uint64_t)2 << m->depth <= DIR_SPARE * (fair + 1);
}

void trix_map_make_room(struct tri_map *m, uint64_t hash) {
    uintptr_t word = m->dir[dir_index(m, hash)];
    char *old = word_table(word);
    const struct table *head = table_of(old);
    uint32_t used = slots_usable(head->log) - head->left - head->tombs;
    if (used <= slots_usable(head->log) / 4 * 3) rebuild(m, hash, old, head->log);
    else if (head->log < most_log(m) || !may_split(m, head)) rebuild(m, hash, old, head->log + 1);
    else split(m, hash, old);
}

/* ---- the beginning ---- */

static void begin_with_one(struct tri_map *m, size_t n) {
    unsigned log = 0;
    while (slots_usable(log) < n) log++;
    char *table = table_new(m->type, log, 0);
    m->depth = 0;
    tri_set(m->one, table_word(table));
    tri_set(m->dir, &m->one);
}

/* So many tables of full size that they are filled to three quarters at most. */
static void begin_with_many(struct tri_map *m, size_t n) {
    unsigned log = m->type->most_log, depth = 1;
    while ((uint64_t)GROUP_SLOTS / 4 * 3 << log << depth < n) depth++;
    uintptr_t *dir = tri_new_array(uintptr_t, (size_t)1 << depth);
    for (size_t i = 0; i < (size_t)1 << depth; i++) tri_set(dir[i], table_word(table_new(m->type, log, depth)));
    m->depth = (uint8_t)depth;
    tri_set(m->dir, dir);
    tri_set(m->one, 0);
}

void trix_map_begin(struct tri_map *m, size_t n) {
    if (n > (size_t)1 << 40) trix_misuse("tri_map_new", "room for %zu entries is more than there can be", n);
    if (n <= slots_usable(m->type->most_log)) begin_with_one(m, n);
    else begin_with_many(m, n);
}
