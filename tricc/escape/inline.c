/* inline.c - functions that make objects are inlined where they are called, before the analysis: see escape.h.
 *
 *     static struct point *point_new(int x, int y) { struct point *p = malloc(sizeof *p); p->x = x; p->y = y; return p; }
 *
 * Seen by itself its object escapes: it is returned. Seen in a caller that forgets it, it can go on the stack. Go inlines before
 * it analyses for that reason. Here only what matters is inlined: small functions that allocate, or call one that does, and return a pointer. The
 * rest of inlining is LLVM's, later, and so is forgetting the function when no call is left.
 *
 * What must hold for the analysis to see the inlined code right: no loop in it (its variables' scopes are not the caller's; each instruction
 * counts as in the scope of the call), and no local whose address goes anywhere. Not at -O0, nor under -l and -N.
 */
#include "escape.h"
#include "../ir/ir.h"
#include "allocators.h"
#include "build.h"
#include "cfg.h"

#include <llvm-c/Transforms/PassBuilder.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 80, DEEPEST = 4 };

static unsigned kind_of(const char *attribute) { return LLVMGetEnumAttributeKindForName(attribute, strlen(attribute)); }

static bool has(LLVMValueRef function, const char *attribute) {
    return LLVMGetEnumAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, kind_of(attribute)) != NULL;
}

static LLVMValueRef callee(LLVMValueRef call) {
    LLVMValueRef f = LLVMGetCalledValue(call);
    return LLVMIsAFunction(f) && LLVMGetCalledFunctionType(call) == LLVMGlobalGetValueType(f) ? f : NULL;
}

/* ---- which functions ---- */

static bool is_only_variable(LLVMValueRef local) {
    for (LLVMUseRef u = LLVMGetFirstUse(local); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        bool fine = LLVMIsALoadInst(user) || (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 0) != local) || LLVMIsADbgInfoIntrinsic(user) ||
                    is_lifetime_start(user) || is_lifetime_end(user);
        if (!fine) return false;
    }
    return LLVMIsAConstantInt(LLVMGetOperand(local, 0));
}

struct look {
    struct pool *pool;
    struct table *chosen; /* functions that have been */
    unsigned size;
    bool allocates;
};

static bool call_fits(struct look *l, LLVMValueRef call, LLVMValueRef function) {
    size_t length;
    if (LLVMIsADbgInfoIntrinsic(call)) return l->size--, true;
    LLVMValueRef f = callee(call);
    if (LLVMGetTailCallKind(call) == LLVMTailCallKindMustTail || f == function || is_returning_twice(call)) return false;
    if (f) l->allocates |= allocator_find(LLVMGetValueName2(f, &length)) || table_get(l->chosen, f);
    return true;
}

static bool instruction_fits(struct look *l, LLVMValueRef i, LLVMValueRef function) {
    l->size++;
    switch (LLVMGetInstructionOpcode(i)) {
    case LLVMAlloca: return is_only_variable(i);
    case LLVMCall: return call_fits(l, i, function);
    case LLVMInvoke:
    case LLVMCallBr:
    case LLVMIndirectBr:
    case LLVMVAArg: return false;
    default: return true;
    }
}

static bool has_loop(struct pool *pool, LLVMValueRef function) {
    struct cfg *g = cfg_new(pool, function);
    for (unsigned i = 0; i < g->n; i++)
        if (g->block[i].loop != NO_BLOCK || g->block[i].irreducible) return true;
    return false;
}

static bool makes_object(struct look *l, LLVMValueRef function) {
    LLVMTypeRef type = LLVMGlobalGetValueType(function);
    if (LLVMGetTypeKind(LLVMGetReturnType(type)) != LLVMPointerTypeKind || LLVMIsFunctionVarArg(type)) return false;
    if (has(function, "noinline") || has(function, "optnone") || has(function, "naked") || !LLVMGetSubprogram(function)) return false;
    for (unsigned i = 0; i < LLVMCountParams(function); i++)
        if (LLVMGetEnumAttributeAtIndex(function, i + 1, kind_of("byval"))) return false;
    l->size = 0;
    l->allocates = false;
    TRICC_EACH_BLOCK(b, function)
    TRICC_EACH_INST(i, next, b)
    if (!instruction_fits(l, i, function) || l->size > LARGEST) return false;
    return l->allocates && !has_loop(l->pool, function);
}

