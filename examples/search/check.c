/* check.c - see check.h.
 *
 * How can an answer be checked while documents are being replaced under it? By I3 of index.h. A document
 * whose `next` was NULL, and whose `now` was the same revision, before and after the query, was not touched
 * during it (a revision cannot come back: we hold it, so its address is not used again). For such a document
 * the answer must be exactly what the scan of that revision's text gives: no posting too many, none too few,
 * each line right. Of a document that was being replaced, each posting that was found must be right for the
 * revision it names (I2); those not found prove nothing. The order of the loads, next before now both times,
 * is what makes this sound: a writer sets now before it clears next.
 *
 * `found` holds all matches in the range, chained by document through `next`, newest first; numbers are one
 * more than indices, 0 is the end.
 */
#include "check.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool check_quiet;

enum { MESSAGES = 10 };

struct found {
    const struct word *word;
    const struct posting *posting, *second;
    uint32_t next, seen; /* seen: lines of the posting that the scan of a prefix came by */
};
TRI_TYPE(struct found, word, posting, second)

struct check {
    struct index *index;
    const struct revision **stable; /* of document lo + i; NULL when there is none or it was being replaced */
    uint32_t *head;                 /* of document lo + i */
    struct found *found;
    uint32_t n, room, lo, hi;
    struct query query;
    struct answer *truth;      /* what the scan finds, or NULL when not wanted */
    struct check_count *count; /* the caller's, not on the collected heap */
};
TRI_TYPE(struct check, index, stable, head, found, truth)

/* ---- the plain scan ---- */

struct scan {
    const char *begin, *end, *at, *counted;
    const char *want;
    uint32_t len, line;
    bool prefix;
};

static struct scan scan_of(const struct revision *rev, const char *want, uint32_t len, bool prefix) {
    return (struct scan){rev->text, rev->text + rev->len, rev->text, rev->text, want, len, 1, prefix};
}

static inline unsigned char folded(char c) { return text_fold[(unsigned char)c]; }

static bool scan_here(const struct scan *s, const char *at) {
    if (at > s->begin && folded(at[-1])) return false;
    for (uint32_t i = 0; i < s->len; i++)
        if (folded(at[i]) != (unsigned char)s->want[i]) return false;
    return true;
}

/* Finds the next word that is, or begins with, what is wanted; sets its line. */
static bool scan_next(struct scan *s, const char **word, uint32_t *len) {
    for (; s->end - s->at >= (ptrdiff_t)s->len; s->at++) {
        if (folded(*s->at) != (unsigned char)*s->want || !scan_here(s, s->at)) continue;
        const char *start = s->at, *stop = start + s->len;
        while (stop < s->end && folded(*stop)) stop++;
        if (stop - start > WORD_MAX || (!s->prefix && stop - start > (ptrdiff_t)s->len)) continue;
        for (; s->counted < start; s->counted++) s->line += *s->counted == '\n';
        *word = start;
        *len = (uint32_t)(stop - start);
        s->at = stop;
        return true;
    }
    return false;
}

/* On how many lines the word is; *same tells whether they are those of the posting (NULL: no lines). */
static uint32_t scan_lines(const struct revision *rev, const char *want, uint32_t len,
                           const struct posting *p, bool *same) {
    struct scan scan = scan_of(rev, want, len, false);
    uint32_t lines = 0, last = 0, n = p ? p->head.lines : 0;
    const char *word;
    *same = true;
    while (scan_next(&scan, &word, &len)) {
        if (scan.line == last) continue;
        last = scan.line;
        *same = *same && lines < n && p->line[lines] == last;
        lines++;
    }
    *same = *same && lines == n;
    return lines;
}

/* ---- complaints ---- */

static void mismatch(struct check *c, uint32_t id, const char *what) {
    static uint32_t messages;
    char text[QUERY_TEXT];
    const struct doc *doc = index_doc(c->index, id);
    c->count->wrong++;
    if (check_quiet || __atomic_fetch_add(&messages, 1, __ATOMIC_RELAXED) >= MESSAGES) return;
    printf("MISMATCH: query '%s', document %u (%s): %s\n", query_text(&c->query, text), id,
           doc ? doc->name : "-", what);
}

