/* layout.h - what the objects of a span look like: slot size, and which words hold pointers.
 *
 * Three families, all entries of one table, indexed by a 16-bit id that a page's entry and the mark queue carry:
 *
 *   classes   size classes of untyped memory, in three rows: leaf, any (scanned conservatively), trailed (arrays,
 *             flexible structs and rare types: the slot's last word says what is in it);
 *   types     a declared struct type: slots of exactly its size, with a mask of pointer words. Equal shapes share
 *             one layout. A type gets spans only after its 32nd object; the first ones go to trailed classes,
 *             so that a hundred rare types do not hold a hundred pages a thread;
 *   tails     head masks of flexible structs: named in trailers only, no spans.
 *
 * The trailer of a trailed slot lies in its last word, so it is also the spare byte that lets a pointer just past an
 * array's end stay inside. It carries the layout's id, the program's size and a check: if an overflow of the
 * program has destroyed it, the object is scanned conservatively.
 *
 * The second half of struct layout is the middle level of the allocator, the list of this layout's pages with free
 * slots: see central.h.
 */
#ifndef TRIX_LAYOUT_H
#define TRIX_LAYOUT_H

#include "map.h"
#include "size_class.h"
#include "../base/lock.h"

enum layout_kind {
    LAYOUT_LEAF,      /* nothing is scanned */
    LAYOUT_ANY,       /* every word */
    LAYOUT_MASK,      /* the words of the mask */
    LAYOUT_TRAILED,   /* as the trailer says */
    LAYOUT_TAIL_LEAF, /* flexible struct: the head by mask, the tail not */
    LAYOUT_TAIL_ANY,  /* flexible struct: the head by mask, every word of the tail */
    LAYOUT_LARGE      /* as the page's entry says */
};

enum {
    MAX_LAYOUTS = 4096,
    LAYOUT_NONE = 0, /* id 0, run slot 0: the run that is always empty */
    LAYOUT_ID_LARGE = 1,
    LAYOUT_ID_TINY = 2,  /* leaf blocks of TINY_BLOCK bytes cut into 8-byte pieces */
    LAYOUT_ID_WORDS = 3, /* elements of one pointer each: only named in trailers and large objects */
    LAYOUT_ID_BYTES = 4, /* elements never scanned: likewise */
    LAYOUT_ID_ARENA = 5, /* a chunk of an arena, likewise: every word of the part in use */
    LAYOUT_ROW_LEAF = 8,
    LAYOUT_ROW_ANY = LAYOUT_ROW_LEAF + NUM_CLASSES,
    LAYOUT_ROW_TRAILED = LAYOUT_ROW_ANY + NUM_CLASSES,
    LAYOUT_FIRST_TYPE = LAYOUT_ROW_TRAILED + NUM_CLASSES,
    TINY_BLOCK = 32,
    TINY_PIECE = 8,
    SPAN_SLOTS = 512, /* the most slots a span can have */
#ifdef TRIX_TORTURE
    RARE_OBJECTS = 3,
#else
    RARE_OBJECTS = 32,
#endif
};

struct layout {
    /* constant once the id is published */
    uint64_t mask;        /* LAYOUT_MASK, TAIL_…: bit w = word w of the first 64 may be a pointer */
    const uint64_t *more; /* the words from 64 on, or NULL */
    uint64_t brief;       /* the words that may be pointers when these 64 bits tell all, or 0: then kind decides */
    uint32_t size;        /* bytes of a slot, or of the flexible struct's head; a multiple of 8 */
    uint32_t words;       /* that need looking at, from the start */
    uint32_t magic;       /* ceil(2^32 / size) */
    uint32_t near;        /* PAGE_SIZE where a span is one page, else 0 */
    uint16_t slots;       /* per span */
    uint16_t id;
    uint8_t kind;         /* enum layout_kind */
    uint8_t span_pages;
    uint8_t exact;        /* slots hold one typed object each */
    uint8_t size_class;   /* the class whose figures it is counted under */
    uint32_t seen;        /* objects made while it was rare; relaxed */

    /* central list; layout's lock */
    struct lock lock ALIGNED(CACHE_LINE);
    uint32_t generation;  /* sweep generation the list belongs to: of another, it is empty; read without the lock, too */
    uint32_t first, last; /* first: read without the lock, too */
    uint64_t mallocs, frees; /* objects, exact when no run is out */
};

extern struct layout trix_layouts[MAX_LAYOUTS];
INLINE struct layout *layout_by_id(unsigned id) { return &trix_layouts[id]; }

void trix_layouts_init(void);
unsigned trix_layouts_count(void); /* ids below this are in use */

enum { MAX_MASK_WORDS = (MAX_SMALL / 8 + 63) / 64 };

/* A shape that may become a layout; mask words beyond the object's are 0. */
struct shape {
    uint32_t size;
    uint8_t kind;  /* enum layout_kind */
    uint8_t exact; /* has spans of its own */
    unsigned mask_words;
    uint64_t mask[MAX_MASK_WORDS];
};

/* The one layout of that shape; NULL when the table is full. */
struct layout *trix_layout_intern(const struct shape *shape);

/* Smallest class of a row for an untyped block: 16-byte aligned slots, at least one spare byte. */
INLINE unsigned class_of_block(size_t bytes) {
    extern uint8_t trix_block_class16[], trix_block_class128[];
    return bytes < 1024 ? trix_block_class16[bytes >> 4] : trix_block_class128[bytes >> 7];
}

/* ---- trailers ---- */

/* id in bits 0-15, bytes in 16-55, a check in 56-63; never 0. */
INLINE uint8_t trailer_check(uint64_t low) {
    uint64_t h = low * 0x9e3779b97f4a7c15ull;
    return (uint8_t)(h >> 56) | 1;
}
INLINE uint64_t trailer_make(unsigned layout_id, uint64_t bytes) {
    uint64_t low = bytes << 16 | layout_id;
    return low | (uint64_t)trailer_check(low) << 56;
}
INLINE bool trailer_valid(uint64_t trailer) {
    uint64_t low = trailer & bits_below(56);
    return trailer >> 56 == trailer_check(low) && (low & 0xffff) < MAX_LAYOUTS;
}
INLINE unsigned trailer_layout(uint64_t trailer) { return trailer & 0xffff; }
INLINE uint64_t trailer_bytes(uint64_t trailer) { return trailer >> 16 & bits_below(40); }

/* Whether a large object is a chunk of an arena. Freed, it has size 0 and is none any more. */
INLINE bool page_is_arena(const struct page *p) {
    return page_is_large(p) && trailer_layout(load_relaxed(&p->large.type)) == LAYOUT_ID_ARENA;
}

#endif
