/* build.c - flows of one function's code: see build.h.
 *
 * The code is what clang makes before any optimisation: every variable of the source is an alloca, every read of it a load.
 * So a value is a tree over loads, and its flow is found by going down the tree: a load is a dereference, an alloca an
 * address. What a pointer may be made of in C, and Go has not:
 *
 *  - Integers. Every arithmetic result that may be a pointer carries what its operands carry, but for the difference of two pointers.
 *    Comparisons carry nothing, nor do floating-point results; a double or longer loaded and stored does (unions).
 *  - Bytes. A loop that copies characters copies pointers. So narrow integers carry too, except loads and stores of struct
 *    fields and globals declared so narrow: a pointer can be there only by way of a union, which has no such field in LLVM's types.
 *  - Structs in registers, in memory (byval, sret), in vectors: as their contents.
 */
#include "build.h"
#include "../ir/ir.h"
#include "cfg.h"
#include "variables.h"

#include <string.h>

/* ---- locations ---- */

static bool is_va_list(LLVMTypeRef t) {
    if (LLVMGetTypeKind(t) == LLVMArrayTypeKind) t = LLVMGetElementType(t);
    const char *name = LLVMGetTypeKind(t) == LLVMStructTypeKind ? LLVMGetStructName(t) : NULL;
    return name && (strcmp(name, "struct.__va_list_tag") == 0 || strcmp(name, "struct.__va_list") == 0);
}

enum { LARGEST_VARIABLE = 128 << 10 };

static void variable_new(struct analysis *a, struct function *f, LLVMValueRef alloca_inst) {
    struct location *l = location_new(a, VARIABLE, f, alloca_inst);
    LLVMTypeRef t = LLVMGetAllocatedType(alloca_inst);
    LLVMValueRef n = LLVMGetOperand(alloca_inst, 0);
    l->memory = true;
    l->variable = table_get(a->variables, alloca_inst);
    l->size = LLVMIsAConstantInt(n) ? LLVMABISizeOfType(a->layout, t) * LLVMConstIntGetZExtValue(n) : 0;
    if (l->size > LARGEST_VARIABLE && a->sink == &a->heap) { /* a right C program has the stack it needs */
        l->refusal = "too large for stack";
        l->escapes = true;
    }
    l->unmovable = is_va_list(t);
    table_put(f->by_value, a->pool, alloca_inst, l);
}

static LLVMTypeRef attribute_type(LLVMValueRef f, unsigned i, const char *name) {
    LLVMAttributeRef at = LLVMGetEnumAttributeAtIndex(f, i + 1, LLVMGetEnumAttributeKindForName(name, strlen(name)));
    return at ? LLVMGetTypeAttributeValue(at) : NULL;
}

static bool attribute_set(LLVMValueRef f, unsigned i, const char *name) {
    return LLVMGetEnumAttributeAtIndex(f, i + 1, LLVMGetEnumAttributeKindForName(name, strlen(name))) != NULL;
}

void build_frame(struct analysis *a, struct function *f) {
    f->nparams = LLVMCountParams(f->value);
    f->params = pool_take(a->pool, (f->nparams + 1) * sizeof *f->params);
    f->by_value = table_new(a->pool);
    LLVMTypeRef returned = LLVMGetReturnType(LLVMGlobalGetValueType(f->value));
    if (LLVMGetTypeKind(returned) != LLVMVoidTypeKind) f->result = location_new(a, RESULT, f, NULL);
    for (unsigned i = 0; i < f->nparams; i++) {
        LLVMValueRef v = LLVMGetParam(f->value, i);
        LLVMTypeRef sret = attribute_type(f->value, i, "sret"), byval = attribute_type(f->value, i, "byval");
        struct location *l = location_new(a, sret ? RESULT : PARAMETER, f, v);
        l->number = i;
        l->variable = table_get(a->variables, v);
        l->memory = sret || byval || l->variable;
        l->pointee = sret ? sret : byval;
        l->promised = !a->options->bitcode && attribute_set(f->value, i, "nocapture"); /* nobody but TRI_NOESCAPE sets it before the optimiser */
        if (l->pointee) l->size = LLVMABISizeOfType(a->layout, l->pointee);
        else if (l->memory) l->size = variable_size(a, l->variable); /* passed by address */
        if (sret) f->result = l, f->result_in_memory = true;
        f->params[i] = l;
        table_put(f->by_value, a->pool, v, l);
    }
    f->cfg = cfg_new(a->pool, f->value);
    TRICC_EACH_BLOCK(b, f->value) {
        if (cfg_number(f->cfg, b) == NO_BLOCK) continue;
        TRICC_EACH_INST(i, next, b) {
            if (LLVMIsAAllocaInst(i)) variable_new(a, f, i);
            else if (LLVMIsACallInst(i) || LLVMIsAInvokeInst(i)) call_announce(a, f, i);
        }
    }
    allocations_refuse(a, f);
}

