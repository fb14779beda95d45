/* value.c - whether what is stored may be a pointer: see barrier.h.
 *
 * Of pointer type: yes, but for null and addresses of globals and functions. Integers of eight bytes: C programs keep pointers in
 * uintptr_t, long, unions and tagged words, so yes, unless the computation shows that they are counts: constants,
 * narrower integers widened, products, shifts, comparisons. A local variable is what is stored into it. Everything else holds
 * no pointer (pointers in doubles and in halves of words are not supported: docs/tricc.md).
 */
#include "barrier.h"
#include "../ir/ir.h"

enum { DEPTH = 12, SEEN = 64 };

struct trail {
    LLVMValueRef seen[SEEN];
    unsigned n;
};

static enum content content_of(LLVMValueRef v, struct trail *t, unsigned depth);

static enum content stronger(enum content a, enum content b) { return a > b ? a : b; }

static bool seen_before(struct trail *t, LLVMValueRef v, bool *full) {
    for (unsigned i = 0; i < t->n; i++)
        if (t->seen[i] == v) return true;
    *full = t->n == SEEN;
    if (!*full) t->seen[t->n++] = v;
    return false;
}

/* What is stored into a local whose address goes nowhere else. */
static enum content content_of_local(LLVMValueRef local, struct trail *t, unsigned depth) {
    enum content c = CONTENT_NONE;
    bool full;
    if (seen_before(t, local, &full)) return CONTENT_NONE;
    if (full) return CONTENT_POINTER;
    for (LLVMUseRef use = LLVMGetFirstUse(local); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (LLVMIsALoadInst(user)) continue;
        if (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == local) c = stronger(c, content_of(LLVMGetOperand(user, 0), t, depth + 1));
        else if (!LLVMIsADbgInfoIntrinsic(user) && !LLVMIsAIntrinsicInst(user)) return CONTENT_POINTER;
        if (LLVMIsAMemCpyInst(user) || LLVMIsAMemMoveInst(user)) return CONTENT_POINTER;
        if (c == CONTENT_POINTER) return c;
    }
    return c;
}

static enum content content_of_phi(LLVMValueRef phi, struct trail *t, unsigned depth) {
    enum content c = CONTENT_NONE;
    bool full;
    if (seen_before(t, phi, &full)) return CONTENT_NONE;
    if (full) return CONTENT_POINTER;
    for (unsigned i = 0; i < LLVMCountIncoming(phi) && c != CONTENT_POINTER; i++)
        c = stronger(c, content_of(LLVMGetIncomingValue(phi, i), t, depth + 1));
    return c;
}

static enum content of_both(LLVMValueRef a, LLVMValueRef b, struct trail *t, unsigned depth) {
    enum content c = content_of(a, t, depth + 1);
    return c == CONTENT_POINTER ? c : stronger(c, content_of(b, t, depth + 1));
}

/* Of integers wider than a pointer: shifting and widening put pointers in their place. */
static bool is_wide(LLVMValueRef v) {
    LLVMTypeRef type = LLVMTypeOf(v);
    return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) > 64;
}

bool tricc_is_made_of_pointer(LLVMValueRef v) {
    for (unsigned depth = 0; depth < DEPTH && LLVMIsAInstruction(v); depth++) {
        if (LLVMIsAPtrToIntInst(v)) return true;
        if (!LLVMIsABinaryOperator(v)) return false;
        LLVMValueRef right = LLVMGetOperand(v, 1);
        v = LLVMIsAConstant(right) || !LLVMIsAInstruction(right) ? LLVMGetOperand(v, 0) : LLVMIsAPtrToIntInst(right) ? right : LLVMGetOperand(v, 0);
    }
    return false;
}

static enum content content_of_instruction(LLVMValueRef v, struct trail *t, unsigned depth) {
    LLVMOpcode op = LLVMGetInstructionOpcode(v);
    if (is_wide(v) && (op == LLVMZExt || op == LLVMSExt || op == LLVMShl || op == LLVMLShr || op == LLVMAShr))
        return tricc_type_holds_pointers(LLVMTypeOf(LLVMGetOperand(v, 0))) ? content_of(LLVMGetOperand(v, 0), t, depth + 1) : CONTENT_NONE;
    switch (op) {
    case LLVMZExt:
    case LLVMSExt:
    case LLVMUDiv:
    case LLVMSDiv:
    case LLVMURem:
    case LLVMSRem:
    case LLVMLShr:
    case LLVMAShr:
    case LLVMFPToUI:
    case LLVMFPToSI: return CONTENT_NONE;
    case LLVMMul:
    case LLVMShl: return tricc_is_made_of_pointer(v) ? CONTENT_POINTER : CONTENT_NONE; /* cut to a multiple of something */
    case LLVMAdd:
    case LLVMSub:
    case LLVMAnd:
    case LLVMOr:
    case LLVMXor: return of_both(LLVMGetOperand(v, 0), LLVMGetOperand(v, 1), t, depth);
    case LLVMSelect: return of_both(LLVMGetOperand(v, 1), LLVMGetOperand(v, 2), t, depth);
    case LLVMPHI: return content_of_phi(v, t, depth);
    case LLVMFreeze: return content_of(LLVMGetOperand(v, 0), t, depth + 1);
    case LLVMLoad: {
        LLVMValueRef from = LLVMGetOperand(v, 0);
        return LLVMIsAAllocaInst(from) && LLVMGetAllocatedType(from) == LLVMTypeOf(v) ? content_of_local(from, t, depth) : CONTENT_POINTER;
    }
    default: return CONTENT_POINTER;
    }
}

static enum content content_of(LLVMValueRef v, struct trail *t, unsigned depth) {
    if (LLVMIsAUndefValue(v) || LLVMIsNull(v)) return CONTENT_CONSTANT;
    if (LLVMIsAConstant(v)) { /* an integer cast to a pointer may be anything; an address of a global is none of ours */
        if (LLVMIsAGlobalValue(tricc_ir_strip(v))) return CONTENT_CONSTANT;
        if (LLVMIsAConstantInt(v)) return CONTENT_CONSTANT;
        return LLVMIsABlockAddress(v) ? CONTENT_CONSTANT : CONTENT_POINTER;
    }
    if (LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMPointerTypeKind && LLVMIsAAllocaInst(tricc_ir_strip(v))) return CONTENT_CONSTANT;
    if (depth > DEPTH || !LLVMIsAInstruction(v)) return CONTENT_POINTER;
    if (LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMPointerTypeKind) return CONTENT_POINTER;
    return content_of_instruction(v, t, depth);
}

/* A computed integer that turned out to be made of constants only is a number. */
enum content tricc_content(LLVMValueRef value) {
    struct trail t = {.n = 0};
    enum content c = content_of(value, &t, 0);
    bool integer = LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMIntegerTypeKind;
    return integer && c == CONTENT_CONSTANT ? CONTENT_NONE : c;
}

bool tricc_type_holds_pointers(LLVMTypeRef type) {
    switch (LLVMGetTypeKind(type)) {
    case LLVMPointerTypeKind: return true;
    case LLVMIntegerTypeKind: return LLVMGetIntTypeWidth(type) >= 64;
    case LLVMVectorTypeKind:
    case LLVMArrayTypeKind: return tricc_type_holds_pointers(LLVMGetElementType(type));
    case LLVMStructTypeKind:
        for (unsigned i = 0; i < LLVMCountStructElementTypes(type); i++)
            if (tricc_type_holds_pointers(LLVMStructGetTypeAtIndex(type, i))) return true;
        return false;
    default: return false;
    }
}