/* ---- what the index says ---- */

static void found_room(struct check *c) {
    if (c->n < c->room) return;
    uint32_t room = c->room ? c->room * 2 : 64;
    struct found *bigger = tri_new_array(struct found, room);
    if (c->n) tri_memcpy(bigger, c->found, c->n * sizeof *bigger);
    tri_set(c->found, bigger);
    c->room = room;
}

static void found_add(void *arg, const struct match *m) {
    struct check *c = arg;
    uint32_t doc = m->posting->doc;
    if (doc < c->lo || doc >= c->hi) return;
    found_room(c);
    struct found *f = &c->found[c->n++];
    tri_set(f->word, m->word);
    tri_set(f->posting, m->posting);
    tri_set(f->second, m->second);
    f->next = c->head[doc - c->lo];
    c->head[doc - c->lo] = c->n;
}

/* The document's revision, if it is not being replaced at this moment. */
static const struct revision *stable_now(struct index *index, uint32_t id) {
    struct doc *doc = index_doc(index, id);
    return doc && !load(doc->next) ? load(doc->now) : NULL;
}

static void ask(struct check *c) {
    for (uint32_t id = c->lo; id < c->hi; id++) tri_set(c->stable[id - c->lo], stable_now(c->index, id));
    query_each(c->index, &c->query, found_add, c);
    for (uint32_t id = c->lo; id < c->hi; id++)
        if (c->stable[id - c->lo] != stable_now(c->index, id)) tri_set(c->stable[id - c->lo], NULL);
}

/* ---- one document ---- */

/* Enters what the scan found into the true answer, if one is wanted. */
static void truth_add(struct check *c, const struct found *f, uint64_t lines) {
    if (!c->truth || !f) return;
    c->truth->docs++;
    c->truth->lines += lines;
    if (c->query.kind != QUERY_PREFIX) answer_rank(c->truth, f->posting, lines);
}

static void check_words(struct check *c, uint32_t id, const struct revision *rev, const struct found *f) {
    const struct query *q = &c->query;
    bool same[2], both = q->kind == QUERY_AND;
    uint32_t lines[2] = {1, 0};
    if (f && (f->next || f->posting->rev != rev || (both && f->second->rev != rev)))
        mismatch(c, id, "a posting of an old revision");
    lines[0] = scan_lines(rev, q->text[0], q->len[0], f ? f->posting : NULL, &same[0]);
    if (both) lines[1] = scan_lines(rev, q->text[1], q->len[1], f ? f->second : NULL, &same[1]);
    bool there = lines[0] && (!both || lines[1]);
    if (there && !f)
        mismatch(c, id, "in the text, but not in the answer");
    else if (!there && f)
        mismatch(c, id, "in the answer, but not in the text");
    else if (f && !(same[0] && (!both || same[1])))
        mismatch(c, id, "lines differ");
    truth_add(c, f, (uint64_t)lines[0] + lines[1]);
}

static struct found *found_word(struct check *c, uint32_t number, const char *word, uint32_t len) {
    for (struct found *f; number; number = f->next) {
        f = &c->found[number - 1];
        uint32_t i = 0;
        while (i < len && f->word->len == len && folded(word[i]) == (unsigned char)f->word->text[i]) i++;
        if (i == len) return f;
    }
    return NULL;
}

/* The scan comes by every word with the prefix: each must be in the answer, with exactly the lines passed. */
static void check_prefix(struct check *c, uint32_t id, const struct revision *rev, uint32_t first) {
    struct scan scan = scan_of(rev, c->query.text[0], c->query.len[0], true);
    const char *word;
    uint32_t len;
    while (scan_next(&scan, &word, &len)) {
        struct found *f = found_word(c, first, word, len);
        if (!f) {
            mismatch(c, id, "a word in the text is not in the answer");
            continue;
        }
        if (f->seen > 0 && f->posting->line[f->seen - 1] == scan.line) continue;
        if (f->seen == f->posting->head.lines || f->posting->line[f->seen] != scan.line) {
            mismatch(c, id, "lines differ");
            return;
        }
        f->seen++;
    }
    for (uint32_t number = first; number; number = c->found[number - 1].next) {
        const struct found *f = &c->found[number - 1];
        if (f->posting->rev != rev) mismatch(c, id, "a posting of an old revision");
        if (f->seen != f->posting->head.lines) mismatch(c, id, "lines in the answer are not in the text");
        truth_add(c, f, f->seen);
    }
}

