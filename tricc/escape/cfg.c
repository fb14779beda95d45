/* cfg.c - blocks, dominators and loops: see cfg.h.
 *
 * Dominators by Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
 */
#include "cfg.h"

#include <string.h>

unsigned cfg_number(const struct cfg *g, LLVMBasicBlockRef b) {
    uintptr_t n = (uintptr_t)table_get(g->number, b);
    return n ? (unsigned)n - 1 : NO_BLOCK;
}

unsigned cfg_block_of(const struct cfg *g, LLVMValueRef instruction) {
    return cfg_number(g, LLVMGetInstructionParent(instruction));
}

/* ---- order ---- */

struct visit {
    LLVMBasicBlockRef block;
    unsigned next;
};

/* Numbers the blocks that can be reached, in reverse postorder, without recursion: generated functions are deep. */
static void number_blocks(struct cfg *g, struct pool *p, LLVMValueRef function) {
    unsigned count = LLVMCountBasicBlocks(function), depth = 0, done = 0;
    struct visit *stack = pool_take(p, (count + 1) * sizeof *stack);
    LLVMBasicBlockRef *post = pool_take(p, count * sizeof *post);
    struct table *seen = table_new(p);
    stack[depth++] = (struct visit){LLVMGetEntryBasicBlock(function), 0};
    table_put(seen, p, stack[0].block, seen);
    while (depth) {
        struct visit *v = &stack[depth - 1];
        LLVMValueRef end = LLVMGetBasicBlockTerminator(v->block);
        if (!end || v->next == LLVMGetNumSuccessors(end)) {
            post[done++] = v->block;
            depth--;
            continue;
        }
        LLVMBasicBlockRef next = LLVMGetSuccessor(end, v->next++);
        if (table_get(seen, next)) continue;
        table_put(seen, p, next, seen);
        stack[depth++] = (struct visit){next, 0};
    }
    g->n = done;
    g->block = pool_take(p, done * sizeof *g->block);
    g->number = table_new(p);
    for (unsigned i = 0; i < done; i++) {
        g->block[i] = (struct block){.value = post[done - 1 - i], .idom = NO_BLOCK, .loop = NO_BLOCK, .outer = NO_BLOCK};
        table_put(g->number, p, g->block[i].value, (void *)(uintptr_t)(i + 1));
    }
}

static void link_blocks(struct cfg *g, struct pool *p) {
    for (unsigned i = 0; i < g->n; i++) {
        LLVMValueRef end = LLVMGetBasicBlockTerminator(g->block[i].value);
        for (unsigned s = 0; end && s < LLVMGetNumSuccessors(end); s++) {
            unsigned to = cfg_number(g, LLVMGetSuccessor(end, s));
            struct block *from = &g->block[i], *b = &g->block[to];
            POOL_PUSH(p, from->succ, from->nsucc, from->succ_room, to);
            POOL_PUSH(p, b->pred, b->npred, b->pred_room, i);
        }
    }
}

/* ---- dominators ---- */

unsigned cfg_common_dominator(const struct cfg *g, unsigned a, unsigned b) {
    while (a != b) {
        while (a > b) a = g->block[a].idom;
        while (b > a) b = g->block[b].idom;
    }
    return a;
}

static void find_dominators(struct cfg *g) {
    g->block[0].idom = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned i = 1; i < g->n; i++) {
            unsigned idom = NO_BLOCK;
            for (unsigned k = 0; k < g->block[i].npred; k++) {
                unsigned pred = g->block[i].pred[k];
                if (g->block[pred].idom == NO_BLOCK) continue;
                idom = idom == NO_BLOCK ? pred : cfg_common_dominator(g, idom, pred);
            }
            if (g->block[i].idom == idom) continue;
            g->block[i].idom = idom;
            changed = true;
        }
    }
}

bool cfg_dominates(const struct cfg *g, unsigned a, unsigned b) {
    while (b > a) b = g->block[b].idom;
    return a == b;
}

/* ---- loops ---- */

