/* query.c - see query.h.
 *
 * The best documents of a word are found by branch and bound: every fork of a list knows the most lines of a
 * posting below it, so whole branches that cannot be among the best are left out. Two words and prefixes look
 * at all they match. Each answer brings its text along, as a server would send it: some kilobytes of garbage
 * a query.
 */
#include "query.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_TEXT = 120 };

const char *const query_kind_name[QUERY_KINDS] = {"word", "and", "prefix"};

/* ---- as text ---- */

bool query_parse(struct query *q, const char *text) {
    struct tokens tokens = tokens_of(text, (uint32_t)strlen(text));
    struct token token;
    int n = 0;
    memset(q, 0, sizeof *q);
    for (; token_next(&tokens, &token); n++) {
        if (n == 2) return false;
        token_fold(&token, q->text[n]);
        q->len[n] = token.len;
        if (token.start[token.len] == '*') q->kind = QUERY_PREFIX;
    }
    if (n == 2 && q->kind == QUERY_PREFIX) return false;
    if (n == 2) q->kind = QUERY_AND;
    return n > 0;
}

char *query_text(const struct query *q, char *to) {
    char *at = to;
    at = (char *)memcpy(at, q->text[0], q->len[0]) + q->len[0];
    if (q->kind == QUERY_PREFIX) *at++ = '*';
    if (q->kind == QUERY_AND) {
        *at++ = ' ';
        at = (char *)memcpy(at, q->text[1], q->len[1]) + q->len[1];
    }
    *at = 0;
    return to;
}

/* ---- matches ---- */

struct each {
    void (*fn)(void *, const struct match *);
    void *arg;
    const struct word *word;
};

static void each_posting(void *arg, const struct posting *p) {
    struct each *each = arg;
    each->fn(each->arg, &(struct match){each->word, p, NULL});
}

static void each_pair(void *arg, const struct posting *p, const struct posting *second) {
    struct each *each = arg;
    each->fn(each->arg, &(struct match){each->word, p, second});
}

static bool each_word(void *arg, struct word *word) {
    struct each *each = arg;
    each->word = word;
    list_each(word_list(word), each_posting, each);
    return true;
}

void query_each(struct index *index, const struct query *q, void (*fn)(void *, const struct match *),
                void *arg) {
    struct each each = {fn, arg, NULL};
    if (q->kind == QUERY_PREFIX) {
        trie_each(index->trie, q->text[0], q->len[0], each_word, &each);
        return;
    }
    struct word *word = trie_find(index->trie, q->text[0], q->len[0]);
    if (!word) return;
    if (q->kind == QUERY_WORD) {
        each_word(&each, word);
        return;
    }
    struct word *second = trie_find(index->trie, q->text[1], q->len[1]);
    each.word = word;
    if (second) list_meet(word_list(word), word_list(second), each_pair, &each);
}

/* ---- answers ---- */

uint64_t answer_rank(struct answer *a, const struct posting *p, uint64_t lines) {
    uint32_t at = a->nbest;
    uint64_t bound = at == ANSWER_BEST ? a->best_lines[at - 1] : 0;
    if (lines <= bound) return bound;
    if (at < ANSWER_BEST)
        a->nbest++;
    else
        at--;
    for (; at > 0 && a->best_lines[at - 1] < lines; at--) {
        tri_set(a->best[at], a->best[at - 1]);
        a->best_lines[at] = a->best_lines[at - 1];
    }
    tri_set(a->best[at], p);
    a->best_lines[at] = lines;
    return a->nbest == ANSWER_BEST ? a->best_lines[ANSWER_BEST - 1] : 0;
}

static uint32_t answer_posting(void *arg, const struct posting *p) {
    return (uint32_t)answer_rank(arg, p, p->head.lines);
}

static void answer_list(struct answer *a, const struct list *list) {
    if (!list) return;
    a->docs = list->docs;
    a->lines = list->lines;
    list_best(list, answer_posting, a);
}

static void answer_pair(void *arg, const struct match *m) {
    struct answer *a = arg;
    uint64_t lines = (uint64_t)m->posting->head.lines + m->second->head.lines;
    a->docs++;
    a->lines += lines;
    answer_rank(a, m->posting, lines);
}

