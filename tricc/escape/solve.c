/* solve.c - what outlives what: see graph.h.
 *
 * The walk, its bound of dereferences at 0 behind an address, and the order of work are Go's (escape/solve.go): each
 * location is a root once, and once more when it turns out to escape, since from then on it outlives everything.
 * What differs is the question of loops: Go compares the depth of declarations; here it is whether the root's value lasts
 * into the next iteration (live.c), which goto, switch and computed goto cannot mislead.
 */
#include "cfg.h"
#include "variables.h"
#include "explain.h"

static unsigned birth_of(struct analysis *a, struct location *l) {
    if (l->kind == VARIABLE && !l->born) {
        l->birth = place_of(a, l).block;
        l->born = true;
    }
    return l->birth;
}

/* Whether what is stored in `root` may be used after the end of `l`'s life on the stack. */
static bool outlives(struct analysis *a, struct location *root, struct location *l) {
    if (root == &a->heap || root->escapes || root->kind == RESULT) return true;
    if (root == &a->loose) return l->kind == ALLOCATION;
    if (root->kind == RELEASE || root->fn != l->fn) return false; /* the other function is called from here */
    if (l->kind != VARIABLE && l->kind != ALLOCATION) return false;
    return lasts_into_next_iteration(a, root, birth_of(a, l));
}

/* ---- the queue of roots ---- */

static void enqueue(struct analysis *a, struct location *l) {
    if (l->queued) return;
    l->queued = true;
    if (a->queue_n == a->queue_room) {
        size_t room = a->queue_room ? 2 * a->queue_room : 1024;
        struct location **more = pool_take(a->pool, room * sizeof *more);
        for (size_t i = 0; i < a->queue_n; i++) more[i] = a->queue[(a->queue_head + i) % a->queue_room];
        a->queue = more;
        a->queue_room = room;
        a->queue_head = 0;
    }
    if (l->escapes || l == &a->heap || l == &a->loose) { /* first, so that what it holds escapes early */
        a->queue_head = (a->queue_head + a->queue_room - 1) % a->queue_room;
        a->queue[a->queue_head] = l;
    } else {
        a->queue[(a->queue_head + a->queue_n) % a->queue_room] = l;
    }
    a->queue_n++;
}

static struct location *dequeue(struct analysis *a) {
    struct location *l = a->queue[a->queue_head];
    a->queue_head = (a->queue_head + 1) % a->queue_room;
    a->queue_n--;
    l->queued = false;
    return l;
}

/* ---- one walk ---- */

struct walk {
    struct location **todo;
    unsigned head, n, room;
};

static void walk_push(struct analysis *a, struct walk *w, struct location *l) {
    if (l->queued_in == a->generation) return;
    l->queued_in = a->generation;
    POOL_PUSH(a->pool, w->todo, w->n, w->room, l);
}

static void follow_edges(struct analysis *a, struct walk *w, struct location *l, int derefs, bool past_escaped) {
    for (unsigned i = 0; i < l->nedges; i++) {
        struct location *src = l->edge[i].src;
        if (src->escapes && !past_escaped) continue;
        int d = derefs + l->edge[i].derefs;
        if (src->generation == a->generation && src->derefs <= d) continue;
        src->generation = a->generation;
        src->derefs = d;
        src->towards = l;
        src->by = i;
        walk_push(a, w, src);
    }
}

static void start_walk(struct analysis *a, struct walk *w, struct location *root) {
    a->generation++;
    w->head = w->n = 0;
    root->generation = a->generation;
    root->derefs = 0;
    root->towards = NULL;
    walk_push(a, w, root);
}

static void leak(struct analysis *a, struct location *root, struct location *param, int derefs) {
    bool to_result = root->kind == RESULT && root->fn == param->fn && !root->escapes;
    if (!to_result && param->promised) return;
    int *least = to_result ? &param->leak_result : root == &a->loose ? &param->leak_loose : &param->leak_heap;
    if (*least <= derefs) return;
    *least = derefs;
    explain_leak(a, root, param, derefs);
}

static bool value_escapes(struct analysis *a, struct location *root) {
    return root == &a->heap || root == &a->loose || root->escapes || root->kind == RESULT;
}

/* The variable's address is in another that may be looked at when the variable's block has ended. */
static void keep(struct location *root, struct location *l) {
    if (l->kind != VARIABLE || root->kind != VARIABLE || root == l || l->kept) return;
    if (!l->variable || !root->variable || !scope_inside(scope_home(root), scope_home(l))) l->kept = true;
}

static void walk_root(struct analysis *a, struct walk *w, struct location *root) {
    start_walk(a, w, root);
    while (w->head < w->n) {
        struct location *l = w->todo[w->head++];
        l->queued_in = 0;
        int derefs = l->derefs;
        if (derefs < 0) {
            derefs = 0;
            if (!l->escapes && outlives(a, root, l)) {
                explain_escape(a, root, l);
                l->escapes = true;
                enqueue(a, l);
                if (l->kind == PARAMETER && value_escapes(a, root)) leak(a, root, l, derefs);
                continue;
            }
            if (root->fn == l->fn) keep(root, l);
        }
        if (l->kind == PARAMETER && value_escapes(a, root)) leak(a, root, l, derefs);
        follow_edges(a, w, l, derefs, false);
    }
}

void solve(struct analysis *a, struct location **all, size_t n) {
    struct walk w = {0};
    enqueue(a, &a->heap);
    enqueue(a, &a->loose);
    for (size_t i = 0; i < n; i++) enqueue(a, all[i]);
    while (a->queue_n) walk_root(a, &w, dequeue(a));
}

void walk_from(struct analysis *a, struct location *root, bool (*visit)(void *, struct location *, int), void *arg) {
    struct walk w = {0};
    start_walk(a, &w, root);
    while (w.head < w.n) {
        struct location *l = w.todo[w.head++];
        l->queued_in = 0;
        if (l != root && !visit(arg, l, l->derefs)) return;
        follow_edges(a, &w, l, l->derefs < 0 ? 0 : l->derefs, true);
    }
}
