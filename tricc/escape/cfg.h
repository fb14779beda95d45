/* cfg.h - a function's blocks: who dominates whom, which lie in loops, where variables are alive.
 *
 * Blocks are numbered in reverse postorder from the entry, which is 0; unreachable ones have no number. A loop is a
 * natural one, found by a back edge whose head dominates its tail; a cycle with several entries (goto into a loop)
 * has none, and its blocks are marked irreducible: questions about them get the careful answer.
 */
#ifndef ESCAPE_CFG_H
#define ESCAPE_CFG_H

#include "graph.h"

struct block {
    LLVMBasicBlockRef value;
    unsigned *succ, *pred;
    unsigned nsucc, npred, succ_room, pred_room;
    unsigned idom;
    unsigned loop;  /* the innermost loop's header block, or NO_BLOCK */
    unsigned outer; /* of a header: the header of the loop around its loop, or NO_BLOCK */
    LLVMMetadataRef scope; /* the narrowest that has all its instructions; NULL: not known yet, or none has one */
    bool scope_known;
    bool irreducible;
};

/* Room for one question about all blocks at a time, used again by the next. */
struct scratch {
    bool *from, *to;      /* by block */
    unsigned char *event; /* by block */
    unsigned *stack;      /* of blocks, each at most once, and one more */
};

struct cfg {
    struct block *block;
    unsigned n;
    struct pool *pool;
    struct table *number; /* block → number + 1 */
    struct scratch scratch; /* cfg_scratch makes it */
};

struct cfg *cfg_new(struct pool *, LLVMValueRef function);
unsigned cfg_number(const struct cfg *, LLVMBasicBlockRef);
unsigned cfg_block_of(const struct cfg *, LLVMValueRef instruction);
bool cfg_dominates(const struct cfg *, unsigned a, unsigned b);
unsigned cfg_common_dominator(const struct cfg *, unsigned a, unsigned b);
bool cfg_in_loop(const struct cfg *, unsigned block, unsigned header); /* whether header's loop has the block */

/* With from and to cleared. */
struct scratch *cfg_scratch(struct cfg *);

/* Whether the block's instructions all lie in the scope or in scopes inside it; a block without places does. */
bool cfg_in_scope(struct cfg *, unsigned block, LLVMMetadataRef scope);
/* Whether `inner` is the scope `outer` or lies in it. */
bool scope_inside(LLVMMetadataRef inner, LLVMMetadataRef outer);
LLVMMetadataRef scope_home(const struct location *variable); /* the block a variable is of; NULL: unknown */
void scopes_start(LLVMContextRef);

/* Where an instance of a variable begins: before this instruction, in this block. Executed once each time the variable's block
 * is entered. */
struct place {
    unsigned block;
    LLVMValueRef before;
};
struct place place_of(struct analysis *, const struct location *);

/* Whether the value a location holds at the start of the header block of the loop around `birth` may still be
 * read: that is, whether it lasts from one iteration to the next. */
bool lasts_into_next_iteration(struct analysis *, struct location *, unsigned birth);

/* Whether anything but plain loads and stores touches the variable. */
bool life_has_taken_address(struct analysis *, struct location *);

bool is_lifetime_start(LLVMValueRef);
bool is_lifetime_end(LLVMValueRef);

#endif
