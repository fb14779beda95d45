/* rewrite.c - moves variables to the heap and allocations to the stack: see rewrite.h.
 *
 * A moved variable becomes a pointer in the frame, its slot, set where the variable's block is entered, and loaded before
 * every use: what mem2reg turns into a register, what a debugger can follow, and what needs no thought about which uses are
 * reached how. The slot's object is conservatively scanned, unless the variable has no room for a pointer.
 * A struct that a call returns right into a moved variable goes through a copy in the frame: the callee takes such memory for
 * a stack's, and stores there without barriers.
 */
#include "rewrite.h"
#include "../ir/ir.h"
#include "allocators.h"
#include "cfg.h"
#include "variables.h"

#include <string.h>

struct rewriter {
    struct analysis *a;
    struct function *f;
    LLVMBuilderRef builder;
    LLVMTypeRef pointer, word;
    LLVMValueRef behind; /* the first instruction that is no alloca, once it is the start of a slot; NULL */
};

/* ---- small things ---- */

static LLVMValueRef first_behind_allocas(const struct rewriter *r) {
    if (r->behind) return r->behind;
    LLVMValueRef i = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(r->f->value));
    while (LLVMIsAAllocaInst(i)) i = LLVMGetNextInstruction(i);
    return i;
}

static LLVMValueRef frame_slot(struct rewriter *r, LLVMTypeRef type, uint64_t align, const char *name) {
    LLVMPositionBuilderBefore(r->builder, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(r->f->value)));
    LLVMSetCurrentDebugLocation2(r->builder, NULL);
    LLVMValueRef slot = LLVMBuildAlloca(r->builder, type, name);
    LLVMSetAlignment(slot, (unsigned)align);
    return slot;
}

static LLVMValueRef pointer_slot(struct rewriter *r, const struct location *l) {
    LLVMValueRef slot = frame_slot(r, r->pointer, 8, l->variable ? l->variable->name : "moved");
    LLVMPositionBuilderBefore(r->builder, first_behind_allocas(r));
    r->behind = LLVMBuildStore(r->builder, LLVMConstNull(r->pointer), slot);
    return slot;
}

static LLVMValueRef load_slot(struct rewriter *r, LLVMValueRef slot, LLVMValueRef before) {
    LLVMPositionBuilderBefore(r->builder, before);
    LLVMSetCurrentDebugLocation2(r->builder, LLVMInstructionGetDebugLoc(before));
    return LLVMBuildLoad2(r->builder, r->pointer, slot, "");
}

static void copy(struct rewriter *r, LLVMValueRef to, LLVMValueRef from, uint64_t bytes) {
    LLVMBuildMemCpy(r->builder, to, 1, from, 1, LLVMConstInt(r->word, bytes, false));
}

/* Whether the type has no room for a pointer: numbers that are too small, and floating ones. Arrays of characters and integers may be
 * pools, from which anything is carved. */
static bool is_leaf(LLVMTypeRef t) {
    switch (LLVMGetTypeKind(t)) {
    case LLVMFloatTypeKind:
    case LLVMDoubleTypeKind:
    case LLVMX86_FP80TypeKind:
    case LLVMFP128TypeKind: return true;
    case LLVMIntegerTypeKind: return LLVMGetIntTypeWidth(t) < 64;
    case LLVMArrayTypeKind: return LLVMGetTypeKind(LLVMGetElementType(t)) != LLVMIntegerTypeKind && is_leaf(LLVMGetElementType(t));
    default: return false;
    }
}

static LLVMValueRef library_function(struct rewriter *r, const char *name, unsigned nargs) {
    LLVMValueRef f = LLVMGetNamedFunction(r->a->module, name);
    LLVMTypeRef args[] = {r->word, r->word};
    return f ? f : LLVMAddFunction(r->a->module, name, LLVMFunctionType(r->pointer, args, nargs, false));
}

/* A new object of the heap, made at the builder's place. */
static LLVMValueRef new_object(struct rewriter *r, LLVMValueRef bytes, LLVMTypeRef type, uint64_t align) {
    LLVMTypeRef args[] = {r->word, r->word};
    LLVMValueRef value[] = {LLVMConstInt(r->word, align, false), bytes};
    bool aligned = align > 16;
    const char *name = aligned ? "tri_alloc_aligned" : type && is_leaf(type) ? "tri_alloc_leaf" : "tri_alloc";
    unsigned n = aligned ? 2 : 1;
    return LLVMBuildCall2(r->builder, LLVMFunctionType(r->pointer, args, n, false), library_function(r, name, n),
                          aligned ? value : value + 1, n, "");
}

