/* index.c - documents: the table, and putting a text in the place of the one before.
 *
 * index_put takes a text apart without touching anything shared, then changes word by word:
 *
 *   1  claim      doc.next NULL -> revision      one compare-exchange; whoever has it may replace (I3)
 *   2  put        for each word of the new text: its list with the new posting instead of the old one
 *   3  drop       for each word of the old text that kept an old posting: its list without it
 *   4  publish    doc.now -> revision
 *   5  release    doc.next -> NULL
 *
 * Taking apart: words are folded into one long buffer and numbered by a hash table; `seen` holds pairs of
 * (word, line) in order. The scratch arrays belong to the writer and are used again for the next text; when
 * they grow, the old ones are left to the collector.
 */
#include "index.h"
#include "text.h"

#include <string.h>

enum { GUESSES = 4 }; /* words of the old revision looked at for the next of the new one */

struct distinct {
    uint32_t chars, len; /* where in writer.chars */
    uint32_t hash, slot;
    uint32_t lines, last; /* how many lines it is on; the last of them */
};
TRI_TYPE_LEAF(struct distinct)

struct sighting {
    uint32_t word, line;
};
TRI_TYPE_LEAF(struct sighting)

struct writer {
    struct index *index;
    char *chars;
    uint32_t *table; /* number of a distinct word + 1, or 0; room_table is a power of two */
    struct distinct *words;
    struct sighting *seen;
    uint32_t room_chars, room_table, room_words, room_seen;
    uint32_t n_chars, n_words, n_seen;
};
TRI_TYPE(struct writer, index, chars, table, words, seen)

/* ---- the table ---- */

struct index *index_new(void) {
    struct index *index = tri_new(struct index);
    tri_set(index->trie, trie_new());
    return index;
}

struct doc *index_doc(struct index *index, uint32_t id) {
    if (id >= DOC_CHUNK * DOC_CHUNKS) return NULL;
    struct doc_chunk *chunk = load(index->chunk[id / DOC_CHUNK]);
    return chunk ? load(chunk->doc[id % DOC_CHUNK]) : NULL;
}

static struct doc_chunk *table_chunk(struct index *index, uint32_t id) {
    struct doc_chunk *chunk = load(index->chunk[id / DOC_CHUNK]);
    if (chunk) return chunk;
    tri_cas(index->chunk[id / DOC_CHUNK], NULL, tri_new(struct doc_chunk));
    return load(index->chunk[id / DOC_CHUNK]);
}