/* ---- where ---- */

static bool same_attribute(LLVMValueRef a, LLVMValueRef b, const char *name) {
    LLVMAttributeIndex index = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    LLVMAttributeRef x = LLVMGetStringAttributeAtIndex(a, index, name, (unsigned)strlen(name));
    LLVMAttributeRef y = LLVMGetStringAttributeAtIndex(b, index, name, (unsigned)strlen(name));
    return x == y; /* they are unique */
}

/* Code for another processor stays where its function says that it is (ifunc). */
static bool same_target(LLVMValueRef a, LLVMValueRef b) { return same_attribute(a, b, "target-cpu") && same_attribute(a, b, "target-features"); }

/* Marks the calls; how many. */
static unsigned mark_calls(LLVMValueRef function, struct tricc_diag *d, struct tricc_stats *s) {
    unsigned n = 0, always = kind_of("alwaysinline");
    LLVMAttributeRef attribute = LLVMCreateEnumAttribute(LLVMGetTypeContext(LLVMTypeOf(function)), always, 0);
    for (LLVMUseRef u = LLVMGetFirstUse(function); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef call = LLVMGetUser(u);
        if (!LLVMIsACallInst(call) || callee(call) != function || !LLVMInstructionGetDebugLoc(call)) continue;
        LLVMValueRef caller = LLVMGetBasicBlockParent(LLVMGetInstructionParent(call));
        if (caller == function || has(caller, "optnone") || tricc_ir_is_ours(caller) || !same_target(caller, function)) continue;
        size_t length;
        LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
        tricc_diag_say(d, tricc_ir_loc(call), "inlining call to %s", LLVMGetValueName2(function, &length));
        tricc_stats_count(s, caller, TRICC_STAT_inlined, 1);
        n++;
    }
    return n;
}

/* LLVM's pass for what must be inlined; what else must be, such as the header's functions, waits. */
static bool inline_marked(LLVMModuleRef module, struct pool *pool, struct tricc_diag *d) {
    unsigned always = kind_of("alwaysinline"), n = 0, room = 0;
    LLVMValueRef *waiting = NULL;
    LLVMAttributeIndex index = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    TRICC_EACH_FUNCTION(f, module) {
        if (!has(f, "alwaysinline")) continue;
        LLVMRemoveEnumAttributeAtIndex(f, index, always);
        POOL_PUSH(pool, waiting, n, room, f);
    }
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(module, "always-inline", NULL, options);
    LLVMDisposePassBuilderOptions(options);
    for (unsigned i = 0; i < n; i++)
        LLVMAddAttributeAtIndex(waiting[i], index, LLVMCreateEnumAttribute(LLVMGetModuleContext(module), always, 0));
    if (!error) return true;
    char *message = LLVMGetErrorMessage(error);
    tricc_diag_error(d, (struct tricc_loc){0}, "internal error: %s", message);
    LLVMDisposeErrorMessage(message);
    return false;
}

bool tricc_inline_run(LLVMModuleRef module, bool (*may)(LLVMModuleRef, LLVMValueRef), const struct tricc_options *o, struct tricc_diag *d,
                      struct tricc_stats *s) {
    if (!o->opt_level || o->no_opt || o->no_inline) return true;
    struct pool *pool = pool_new();
    struct look l = {.pool = pool, .chosen = table_new(pool)};
    bool good = true;
    for (unsigned depth = 0, n = 1; good && n && depth < DEEPEST; depth++) { /* callees first: a maker of makers comes a round later */
        n = 0;
        TRICC_EACH_FUNCTION(f, module) {
            if (!LLVMGetFirstBasicBlock(f) || table_get(l.chosen, f) || tricc_ir_is_ours(f) || !may(module, f) || !makes_object(&l, f)) continue;
            table_put(l.chosen, pool, f, f);
            n += mark_calls(f, d, s);
        }
        if (n) good = inline_marked(module, pool, d);
    }
    pool_delete(pool);
    return good;
}
