/* trie.c - the words, in a radix tree that many threads read and change without locks.
 *
 * A node has one slot, its state: an immutable object with the word that ends there and the edges to longer
 * words. Every change of the tree is one compare-exchange of one node's state for a newly built one:
 *
 *   add a word     state with the word                          (the node is there already)
 *   add a branch   state with one more edge, to a fresh node
 *   split          state in which edge "prefix" -> N is replaced by "pre" -> M, where M is fresh and has
 *                  "fix" -> N. N itself stays, so changes below N that go on meanwhile are not lost.
 *   remove         state without the word, or without the edge to a closed node
 *   close          a node (not the root) whose state would be empty gets &state_closed, for good; then nobody
 *                  can add below it any more, and whoever comes by takes the edge to it out of the parent.
 *
 * If the compare-exchange fails, somebody else changed this node: look at it again. If a closed node is met,
 * start at the root again, after removing the edge to it; thus every retry follows somebody's progress.
 *
 *   T1  The edges of a state begin with different bytes, ascending; no edge is empty.
 *   T2  A node that is reached by its edge and is closed has nothing below it, and never will.
 *   T3  A word hangs at the node whose path spells it.
 *
 * Words die first (word.list becomes &list_closed, I4 in index.h), then they are taken out of their state; a
 * dead word found in a state is replaced by whoever wants the word again.
 */
#include "index.h"

#include <string.h>

struct state state_closed;

/* ---- words ---- */

bool word_put(struct word *word, struct posting *p, int64_t *grown) {
    for (;;) {
        int64_t by = (int64_t)posting_bytes(p);
        struct list *old = load(word->list);
        if (old == &list_closed) return false;
        struct list *list = list_put(old, p, &by);
        if (!tri_cas(word->list, old, list)) continue;
        *grown += by;
        return true;
    }
}

bool word_drop(struct word *word, uint32_t doc, int64_t *grown) {
    for (;;) {
        int64_t by = 0;
        struct list *old = load(word->list);
        if (!old || old == &list_closed) return false;
        struct list *list = list_drop(old, doc, &by);
        if (list == old) return false;
        if (!tri_cas(word->list, old, list ? list : &list_closed)) continue;
        *grown += by;
        return !list;
    }
}

static bool word_dead(const struct word *word) { return load(word->list) == &list_closed; }

static struct word *word_new(const char *text, uint32_t len) {
    struct word *word = tri_new_flex(struct word, text, len);
    word->len = len;
    memcpy(word->text, text, len);
    return word;
}

/* ---- edges and states ---- */

static struct edge *edge_new(const char *text, uint32_t len, struct node *node) {
    struct edge *edge = tri_new_flex(struct edge, text, len);
    tri_set(edge->node, node);
    edge->len = len;
    memcpy(edge->text, text, len);
    return edge;
}

static struct state *state_new(struct word *word, uint32_t edges) {
    struct state *state = tri_new_flex(struct state, edge, edges);
    tri_set(state->word, word);
    state->edges = edges;
    return state;
}

static struct node *node_new(struct state *state) {
    struct node *node = tri_new(struct node);
    tri_set(node->state, state);
    return node;
}

static int64_t state_bytes(uint32_t edges) {
    return (int64_t)(sizeof(struct state) + edges * sizeof(void *));
}

static inline unsigned first_of(const struct edge *edge) { return (unsigned char)edge->text[0]; }