struct location *temporary_of(struct analysis *a, struct function *f, LLVMValueRef value) {
    struct location *l = table_get(f->by_value, value);
    if (l) return l;
    l = location_new(a, TEMPORARY, f, value);
    table_put(f->by_value, a->pool, value, l);
    return l;
}

/* ---- what may carry a pointer ---- */

static bool is_narrow(struct analysis *a, LLVMTypeRef t) {
    return LLVMGetTypeKind(t) == LLVMIntegerTypeKind && LLVMSizeOfTypeInBits(a->layout, t) < 64;
}

static bool type_carries(struct analysis *a, LLVMTypeRef t) {
    switch (LLVMGetTypeKind(t)) {
    case LLVMPointerTypeKind:
    case LLVMStructTypeKind:
    case LLVMArrayTypeKind:
    case LLVMDoubleTypeKind:
    case LLVMX86_FP80TypeKind:
    case LLVMFP128TypeKind:
    case LLVMVectorTypeKind: return true;
    case LLVMIntegerTypeKind: return LLVMSizeOfTypeInBits(a->layout, t) >= 8;
    default: return false;
    }
}

/* The address of a struct's field, or of a global, declared as an integer; not of an array's element or where a pointer points. */
static bool is_field(LLVMValueRef address) {
    if (LLVMIsAGlobalVariable(address)) { /* but for characters, on their way elsewhere */
        LLVMTypeRef t = LLVMGlobalGetValueType(address);
        return LLVMGetTypeKind(t) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(t) > 8;
    }
    if (!LLVMIsAGetElementPtrInst(address) || LLVMGetNumOperands(address) < 3) return false;
    LLVMTypeRef t = LLVMGetGEPSourceElementType(address);
    if (LLVMGetTypeKind(t) != LLVMStructTypeKind) return false;
    LLVMValueRef last = LLVMGetOperand(address, (unsigned)LLVMGetNumOperands(address) - 1);
    if (!LLVMIsAConstantInt(last)) return false;
    uint64_t field = LLVMConstIntGetZExtValue(last);
    if (LLVMGetNumOperands(address) != 3 || field >= LLVMCountStructElementTypes(t)) return false;
    const char *name = LLVMGetStructName(t);
    if (name && strncmp(name, "union.", 6) == 0) return false;
    return LLVMGetTypeKind(LLVMStructGetTypeAtIndex(t, (unsigned)field)) == LLVMIntegerTypeKind;
}

static bool access_carries(struct analysis *a, LLVMTypeRef t, LLVMValueRef address) {
    return type_carries(a, t) && !(is_narrow(a, t) && is_field(address));
}

static bool is_null_pointer(LLVMValueRef v) { return LLVMIsAConstant(v) && LLVMIsNull(v); }

/* p - q for two pointers: how far, not where. */
static bool is_distance(LLVMValueRef sub) {
    LLVMValueRef p = LLVMGetOperand(sub, 0), q = LLVMGetOperand(sub, 1);
    return LLVMIsAPtrToIntInst(p) && LLVMIsAPtrToIntInst(q) && !is_null_pointer(LLVMGetOperand(p, 0)) &&
           !is_null_pointer(LLVMGetOperand(q, 0));
}

static bool is_small_remainder(LLVMValueRef rem) {
    LLVMValueRef by = LLVMGetOperand(rem, 1);
    return LLVMIsAConstantInt(by) && LLVMGetIntTypeWidth(LLVMTypeOf(by)) <= 64 && LLVMConstIntGetZExtValue(by) < (uint64_t)1 << 40;
}

/* ---- values ---- */

static void flow_into(struct analysis *a, struct hole k, struct location *src, int derefs) {
    flow_add(a, k.dst, src, derefs < -1 ? -1 : derefs, k.note);
}

static void phi_flows(struct analysis *a, struct function *f, struct hole k, LLVMValueRef phi) {
    bool known = table_get(f->by_value, phi) != NULL;
    struct location *l = temporary_of(a, f, phi);
    flow_into(a, k, l, k.derefs);
    if (known) return;
    for (unsigned i = 0; i < LLVMCountIncoming(phi); i++)
        value_flows(a, f, (struct hole){l, 0, {"assign", phi}}, LLVMGetIncomingValue(phi, i));
}

static bool is_used_again(LLVMValueRef v) {
    LLVMUseRef first = LLVMGetFirstUse(v);
    return first && LLVMGetNextUse(first);
}

/* Whether more than one way leads on from the instruction. Where clang makes the code a value is a tree, but optimised code may be given as
 * input: there its parts are shared, and the ways through it are more than can be walked. */
