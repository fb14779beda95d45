/* place.c - where instances of variables begin, and scopes of the source: see cfg.h.
 *
 * In C an object lives from entry into its block to its end: jumping back to a label in the same block keeps it
 * (6.2.4, and the example with `goto again` in 6.5.2.5), going round the loop whose body the block is does not. So a
 * variable begins where its lifetime marker stands, or, without one, before its first use, but never inside a cycle
 * that does not leave its block. Blocks of the source are scopes of the debug information. Without scopes all is one block.
 */
#include "cfg.h"
#include "variables.h"

/* ---- scopes ---- */

static LLVMMetadataRef scope_parent(LLVMMetadataRef scope, LLVMContextRef context) {
    LLVMMetadataKind kind = LLVMGetMetadataKind(scope);
    if (kind != LLVMDILexicalBlockMetadataKind && kind != LLVMDILexicalBlockFileMetadataKind) return NULL;
    LLVMValueRef node = LLVMMetadataAsValue(context, scope), operand[8];
    if (LLVMGetMDNodeNumOperands(node) > 8) return NULL;
    LLVMGetMDNodeOperands(node, operand);
    return operand[1] ? LLVMValueAsMetadata(operand[1]) : NULL;
}

static LLVMContextRef the_context; /* metadata do not tell theirs */
void scopes_start(LLVMContextRef context) { the_context = context; }

bool scope_inside(LLVMMetadataRef inner, LLVMMetadataRef outer) {
    for (; inner; inner = scope_parent(inner, the_context))
        if (inner == outer) return true;
    return false;
}

static LLVMMetadataRef scope_common(LLVMMetadataRef a, LLVMMetadataRef b) {
    for (; a; a = scope_parent(a, the_context))
        if (scope_inside(b, a)) return a;
    return NULL;
}

/* Of inlined code (inline.c): that of the call. */
static LLVMMetadataRef scope_of(LLVMValueRef instruction) {
    LLVMMetadataRef at = LLVMInstructionGetDebugLoc(instruction), call;
    while (at && (call = LLVMDILocationGetInlinedAt(at))) at = call;
    return at ? LLVMDILocationGetScope(at) : NULL;
}

bool cfg_in_scope(struct cfg *g, unsigned block, LLVMMetadataRef scope) {
    struct block *b = &g->block[block];
    if (!b->scope_known) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b->value); i; i = LLVMGetNextInstruction(i)) {
            LLVMMetadataRef s = scope_of(i);
            if (s && s != b->scope) b->scope = b->scope ? scope_common(b->scope, s) : s;
        }
        b->scope_known = true;
    }
    return !scope || !b->scope || scope_inside(b->scope, scope);
}

/* ---- uses ---- */

static LLVMBasicBlockRef block_of_use(LLVMUseRef use) {
    LLVMValueRef user = LLVMGetUser(use);
    if (!LLVMIsAPHINode(user)) return LLVMGetInstructionParent(user);
    for (unsigned i = 0; i < LLVMCountIncoming(user); i++)
        if (LLVMGetOperandUse(user, i) == use) return LLVMGetIncomingBlock(user, i);
    return LLVMGetInstructionParent(user);
}

static bool is_real_use(LLVMValueRef user) {
    return LLVMIsAInstruction(user) && !LLVMIsADbgInfoIntrinsic(user) && !is_lifetime_start(user) && !is_lifetime_end(user);
}

static bool uses_in_block_begin_with(const struct cfg *g, const struct location *x, LLVMValueRef marker, unsigned block) {
    for (LLVMValueRef i = LLVMGetFirstInstruction(g->block[block].value); i && i != marker; i = LLVMGetNextInstruction(i)) {
        if (LLVMIsADbgInfoIntrinsic(i)) continue;
        for (int k = 0, n = LLVMGetNumOperands(i); k < n; k++)
            if (LLVMGetOperand(i, (unsigned)k) == x->value) return false;
    }
    return true;
}

