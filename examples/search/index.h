/* index.h - a full-text index on the collected heap: the map of its structures.
 *
 *     index ── trie ──> node ──> state ──> edge ──> node ──> ...      words, by their bytes
 *       │                          └─────> word ──> list ──> posting  documents of a word, by their number
 *       └── doc table ──> doc ──> revision ──> text, words            documents, and what was indexed of them
 *
 * Any number of threads read and any number write, with no lock anywhere and no free anywhere. That is what
 * a collector buys: a reader may go on looking at a structure that a writer has just replaced, for as long as
 * it likes, and a compare-exchange cannot be fooled by an address that came back (the ABA problem), because
 * nothing comes back while somebody still holds a pointer to it. No hazard pointers, no epochs, no counts.
 *
 * Two kinds of objects:
 *
 *   immutable   list (fork and posting), state, edge, text: filled in by one thread, then published by one
 *               compare-exchange, never changed again. A change builds new ones along the path to the root.
 *   slots       node.state, word.list, doc.now, doc.next, table chunks: single pointers, changed by tri_cas
 *               or tri_exchange only (both sequentially consistent), read by `load` (acquire).
 *
 * What readers may rely on:
 *
 *   I1  A list that was loaded is a true snapshot of one word: sorted by document number, each document once.
 *   I2  A posting names the revision it was made from, and its lines are right for that revision's text.
 *   I3  While doc.next == NULL every word of doc.now's text has a posting of exactly that revision, and no
 *       other word has a posting of that document. While a document is being replaced (doc.next != NULL),
 *       each word by itself is either as before or as after. A query over several words sees each at its own
 *       moment.
 *   I4  A word's list goes NULL -> lists -> &list_closed. A closed word is dead: its text, when it appears
 *       again, gets a new word. A node's state goes states -> &state_closed, likewise.
 *   I5  A word is in at most one state reachable from the root; so is a node, but for the moment of a split.
 *
 * A word is 2 to 48 bytes out of letters, digits, underscore and bytes from 0x80 up (so UTF-8 works); ASCII
 * letters are folded to lower case. What this index does not do: ranking beyond the number of lines, phrases,
 * stemming, and joining trie nodes again that lost all branches but one.
 *
 * Pointers are stored into heap objects by tri_set, tri_memcpy, tri_cas, tri_exchange; TRI_TYPE says where
 * they are.
 */
#ifndef SEARCH_INDEX_H
#define SEARCH_INDEX_H

#include <tricolor.h>

enum { WORD_MIN = 2, WORD_MAX = 48 };
enum { DOC_CHUNK = 1024, DOC_CHUNKS = 1024 };

/* Reads a slot: what is behind the pointer is complete. */
#define load(slot) __atomic_load_n(&(slot), __ATOMIC_ACQUIRE)

/* ---- lists: the documents of one word (list.c) ---- */

/* Head of a fork and of a posting: how much is below. A posting has docs == 1, a fork at least 2. */
struct list {
    uint32_t docs;
    uint32_t lines;
};

/* One word in one document: its lines, ascending, counted from 1; head.lines of them. */
struct posting {
    struct list head;
    struct revision *rev;
    uint32_t doc; /* == rev->doc->id */
    uint32_t line[];
};
TRI_TYPE(struct posting, rev)

/* An inner node of a list: a radix tree of 16-way branches over document numbers, without one-way branches.
 * All numbers below agree with `prefix` above bit shift + 4, and kid i holds those with the i-th set bit of
 * `bitmap` at shift. So a list of n documents is at most 8 forks deep, and a change copies one path. */
struct fork {
    struct list head;
    uint32_t prefix;
    uint32_t most; /* lines of the posting below that has most */
    uint16_t bitmap;
    uint8_t shift;
    struct list *kid[];
};
TRI_TYPE_LEAF(struct fork) /* the head; tri_new_flex knows that kid[] holds pointers */

/* The list of a word that is gone (I4). */
extern struct list list_closed;

/* Pure functions on immutable lists; NULL is the empty list. `grown` counts bytes made less bytes replaced.
 */
struct list *list_put(struct list *, struct posting *,
                      int64_t *grown); /* adds, or replaces the same document's */
struct list *list_drop(struct list *, uint32_t doc, int64_t *grown); /* the list itself if there is none */
const struct posting *list_find(const struct list *, uint32_t doc);  /* or NULL */
size_t posting_bytes(const struct posting *);
const char *list_check(const struct list *); /* NULL, or what is wrong with it */

/* Calls fn for each posting in order of documents. */
void list_each(const struct list *, void (*fn)(void *arg, const struct posting *), void *arg);
/* The same, but leaves out those with no more lines than the last call of fn returned: the way to the best
 * few. */