bool cfg_in_loop(const struct cfg *g, unsigned block, unsigned header) {
    for (unsigned h = g->block[block].loop; h != NO_BLOCK; h = g->block[h].outer)
        if (h == header) return true;
    return false;
}

/* Marks the natural loop of the header: all blocks that reach its back edges without passing it. Headers come in rising
 * order, so an inner loop, whose header comes later, overwrites an outer one. */
static void mark_loop(struct cfg *g, unsigned header, unsigned *stack, unsigned *mark) {
    unsigned depth = 0;
    for (unsigned k = 0; k < g->block[header].npred; k++) {
        unsigned tail = g->block[header].pred[k];
        if (cfg_dominates(g, header, tail) && mark[tail] != header + 1) {
            mark[tail] = header + 1;
            stack[depth++] = tail;
        }
    }
    if (!depth) return;
    g->block[header].outer = g->block[header].loop;
    g->block[header].loop = header;
    while (depth) {
        unsigned b = stack[--depth];
        g->block[b].loop = header;
        if (b == header) continue;
        for (unsigned k = 0; k < g->block[b].npred; k++) {
            unsigned pred = g->block[b].pred[k];
            if (mark[pred] == header + 1) continue;
            mark[pred] = header + 1;
            stack[depth++] = pred;
        }
    }
}

struct sweep {
    unsigned *stack;
    bool *from, *to;
};

static void spread(const struct cfg *g, bool *in, unsigned *stack, unsigned depth, bool backwards) {
    while (depth) {
        const struct block *b = &g->block[stack[--depth]];
        const unsigned *next = backwards ? b->pred : b->succ;
        for (unsigned k = 0; k < (backwards ? b->npred : b->nsucc); k++)
            if (!in[next[k]]) {
                in[next[k]] = true;
                stack[depth++] = next[k];
            }
    }
}

/* A retreating edge whose head does not dominate its tail makes an irreducible cycle: every block that lies on some way
 * from head to tail is in it. */
static void mark_irreducible(struct cfg *g, unsigned head, struct sweep *s) {
    unsigned tails = 0;
    for (unsigned k = 0; k < g->block[head].npred; k++) {
        unsigned tail = g->block[head].pred[k];
        if (tail >= head && !cfg_dominates(g, head, tail)) s->stack[tails++] = tail;
    }
    if (!tails) return;
    for (unsigned i = 0; i < g->n; i++) s->from[i] = s->to[i] = false;
    for (unsigned k = 0; k < tails; k++) s->to[s->stack[k]] = true;
    spread(g, s->to, s->stack, tails, true);
    s->from[head] = true;
    s->stack[0] = head;
    spread(g, s->from, s->stack, 1, false);
    for (unsigned i = 0; i < g->n; i++)
        if (s->from[i] && s->to[i]) g->block[i].irreducible = true;
}

static void find_loops(struct cfg *g, struct pool *p) {
    unsigned edges = 0;
    for (unsigned i = 0; i < g->n; i++) edges += g->block[i].npred;
    struct sweep s = {pool_take(p, (g->n + edges + 1) * sizeof *s.stack), pool_take(p, g->n), pool_take(p, g->n)};
    unsigned *mark = pool_take(p, g->n * sizeof *mark);
    for (unsigned i = 0; i < g->n; i++) mark_loop(g, i, s.stack, mark);
    for (unsigned i = 0; i < g->n; i++) mark_irreducible(g, i, &s);
}

struct cfg *cfg_new(struct pool *p, LLVMValueRef function) {
    struct cfg *g = pool_take(p, sizeof *g);
    g->pool = p;
    number_blocks(g, p, function);
    link_blocks(g, p);
    find_dominators(g);
    find_loops(g, p);
    return g;
}

struct scratch *cfg_scratch(struct cfg *g) {
    struct scratch *s = &g->scratch;
    if (!s->stack) *s = (struct scratch){pool_take(g->pool, g->n), pool_take(g->pool, g->n), pool_take(g->pool, g->n), pool_take(g->pool, (g->n + 1) * sizeof *s->stack)};
    memset(s->from, 0, g->n);
    memset(s->to, 0, g->n);
    return s;
}