/* The block that dominates all uses, or NO_BLOCK when none can be reached; the only lifetime.start, or NULL. */
static unsigned uses_dominator(const struct cfg *g, const struct location *x, LLVMValueRef *start) {
    unsigned dominator = NO_BLOCK, starts = 0;
    *start = NULL;
    for (LLVMUseRef u = LLVMGetFirstUse(x->value); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        if (is_lifetime_start(user) && starts++ == 0) *start = user;
        if (!is_real_use(user)) continue;
        unsigned b = cfg_number(g, block_of_use(u));
        if (b == NO_BLOCK) continue;
        dominator = dominator == NO_BLOCK ? b : cfg_common_dominator(g, dominator, b);
    }
    if (starts != 1 || cfg_block_of(g, *start) == NO_BLOCK) *start = NULL;
    return dominator;
}

static LLVMValueRef first_use_in(const struct cfg *g, const struct location *x, unsigned block) {
    LLVMValueRef i = LLVMGetFirstInstruction(g->block[block].value);
    for (; i; i = LLVMGetNextInstruction(i)) {
        if (LLVMIsAPHINode(i) || !is_real_use(i)) continue;
        for (int k = 0, n = LLVMGetNumOperands(i); k < n; k++)
            if (LLVMGetOperand(i, (unsigned)k) == x->value) return i;
    }
    return LLVMGetBasicBlockTerminator(g->block[block].value);
}

static LLVMMetadataRef home_of(const struct location *x) {
    if (x->variable) return LLVMDIVariableGetScope(x->variable->node);
    LLVMMetadataRef home = NULL;
    for (LLVMUseRef u = LLVMGetFirstUse(x->value); u; u = LLVMGetNextUse(u)) {
        LLVMMetadataRef s = is_real_use(LLVMGetUser(u)) ? scope_of(LLVMGetUser(u)) : NULL;
        if (s) home = home ? scope_common(home, s) : s;
    }
    return home;
}
LLVMMetadataRef scope_home(const struct location *x) { return home_of(x); }

/* ---- cycles inside a scope ---- */

static void reach(struct cfg *g, unsigned from, LLVMMetadataRef scope, bool backwards, bool *in, unsigned *stack) {
    unsigned depth = 0;
    stack[depth++] = from;
    while (depth) {
        const struct block *b = &g->block[stack[--depth]];
        const unsigned *next = backwards ? b->pred : b->succ;
        for (unsigned k = 0; k < (backwards ? b->npred : b->nsucc); k++) {
            if (in[next[k]] || !cfg_in_scope(g, next[k], scope)) continue;
            in[next[k]] = true;
            stack[depth++] = next[k];
        }
    }
}

/* The block that dominates all of the cycle through `block` inside the scope, from outside it; NO_BLOCK: there is none. */
static unsigned above_cycle(struct cfg *g, unsigned block, LLVMMetadataRef scope) {
    if (g->block[block].loop == NO_BLOCK && !g->block[block].irreducible) return NO_BLOCK;
    if (!cfg_in_scope(g, block, scope)) return NO_BLOCK;
    const struct scratch *s = cfg_scratch(g);
    reach(g, block, scope, false, s->from, s->stack);
    if (!s->from[block]) return NO_BLOCK;
    reach(g, block, scope, true, s->to, s->stack);
    unsigned top = block;
    for (unsigned i = 0; i < g->n; i++)
        if (s->from[i] && s->to[i]) top = cfg_common_dominator(g, top, i);
    return s->from[top] && s->to[top] ? g->block[top].idom : top;
}

struct place place_of(struct analysis *a, const struct location *x) {
    (void)a;
    struct cfg *g = x->fn->cfg;
    LLVMValueRef start;
    unsigned block = uses_dominator(g, x, &start);
    if (block == NO_BLOCK) return (struct place){NO_BLOCK, NULL};
    struct place p = {block, NULL};
    unsigned at = start ? cfg_block_of(g, start) : NO_BLOCK;
    if (start && cfg_dominates(g, at, block) && uses_in_block_begin_with(g, x, start, at)) p = (struct place){at, start};
    else p.before = first_use_in(g, x, block);
    LLVMMetadataRef scope = home_of(x);
    for (unsigned up; (up = above_cycle(g, p.block, scope)) != NO_BLOCK;)
        p = (struct place){up, LLVMGetBasicBlockTerminator(g->block[up].value)};
    return p;
}
