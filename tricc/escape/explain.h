/* explain.h - what was decided, in Go's words, and why. */
#ifndef ESCAPE_EXPLAIN_H
#define ESCAPE_EXPLAIN_H

#include "graph.h"

/* Note the way from l to root, as the solver has just found it: for -m -m. */
void explain_escape(struct analysis *, struct location *root, struct location *l);
void explain_leak(struct analysis *, struct location *root, struct location *param, int derefs);

/* The expression that begins at the place: a name with what stands in brackets behind it; NULL when the source cannot be read. */
const char *source_text(struct analysis *, struct tricc_loc);

/* The statement, on one line, that the place is in. */
const char *source_statement(struct analysis *, struct tricc_loc);
/* The compound literal that the place is in, without what is in its braces. */
const char *source_literal(struct analysis *, struct tricc_loc);

/* What an allocation is called: as the source has it, or by its function. */
const char *allocation_text(struct analysis *, const struct location *);

/* Says what was decided about the function's parameters, variables and allocations. */
void report_function(struct analysis *, const struct function *);

#endif
