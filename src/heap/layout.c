/* layout.c - the table of layouts: see layout.h. */
#include "layout.h"
#include "metadata.h"

#include <string.h>

struct layout trix_layouts[MAX_LAYOUTS];
uint8_t trix_block_class16[65], trix_block_class128[257];

static struct {
    struct lock lock;
    uint32_t count;                    /* release; ids below are constant */
    uint16_t buckets[1024];            /* open hashing by shape: ids; lock */
    uint16_t chain[MAX_LAYOUTS];       /* lock */
} table = {.lock = LOCK_INIT(LAYOUTS)};
NO_ROOTS(table);
NO_ROOTS(trix_layouts);

unsigned trix_layouts_count(void) { return load_acquire(&table.count); }

/* ---- geometry ---- */

static uint32_t magic_of(uint32_t size) { return (uint32_t)(((1ull << 32) + size - 1) / size); }

/* Pages of a span for slots of this size: one up to 512 B; beyond, the fewest whose tail waste is at most an eighth. */
static unsigned span_pages_of(uint32_t size) {
    if (size <= 512) return 1;
    for (unsigned pages = 1; pages < 10; pages++) {
        unsigned bytes = pages << PAGE_SHIFT;
        if (size <= bytes && bytes % size <= bytes / 8) return pages;
    }
    return 10;
}

static void set_geometry(struct layout *l, uint32_t size, unsigned pages) {
    l->size = size;
    l->magic = magic_of(size);
    l->span_pages = (uint8_t)pages;
    l->near = pages == 1 ? PAGE_SIZE : 0;
    l->slots = (uint16_t)((pages << PAGE_SHIFT) / size);
    l->size_class = (uint8_t)trix_class_of(size);
    l->lock.rank = RANK_CENTRAL;
    CHECK(l->slots >= 1 && l->slots <= SPAN_SLOTS, "layout with a bad slot count");
}

/* ---- the fixed rows ---- */

/* Most objects are small: the marker's loop looks at one word to know what to do with them. */
static void set_brief(struct layout *l) {
    if (l->words > 64) return;
    if (l->kind == LAYOUT_ANY) l->brief = bits_below(l->words);
    if (l->kind == LAYOUT_MASK) l->brief = l->mask;
}

static void init_fixed(unsigned id, enum layout_kind kind, uint32_t size, unsigned pages) {
    struct layout *l = layout_by_id(id);
    l->id = (uint16_t)id;
    l->kind = (uint8_t)kind;
    if (pages) set_geometry(l, size, pages);
    l->size = size;
    l->words = kind == LAYOUT_LEAF ? 0 : size / 8;
    set_brief(l);
}

static void init_block_classes(void) {
    for (size_t i = 0; i < 64; i++) { /* blocks of up to 16 i + 15 bytes, and the spare byte */
        unsigned c = trix_class_of(16 * i + 16);
        trix_block_class16[i] = (uint8_t)(trix_class_size[c] % 16 ? c + 1 : c);
    }
    for (size_t i = 0; i < 256; i++) trix_block_class128[i] = (uint8_t)trix_class_of(128 * i + 128);
}

void trix_layouts_init(void) {
    for (unsigned c = 2; c < NUM_CLASSES; c++) {
        uint32_t size = trix_class_size[c];
        init_fixed(LAYOUT_ROW_LEAF + c, LAYOUT_LEAF, size, trix_class_pages[c]);
        init_fixed(LAYOUT_ROW_ANY + c, LAYOUT_ANY, size, trix_class_pages[c]);
        init_fixed(LAYOUT_ROW_TRAILED + c, LAYOUT_TRAILED, size, trix_class_pages[c]);
    }
    init_fixed(LAYOUT_ID_LARGE, LAYOUT_LARGE, 0, 0);
    init_fixed(LAYOUT_ID_TINY, LAYOUT_LEAF, TINY_BLOCK, 1);
    init_fixed(LAYOUT_ID_WORDS, LAYOUT_ANY, 8, 0);
    init_fixed(LAYOUT_ID_BYTES, LAYOUT_LEAF, 8, 0);
    init_fixed(LAYOUT_ID_ARENA, LAYOUT_ANY, 8, 0);
    init_block_classes();
    store_release(&table.count, LAYOUT_FIRST_TYPE);
}

/* ---- interning shapes ---- */

static uint32_t shape_hash(const struct shape *s) {
    uint64_t h = s->size * 31u + s->kind * 7u + s->exact;
    for (unsigned i = 0; i < s->mask_words; i++) h = (h ^ s->mask[i]) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(h >> 40) % ARRAY_LEN(table.buckets);
}

static bool shape_equals(const struct layout *l, const struct shape *s) {
    if (l->size != s->size || l->kind != s->kind || l->exact != s->exact || l->mask != s->mask[0]) return false;
    unsigned more = s->mask_words > 1 ? s->mask_words - 1 : 0;
    return more == 0 || memcmp(l->more, s->mask + 1, more * sizeof(uint64_t)) == 0;
}

static unsigned words_to_scan(const struct shape *s) {
    if (s->kind == LAYOUT_LEAF) return 0;
    if (s->kind == LAYOUT_ANY) return s->size / 8;
    for (unsigned i = s->mask_words; i-- > 0;)
        if (s->mask[i]) return i * 64 + bits_width(s->mask[i]);
    return 0;
}

static struct layout *shape_add(const struct shape *s, uint32_t bucket) {
    uint32_t id = table.count;
    if (id == MAX_LAYOUTS) return NULL;
    struct layout *l = layout_by_id(id);
    l->id = (uint16_t)id;
    l->kind = s->kind;
    l->exact = s->exact;
    l->mask = s->mask[0];
    l->size = s->size;
    l->words = words_to_scan(s);
    set_brief(l);
    if (s->exact) set_geometry(l, s->size, span_pages_of(s->size));
    if (s->mask_words > 1) {
        size_t bytes = (s->mask_words - 1) * sizeof(uint64_t);
        uint64_t *more = trix_metadata_alloc(bytes);
        if (!more) return NULL;
        memcpy(more, s->mask + 1, bytes);
        l->more = more;
    }
    table.chain[id] = table.buckets[bucket];
    table.buckets[bucket] = (uint16_t)id;
    store_release(&table.count, id + 1);
    return l;
}

struct layout *trix_layout_intern(const struct shape *s) {
    uint32_t bucket = shape_hash(s);
    lock_acquire(&table.lock);
    struct layout *found = NULL;
    for (uint16_t id = table.buckets[bucket]; id && !found; id = table.chain[id])
        if (shape_equals(layout_by_id(id), s)) found = layout_by_id(id);
    if (!found) found = shape_add(s, bucket);
    lock_release(&table.lock);
    return found;
}
