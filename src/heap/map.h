/* map.h - the map of the heap: one contiguous reservation, and side tables indexed by page.
 *
 *   base                                                    base + extent                 base + reserved
 *    | chunk 0 (4 MiB) | chunk 1 | ... | chunk n             |  address space not used yet  |
 *    | arena 0 (64 MiB, committed and huge-page advised as one) | ...
 *
 * "Is it ours?" is one compare, and everything about an address is found by its page number (p - base) >> 13.
 * Metadata lives apart from the objects, so that marking and sweeping touch no object page, a fork copies no heap
 * for them, and an overflow of an object cannot damage them.
 *
 * struct page is what the marker needs, 128 bytes, its header and first mark words in one cache line:
 *
 *   I1  A free slot's mark bit is 1, an allocated slot's is 0 until the marker finds it. So the marker needs no
 *       allocated bits: a stale pointer to a free slot, to a page's tail or to a slot born black meets a 1 and is
 *       done. Sweeping keeps mark & alloc and restores the invariant.
 *   I2  While marking, mark bits only rise, by atomic or. Otherwise they are written under the layout's lock, or by
 *       the one sweeper that has claimed the page.
 *   I3  alloc bits are written under the layout's lock, by the sweeper that has claimed the page, or before the span is seen.
 *   I4  kind is stored last (release) when a page comes into use, and first when it goes.
 *
 * Spans: one page for objects up to 512 B, several for larger ones; there, the first page's entry is the span's and
 * the others are PAGE_TAIL. A large object (over 32 KiB) is a span of its own. Where it covers whole chunks, those
 * have no entries at all but one word in chunk_head, so 10 GiB never touched cost no metadata either.
 */
#ifndef TRIX_MAP_H
#define TRIX_MAP_H

#include "../base/atomic.h"
#include "../base/bits.h"
#include "../base/check.h"

enum {
    PAGE_SHIFT = 13,
    PAGE_SIZE = 1 << PAGE_SHIFT,
    CHUNK_PAGES = 512,
    HUGE_PAGES = 256, /* pages of ours in a huge page, 2 MiB */
    CHUNK_SHIFT = PAGE_SHIFT + 9,
    CHUNK_SIZE = 1 << CHUNK_SHIFT,
#ifdef TRIX_TORTURE
    ARENA_SHIFT = CHUNK_SHIFT,
#else
    ARENA_SHIFT = 26,
#endif
    ARENA_SIZE = 1 << ARENA_SHIFT,
    MARK_WORDS = 8,  /* 512 slots of 16 B */
    ALLOC_WORDS = 6, /* 341 slots of 24 B; the alloc bits of 16-byte slots are in map.wide */
};

enum page_kind {
    PAGE_FREE = 0, /* or the inside of a large object: see chunk_head */
    PAGE_SCAN,     /* first page of a span whose objects are scanned */
    PAGE_LEAF,     /* first page of a span whose objects are not */
    PAGE_TAIL      /* another page of a span; size is the number of the first */
};

struct page {
    uint32_t magic;  /* ceil(2^32 / size): slot = offset * magic >> 32; 0 for a large object */
    uint16_t layout; /* which struct layout; LAYOUT_ID_LARGE for a large object */
    uint8_t kind;    /* enum page_kind */
    uint8_t exact;   /* slots hold one typed object each, so its end is the next one's start */
    uint64_t size;   /* bytes of a slot, or of the large object's span (0: a freed arena's; PAGE_SIZE: a mapped file, which
                      * is no memory of the heap's); PAGE_TAIL: number of the span's first page */
    uint64_t mark[MARK_WORDS];
    union {
        uint64_t alloc[ALLOC_WORDS];
        struct {
            uint64_t npages;
            uint64_t bytes; /* the program's size */
            uint64_t type;  /* trailer word, see layout.h: what to scan; 0 while the object is being zeroed */
            uint32_t readers; /* markers that scan it now, for chunks of arenas; seq_cst */
        } large;
    };
};
_Static_assert(sizeof(struct page) == 128, "two cache lines a page");

/* What only allocation and sweep look at. */
struct page_state {
    uint32_t next;  /* page in the same list, 0 at its end (page 0 is never used) */
    uint16_t nfree; /* slots with alloc bit 0; layout's lock */
    uint8_t swept;  /* the parity of the sweep generation this span was swept in, or SWEEPING; atomic (span_state_init) */
    uint8_t flags;  /* PAGE_…, layout's lock */
    uint32_t claims; /* threads that hold claimed slots of this span; atomic */
    uint16_t live;  /* slots that survived the last sweep: for figures */
    uint8_t specials; /* objects of the span have finalizers and the like: atomic, under the lock of life/special.c */
};
enum {
    PAGE_LISTED = 1, /* in its layout's list */
    PAGE_DIRTY = 2,  /* free slots may hold old contents */
    PAGE_FILE = 4,   /* a large object that is a mapped file; constant from before it is seen */
    PAGE_GROWN = 8   /* a large object that has grown in place: its tails may be told of in both ways; its owner's */
};
enum { SWEEPING = 2 };

struct heap_map {
    uintptr_t base;
    uint64_t extent;   /* bytes in use from base, whole chunks; rises only, under the page heap's lock */
    uint64_t reserved; /* bytes */
    uint64_t committed; /* bytes, whole arenas; page heap's lock */
    struct page *pages;
    struct page_state *states;
    uint64_t (*wide)[MARK_WORDS]; /* alloc bits of pages with 16-byte slots; see trix_map_wide */
    void **specials;              /* by page: what finalizers and the like its objects have; life/special.c's */
    uint32_t *chunk_head;         /* by chunk: first page of the large object that covers all of it, or 0 */
    struct chunk *chunks;         /* the page heap's */
    uint64_t metadata;            /* bytes of tables committed; atomic */
};
extern struct heap_map trix_map;

/* Reserves the address space; ends the program with a message when there is not even room for one arena. */
void trix_map_init(void);

/* Commits arenas, so that extent can grow to `extent` bytes. Page heap's lock. False when the system refuses. */
bool trix_map_commit(uint64_t extent);

/* Commits what `wide` has for the page, and its arena, before the page is given 16-byte slots: few arenas have such pages, and
 * the table is a quarter of all. Any thread. False when the system refuses. */
bool trix_map_wide(uint32_t page);

/* Pages that were mapped to something else are anonymous memory of the heap's again, and read zero. False when the system
 * refuses: nothing has changed then. */
bool trix_map_restore(uint32_t page, uint64_t npages);

/* Whether the page lies where the heap asks for huge pages. */
bool trix_map_huge(uint32_t page);

INLINE bool map_contains(uintptr_t p) { return p - trix_map.base < load_relaxed(&trix_map.extent); }
INLINE uint32_t map_page_of(uintptr_t p) { return (uint32_t)((p - trix_map.base) >> PAGE_SHIFT); }
INLINE uintptr_t map_address(uint32_t page) { return trix_map.base + ((uintptr_t)page << PAGE_SHIFT); }
INLINE struct page *map_page(uint32_t page) { return &trix_map.pages[page]; }
INLINE struct page_state *map_state(uint32_t page) { return &trix_map.states[page]; }

INLINE uint64_t *map_alloc_bits(uint32_t page) {
    struct page *p = map_page(page);
    return UNLIKELY(p->size == 16) ? trix_map.wide[page] : p->alloc;
}

INLINE bool page_is_large(const struct page *p) { return p->magic == 0; }

/* The first page of the span that `page` belongs to, or 0 when it belongs to none. */
uint32_t trix_map_span(uint32_t page);

#endif
