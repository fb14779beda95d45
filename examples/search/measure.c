/* measure.c - the index walked from end to end: how much there is, and whether every rule holds.
 *
 * The walk knows the structure, so what it counts is exactly what should be alive. Set against what the
 * collector says is alive after a full collection, the difference is what was retained by mistake: by words
 * on stacks or in registers that look like pointers. Nobody may write to the index meanwhile; it allocates
 * nothing.
 */
#include "index.h"
#include "text.h"

static void count_object(struct index_measure *m, const void *object) {
    if (!object) return;
    m->objects++;
    m->bytes += tri_size(object);
}

static void wrong(struct index_measure *m, const char *what) {
    if (what && !m->wrong) m->wrong = what;
}

static void measure_list(struct index_measure *m, const struct list *list) {
    count_object(m, list);
    if (list->docs == 1) {
        m->postings++;
        return;
    }
    const struct fork *fork = (const struct fork *)list;
    m->forks++;
    for (int i = 0; i < __builtin_popcount(fork->bitmap); i++) measure_list(m, fork->kid[i]);
}

static void measure_word(struct index_measure *m, const struct word *word, const char *path, uint32_t len) {
    const struct list *list = word_list(word);
    count_object(m, word);
    if (word->len != len || __builtin_memcmp(word->text, path, len) != 0)
        wrong(m, "word: not at its place (T3)");
    if (!list) {
        wrong(m, "word: without documents in the trie (I4)");
        return;
    }
    m->words++;
    wrong(m, list_check(list));
    measure_list(m, list);
}

static void measure_node(struct index_measure *m, const struct node *node, char *path, uint32_t len) {
    const struct state *state = load(node->state);
    unsigned last = 0;
    m->nodes++;
    count_object(m, node);
    if (state == &state_closed) {
        wrong(m, "node: closed but not taken out (T2)");
        return;
    }
    count_object(m, state);
    if (state->word) measure_word(m, state->word, path, len);
    for (uint32_t i = 0; i < state->edges; i++) {
        const struct edge *edge = state->edge[i];
        unsigned first = (unsigned char)edge->text[0];
        count_object(m, edge);
        if (edge->len == 0 || first <= last) wrong(m, "state: edges out of order (T1)");
        last = first;
        if (len + edge->len > WORD_MAX) {
            wrong(m, "edge: longer than a word can be (T3)");
            continue;
        }
        __builtin_memcpy(path + len, edge->text, edge->len);
        measure_node(m, edge->node, path, len + edge->len);
    }
}

/* I3, seen from the document: every word it lists has its posting. That there are no others follows from the
 * sum. */
static void measure_revision(struct index_measure *m, const struct revision *rev) {
    count_object(m, rev);
    count_object(m, tri_base(rev->text)); /* the text may begin inside its object */
    count_object(m, rev->words);
    for (uint32_t i = 0; i < rev->nwords; i++) {
        const struct posting *p = list_find(word_list(rev->words[i]), rev->doc->id);
        if (!p || p->rev != rev) wrong(m, "revision: a word lacks its posting (I3)");
    }
}

static void measure_docs(struct index_measure *m, struct index *index) {
    uint64_t postings = 0;
    for (uint32_t i = 0; i < DOC_CHUNKS; i++)
        if (index->chunk[i]) count_object(m, index->chunk[i]);
    for (uint32_t id = 0; id < index->limit; id++) {
        struct doc *doc = index_doc(index, id);
        struct revision *rev = doc ? load(doc->now) : NULL;
        if (!doc) continue;
        count_object(m, doc);
        if (doc->name != doc->path) count_object(m, doc->name); /* paths are the corpus's */
        if (!rev) continue;
        postings += rev->nwords;
        measure_revision(m, rev);
    }
    if (postings != m->postings) wrong(m, "lists: more or fewer postings than documents have words (I3)");
}

void index_measure(struct index *index, struct index_measure *m) {
    char path[WORD_MAX];
    *m = (struct index_measure){0};
    count_object(m, index);
    measure_node(m, index->trie, path, 0);
    measure_docs(m, index);
}
