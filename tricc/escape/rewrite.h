/* rewrite.h - carries the decisions out. */
#ifndef ESCAPE_REWRITE_H
#define ESCAPE_REWRITE_H

#include "graph.h"

/* Puts the function's allocations that may on the stack (marks them `promoted`): within a budget, and with their frees. */
void promote_choose(struct analysis *, struct function *);
/* Frees that can go with the allocation they free; others count as flows to the heap. Returns whether any does. */
bool releases_settle(struct analysis *, struct function *);

void rewrite_function(struct analysis *, struct function *);

#endif
