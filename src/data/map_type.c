/* map_type.c - from a map's declaration to the shape of its tables, and the kinds of keys.
 *
 * The layout of a table's elements is put together from those of key and value, so that the collector looks at no more of a table
 * than their pointers. Worked out once a declaration; equal ones share the result, which outlives the module that said it. */
#include "map.h"
#include "../base/bits.h"
#include "../base/lock.h"
#include "../heap/alloc.h"
#include "../heap/metadata.h"
#include "../heap/type.h"

#include <math.h>

static struct lock lock = LOCK_INIT(MODULES);
static struct map_type *types; /* lock */

/* ---- hashes and equalities of the kinds that come with the library ---- */

static uint64_t hash_text(const void *key, uint64_t seed) {
    const char *text = *(const char *const *)key;
    return text ? hash_bytes(text, strlen(text), seed) : seed;
}
static bool equal_text(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    return x == y || (x && y && strcmp(x, y) == 0);
}

/* -0 is 0; NaNs are told apart, or a thousand of them would lie in one place. */
static uint64_t hash_number(double d, uint64_t seed) {
    uint64_t bits = 0;
    if (isnan(d)) bits = trix_hash_seed();
    else if (d != 0) memcpy(&bits, &d, sizeof bits);
    return hash_word(bits, seed);
}
static uint64_t hash_double(const void *key, uint64_t seed) { return hash_number(*(const double *)key, seed); }
static bool equal_double(const void *a, const void *b) { return *(const double *)a == *(const double *)b; }
static uint64_t hash_float(const void *key, uint64_t seed) { return hash_number(*(const float *)key, seed); }
static bool equal_float(const void *a, const void *b) { return *(const float *)a == *(const float *)b; }

/* Folded once more: nobody knows how good the program's own hash is. */
uint64_t trix_map_hash_odd(const struct map_type *t, const void *key, uint64_t seed) {
    return hash_word(t->hash(key, seed), seed);
}

static void choose_functions(struct map_type *t) {
    switch (t->kind) {
    case TRI__KEY_TEXT: t->hash = hash_text, t->equal = equal_text; break;
    case TRI__KEY_DOUBLE: t->hash = hash_double, t->equal = equal_double; break;
    case TRI__KEY_FLOAT: t->hash = hash_float, t->equal = equal_float; break;
    default: break;
    }
}

/* ---- the shape of a group ---- */

/* Marks the words at byte `at` of the shape that an object of the type there may have pointers in. */
static void mark_words(struct shape *s, size_t at, const struct layout *l, size_t bytes) {
    for (size_t w = 0; w < bytes / 8; w++) {
        bool pointer = l->kind == LAYOUT_ANY || l->id == LAYOUT_ID_WORDS;
        if (l->kind == LAYOUT_MASK && l->id != LAYOUT_ID_WORDS)
            pointer = w < 64 ? l->mask >> w & 1 : l->more && bits_test(l->more, w - 64);
        if (pointer) bits_set(s->mask, at / 8 + w);
    }
}

static const struct layout *lay_out(const struct map_type *t, const struct layout *key, const struct layout *value) {
    if (!t->key_scanned && !t->value_scanned) return layout_by_id(LAYOUT_ID_BYTES);
    if (t->element_bytes > MAX_SMALL) return layout_by_id(LAYOUT_ID_WORDS);
    struct shape s;
    memset(&s, 0, sizeof s);
    s.size = t->element_bytes;
    s.kind = LAYOUT_MASK;
    s.mask_words = (t->element_bytes / 8 + 63) / 64;
    for (uint32_t i = 0; i < GROUP_SLOTS; i++) {
        uint32_t at = t->slots_at + i * t->slot_bytes;
        if (t->key_scanned) mark_words(&s, at, key, t->key_bytes);
        if (t->value_scanned) mark_words(&s, at + t->value_at, value, t->value_bytes);
    }
    const struct layout *l = trix_layout_intern(&s);
    return l ? l : layout_by_id(LAYOUT_ID_WORDS);
}

