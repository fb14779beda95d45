/* text.h - what a word is, and how a text falls into words and lines.
 *
 * Leaf of the example: depends on nothing, allocates nothing, all functions are pure.
 */
#ifndef SEARCH_TEXT_H
#define SEARCH_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* The byte as it stands in a word (lower case), or 0 if it is not part of words. */
extern const unsigned char text_fold[256];

struct token {
    const char *start; /* in the text, not folded */
    uint32_t len;      /* WORD_MIN to WORD_MAX */
    uint32_t line;     /* from 1 */
};

struct tokens {
    const char *at, *end;
    uint32_t line;
};

struct tokens tokens_of(const char *text, uint32_t len);
bool token_next(struct tokens *, struct token *);

/* Copies a token in lower case; `to` is not terminated. */
void token_fold(const struct token *, char *to);

/* The n-th line (from 1) without its end; its length is stored in *len. */
const char *text_line(const char *text, uint32_t size, uint32_t n, uint32_t *len);

#endif