/* ---- uses ---- */

struct uses {
    LLVMValueRef *user;
    unsigned n, room;
};

/* All instructions that use the value, each once. */
static struct uses users_of(struct rewriter *r, LLVMValueRef v) {
    struct uses u = {0};
    struct table *seen = table_new(r->a->pool);
    for (LLVMUseRef use = LLVMGetFirstUse(v); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (table_get(seen, user)) continue;
        table_put(seen, r->a->pool, user, user);
        POOL_PUSH(r->a->pool, u.user, u.n, u.room, user);
    }
    return u;
}

static bool has_sret(LLVMValueRef call, unsigned i) {
    unsigned kind = LLVMGetEnumAttributeKindForName("sret", 4);
    return LLVMGetCallSiteEnumAttribute(call, i + 1, kind) != NULL;
}

static LLVMValueRef after_call(LLVMValueRef call) {
    if (LLVMIsACallInst(call)) return LLVMGetNextInstruction(call);
    if (!LLVMIsAInvokeInst(call)) return NULL;
    LLVMValueRef i = LLVMGetFirstInstruction(LLVMGetNormalDest(call));
    while (LLVMIsAPHINode(i)) i = LLVMGetNextInstruction(i);
    return i;
}

/* The call returns its struct into a copy in the frame, which is copied into the object. */
static void return_into_copy(struct rewriter *r, LLVMValueRef call, unsigned i, LLVMValueRef slot, uint64_t bytes, uint64_t align) {
    LLVMTypeRef type = LLVMArrayType2(LLVMInt8TypeInContext(LLVMGetModuleContext(r->a->module)), bytes);
    LLVMValueRef place = after_call(call), here = frame_slot(r, type, align < 16 ? 16 : align, "returned");
    LLVMSetOperand(call, i, here);
    LLVMValueRef to = load_slot(r, slot, place);
    LLVMSetCurrentDebugLocation2(r->builder, LLVMInstructionGetDebugLoc(call));
    copy(r, to, here, bytes);
}

static void replace_in_phi(struct rewriter *r, LLVMValueRef phi, LLVMValueRef old, LLVMValueRef slot) {
    for (unsigned i = 0; i < LLVMCountIncoming(phi); i++)
        if (LLVMGetOperand(phi, i) == old) {
            LLVMValueRef end = LLVMGetBasicBlockTerminator(LLVMGetIncomingBlock(phi, i)), same = NULL;
            for (unsigned k = 0; k < i && !same; k++) /* entries of one block are one value */
                if (LLVMGetIncomingBlock(phi, k) == LLVMGetIncomingBlock(phi, i)) same = LLVMGetOperand(phi, k);
            LLVMSetOperand(phi, i, same ? same : load_slot(r, slot, end));
        }
}

/* Every use of `old` becomes one of what the slot points to. */
static void replace_uses(struct rewriter *r, LLVMValueRef old, LLVMValueRef slot, uint64_t bytes, uint64_t align) {
    struct uses u = users_of(r, old);
    for (unsigned k = 0; k < u.n; k++) {
        LLVMValueRef user = u.user[k];
        if (is_lifetime_start(user) || is_lifetime_end(user)) {
            LLVMInstructionEraseFromParent(user);
        } else if (LLVMIsAPHINode(user)) {
            replace_in_phi(r, user, old, slot);
        } else {
            bool call = LLVMIsACallInst(user) || LLVMIsAInvokeInst(user);
            for (unsigned i = 0; call && i < (unsigned)LLVMGetNumArgOperands(user); i++)
                if (LLVMGetOperand(user, i) == old && has_sret(user, i) && bytes) return_into_copy(r, user, i, slot, bytes, align);
            LLVMValueRef now = NULL;
            for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(user); i++)
                if (LLVMGetOperand(user, i) == old) LLVMSetOperand(user, i, now ? now : (now = load_slot(r, slot, user)));
        }
    }
}

/* ---- to the end of the variable's life ---- */