static bool layout_scanned(const struct layout *l) { return l->id != LAYOUT_ID_BYTES && l->kind != LAYOUT_LEAF; }

static void measure(struct map_type *t, const tri_type *key, const tri_type *value) {
    uint32_t align = (uint32_t)max_u64(key->align, value->align);
    if (align > 16)
        trix_misuse("tri_map_new", "%s to %s: keys and values are aligned to 16 bytes at most, not to %u; map to a pointer",
                    key->name, value->name, align);
    t->key_bytes = (uint32_t)key->size;
    t->value_bytes = (uint32_t)value->size;
    t->value_at = (uint32_t)round_up(key->size, value->align);
    t->slot_bytes = (uint32_t)round_up(t->value_at + value->size, align);
    t->slots_at = align > 8 ? 16 : 8;
    t->element_bytes = (uint32_t)max_u64(round_up(t->slots_at + GROUP_SLOTS * (uint64_t)t->slot_bytes, t->slots_at),
                                         sizeof(struct table));
    t->most_log = 0;
    while (t->most_log < MOST_LOG && (((uint64_t)2 << t->most_log) + 1) * t->element_bytes <= TABLE_BYTES) t->most_log++;
}

static uint8_t form_of(const struct map_type *t) {
    if (t->kind == TRI__KEY_STRING) return FORM_STRING;
    bool words = t->kind == TRI__KEY_BITS && t->key_bytes == 8 && t->value_bytes == 8 && t->slots_at == 8;
    return words ? FORM_WORD_TO_WORD : FORM_ANY;
}

/* Inside, since types are joined under a lock. */
static struct map_type work_out(struct tri__map_site *site, tri_hash_fn hash, tri_equal_fn equal) {
    const struct layout *key = trix_layout_of_element(&site->key), *value = trix_layout_of_element(&site->value);
    struct map_type t = {.kind = (uint8_t)(hash ? TRI__KEY_OTHER : site->kind), .hash = hash, .equal = equal};
    if (t.kind == TRI__KEY_OTHER && (!hash || !equal))
        trix_misuse("tri_map_new", "keys of type %s need a hash and an equality; use tri_map_new_with", site->key.name);
    if (site->key.size > 4096 || site->value.size > 4096)
        trix_misuse("tri_map_new", "%s to %s: keys and values have at most 4096 bytes; map to a pointer", site->key.name,
                    site->value.name);
    choose_functions(&t);
    t.key_scanned = layout_scanned(key);
    t.value_scanned = layout_scanned(value);
    measure(&t, &site->key, &site->value);
    t.form = form_of(&t);
    t.element = lay_out(&t, key, value);
    return t;
}

/* ---- sharing ---- */

static bool is_equal(const struct map_type *a, const struct map_type *b) {
    return a->element == b->element && a->key_bytes == b->key_bytes && a->value_bytes == b->value_bytes &&
           a->value_at == b->value_at && a->slot_bytes == b->slot_bytes && a->slots_at == b->slots_at && a->kind == b->kind &&
           a->key_scanned == b->key_scanned && a->value_scanned == b->value_scanned && a->hash == b->hash &&
           a->equal == b->equal;
}

/* Inside. */
static const struct map_type *share(const struct map_type *t) {
    lock_acquire(&lock);
    struct map_type *found = types;
    while (found && !is_equal(found, t)) found = found->next;
    if (!found && (found = trix_metadata_alloc(sizeof *found))) {
        *found = *t;
        found->next = types;
        types = found;
    }
    lock_release(&lock);
    if (!found) trix_fatal("out of memory");
    return found;
}

const struct map_type *trix_map_type(struct tri__map_site *site, tri_hash_fn hash, tri_equal_fn equal) {
    const struct map_type *known = load_acquire(&site->resolved);
    if (known && known->hash == hash && known->equal == equal) return known;
    if (known && !hash && known->kind != TRI__KEY_OTHER) return known;
    struct gate *g = gate_enter();
    struct map_type t = work_out(site, hash, equal);
    known = share(&t);
    gate_leave(g);
    store_release(&site->resolved, (void *)(uintptr_t)known);
    return known;
}