/* Where the edge with this first byte is, or would be (T1). */
static uint32_t state_index(const struct state *state, unsigned first) {
    uint32_t lo = 0, hi = state->edges;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (first_of(state->edge[mid]) < first)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct edge *state_find(const struct state *state, char first) {
    uint32_t at = state_index(state, (unsigned char)first);
    return at < state->edges && state->edge[at]->text[0] == first ? state->edge[at] : NULL;
}

/* Copies with one thing changed. */
static struct state *state_with_word(const struct state *old, struct word *word) {
    struct state *state = state_new(word, old->edges);
    tri_memcpy(state->edge, old->edge, old->edges * sizeof(void *));
    return state;
}

static struct state *state_with_edge(const struct state *old, struct edge *edge) {
    uint32_t at = state_index(old, first_of(edge));
    bool replaces = at < old->edges && first_of(old->edge[at]) == first_of(edge);
    struct state *state = state_new(old->word, old->edges + !replaces);
    tri_memcpy(state->edge, old->edge, at * sizeof(void *));
    tri_set(state->edge[at], edge);
    tri_memcpy(state->edge + at + 1, old->edge + at + replaces,
               (old->edges - at - replaces) * sizeof(void *));
    return state;
}

static struct state *state_without_edge(const struct state *old, unsigned first) {
    uint32_t at = state_index(old, first);
    struct state *state = state_new(old->word, old->edges - 1);
    tri_memcpy(state->edge, old->edge, at * sizeof(void *));
    tri_memcpy(state->edge + at, old->edge + at + 1, (old->edges - at - 1) * sizeof(void *));
    return state;
}

/* How many bytes of the edge the text begins with. */
static uint32_t edge_match(const struct edge *edge, const char *text, uint32_t len) {
    uint32_t n = 0;
    while (n < edge->len && n < len && edge->text[n] == text[n]) n++;
    return n;
}

struct node *trie_new(void) {
    return node_new(state_new(NULL, 0));
}

/* ---- looking up ---- */

struct word *trie_find(struct node *node, const char *text, uint32_t len) {
    for (;;) {
        struct state *state = load(node->state);
        if (len == 0) return state->word && !word_dead(state->word) ? state->word : NULL;
        struct edge *edge = state_find(state, *text);
        if (!edge || edge_match(edge, text, len) < edge->len) return NULL;
        text += edge->len;
        len -= edge->len;
        node = edge->node;
    }
}

static bool each_below(struct node *node, bool (*fn)(void *, struct word *), void *arg) {
    struct state *state = load(node->state);
    if (state->word && word_list(state->word) && !fn(arg, state->word)) return false;
    for (uint32_t i = 0; i < state->edges; i++)
        if (!each_below(state->edge[i]->node, fn, arg)) return false;
    return true;
}

void trie_each(struct node *node, const char *text, uint32_t len, bool (*fn)(void *, struct word *),
               void *arg) {
    while (len > 0) {
        struct edge *edge = state_find(load(node->state), *text);
        uint32_t same = edge ? edge_match(edge, text, len) : 0;
        if (same < len && (!edge || same < edge->len)) return;
        text += same;
        len -= same;
        node = edge->node;
    }
    each_below(node, fn, arg);
}

/* ---- removing ---- */

/* Puts `state` in place of `old`, or closes the node if that would leave it empty. */
static bool node_shrink(struct node *node, struct node *root, struct state *old, struct state *state) {
    bool empty = !state->word && state->edges == 0 && node != root;
    return tri_cas(node->state, old, empty ? &state_closed : state);
}

/* Takes the edge to a closed node out of its parent. Failing is fine: who comes by next tries again. */
static void node_unlink(struct node *parent, struct node *root, struct state *old, const struct edge *edge) {
    node_shrink(parent, root, old, state_without_edge(old, first_of(edge)));
}

/* One step down from `state` of `node`; NULL when there is no such way, or *again when a closed node was met.
 */
static struct node *step(struct node *node, struct node *root, struct state *state, const struct edge *edge,
                         bool *again) {
    if (load(edge->node->state) != &state_closed) return edge->node;
    node_unlink(node, root, state, edge);
    *again = true;
    return NULL;
}

/* Descends to the word's node and takes the dead word out there; true when there is nothing left to do. */
static bool prune_once(struct node *root, const char *text, uint32_t len) {
    struct node *node = root;
    bool again = false;
    for (;;) {
        struct state *state = load(node->state);
        if (state == &state_closed) return false;
        if (len == 0) {
            if (!state->word || !word_dead(state->word)) return true;
            node_shrink(node, root, state, state_with_word(state, NULL));
            return false; /* once more: done, or lost a race, or the node is closed and wants unlinking */
        }
        struct edge *edge = state_find(state, *text);
        if (!edge || edge_match(edge, text, len) < edge->len) return true;
        node = step(node, root, state, edge, &again);
        if (again) return false;
        text += edge->len;
        len -= edge->len;
    }
}

void trie_prune(struct node *root, const char *text, uint32_t len) {
    while (!prune_once(root, text, len)) {
    }
}

/* ---- adding ---- */

/* The word ends at this node. NULL when the node changed meanwhile. */
static struct word *intern_here(struct node *node, struct state *state, const char *all, uint32_t len,
                                int64_t *grown) {
    if (state->word && !word_dead(state->word)) return state->word;
    struct word *word = word_new(all, len);
    if (!tri_cas(node->state, state, state_with_word(state, word))) return NULL;
    *grown += (int64_t)(sizeof *word + len);
    return word;
}

/* No edge begins like the rest of the word. NULL when the node changed meanwhile. */
static struct word *intern_branch(struct node *node, struct state *state, const char *all, uint32_t len,
                                  uint32_t rest, int64_t *grown) {
    struct word *word = word_new(all, len);
    struct edge *edge = edge_new(all + len - rest, rest, node_new(state_new(word, 0)));
    if (!tri_cas(node->state, state, state_with_edge(state, edge))) return NULL;
    *grown += (int64_t)(sizeof *word + len + sizeof *edge + rest + sizeof *node + 16) + state_bytes(1);
    return word;
}

/* Puts a node into the middle of the edge, `same` bytes down; if somebody else was first, that is as good. */
static void split(struct node *node, struct state *state, const struct edge *edge, uint32_t same,
                  int64_t *grown) {
    struct edge *tail = edge_new(edge->text + same, edge->len - same, edge->node);
    struct node *middle = node_new(state_with_edge(state_new(NULL, 0), tail));
    struct edge *head = edge_new(edge->text, same, middle);
    if (tri_cas(node->state, state, state_with_edge(state, head)))
        *grown += (int64_t)(sizeof *head + edge->len + sizeof *middle) + state_bytes(1);
}

/* One walk down from the root: the word, or NULL when something closed was met. */
static struct word *intern_once(struct node *root, const char *all, uint32_t len, int64_t *grown) {
    struct node *node = root;
    uint32_t done = 0;
    bool again = false;
    for (;;) {
        struct state *state = load(node->state);
        struct word *word = NULL;
        if (state == &state_closed) return NULL;
        struct edge *edge = done < len ? state_find(state, all[done]) : NULL;
        if (done == len) {
            if ((word = intern_here(node, state, all, len, grown))) return word;
        } else if (!edge) {
            if ((word = intern_branch(node, state, all, len, len - done, grown))) return word;
        } else {
            uint32_t same = edge_match(edge, all + done, len - done);
            if (same < edge->len) {
                split(node, state, edge, same, grown);
                continue;
            }
            node = step(node, root, state, edge, &again);
            if (again) return NULL;
            done += same;
        }
    }
}

struct word *trie_intern(struct node *root, const char *text, uint32_t len, int64_t *grown) {
    struct word *word;
    while (!(word = intern_once(root, text, len, grown))) {
    }
    return word;
}
