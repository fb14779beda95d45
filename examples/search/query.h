/* query.h - asking the index.
 *
 * Three kinds: one word; two words on the same document; all words that begin with a prefix. Any thread may
 * ask at any time; nothing blocks. The answer is a fresh heap object; what it points to stays as it was when
 * it was asked.
 */
#ifndef SEARCH_QUERY_H
#define SEARCH_QUERY_H

#include "index.h"

enum query_kind { QUERY_WORD, QUERY_AND, QUERY_PREFIX, QUERY_KINDS };

extern const char *const query_kind_name[QUERY_KINDS];

struct query {
    enum query_kind kind;
    uint32_t len[2];
    char text[2][WORD_MAX]; /* folded, not terminated; [1] only for QUERY_AND */
};

/* "word", "prefix*" or "two words". False if it is none of these. */
bool query_parse(struct query *, const char *text);

/* The same way back, for messages; `to` has room for QUERY_TEXT bytes. Returns `to`. */
enum { QUERY_TEXT = 2 * WORD_MAX + 4 };
char *query_text(const struct query *, char *to);

/* A document that matches a word, or two; or a word that matches a prefix, with one document of it. */
struct match {
    const struct word *word;
    const struct posting *posting, *second; /* second: of the other word, QUERY_AND only */
};

/* Calls fn for each match. Words: in order of documents; prefixes: in order of words, then of documents. */
void query_each(struct index *, const struct query *, void (*fn)(void *arg, const struct match *), void *arg);

enum { ANSWER_BEST = 10 };

struct answer {
    uint64_t docs;                           /* that match; for a prefix the sum over its words */
    uint64_t lines;                          /* that match, likewise */
    uint32_t words;                          /* that match: 0 or more for a prefix, else 0 */
    uint32_t nbest;                          /* how many of the arrays below are filled */
    const struct posting *best[ANSWER_BEST]; /* most lines first, then lowest number; not for prefixes */
    const struct word *first[ANSWER_BEST];   /* in byte order; only for prefixes */
    const char *shown[ANSWER_BEST];          /* leaves: "name:line: text", or "word: n documents" */
    uint64_t best_lines[ANSWER_BEST];        /* of both words together */
};
TRI_TYPE(struct answer, best, first, shown)

struct answer *query_answer(struct index *, const struct query *);

/* Enters a document into the best ones, if it is one; to be called in order of documents. Returns how many
 * lines are too few from now on. */
uint64_t answer_rank(struct answer *, const struct posting *, uint64_t lines);

/* A query as users might ask: words drawn from the text of random documents. False if the index has none. */
bool query_random(struct index *, struct query *, uint64_t *rng);

/* xorshift64*; the state must not be 0. */
static inline uint32_t random_below(uint64_t *rng, uint32_t n) {
    *rng ^= *rng >> 12;
    *rng ^= *rng << 25;
    *rng ^= *rng >> 27;
    return (uint32_t)((*rng * 0x2545f4914f6cdd1dull >> 32) * n >> 32);
}

#endif