/* A use that the optimiser does not see through: the object lives at least until here. In C a variable lives to the end of
 * its block, also when only the kernel or the C library's own memory still knows its address (setvbuf, epoll_ctl). */
static void keep_alive(struct rewriter *r, LLVMValueRef slot, LLVMValueRef before) {
    LLVMValueRef object = load_slot(r, slot, before);
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(LLVMGetModuleContext(r->a->module)), &r->pointer, 1, false);
    LLVMValueRef nothing = LLVMGetInlineAsm(type, "", 0, "r", 1, true, false, LLVMInlineAsmDialectATT, false);
    LLVMBuildCall2(r->builder, type, nothing, &object, 1, "");
}

static void keep_to_the_ends(struct rewriter *r, LLVMValueRef slot) {
    TRICC_EACH_BLOCK(b, r->f->value) {
        LLVMValueRef end = LLVMGetBasicBlockTerminator(b);
        if (!end || !LLVMIsAReturnInst(end)) continue;
        LLVMValueRef before = LLVMGetPreviousInstruction(end);
        bool tail = before && LLVMIsACallInst(before) && LLVMGetTailCallKind(before) == LLVMTailCallKindMustTail;
        keep_alive(r, slot, tail ? before : end);
    }
}

/* Where its markers end it, and if it has none, at the function's ends, where the slot may never have been set. */
static void keep_variable(struct rewriter *r, LLVMValueRef storage, LLVMValueRef slot) {
    bool marked = false;
    for (LLVMUseRef u = LLVMGetFirstUse(storage); u; u = LLVMGetNextUse(u)) {
        if (!is_lifetime_end(LLVMGetUser(u))) continue;
        keep_alive(r, slot, LLVMGetUser(u));
        marked = true;
    }
    if (!marked) keep_to_the_ends(r, slot);
}

/* ---- moves ---- */

static void move_static(struct rewriter *r, struct location *l) {
    struct place p = place_of(r->a, l);
    if (p.block == NO_BLOCK || !p.before) return;
    uint64_t align = LLVMGetAlignment(l->value);
    LLVMValueRef slot = pointer_slot(r, l);
    variables_move(r->a, l->value, slot);
    LLVMPositionBuilderBefore(r->builder, p.before);
    LLVMSetCurrentDebugLocation2(r->builder, LLVMInstructionGetDebugLoc(p.before));
    LLVMValueRef object = new_object(r, LLVMConstInt(r->word, l->size ? l->size : 1, false), LLVMGetAllocatedType(l->value), align);
    LLVMBuildStore(r->builder, object, slot);
    keep_variable(r, l->value, slot);
    replace_uses(r, l->value, slot, l->size, align);
    LLVMInstructionEraseFromParent(l->value);
}

/* A variable-length array, or alloca. */
static void move_dynamic(struct rewriter *r, struct location *l) {
    LLVMTypeRef type = LLVMGetAllocatedType(l->value);
    LLVMValueRef slot = pointer_slot(r, l), n = LLVMGetOperand(l->value, 0);
    variables_move(r->a, l->value, slot);
    LLVMPositionBuilderBefore(r->builder, l->value);
    LLVMSetCurrentDebugLocation2(r->builder, LLVMInstructionGetDebugLoc(l->value));
    n = LLVMBuildIntCast2(r->builder, n, r->word, false, "");
    LLVMValueRef size = LLVMConstInt(r->word, LLVMABISizeOfType(r->a->layout, type), false);
    LLVMValueRef object = new_object(r, LLVMBuildMul(r->builder, n, size, ""), NULL, LLVMGetAlignment(l->value));
    LLVMBuildStore(r->builder, object, slot);
    keep_to_the_ends(r, slot);
    LLVMReplaceAllUsesWith(l->value, object);
    LLVMInstructionEraseFromParent(l->value);
}

/* What code may take for granted of the address of one passed in memory. Where it is not said (aarch64 passes a plain address), its
 * type's alignment is not known, but divides its size. */
static uint64_t passed_align(const struct location *l) {
    enum { LEAST = 16, LARGEST = 4096 };
    unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
    LLVMAttributeRef said = LLVMGetEnumAttributeAtIndex(l->fn->value, l->number + 1, kind);
    uint64_t align = said ? LLVMGetEnumAttributeValue(said) : l->size & -l->size;
    if (!said && align > LARGEST) align = LARGEST;
    return align < LEAST ? LEAST : align;
}