void list_best(const struct list *, uint32_t (*fn)(void *arg, const struct posting *), void *arg);
/* Calls fn for each pair of postings of the same document, in order of documents. */
void list_meet(const struct list *a, const struct list *b,
               void (*fn)(void *arg, const struct posting *, const struct posting *), void *arg);

/* ---- words, and the trie over them (trie.c) ---- */

struct word {
    struct list *list; /* slot, I4 */
    uint32_t len;
    char text[]; /* folded */
};
TRI_TYPE(struct word, list)

/* The documents of a word at this moment; NULL if there are none. */
static inline struct list *word_list(const struct word *word) {
    struct list *list = load(word->list);
    return list == &list_closed ? NULL : list;
}

/* Both are lock-free. word_put is false when the word is dead: look it up again. word_drop is true when it
 * took the last document, so that the word is dead now: call trie_prune. */
bool word_put(struct word *, struct posting *, int64_t *grown);
bool word_drop(struct word *, uint32_t doc, int64_t *grown);

/* A place in the trie. Its identity stays when the edge above it is split. */
struct node {
    struct state *state; /* slot, I4 */
};
TRI_TYPE(struct node, state)

/* What is at a node at one moment: the word that ends here, or NULL, and edges sorted by their first byte. */
struct state {
    struct word *word;
    uint32_t edges;
    struct edge *edge[];
};
TRI_TYPE(struct state, word)

/* A piece of text, at least one byte, and the node behind it. */
struct edge {
    struct node *node;
    uint32_t len;
    char text[];
};
TRI_TYPE(struct edge, node)

extern struct state state_closed;

struct node *trie_new(void);
struct word *trie_find(struct node *root, const char *text, uint32_t len); /* or NULL */
struct word *trie_intern(struct node *root, const char *text, uint32_t len,
                         int64_t *grown);                           /* finds or makes */
void trie_prune(struct node *root, const char *text, uint32_t len); /* takes a dead word out */
/* Calls fn for each live word that begins so, in byte order, until it returns false. */
void trie_each(struct node *root, const char *text, uint32_t len, bool (*fn)(void *arg, struct word *),
               void *arg);

/* ---- documents (index.c) ---- */

/* A text as it was read once, and the words found in it. */
struct revision {
    struct doc *doc;
    const char *text; /* leaf; may point into the middle of its object */
    struct word **words;
    uint32_t len, nwords;
    uint32_t number;  /* 0, 1, ... of this document */
    uint32_t stamped; /* lines in front of the file's own text, see corpus.h */
};
TRI_TYPE(struct revision, doc, text, words)

struct doc {
    const char *name, *path;
    struct revision *now;  /* slot: what is indexed; NULL before the first time */
    struct revision *next; /* slot: what is being indexed, NULL when none: the right to replace (I3) */
    uint32_t id;
};
TRI_TYPE(struct doc, name, path, now, next)

struct doc_chunk {
    struct doc *doc[DOC_CHUNK]; /* slots */
};
TRI_TYPE(struct doc_chunk, doc)

struct index {
    struct node *trie;                   /* never changes */
    struct doc_chunk *chunk[DOC_CHUNKS]; /* slots */
    uint32_t limit;                      /* atomic: all documents have numbers below it; there may be gaps */
    uint64_t docs, text, postings;       /* atomic: documents, bytes of text, postings */
    int64_t bytes;                       /* atomic: estimate of all live objects, in bytes */
};
TRI_TYPE(struct index, trie, chunk)

#define count_of(counter) __atomic_load_n(&(counter), __ATOMIC_RELAXED)

struct index *index_new(void);
struct doc *index_doc(struct index *, uint32_t id); /* or NULL */
/* Makes document `id` known, without text yet. False when the number is too high or taken. */
bool index_add(struct index *, uint32_t id, const char *name, const char *path);

/* A writer: scratch memory for taking texts apart. For one thread at a time. */
struct writer;
struct writer *writer_new(struct index *);
/* Makes `text` (a leaf object, or a pointer into one) what is indexed of the document; its postings so far
 * are replaced. False, and nothing done, when another thread is replacing the same document. */
bool index_put(struct writer *, struct doc *, const char *text, uint32_t len, uint32_t stamped);

/* The whole index walked and checked, slot by slot; nobody may write meanwhile. */
struct index_measure {
    uint64_t objects, bytes; /* everything reachable, in bytes of tri_size */
    uint64_t words, postings, forks, nodes;
    const char *wrong; /* NULL, or the first broken rule */
};
void index_measure(struct index *, struct index_measure *);

#endif
