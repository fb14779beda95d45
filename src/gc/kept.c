/* kept.c - see kept.h. Nodes come in blocks that are never given back; free ones hold 0. Like a word on a stack, where it comes from and
 * goes to, one keeps a typed object that ends where it points. */
#include "kept.h"
#include "barrier.h"
#include "../heap/gate.h"
#include "../heap/metadata.h"

struct kept {
    uintptr_t word;    /* relaxed; 0 when free */
    struct kept *free; /* lock */
};

enum { BLOCK_WORDS = 250 };

struct block {
    struct block *next; /* constant */
    struct kept kept[BLOCK_WORDS];
};

static struct {
    struct lock lock;
    struct kept *free;    /* lock */
    struct block *blocks; /* release */
} table = {.lock = LOCK_INIT(SPECIALS)};

static void table_grow(void) {
    struct block *b = trix_metadata_alloc(sizeof *b);
    if (!b) trix_fatal("out of memory");
    b->next = table.blocks;
    for (int i = 0; i < BLOCK_WORDS; i++) {
        b->kept[i].free = table.free;
        table.free = &b->kept[i];
    }
    store_release(&table.blocks, b);
}

static void shade(struct thread *t, uintptr_t word) {
    if (gate_marking()) trix_shade(t, word, RAW_ROOT);
}

struct kept *trix_kept_add(struct thread *t, uintptr_t word) {
    lock_acquire(&table.lock);
    if (!table.free) table_grow();
    struct kept *k = table.free;
    table.free = k->free;
    lock_release(&table.lock);
    trix_kept_set(t, k, word);
    return k;
}

void trix_kept_set(struct thread *t, struct kept *k, uintptr_t word) {
    shade(t, load_relaxed(&k->word));
    shade(t, word);
    store_relaxed(&k->word, word);
}

uintptr_t trix_kept_get(const struct kept *k) { return load_relaxed(&k->word); }

void trix_kept_drop(struct thread *t, struct kept *k) {
    trix_kept_set(t, k, 0);
    lock_acquire(&table.lock);
    k->free = table.free;
    table.free = k;
    lock_release(&table.lock);
}

void trix_kept_scan(struct marker *m) {
    for (struct block *b = load_acquire(&table.blocks); b; b = b->next)
        for (int i = 0; i < BLOCK_WORDS; i++) {
            uintptr_t word = load_relaxed(&b->kept[i].word);
            if (word) trix_marker_scan_range(m, &word, &word + 1, true);
        }
}