static bool joins(LLVMValueRef v) {
    unsigned ways = 0;
    for (int i = 0; i < LLVMGetNumOperands(v); i++) ways += LLVMIsAInstruction(LLVMGetOperand(v, (unsigned)i)) != NULL;
    return ways > 1;
}

static void operands_flow(struct analysis *a, struct function *f, struct hole k, LLVMValueRef v) {
    for (int i = 0; i < LLVMGetNumOperands(v); i++) value_flows(a, f, k, LLVMGetOperand(v, (unsigned)i));
}

static void address_flows(struct analysis *a, struct function *f, struct hole k, LLVMValueRef gep) {
    value_flows(a, f, k, LLVMGetOperand(gep, 0));
    LLVMTypeRef t = LLVMGetGEPSourceElementType(gep);
    bool bytes = LLVMGetTypeKind(t) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(t) == 8;
    if (!bytes && !is_null_pointer(LLVMGetOperand(gep, 0))) return;
    value_flows(a, f, k, LLVMGetOperand(gep, 1)); /* (char *)0 + (uintptr_t)p, (T *)0 + (p - (T *)0) */
}

static void call_value_flows(struct analysis *a, struct function *f, struct hole k, LLVMValueRef call) {
    struct location *l = temporary_of(a, f, call);
    flow_into(a, k, l, k.derefs - (l->kind == ALLOCATION ? 1 : 0));
}

static void plain_flows(struct analysis *a, struct function *f, struct hole k, LLVMValueRef v) {
    switch (LLVMGetInstructionOpcode(v)) {
    case LLVMLoad:
        if (!access_carries(a, LLVMTypeOf(v), LLVMGetOperand(v, 0))) return;
        k.derefs++;
        value_flows(a, f, k, LLVMGetOperand(v, 0));
        return;
    case LLVMGetElementPtr: address_flows(a, f, k, v); return;
    case LLVMPHI: phi_flows(a, f, k, v); return;
    case LLVMSelect:
        value_flows(a, f, k, LLVMGetOperand(v, 1));
        value_flows(a, f, k, LLVMGetOperand(v, 2));
        return;
    case LLVMSub:
        if (!is_distance(v)) operands_flow(a, f, k, v);
        return;
    case LLVMURem:
    case LLVMSRem:
        if (!is_small_remainder(v)) operands_flow(a, f, k, v);
        return;
    case LLVMCall:
    case LLVMInvoke:
    case LLVMCallBr: call_value_flows(a, f, k, v); return;
    case LLVMAtomicRMW:
    case LLVMAtomicCmpXchg: /* the old value */
        k.derefs++;
        value_flows(a, f, k, LLVMGetOperand(v, 0));
        return;
    case LLVMBitCast:
    case LLVMAddrSpaceCast:
    case LLVMPtrToInt:
    case LLVMIntToPtr:
    case LLVMTrunc:
    case LLVMZExt:
    case LLVMSExt:
    case LLVMFreeze:
    case LLVMAdd:
    case LLVMMul:
    case LLVMUDiv:
    case LLVMSDiv:
    case LLVMShl:
    case LLVMLShr:
    case LLVMAShr:
    case LLVMAnd:
    case LLVMOr:
    case LLVMXor:
    case LLVMExtractValue:
    case LLVMInsertValue:
    case LLVMExtractElement:
    case LLVMInsertElement:
    case LLVMShuffleVector: operands_flow(a, f, k, v); return;
    case LLVMVAArg:
    case LLVMLandingPad: flow_into(a, k, &a->outside, k.derefs); return;
    default: return; /* comparisons, floating point */
    }
}

/* A value that joins several and is used more than once is walked once, into a location of its own. */
static void instruction_flows(struct analysis *a, struct function *f, struct hole k, LLVMValueRef v) {
    if (LLVMIsAPHINode(v) || !is_used_again(v) || !joins(v) || LLVMIsACallInst(v) || LLVMIsAInvokeInst(v) || LLVMIsACallBrInst(v)) {
        plain_flows(a, f, k, v);
        return;
    }
    bool known = table_get(f->by_value, v) != NULL;
    struct location *l = temporary_of(a, f, v);
    flow_into(a, k, l, k.derefs);
    if (!known) plain_flows(a, f, (struct hole){l, 0, {"assign", v}}, v);
}

void value_flows(struct analysis *a, struct function *f, struct hole k, LLVMValueRef v) {
    if (!type_carries(a, LLVMTypeOf(v))) return;
    if (LLVMIsAAllocaInst(v) || LLVMIsAArgument(v)) {
        struct location *l = table_get(f->by_value, v);
        flow_into(a, k, l, k.derefs - (l->memory ? 1 : 0));
    } else if (LLVMIsAInstruction(v)) {
        instruction_flows(a, f, k, v);
    } else if (!LLVMIsAConstantInt(v) && !LLVMIsAConstantFP(v) && !LLVMIsNull(v) && !LLVMIsUndef(v)) {
        flow_into(a, k, &a->outside, k.derefs);
    }
}