/* The document was being replaced: what was found must be right for the revision it was found in (I2). */
static void check_replaced(struct check *c, uint32_t id, uint32_t first) {
    const struct query *q = &c->query;
    for (uint32_t number = first; number; number = c->found[number - 1].next) {
        const struct found *f = &c->found[number - 1];
        bool same;
        scan_lines(f->posting->rev, f->word->text, f->word->len, f->posting, &same);
        if (!same) mismatch(c, id, "a posting does not fit its own revision");
        if (f->second) scan_lines(f->second->rev, q->text[1], q->len[1], f->second, &same);
        if (!same) mismatch(c, id, "the second posting does not fit its own revision");
    }
    c->count->replaced++;
}

static void check_doc(struct check *c, uint32_t id) {
    const struct revision *rev = c->stable[id - c->lo];
    uint32_t first = c->head[id - c->lo];
    const struct found *f = first ? &c->found[first - 1] : NULL;
    if (!rev && !first) return;
    c->count->docs++;
    if (!rev)
        check_replaced(c, id, first);
    else if (c->query.kind == QUERY_PREFIX)
        check_prefix(c, id, rev, first);
    else
        check_words(c, id, rev, f);
}

/* ---- the face ---- */

static struct check *check_new(struct index *index, const struct query *q, uint32_t lo, uint32_t hi,
                               struct check_count *count) {
    struct check *c = tri_new(struct check);
    tri_set(c->index, index);
    tri_set(c->stable, tri_new_array(const struct revision *, hi - lo + 1));
    tri_set(c->head, tri_new_array(uint32_t, hi - lo + 1));
    c->query = *q;
    c->lo = lo;
    c->hi = hi;
    c->count = count;
    return c;
}

static void check_run(struct check *c) {
    ask(c);
    for (uint32_t id = c->lo; id < c->hi; id++) check_doc(c, id);
    c->count->queries++;
}

void check_range(struct index *index, const struct query *q, uint32_t lo, uint32_t hi,
                 struct check_count *count) {
    check_run(check_new(index, q, lo, hi, count));
}

/* How many words were found; the matches of a prefix come word by word. */
static uint32_t found_words(const struct check *c) {
    uint32_t words = 0;
    for (uint32_t i = 0; i < c->n; i++) words += i == 0 || c->found[i].word != c->found[i - 1].word;
    return words;
}

static bool same_best(const struct answer *a, const struct answer *b) {
    if (a->nbest != b->nbest) return false;
    for (uint32_t i = 0; i < a->nbest; i++)
        if (a->best[i] != b->best[i] || a->best_lines[i] != b->best_lines[i]) return false;
    return true;
}

void check_whole(struct index *index, const struct query *q, struct check_count *count) {
    const struct answer *answer = query_answer(index, q);
    struct check *c = check_new(index, q, 0, index->limit, count);
    tri_set(c->truth, tri_new(struct answer));
    check_run(c);
    bool prefix = q->kind == QUERY_PREFIX;
    if (answer->docs != c->truth->docs || answer->lines != c->truth->lines)
        mismatch(c, 0, "sums of the answer");
    if (prefix && answer->words != found_words(c)) mismatch(c, 0, "number of words");
    if (!prefix && !same_best(answer, c->truth)) mismatch(c, 0, "best documents");
}

void check_add(struct check_count *to, const struct check_count *more) {
    to->queries += more->queries;
    to->docs += more->docs;
    to->replaced += more->replaced;
    to->wrong += more->wrong;
}
