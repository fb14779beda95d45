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

/* What the code that works on a map is compiled for. Maps from a word to a word, and from strings, have code of their own: with few
 * instructions and stores between one miss of the cache and the next, the processor overlaps them. */
enum map_form { FORM_WORD_TO_WORD, FORM_STRING, FORM_ANY };

/* What a declaration says, worked out; constant, lives for ever, shared by equal declarations. */
struct map_type {
    const struct layout *element;
    uint32_t key_bytes, value_bytes, value_at; /* within a slot */
    uint32_t slot_bytes, slots_at, element_bytes;
    uint8_t kind;      /* enum tri__key */
    uint8_t form;      /* enum map_form */
    uint8_t most_log;  /* log2 of the most groups a table gets before it is split */
    bool key_scanned, value_scanned;
    tri_hash_fn hash;
    tri_equal_fn equal;
    struct map_type *next;
};

/* The first element of a table holds this. */
struct table {
    uint32_t left, tombs; /* slots: that may still be filled; deleted; the others of those usable are full */
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

/* Of the words of a table that get keys: one in eight stays empty (I1). */
INLINE uint32_t slots_usable(unsigned log) { return ((uint32_t)GROUP_SLOTS << log) / 8 * 7; }

/* ---- measures, constants in the first form ---- */

INLINE uint32_t form_key_bytes(const struct map_type *t, unsigned form) {
    return form == FORM_WORD_TO_WORD ? 8 : form == FORM_STRING ? sizeof(tri_string) : t->key_bytes;
}
INLINE uint32_t form_value_at(const struct map_type *t, unsigned form) { return form == FORM_WORD_TO_WORD ? 8 : t->value_at; }
INLINE uint32_t form_value_bytes(const struct map_type *t, unsigned form) {
    return form == FORM_WORD_TO_WORD ? 8 : t->value_bytes;
}
INLINE uint32_t form_slot_bytes(const struct map_type *t, unsigned form) {
    return form == FORM_WORD_TO_WORD ? 16 : t->slot_bytes;
}
INLINE uint32_t form_slots_at(const struct map_type *t, unsigned form) { return form == FORM_WORD_TO_WORD ? 8 : t->slots_at; }
INLINE uint32_t form_element_bytes(const struct map_type *t, unsigned form) {
    return form == FORM_WORD_TO_WORD ? 8 + GROUP_SLOTS * 16 : t->element_bytes;
}
INLINE char *group_at(const struct map_type *t, unsigned form, char *table, uint64_t i) {
    return table + (i + 1) * form_element_bytes(t, form);
}
INLINE char *slot_at(const struct map_type *t, unsigned form, char *group, unsigned i) {
    return group + form_slots_at(t, form) + i * form_slot_bytes(t, form);
}

/* CALL(form) as code of its own for each form. */
#define MAP_BY_FORM(t, CALL)                                                                                    \
    switch ((t)->form) {                                                                                        \
    case FORM_WORD_TO_WORD: return CALL(FORM_WORD_TO_WORD);                                                     \
    case FORM_STRING: return CALL(FORM_STRING);                                                                 \
    default: return CALL(FORM_ANY);                                                                             \
    }

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

uint64_t trix_map_hash_odd(const struct map_type *t, const void *key, uint64_t seed);

/* A constant, but for the last form. */
INLINE unsigned form_kind(const struct map_type *t, unsigned form) {
    return form == FORM_WORD_TO_WORD ? TRI__KEY_BITS : form == FORM_STRING ? TRI__KEY_STRING : t->kind;
}

INLINE uint64_t key_hash(const struct map_type *t, unsigned form, const void *key, uint64_t seed) {
    switch (form_kind(t, form)) {
    case TRI__KEY_BITS: return hash_word(key_bits(key, form_key_bytes(t, form)), seed);
    case TRI__KEY_STRING: return hash_bytes(((const tri_string *)key)->data, ((const tri_string *)key)->len, seed);
    default: return trix_map_hash_odd(t, key, seed);
    }
}

INLINE bool key_equal(const struct map_type *t, unsigned form, const void *in_slot, const void *key) {
    switch (form_kind(t, form)) {
    case TRI__KEY_BITS: return key_bits(in_slot, form_key_bytes(t, form)) == key_bits(key, form_key_bytes(t, form));
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
char *trix_map_find(const struct tri_map *m, const void *key);

#endif
