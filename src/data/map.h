/* map.h - how maps are built: see tricolor/hashmap.h for what they promise.
 *
 * A map is a directory of tables (extendible hashing: Fagin, Nievergelt, Pippenger, Strong 1979). The top `depth` bits of a key's hash
 * say which entry of the directory leads to its table; a table of local depth d stands in 2^(depth - d) entries side by side.
 * A table is an open-addressing table of groups of eight slots, with a control byte a slot (Swiss table: Benzaquen, Evlogimenos,
 * Kulukundis, Perepelitsa 2018; Go's internal/runtime/maps). It doubles until it is as large as tables get, and is split in
 * two from then on, doubling the directory when its depth is reached. So one insertion moves at most one table's entries, about
 * a thousand.
 *
 *     directory word   address of the table | log2 of its groups (LOG_IN_HEADER: see the header)
 *     table            one heap object, an array of equal elements: the header in the first, then the groups
 *     group            8 control bytes, then 8 slots of key and value
 *     hash             top bits: directory; bits 7 and up: group; bits 0-6: the tag in the control byte
 *     control byte     0 empty, 1 deleted, 128 | tag full. Memory comes zeroed, so a new table is empty as it is
 *
 *   I1  Every table has an empty slot: `left` counts how many may still be filled before it is rebuilt.
 *   I2  A table that is replaced is never written again. An iterator that stands on it goes on over it, and asks the new
 *       ones for what became of each key.
 *   I3  Words of keys and values that may be pointers are stored with the barrier; a table has a layout that knows which they are.
 *   I4  All fields of a map, and its tables, belong to whoever writes the map, alone. `writing` is there to notice others.
 */
#ifndef TRIX_DATA_MAP_H
#define TRIX_DATA_MAP_H

#include "hash.h"
#include "../base/atomic.h"
#include "../base/check.h"
#include "../../include/tricolor/hashmap.h"

enum {
    GROUP_SLOTS = 8,
    MOST_LOG = 7,          /* tables are split from 128 groups on */
    TABLE_BYTES = 32000,   /* or from as many groups as fit in this: below the size of large objects */
    DEEP = 14,             /* directories of so many bits and more have larger tables instead */
    LOG_IN_HEADER = 15,    /* in a directory word: that many groups or more */
    MOST_DEPTH = 40,
};

/* What a declaration says, worked out; constant, lives for ever, shared by equal declarations. */
struct map_type {
    const struct layout *element;
    uint32_t key_bytes, value_bytes, value_at; /* within a slot */
    uint32_t slot_bytes, slots_at, element_bytes;
    uint8_t kind;      /* enum tri__key */
    uint8_t most_log;  /* log2 of the most groups a table gets before it is split */
    bool key_scanned, value_scanned;
    tri_hash_fn hash;
    tri_equal_fn equal;
    struct map_type *next;
};

/* The first element of a table holds this. */
struct table {
    uint32_t used, left, tombs; /* slots: full; that may still be filled; deleted */
    uint8_t depth, log;
};

struct tri_map {
    uintptr_t *dir; /* `one` while depth is 0 */
    uintptr_t one;
    const struct map_type *type;
    uint64_t seed;
    size_t len;
    uint32_t clears;
    uint8_t depth;
    uint8_t writing; /* relaxed */
};

const struct map_type *trix_map_type(struct tri__map_site *site, tri_hash_fn hash, tri_equal_fn equal);

/* ---- tables ---- */

INLINE char *word_table(uintptr_t word) { return (char *)(word & ~(uintptr_t)15); }
INLINE struct table *table_of(char *table) { return (struct table *)(void *)table; }
INLINE uint64_t word_mask(uintptr_t word) {
    unsigned log = word & 15;
    if (UNLIKELY(log == LOG_IN_HEADER)) log = table_of(word_table(word))->log;
    return ((uint64_t)1 << log) - 1;
}
INLINE uint64_t dir_index(const struct tri_map *m, uint64_t hash) { return hash >> 1 >> (63 - m->depth); }
INLINE char *group_at(const struct map_type *t, char *table, uint64_t i) { return table + (i + 1) * t->element_bytes; }
INLINE char *slot_at(const struct map_type *t, char *group, unsigned i) { return group + t->slots_at + i * t->slot_bytes; }