static void atomic_max(uint32_t *to, uint32_t value) {
    uint32_t old = __atomic_load_n(to, __ATOMIC_RELAXED);
    while (old < value &&
           !__atomic_compare_exchange_n(to, &old, value, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
}

bool index_add(struct index *index, uint32_t id, const char *name, const char *path) {
    if (id >= DOC_CHUNK * DOC_CHUNKS) return false;
    struct doc *doc = tri_new(struct doc);
    tri_set(doc->name, name);
    tri_set(doc->path, path);
    doc->id = id;
    if (!tri_cas(table_chunk(index, id)->doc[id % DOC_CHUNK], NULL, doc)) return false;
    atomic_max(&index->limit, id + 1);
    __atomic_fetch_add(&index->docs, 1, __ATOMIC_RELAXED);
    return true;
}

/* ---- taking a text apart ---- */

struct writer *writer_new(struct index *index) {
    struct writer *w = tri_new(struct writer);
    tri_set(w->index, index);
    w->room_chars = w->room_table = w->room_words = w->room_seen = 1024;
    tri_set(w->chars, tri_alloc_leaf(w->room_chars));
    tri_set(w->table, tri_alloc_leaf(w->room_table * sizeof w->table[0]));
    tri_set(w->words, tri_new_array(struct distinct, w->room_words));
    tri_set(w->seen, tri_new_array(struct sighting, w->room_seen));
    return w;
}

/* The slot of a word: its own, or the empty one where it belongs. */
static uint32_t table_slot(const struct writer *w, const char *folded, uint32_t len, uint32_t hash) {
    for (uint32_t at = hash;; at++) {
        at &= w->room_table - 1;
        if (!w->table[at]) return at;
        const struct distinct *d = &w->words[w->table[at] - 1];
        if (d->hash == hash && d->len == len && !memcmp(w->chars + d->chars, folded, len)) return at;
    }
}

static void table_double(struct writer *w) {
    w->room_table *= 2;
    tri_set(w->table, tri_alloc_leaf(w->room_table * sizeof w->table[0]));
    for (uint32_t i = 0; i < w->n_words; i++) {
        struct distinct *d = &w->words[i];
        d->slot = table_slot(w, w->chars + d->chars, d->len, d->hash);
        w->table[d->slot] = i + 1;
    }
}

/* Makes room for one more word and one more sighting. */
static void writer_room(struct writer *w) {
    if (w->n_chars + WORD_MAX > w->room_chars) tri_set(w->chars, tri_realloc(w->chars, w->room_chars *= 2));
    if (w->n_words == w->room_words)
        tri_set(w->words, tri_realloc(w->words, (w->room_words *= 2) * sizeof w->words[0]));
    if (w->n_seen == w->room_seen)
        tri_set(w->seen, tri_realloc(w->seen, (w->room_seen *= 2) * (uint64_t)sizeof w->seen[0]));
    if (w->n_words * 2 >= w->room_table) table_double(w);
}

/* FNV-1a, with the high bits folded down. */
static uint32_t hash_of(const char *text, uint32_t len) {
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* The number of the token's word, which is new or not. */
static uint32_t writer_word(struct writer *w, const struct token *token) {
    char *folded = w->chars + w->n_chars;
    token_fold(token, folded);
    uint32_t hash = hash_of(folded, token->len), slot = table_slot(w, folded, token->len, hash);
    if (!w->table[slot]) {
        w->words[w->n_words++] = (struct distinct){w->n_chars, token->len, hash, slot, 0, 0};
        w->n_chars += token->len;
        w->table[slot] = w->n_words;
    }
    return w->table[slot] - 1;
}

static void writer_collect(struct writer *w, const char *text, uint32_t len) {
    struct tokens tokens = tokens_of(text, len);
    struct token token;
    while (token_next(&tokens, &token)) {
        writer_room(w);
        uint32_t number = writer_word(w, &token);
        struct distinct *d = &w->words[number];
        if (d->last == token.line) continue;
        d->last = token.line;
        d->lines++;
        w->seen[w->n_seen++] = (struct sighting){number, token.line};
    }
}

static void writer_clear(struct writer *w) {
    for (uint32_t i = 0; i < w->n_words; i++) w->table[w->words[i].slot] = 0;
    w->n_chars = w->n_words = w->n_seen = 0;
}

/* The postings of all words collected, in the order of their numbers. */
static struct posting **writer_postings(const struct writer *w, struct revision *rev) {
    struct posting **all = tri_new_array(struct posting *, w->n_words);
    for (uint32_t i = 0; i < w->n_words; i++) {
        struct posting *p = tri_new_flex(struct posting, line, w->words[i].lines);
        tri_set(p->rev, rev);
        p->doc = rev->doc->id;
        p->head.docs = 1;
        tri_set(all[i], p);
    }
    for (uint32_t i = 0; i < w->n_seen; i++) {
        struct posting *p = all[w->seen[i].word];
        p->line[p->head.lines++] = w->seen[i].line;
    }
    return all;
}

/* ---- replacing ---- */

static struct revision *revision_new(struct doc *doc, const char *text, uint32_t len, uint32_t stamped) {
    struct revision *rev = tri_new(struct revision);
    tri_set(rev->doc, doc);
    tri_set(rev->text, text);
    rev->len = len;
    rev->stamped = stamped;
    return rev;
}

/* The word, if it is one of the next of the old revision: words come in the order of the text, and most of a
 * text stays as it was, so this mostly saves the way down the trie. They are alive: each has the old posting
 * still. */
static struct word *word_guess(const struct revision *old, uint32_t *cursor, const char *text, uint32_t len) {
    for (uint32_t i = *cursor; old && i < old->nwords && i < *cursor + GUESSES; i++) {
        struct word *word = old->words[i];
        if (word->len != len || memcmp(word->text, text, len) != 0) continue;
        *cursor = i + 1;
        return word;
    }
    return NULL;
}

static void put_all(struct writer *w, const struct revision *old, struct revision *rev, int64_t *grown) {
    uint32_t cursor = 0;
    struct posting **postings = writer_postings(w, rev);
    tri_set(rev->words, tri_new_array(struct word *, w->n_words));
    rev->nwords = w->n_words;
    for (uint32_t i = 0; i < w->n_words; i++) {
        const struct distinct *d = &w->words[i];
        const char *text = w->chars + d->chars;
        struct word *word = word_guess(old, &cursor, text, d->len);
        while (!word || !word_put(word, postings[i], grown))
            word = trie_intern(w->index->trie, text, d->len, grown);
        tri_set(rev->words[i], word);
    }
}

/* Whatever posting of `old` is left belongs to a word that the new text has not. */
static void drop_rest(struct index *index, const struct revision *old, int64_t *grown) {
    for (uint32_t i = 0; i < old->nwords; i++) {
        struct word *word = old->words[i];
        const struct posting *p = list_find(word_list(word), old->doc->id);
        if (p && p->rev == old && word_drop(word, p->doc, grown))
            trie_prune(index->trie, word->text, word->len);
    }
}

static void count_change(struct index *index, const struct revision *old, const struct revision *rev,
                         int64_t grown) {
    uint64_t text = rev->len, words = rev->nwords;
    if (old) {
        text -= old->len;
        words -= old->nwords;
    }
    grown += (int64_t)text + (int64_t)words * (int64_t)sizeof(void *);
    if (!old) grown += (int64_t)(sizeof *rev + sizeof *rev->doc);
    __atomic_fetch_add(&index->text, text, __ATOMIC_RELAXED);
    __atomic_fetch_add(&index->postings, words, __ATOMIC_RELAXED);
    __atomic_fetch_add(&index->bytes, grown, __ATOMIC_RELAXED);
}

bool index_put(struct writer *w, struct doc *doc, const char *text, uint32_t len, uint32_t stamped) {
    struct revision *rev = revision_new(doc, text, len, stamped);
    if (!tri_cas(doc->next, NULL, rev)) return false;
    struct revision *old = load(doc->now);
    int64_t grown = 0;
    rev->number = old ? old->number + 1 : 0;
    writer_collect(w, text, len);
    put_all(w, old, rev, &grown);
    writer_clear(w);
    if (old) drop_rest(w->index, old, &grown);
    count_change(w->index, old, rev, grown);
    (void)tri_exchange(doc->now, rev);
    (void)tri_exchange(doc->next, NULL);
    return true;
}