/* A parameter passed in memory: copied at the start. The variable that is returned in memory: copied at the ends. */
static void move_passed(struct rewriter *r, struct location *l) {
    if (!l->size) return;
    uint64_t align = passed_align(l);
    LLVMValueRef slot = pointer_slot(r, l), start = LLVMGetNextInstruction(first_behind_allocas(r));
    variables_move(r->a, l->value, slot);
    replace_uses(r, l->value, slot, l->size, align);
    keep_to_the_ends(r, slot);
    LLVMPositionBuilderBefore(r->builder, start);
    LLVMSetCurrentDebugLocation2(r->builder, LLVMInstructionGetDebugLoc(start));
    LLVMValueRef object = new_object(r, LLVMConstInt(r->word, l->size, false), NULL, align);
    LLVMBuildStore(r->builder, object, slot);
    if (l->kind == PARAMETER) {
        copy(r, object, l->value, l->size);
        return;
    }
    TRICC_EACH_BLOCK(b, r->f->value) {
        LLVMValueRef end = LLVMGetBasicBlockTerminator(b);
        if (!end || !LLVMIsAReturnInst(end)) continue;
        LLVMValueRef from = load_slot(r, slot, end);
        copy(r, l->value, from, l->size);
    }
}

static void move(struct rewriter *r, struct location *l) {
    bool parameter = l->kind == PARAMETER || (l->variable && l->variable->parameter);
    if (l->kind != VARIABLE) move_passed(r, l);
    else if (l->size) move_static(r, l);
    else move_dynamic(r, l);
    tricc_stats_count(r->a->stats, r->f->value, parameter ? TRICC_STAT_heap_param : TRICC_STAT_heap_move, 1);
}

/* ---- allocations ---- */

static void promote(struct rewriter *r, struct location *l) {
    LLVMTypeRef type = LLVMArrayType2(LLVMInt8TypeInContext(LLVMGetModuleContext(r->a->module)), l->size);
    LLVMValueRef object = frame_slot(r, type, l->align, "on.stack");
    LLVMPositionBuilderBefore(r->builder, l->value);
    LLVMSetCurrentDebugLocation2(r->builder, LLVMInstructionGetDebugLoc(l->value));
    if (l->allocator->zeroed)
        LLVMBuildMemSet(r->builder, object, LLVMConstInt(LLVMInt8TypeInContext(LLVMGetModuleContext(r->a->module)), 0, false),
                        LLVMConstInt(r->word, l->size, false), (unsigned)l->align);
    LLVMReplaceAllUsesWith(l->value, object);
    LLVMInstructionEraseFromParent(l->value);
}

static void forget_lifetime(LLVMValueRef variable) {
    for (LLVMUseRef u = LLVMGetFirstUse(variable), next; u; u = next) {
        LLVMValueRef user = LLVMGetUser(u);
        next = LLVMGetNextUse(u);
        if (is_lifetime_start(user) || is_lifetime_end(user)) LLVMInstructionEraseFromParent(user);
    }
}

void rewrite_function(struct analysis *a, struct function *f) {
    LLVMContextRef context = LLVMGetModuleContext(a->module);
    struct rewriter r = {a, f, LLVMCreateBuilderInContext(context), LLVMPointerTypeInContext(context, 0), LLVMInt64TypeInContext(context), NULL};
    for (unsigned i = 0; i < f->nlocals; i++) {
        struct location *l = f->locals[i];
        if (l->kind == RELEASE && l->freed && l->freed->promoted) LLVMInstructionEraseFromParent(l->value);
    }
    for (unsigned i = 0; i < f->nlocals; i++) {
        struct location *l = f->locals[i];
        if (l->kind == VARIABLE && l->escapes && !l->unmovable) move(&r, l);
        else if (l->kind == VARIABLE && l->kept) forget_lifetime(l->value);
        if (l->kind != ALLOCATION) continue;
        tricc_stats_count(a->stats, f->value, l->promoted ? TRICC_STAT_stack_new : TRICC_STAT_heap_new, 1);
        if (l->promoted) promote(&r, l);
    }
    for (unsigned i = 0; i < f->nparams; i++)
        if (f->params[i]->memory && f->params[i]->escapes) move(&r, f->params[i]);
    LLVMDisposeBuilder(r.builder);
}