/* Puts the tables in place for n entries. */
void trix_map_begin(struct tri_map *m, size_t n);

/* The table of the hash is full: makes room in it, or in those that take its place. */
void trix_map_make_room(struct tri_map *m, uint64_t hash);

/* ---- groups: eight control bytes at a time ---- */

#define EACH_BYTE(b) ((uint64_t)(b) * 0x0101010101010101ull)
#define TOP_BITS     EACH_BYTE(0x80)

enum { CONTROL_EMPTY = 0, CONTROL_DELETED = 1, CONTROL_FULL = 0x80 };

INLINE uint64_t group_control(const char *group) { return hash_load8(group); }
INLINE uint8_t hash_tag(uint64_t hash) { return (uint8_t)(hash | CONTROL_FULL); }

/* The top bit of each byte that is the tag; now and then of a full one that is not. */
INLINE uint64_t control_match(uint64_t control, uint8_t tag) {
    uint64_t x = control ^ EACH_BYTE(tag);
    return (x - EACH_BYTE(1)) & ~x & TOP_BITS;
}
INLINE uint64_t control_empty(uint64_t control) { return ~control & ~(control << 7) & TOP_BITS; }
INLINE uint64_t control_free(uint64_t control) { return ~control & TOP_BITS; }
INLINE uint64_t control_full(uint64_t control) { return control & TOP_BITS; }
INLINE unsigned control_first(uint64_t bits) { return (unsigned)__builtin_ctzll(bits) / 8; }

/* ---- keys ---- */

INLINE uint64_t key_bits(const void *key, uint32_t bytes) {
    uint64_t w = 0;
    if (LIKELY(bytes == 8)) memcpy(&w, key, 8);
    else if (bytes == 4) memcpy(&w, key, 4);
    else if (bytes == 2) memcpy(&w, key, 2);
    else memcpy(&w, key, 1);
    return w;
}

uint64_t trix_map_hash_odd(const struct tri_map *m, const void *key);

INLINE uint64_t key_hash(const struct tri_map *m, const void *key) {
    const struct map_type *t = m->type;
    if (LIKELY(t->kind == TRI__KEY_BITS)) return hash_word(key_bits(key, t->key_bytes), m->seed);
    if (LIKELY(t->kind == TRI__KEY_STRING)) {
        const tri_string *s = key;
        return hash_bytes(s->data, s->len, m->seed);
    }
    return trix_map_hash_odd(m, key);
}

/* Whether the key in a slot is this one, told by its kind, which is constant where this is inlined. */
INLINE bool key_equal(const struct map_type *t, unsigned kind, const void *in_slot, const void *key) {
    switch (kind) {
    case TRI__KEY_BITS: return key_bits(in_slot, t->key_bytes) == key_bits(key, t->key_bytes);
    case TRI__KEY_STRING: return tri_string_equal(*(const tri_string *)in_slot, *(const tri_string *)key);
    default: return t->equal(in_slot, key);
    }
}

/* ---- storing; I3 ---- */

INLINE void store_bytes(void *to, const void *from, size_t bytes, bool scanned) {
    if (!scanned) {
        if (LIKELY(bytes == 8)) memcpy(to, from, 8);
        else memcpy(to, from, bytes);
        return;
    }
    if (UNLIKELY(bytes != 8 && bytes != 16)) {
        tri_memcpy(to, from, bytes);
        return;
    }
    tri_set(((tri__word *)to)[0], ((const tri__word *)from)[0]);
    if (bytes == 16) tri_set(((tri__word *)to)[1], ((const tri__word *)from)[1]);
}

/* The slot of the key, or NULL. */
void *trix_map_find(const struct tri_map *m, const void *key, uint64_t hash);

#endif
