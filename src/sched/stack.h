/* stack.h - stacks for goroutines, each with its descriptor at the top: see stack.c. */
#ifndef TRIX_STACK_H
#define TRIX_STACK_H

#include "g.h"

/* Up to so many free stacks, each with a descriptor, context G_NONE; the one to be used first comes last. How many: 0 when
 * the system has no room. Inside, no locks. */
uint32_t trix_stacks_take(struct g **g, uint32_t most);

/* Gives stacks back, the one lately used last. */
void trix_stacks_give(struct g *const *g, uint32_t n);

/* Descriptors are numbered; numbers below the count stay as they are. Calls visit for those from `from` on, below `to`, free
 * ones too. */
uint64_t trix_stacks_count(void);
void trix_stacks_visit(uint64_t from, uint64_t to, void (*visit)(struct g *g, void *arg), void *arg);

/* The goroutine whose stack, or guard below it, holds the address; NULL: none. Async-signal-safe. */
struct g *trix_stacks_find(uintptr_t address, bool *guard);

/* Gives memory back below the tops of free stacks that have been free for a cycle. */
void trix_stacks_trim(void);

/* By who holds the goroutine: notes for the figures how deep it is. */
void trix_stack_note(struct g *g);

/* Gives back the pages of a stack in use that lie wholly below an address: by who holds the goroutine. */
void trix_stack_give_back(struct g *g, uintptr_t below);

/* Bytes set aside for a goroutine's stack, guard included: what it was promised. */
size_t trix_stack_limit(const struct g *g);

void trix_stacks_reset_after_fork(void);
/* How large stacks may become that are taken from now on, and how large they might before. True: those taken and not used yet are of
 * the wrong size. */
bool trix_stacks_set_max(size_t bytes, size_t *old);
/* Bytes: a page for each stack, and what the collector has seen of deeper ones, those that have ended since included until
 * they are trimmed. Depth that no collection has seen is not counted. */
void trix_stacks_figures(uint64_t *inuse, uint64_t *sys);

#endif
