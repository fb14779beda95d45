/* store.c - store, atomicrmw and cmpxchg: see barrier.h. */
#include "barrier.h"
#include "../ir/ir.h"

static bool is_word(LLVMTypeRef type) {
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    return kind == LLVMPointerTypeKind || (kind == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 64);
}

static bool is_pointer(LLVMTypeRef type) { return LLVMGetTypeKind(type) == LLVMPointerTypeKind; }

/* x = x op something that is no address: it pointed there before. Counts of less than eight bytes are seen to be none; a long may be an
 * address, or the distance by which everything has moved. */
static bool updates_itself(LLVMValueRef value, LLVMValueRef slot) {
    if (!LLVMIsABinaryOperator(value)) return false;
    for (unsigned i = 0; i < 2; i++) {
        LLVMValueRef from = LLVMGetOperand(value, i), other = LLVMGetOperand(value, 1 - i);
        if (!LLVMIsALoadInst(from) || LLVMGetOperand(from, 0) != slot) continue;
        return tricc_content(other) != CONTENT_POINTER;
    }
    return false;
}

static void warn_unaligned(struct barrier *b, LLVMValueRef store) {
    if (b->options->no_packed_warning || !is_pointer(LLVMTypeOf(LLVMGetOperand(store, 0))) || LLVMGetAlignment(store) >= 8) return;
    tricc_diag_warn(b->diag, tricc_ir_loc(store),
                    "pointer stored where its address may not be a multiple of 8 (packed struct?): the collector does not see it there [-Wtri-packed]");
}

static LLVMValueRef as_pointer(struct barrier *b, LLVMValueRef value) {
    return is_pointer(LLVMTypeOf(value)) ? value : LLVMBuildIntToPtr(b->builder, value, b->ptr, "");
}

static void plain_store(struct barrier *b, LLVMValueRef store, LLVMValueRef slot, LLVMValueRef value) {
    LLVMPositionBuilderBefore(b->builder, store);
    if (is_pointer(LLVMTypeOf(value))) tricc_emit(b, "store", (LLVMValueRef[]){slot, value}, 2, store);
    else tricc_emit(b, "store_word", (LLVMValueRef[]){slot, value}, 2, store);
    LLVMInstructionEraseFromParent(store);
    tricc_count(b, TRICC_STAT_barrier_store);
}

/* Why the store needs nothing; TRICC_NSTATS when it does. */
static enum tricc_stat left_out(LLVMValueRef slot, LLVMValueRef value) {
    enum place place = tricc_place(slot);
    if (place == PLACE_STACK) return TRICC_STAT_left_stack;
    enum content content = tricc_content(value);
    bool word = is_word(LLVMTypeOf(value));
    if (content == CONTENT_NONE || (word && !is_pointer(LLVMTypeOf(value)) && updates_itself(value, slot))) return TRICC_STAT_left_not_pointer;
    if (content == CONTENT_CONSTANT && place == PLACE_FRESH) return LLVMIsNull(value) ? TRICC_STAT_left_null : TRICC_STAT_left_constant;
    return TRICC_NSTATS;
}

void tricc_barrier_store(struct barrier *b, LLVMValueRef store) {
    LLVMValueRef value = LLVMGetOperand(store, 0), slot = LLVMGetOperand(store, 1);
    if (!tricc_type_holds_pointers(LLVMTypeOf(value)) || LLVMGetPointerAddressSpace(LLVMTypeOf(slot))) return;
    enum tricc_stat why = left_out(slot, value);
    if (why != TRICC_NSTATS) {
        tricc_count(b, why);
        return;
    }
    warn_unaligned(b, store);
    bool atomic = LLVMGetOrdering(store) != LLVMAtomicOrderingNotAtomic;
    if (!atomic && is_word(LLVMTypeOf(value))) {
        plain_store(b, store, slot, value);
        return;
    }
    tricc_position_behind(b, store);
    tricc_emit_stored(b, slot, value, store);
    tricc_count(b, atomic ? TRICC_STAT_barrier_atomic : TRICC_STAT_barrier_store);
}

/* What it has left in memory, behind it: of `p + distance` not the distance. The others leave what was there, or their operand. */
static LLVMValueRef left_by(struct barrier *b, LLVMValueRef rmw) {
    LLVMValueRef operand = LLVMGetOperand(rmw, 1);
    switch (LLVMGetAtomicRMWBinOp(rmw)) {
    case LLVMAtomicRMWBinOpAdd: return LLVMBuildAdd(b->builder, rmw, operand, "");
    case LLVMAtomicRMWBinOpSub: return LLVMBuildSub(b->builder, rmw, operand, "");
    case LLVMAtomicRMWBinOpAnd: return LLVMBuildAnd(b->builder, rmw, operand, "");
    case LLVMAtomicRMWBinOpOr: return LLVMBuildOr(b->builder, rmw, operand, "");
    case LLVMAtomicRMWBinOpXor: return LLVMBuildXor(b->builder, rmw, operand, "");
    default: return operand;
    }
}

void tricc_barrier_rmw(struct barrier *b, LLVMValueRef rmw) {
    LLVMValueRef slot = LLVMGetOperand(rmw, 0), value = LLVMGetOperand(rmw, 1);
    if (!tricc_type_holds_pointers(LLVMTypeOf(value)) || LLVMGetPointerAddressSpace(LLVMTypeOf(slot))) return;
    enum content content = tricc_content(value);
    bool replaces = LLVMGetAtomicRMWBinOp(rmw) == LLVMAtomicRMWBinOpXchg;
    if (tricc_place(slot) == PLACE_STACK) {
        tricc_count(b, TRICC_STAT_left_stack);
    } else if (content == CONTENT_NONE || (!replaces && content == CONTENT_CONSTANT)) {
        tricc_count(b, TRICC_STAT_left_not_pointer);
    } else {
        tricc_position_behind(b, rmw);
        if (replaces && is_word(LLVMTypeOf(value)))
            tricc_emit(b, "swapped", (LLVMValueRef[]){slot, as_pointer(b, rmw), as_pointer(b, value)}, 3, rmw);
        else tricc_emit_stored(b, slot, left_by(b, rmw), rmw);
        tricc_count(b, TRICC_STAT_barrier_atomic);
    }
}

void tricc_barrier_cmpxchg(struct barrier *b, LLVMValueRef cmpxchg) {
    LLVMValueRef slot = LLVMGetOperand(cmpxchg, 0), old = LLVMGetOperand(cmpxchg, 1), value = LLVMGetOperand(cmpxchg, 2);
    if (!tricc_type_holds_pointers(LLVMTypeOf(value)) || LLVMGetPointerAddressSpace(LLVMTypeOf(slot))) return;
    if (tricc_place(slot) == PLACE_STACK) {
        tricc_count(b, TRICC_STAT_left_stack);
    } else if (tricc_content(value) == CONTENT_NONE) {
        tricc_count(b, TRICC_STAT_left_not_pointer);
    } else { /* failed or not: shading a value that was not stored costs little, and needs no branch */
        tricc_position_behind(b, cmpxchg);
        if (is_word(LLVMTypeOf(value)))
            tricc_emit(b, "swapped", (LLVMValueRef[]){slot, as_pointer(b, old), as_pointer(b, value)}, 3, cmpxchg);
        else tricc_emit_stored(b, slot, value, cmpxchg);
        tricc_count(b, TRICC_STAT_barrier_atomic);
    }
}
