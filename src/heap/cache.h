/* cache.h - the first level: each thread's runs.
 *
 * A run is a stretch of free slots, zeroed when it begins, through which the thread bumps; tri__bump in the public
 * header is its fast path. When a stretch ends, the thread goes on to the next stretch of the slots it has claimed in
 * that span; when the span ends, it claims more (central.h). All policy happens there: pacing, assists, sweeping.
 * Claims are small at first (1 KiB) and double with use up to a whole span, so that many threads with many layouts
 * do not hold much.
 *
 * At each change of phase the collector, with the thread stopped, swaps its table of runs for an empty one; what the
 * old one still held is given back concurrently (trix_cache_retire).
 *
 *   I1  A table is written by its own thread while inside or in tri__bump, or by the collector when retired.
 *   I2  The runs of a table in use were claimed since the last change of phase.
 */
#ifndef TRIX_CACHE_H
#define TRIX_CACHE_H

#include "central.h"
#include "gate.h"
#include "sample.h"
#include "../../include/tricolor/abi.h"

/* The cold half of a run. */
struct run_state {
    uint32_t page;    /* span the slots were claimed in, 0 for none */
    uint32_t reserve; /* spans claimed whole by tri_prealloc, linked by state.next */
    uint32_t moves;   /* rises before what is below and in `reserve` begins to tell of another span: for trix_cache_holds */
    uint16_t claimed; /* slots claimed in `page` */
    uint16_t want;    /* slots to claim next; 0: not decided yet */
    uint16_t next;    /* the first slot that may be in `pending` */
    uint64_t handed;  /* objects of spans before `page`, not yet in layout.mallocs */
    bool dirty;       /* stretches must be zeroed */
    bool listed;      /* in table.active */
    bool sample_next; /* the next stretch is one object, for the heap profile */
    uint64_t pending[SPAN_SLOTS / 64]; /* claimed slots behind the current stretch */
};

struct run_table {
    struct tri__run hot[MAX_LAYOUTS];
    struct run_state cold[MAX_LAYOUTS];
    uint16_t active[MAX_LAYOUTS]; /* ids with a claim since the last retirement */
    uint32_t nactive;
    uint32_t tiny; /* tiny objects handed out and not yet counted */
};

struct thread_cache {
    struct gate gate;           /* first: trix_self points here */
    struct tri__tls *line;      /* the thread's line, whose runs field points to table->hot */
    struct run_table *table;    /* in use */
    struct run_table *spare;    /* empty, or being retired by the collector */
    struct page_window window;  /* own thread, inside */
    struct sampler sampler;     /* own thread, inside */
    int64_t assist_credit;      /* bytes this thread may claim before it must help marking; gc */
    int64_t unreported;         /* bytes claimed and not yet added to the heap's figure; gc */
};

/* The table of a thread that is not attached: every run is empty, so that every path is the slow one. */
extern struct tri__run trix_no_runs[MAX_LAYOUTS];

/* Tables left from an earlier thread are used again. False: no memory. */
bool trix_cache_init(struct thread_cache *cache, struct tri__tls *line);
/* Gives back all that the cache holds but its tables, empty now; returns the bytes, which are not reported. Own thread, or
 * of a dead one; threads' lock. */
uint64_t trix_cache_close(struct thread_cache *cache);
void trix_cache_unmap(struct thread_cache *cache);

/* One zeroed object of the layout; inside. NULL when memory is exhausted. */
void *trix_cache_alloc(struct thread_cache *cache, struct layout *layout);

/* The same from what is claimed already, while nobody marks; else NULL. In a heap with holes most refills are no more, and this one
 * neither waits nor pays. */
void *trix_cache_alloc_claimed(struct thread_cache *cache, const struct layout *layout);

/* One tiny object: TINY_PIECE bytes. */
void *trix_cache_alloc_tiny(struct thread_cache *cache);

/* Claims spans for n objects and touches them. False when memory is exhausted. */
bool trix_cache_prealloc(struct thread_cache *cache, struct layout *layout, size_t n);

/* With the thread stopped: the table becomes the spare one, and the thread starts with an empty one. */
void trix_cache_swap(struct thread_cache *cache);

/* After a swap: gives back what the old table still holds. Returns the bytes given back. */
uint64_t trix_cache_retire(struct thread_cache *cache);

/* Whether the table in use holds the slot claimed and not handed out. Any thread, inside, with the list of threads locked. Never
 * true of a slot that was handed out before the call, whatever the table's own thread does meanwhile. */
bool trix_cache_holds(const struct thread_cache *cache, uint32_t page, unsigned layout, unsigned slot);

/* For the check mark, with the thread stopped: sets the mark bits of what the table in use holds and has not handed out. Its
 * memory may still be that of dead objects, so nothing may be traced from there. */
void trix_cache_blacken(const struct thread_cache *cache);

/* Objects handed out of its runs and not yet in layout.mallocs: adds them to counts[id]. Racy: for figures. */
void trix_cache_peek(const struct thread_cache *cache, uint64_t *counts, uint64_t *tiny);

/* Tiny objects handed out and counted so far. */
uint64_t trix_cache_tiny(void);

#endif
