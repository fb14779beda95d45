/* check.h - answers held against a plain scan of the text.
 *
 * The scan shares nothing with the index but the table of word bytes: it looks for the letters in the text,
 * from the first byte to the last.
 */
#ifndef SEARCH_CHECK_H
#define SEARCH_CHECK_H

#include "query.h"

struct check_count {
    uint64_t queries, docs; /* checked; documents: once for each query */
    uint64_t replaced;      /* documents that were being replaced: only what was found could be checked */
    uint64_t wrong;
};

/* Asks, and checks what is found and what is not in the documents [lo, hi), while others go on writing.
 * Mismatches are printed, the first few of a process. */
void check_range(struct index *, const struct query *, uint32_t lo, uint32_t hi, struct check_count *);

/* The same for all documents, and the answer with its sums and its best ten as well. Nobody may write
 * meanwhile. */
void check_whole(struct index *, const struct query *, struct check_count *);

void check_add(struct check_count *to, const struct check_count *more);

/* For tests that break things on purpose: no message when wrong. */
extern bool check_quiet;

#endif
