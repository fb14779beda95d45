/* central.h - the second level: for each layout, its spans with free slots, shared by all threads.
 *
 * Claiming takes free slots of one span for one thread, by setting their alloc bits. While marking, their mark bits
 * stay 1: black from birth. Otherwise they fall to 0: white for the next cycle. What a thread has claimed but not
 * handed out is unclaimed again at each change of phase.
 *
 * A list is in address order after a sweep, and holds only spans swept in the current generation; a list of
 * another generation counts as empty (so no list is touched when the generation changes).
 */
#ifndef TRIX_CENTRAL_H
#define TRIX_CENTRAL_H

#include "gate.h"
#include "layout.h"
#include "pageheap.h"

struct claim {
    uint32_t page; /* first page of the span */
    uint16_t count;
    bool dirty; /* the slots may hold old contents */
    uint64_t slots[SPAN_SLOTS / 64];
};

/* Claims up to `want` slots of one span. False: memory is exhausted. */
bool trix_central_claim(struct layout *l, struct page_window *window, unsigned want, struct claim *claim);

/* Claims all slots of a new span, past the list. */
bool trix_central_claim_span(struct layout *l, struct page_window *window, struct claim *claim);

/* A thread is through with the span: it has handed out all that it claimed. No lock. */
void trix_central_finish(uint32_t page);

/* Gives back claimed slots that were not handed out, and is through with the span. */
void trix_central_unclaim(struct layout *l, uint32_t page, const uint64_t *slots);

/* So many objects more have been handed out, for the figures. */
void trix_central_count(struct layout *l, uint64_t mallocs);

/* Hands a list of freshly swept spans with free slots over: linked by state.next from first to last. */
void trix_central_append(struct layout *l, uint32_t first, uint32_t last, uint64_t freed);

/* GODEBUG=clobberfree=1: fills a slot about to be freed with a pattern. */
void trix_central_clobber(uint32_t page, const struct layout *layout, unsigned slot);

/* One object of a swept span back: clears its alloc bit. False when it was free already. */
bool trix_central_free_slot(struct layout *l, uint32_t page, unsigned slot);

/* Bits of the slots a span of this layout has, in word w. */
INLINE uint64_t layout_valid(const struct layout *l, unsigned w) {
    return w * 64 >= l->slots ? 0 : bits_below(l->slots - w * 64);
}

/* Of a span that nobody sees yet, but that may still be looked at as the one whose page this was: a thread that found it worth sweeping,
 * and lost its processor then. `swept` has had this value since that one was swept, and must not have another even for a moment, as it has when the
 * whole struct is assigned: the span would be swept before it is one. */
INLINE void span_state_init(uint32_t page, uint16_t nfree, uint8_t flags, uint32_t claims) {
    struct page_state *s = map_state(page);
    s->next = 0;
    s->nfree = nfree;
    store_relaxed(&s->swept, sweep_parity());
    s->flags = flags;
    store_relaxed(&s->claims, claims);
    s->live = 0;
    store_relaxed(&s->specials, 0);
}

#endif