static bool answer_word(void *arg, struct word *word) {
    struct answer *a = arg;
    const struct list *list = word_list(word);
    if (!list) return true;
    if (a->nbest < ANSWER_BEST) tri_set(a->first[a->nbest++], word);
    a->docs += list->docs;
    a->lines += list->lines;
    a->words++;
    return true;
}

/* ---- what is shown ---- */

/* The first line of the posting; its number is that of the file, without the stamp. */
static const char *show_posting(const struct posting *p) {
    const struct revision *rev = p->rev;
    uint32_t len, line = p->line[0], number = line > rev->stamped ? line - rev->stamped : 0;
    const char *text = text_line(rev->text, rev->len, line, &len);
    if (len > SHOWN_TEXT) len = SHOWN_TEXT;
    size_t room = strlen(rev->doc->name) + len + 16;
    char *shown = tri_alloc_leaf(room);
    snprintf(shown, room, "%s:%u: %.*s", rev->doc->name, number, (int)len, text);
    return shown;
}

static const char *show_word(const struct word *word) {
    const struct list *list = word_list(word);
    size_t room = word->len + 32;
    char *shown = tri_alloc_leaf(room);
    snprintf(shown, room, "%.*s: %u documents", (int)word->len, word->text, list ? list->docs : 0);
    return shown;
}

static void answer_show(struct answer *a) {
    for (uint32_t i = 0; i < a->nbest; i++)
        tri_set(a->shown[i], a->best[i] ? show_posting(a->best[i]) : show_word(a->first[i]));
}

struct answer *query_answer(struct index *index, const struct query *q) {
    struct answer *a = tri_new(struct answer);
    struct word *word = q->kind == QUERY_WORD ? trie_find(index->trie, q->text[0], q->len[0]) : NULL;
    if (q->kind == QUERY_PREFIX)
        trie_each(index->trie, q->text[0], q->len[0], answer_word, a);
    else if (q->kind == QUERY_AND)
        query_each(index, q, answer_pair, a);
    else if (word)
        answer_list(a, word_list(word));
    answer_show(a);
    return a;
}

/* ---- random queries ---- */

static const struct revision *random_revision(struct index *index, uint64_t *rng) {
    uint32_t limit = __atomic_load_n(&index->limit, __ATOMIC_ACQUIRE);
    for (int tries = 0; limit && tries < 1000; tries++) {
        struct doc *doc = index_doc(index, random_below(rng, limit));
        struct revision *rev = doc ? load(doc->now) : NULL;
        if (rev && rev->nwords) return rev;
    }
    return NULL;
}

/* A word of the text near a random place: common words come often. */
static bool random_token(const struct revision *rev, struct token *token, uint64_t *rng) {
    uint32_t at = random_below(rng, rev->len);
    while (at > 0 && text_fold[(unsigned char)rev->text[at - 1]]) at--;
    struct tokens here = tokens_of(rev->text + at, rev->len - at), top = tokens_of(rev->text, rev->len);
    return token_next(&here, token) || token_next(&top, token);
}

/* The longest of three: people ask for the words that matter. */
static bool random_word(const struct revision *rev, char *to, uint32_t *len, uint64_t *rng) {
    struct token token;
    *len = 0;
    for (int i = 0; i < 3; i++)
        if (random_token(rev, &token, rng) && token.len > *len) {
            token_fold(&token, to);
            *len = token.len;
        }
    return *len > 0;
}

bool query_random(struct index *index, struct query *q, uint64_t *rng) {
    static const enum query_kind mix[10] = {QUERY_WORD, QUERY_WORD, QUERY_WORD,   QUERY_WORD,   QUERY_WORD,
                                            QUERY_AND,  QUERY_AND,  QUERY_PREFIX, QUERY_PREFIX, QUERY_PREFIX};
    const struct revision *rev = random_revision(index, rng);
    q->kind = mix[random_below(rng, 10)];
    q->len[1] = 0;
    if (!rev || !random_word(rev, q->text[0], &q->len[0], rng)) return false;
    if (q->kind == QUERY_AND && !random_word(rev, q->text[1], &q->len[1], rng)) return false;
    uint32_t cut = 3 + random_below(rng, 4);
    if (q->kind == QUERY_PREFIX && q->len[0] > cut) q->len[0] = cut;
    return true;
}
