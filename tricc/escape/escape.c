/* escape.c - escape analysis of a module: see escape.h and graph.h.
 *
 *   0  functions that make objects are inlined (inline.c)
 *   1  call graph; groups of functions that call each other, callees first (Tarjan 1972)
 *   2  for each group: locations and flows (build.c, calls.c), what escapes (solve.c), frees (promote.c), summaries
 *   3  decisions said (report.c)
 *   4  decisions carried out (rewrite.c), after the last look at the code as it was
 */
#include "escape.h"
#include "../ir/ir.h"
#include "build.h"
#include "cfg.h"
#include "explain.h"
#include "rewrite.h"
#include "variables.h"

#include <string.h>

/* ---- which bodies can be believed ---- */

static bool is_shared_library(LLVMModuleRef m) { return LLVMGetModuleFlag(m, "PIC Level", 9) && !LLVMGetModuleFlag(m, "PIE Level", 9); }

/* A weak body, or one that another module may put its own before, tells nothing of the one that will run. */
static bool is_trusted(LLVMValueRef f, bool shared) {
    switch (LLVMGetLinkage(f)) {
    case LLVMInternalLinkage:
    case LLVMPrivateLinkage: return true;
    case LLVMExternalLinkage: return !shared || LLVMGetVisibility(f) != LLVMDefaultVisibility;
    default: return false;
    }
}

static bool may_inline(LLVMModuleRef module, LLVMValueRef f) { return is_trusted(f, is_shared_library(module)); }

/* Inline functions of the header: known for what they do, but neither spoken of nor changed. */
static bool is_ours(LLVMValueRef f) {
    size_t length;
    return tricc_ir_is_ours(f) || (LLVMGetLinkage(f) == LLVMInternalLinkage && strncmp(LLVMGetValueName2(f, &length), "tri_", 4) == 0 &&
                                   LLVMGetEnumAttributeAtIndex(f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                                                               LLVMGetEnumAttributeKindForName("alwaysinline", 12)));
}

static void find_functions(struct analysis *a) {
    bool shared = is_shared_library(a->module);
    TRICC_EACH_FUNCTION(v, a->module) {
        if (!LLVMGetFirstBasicBlock(v)) continue;
        struct function *f = pool_take(a->pool, sizeof *f);
        *f = (struct function){.value = v, .trusted = is_trusted(v, shared), .ours = is_ours(v)};
        table_put(a->functions, a->pool, v, f);
    }
}

/* ---- one group ---- */

static void settle_group(struct analysis *a, struct function *group) {
    struct location **all = NULL;
    unsigned n = 0, room = 0;
    a->heap = (struct location){.kind = HEAP, .birth = NO_BLOCK};
    a->loose = (struct location){.kind = LOOSE, .birth = NO_BLOCK};
    for (struct function *f = group; f; f = f->next_in_group) build_frame(a, f);
    for (struct function *f = group; f; f = f->next_in_group) build_function(a, f);
    for (struct function *f = group; f; f = f->next_in_group)
        for (unsigned i = 0; i < f->nall; i++) POOL_PUSH(a->pool, all, n, room, f->all[i]);
    solve(a, all, n);
    bool again = false;
    for (struct function *f = group; f; f = f->next_in_group) again |= releases_settle(a, f);
    if (again) solve(a, all, n);
    for (struct function *f = group; f; f = f->next_in_group) {
        promote_choose(a, f);
        f->done = true;
    }
}

/* ---- groups ---- */

struct tarjan {
    struct analysis *a;
    unsigned index;
    struct function *stack;
};

static void close_group(struct tarjan *t, struct function *root) {
    struct function *group = NULL, *f;
    do {
        f = t->stack;
        t->stack = f->next_on_stack;
        f->on_stack = false;
        f->next_in_group = group;
        group = f;
    } while (f != root);
    if (group->next_in_group)
        for (f = group; f; f = f->next_in_group) f->recursive = true;
    settle_group(t->a, group);
}

static void visit(struct tarjan *t, struct function *f);

static void visit_callee(struct tarjan *t, struct function *f, struct function *callee) {
    if (!callee) return;
    if (!callee->index) visit(t, callee);
    if (callee->on_stack && callee->low < f->low) f->low = callee->low;
}

static void visit(struct tarjan *t, struct function *f) {
    f->index = f->low = ++t->index;
    f->next_on_stack = t->stack;
    t->stack = f;
    f->on_stack = true;
    TRICC_EACH_BLOCK(b, f->value)
    TRICC_EACH_INST(i, next, b) {
        if (!LLVMIsACallInst(i) && !LLVMIsAInvokeInst(i)) continue;
        struct function *callee = callee_of(t->a, i);
        if (callee == f) f->recursive = true;
        visit_callee(t, f, callee);
        for (unsigned k = 0; k < (unsigned)LLVMGetNumArgOperands(i); k++) /* callbacks: qsort's, tri_defer's */
            visit_callee(t, f, table_get(t->a->functions, LLVMGetArgOperand(i, k)));
    }
    if (f->low == f->index) close_group(t, f);
}

bool tricc_escape_run(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    if (!tricc_inline_run(module, may_inline, o, d, s)) return false;
    struct analysis a = {.module = module, .options = o, .diag = d, .stats = s, .pool = pool_new()};
    a.outside = (struct location){.kind = OUTSIDE, .birth = NO_BLOCK};
    a.sink = (o->trust_calls_said ? o->trust_calls : o->managed_malloc) ? &a.loose : &a.heap;
    a.functions = table_new(a.pool);
    a.variables = table_new(a.pool);
    a.declarations = table_new(a.pool);
    a.layout = LLVMGetModuleDataLayout(module);
    scopes_start(LLVMGetModuleContext(module));
    variables_find(&a);
    find_functions(&a);
    struct tarjan t = {.a = &a};
    TRICC_EACH_FUNCTION(v, module) {
        struct function *f = table_get(a.functions, v);
        if (f && !f->index) visit(&t, f);
    }
    TRICC_EACH_FUNCTION(v, module) {
        struct function *f = table_get(a.functions, v);
        if (f && !f->ours && (o->m || o->m_json)) report_function(&a, f);
    }
    TRICC_EACH_FUNCTION(v, module) {
        struct function *f = table_get(a.functions, v);
        if (f && !f->ours) rewrite_function(&a, f);
    }
    pool_delete(a.pool);
    return true;
}