/* ---- stores ---- */

struct targets {
    struct analysis *a;
    struct function *f;
    void (*put)(void *, struct location *target);
    void *arg;
    struct table *seen; /* selects; NULL: none yet */
};

/* The memory an address is plainly in: of this frame, or the heap's. */
static void each_target_of(struct targets *t, LLVMValueRef address) {
    for (;;) {
        if (!LLVMIsAInstruction(address) || LLVMIsAAllocaInst(address)) break;
        LLVMOpcode op = LLVMGetInstructionOpcode(address);
        if (op == LLVMSelect) {
            if (!t->seen) t->seen = table_new(t->a->pool);
            if (table_get(t->seen, address)) return;
            table_put(t->seen, t->a->pool, address, address);
            each_target_of(t, LLVMGetOperand(address, 1));
            address = LLVMGetOperand(address, 2);
        } else if (op == LLVMGetElementPtr || op == LLVMBitCast || op == LLVMAddrSpaceCast || op == LLVMPtrToInt ||
                   op == LLVMIntToPtr) {
            address = LLVMGetOperand(address, 0);
        } else {
            break;
        }
    }
    struct location *l = LLVMIsAAllocaInst(address) || LLVMIsAArgument(address) ? table_get(t->f->by_value, address) : NULL;
    if (l && l->memory) t->put(t->arg, l);
    else t->put(t->arg, LLVMIsAConstant(address) ? &t->a->heap : t->a->sink); /* a global's; where a pointer points */
}

static void each_target(struct analysis *a, struct function *f, LLVMValueRef address,
                        void (*put)(void *, struct location *target), void *arg) {
    struct targets t = {a, f, put, arg, NULL};
    each_target_of(&t, address);
}

struct store {
    struct analysis *a;
    struct function *f;
    LLVMValueRef value;
    struct location *src;
    int derefs;
    struct note note;
};

static void store_into(void *arg, struct location *target) {
    struct store *s = arg;
    struct hole k = {target, s->derefs, s->note};
    if (s->src) flow_into(s->a, k, s->src, s->derefs);
    else value_flows(s->a, s->f, k, s->value);
}

void store_flows(struct analysis *a, struct function *f, LLVMValueRef address, struct location *src, int derefs, struct note note) {
    struct store s = {a, f, NULL, src, derefs, note};
    each_target(a, f, address, store_into, &s);
}

void store_value(struct analysis *a, struct function *f, LLVMValueRef address, LLVMValueRef value, int derefs, struct note note) {
    struct store s = {a, f, value, NULL, derefs, note};
    each_target(a, f, address, store_into, &s);
}

/* ---- instructions ---- */

static void return_flows(struct analysis *a, struct function *f, LLVMValueRef ret) {
    if (LLVMGetNumOperands(ret) == 0 || !f->result || f->result_in_memory) return;
    value_flows(a, f, (struct hole){f->result, 0, {"return", ret}}, LLVMGetOperand(ret, 0));
}

static void one_instruction(struct analysis *a, struct function *f, LLVMValueRef i) {
    switch (LLVMGetInstructionOpcode(i)) {
    case LLVMStore:
        if (access_carries(a, LLVMTypeOf(LLVMGetOperand(i, 0)), LLVMGetOperand(i, 1)))
            store_value(a, f, LLVMGetOperand(i, 1), LLVMGetOperand(i, 0), 0, (struct note){"assign", i});
        return;
    case LLVMAtomicRMW: store_value(a, f, LLVMGetOperand(i, 0), LLVMGetOperand(i, 1), 0, (struct note){"assign", i}); return;
    case LLVMAtomicCmpXchg: store_value(a, f, LLVMGetOperand(i, 0), LLVMGetOperand(i, 2), 0, (struct note){"assign", i}); return;
    case LLVMRet: return_flows(a, f, i); return;
    case LLVMCall:
    case LLVMInvoke:
    case LLVMCallBr: call_flows(a, f, i); return;
    case LLVMResume: value_flows(a, f, (struct hole){&a->heap, 0, {"throw", i}}, LLVMGetOperand(i, 0)); return;
    default: return;
    }
}

void build_function(struct analysis *a, struct function *f) {
    TRICC_EACH_BLOCK(b, f->value) {
        if (cfg_number(f->cfg, b) == NO_BLOCK) continue;
        TRICC_EACH_INST(i, next, b) one_instruction(a, f, i);
    }
}
