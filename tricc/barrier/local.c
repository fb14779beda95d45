/* local.c - copies of a local to the heap: see barrier.h.
 *
 * A local that is filled in and then assigned (`*to = (struct pair){a, b}`, `*to = f()`), or copied, looked at and copied on. Were its address given to
 * the test behind the copy, it would have to be in memory for that, written in pieces and read back at once. So its words
 * are given by value: read before the copy, in registers or on the stack until the test. The local has no other use of its address
 * then, and LLVM makes values of it later.
 *
 * Words that are numbers by the local's type are left out: `float`, `double`, arrays of these, smaller integers by themselves. Not
 * arrays of integers and characters, which programs use as room for anything; nor what is in a union, whose type in LLVM
 * is that of one of its members only: clang names it "union.…". A type without a name may have been one.
 */
#include "barrier.h"
#include "../ir/ir.h"

#include <llvm-c/Target.h>
#include <string.h>

enum { WORDS = 4, BYTES = 128 };

static LLVMTargetDataRef layout(struct barrier *b) { return LLVMGetModuleDataLayout(b->module); }

static bool may_be_anything(LLVMTypeRef structure) {
    const char *name = LLVMGetStructName(structure);
    if (!name) return !LLVMIsLiteralStruct(structure);
    return strncmp(name, "struct.", 7) != 0;
}

static bool is_integer(LLVMTypeRef type) { return LLVMGetTypeKind(type) == LLVMIntegerTypeKind; }

/* Whether a pointer may be in the bytes [from, to) of a value of the type. */
static bool holds_pointer(struct barrier *b, LLVMTypeRef type, uint64_t from, uint64_t to) {
    LLVMTypeRef element;
    uint64_t size;
    switch (LLVMGetTypeKind(type)) {
    case LLVMStructTypeKind:
        if (may_be_anything(type)) return true;
        for (unsigned i = 0; i < LLVMCountStructElementTypes(type); i++) {
            element = LLVMStructGetTypeAtIndex(type, i);
            uint64_t at = LLVMOffsetOfElement(layout(b), type, i), end = at + LLVMABISizeOfType(layout(b), element);
            if (at < to && end > from && holds_pointer(b, element, from > at ? from - at : 0, (to < end ? to : end) - at)) return true;
        }
        return false;
    case LLVMArrayTypeKind:
        element = LLVMGetElementType(type);
        size = LLVMABISizeOfType(layout(b), element);
        if (is_integer(element)) return to - from >= 8;
        return LLVMGetArrayLength2(type) && holds_pointer(b, element, 0, size);
    default: return tricc_type_holds_pointers(type);
    }
}

/* Where in `local` the pointer is; false: not known. */
static bool offset_in(struct barrier *b, LLVMValueRef pointer, LLVMValueRef local, uint64_t *offset) {
    *offset = 0;
    for (; pointer != local; pointer = LLVMGetOperand(pointer, 0)) {
        if (!LLVMIsAGetElementPtrInst(pointer)) return false;
        LLVMTypeRef type = LLVMGetGEPSourceElementType(pointer);
        for (int i = 1; i < LLVMGetNumOperands(pointer); i++) {
            LLVMValueRef index = LLVMGetOperand(pointer, (unsigned)i);
            if (!LLVMIsAConstantInt(index)) return false;
            uint64_t n = LLVMConstIntGetZExtValue(index);
            if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
                *offset += LLVMOffsetOfElement(layout(b), type, (unsigned)n);
                type = LLVMStructGetTypeAtIndex(type, (unsigned)n);
            } else {
                if (i > 1) type = LLVMGetElementType(type);
                *offset += n * LLVMABISizeOfType(layout(b), type);
            }
        }
    }
    return true;
}

/* Where in `local`, a single one, the copy begins and ends. */
static bool range_in(struct barrier *b, LLVMValueRef local, LLVMValueRef from, LLVMValueRef bytes, uint64_t *at, uint64_t *end) {
    LLVMValueRef many = LLVMGetOperand(local, 0);
    if (!LLVMIsAConstantInt(bytes) || !LLVMIsAConstantInt(many) || LLVMConstIntGetZExtValue(many) != 1 || !offset_in(b, from, local, at)) return false;
    *end = *at + LLVMConstIntGetZExtValue(bytes);
    return true;
}

static bool is_optimised(const struct barrier *b) { return b->options->opt_level && !b->options->no_opt; }

bool tricc_are_numbers(struct barrier *b, LLVMValueRef from, LLVMValueRef bytes) {
    LLVMValueRef local = tricc_ir_strip(from);
    uint64_t at, end;
    return is_optimised(b) && LLVMIsAAllocaInst(local) && range_in(b, local, from, bytes, &at, &end) &&
           !holds_pointer(b, LLVMGetAllocatedType(local), at, end);
}

/* Words of the copy that may be pointers: where they are in it. Returns how many; more than WORDS: too many. */
static unsigned find_words(struct barrier *b, LLVMValueRef local, uint64_t from, uint64_t end, uint64_t words[WORDS]) {
    unsigned n = 0;
    for (uint64_t at = from; at + 8 <= end; at += 8) {
        if (!holds_pointer(b, LLVMGetAllocatedType(local), at, at + 8)) continue;
        if (n == WORDS) return n + 1;
        words[n++] = at - from;
    }
    return n;
}

static bool is_aligned(LLVMValueRef memcpy) {
    LLVMAttributeRef a = LLVMGetCallSiteEnumAttribute(memcpy, 1, LLVMGetEnumAttributeKindForName("align", 5));
    return a && LLVMGetEnumAttributeValue(a) >= 8;
}

static void shade_words(struct barrier *b, LLVMValueRef memcpy, const uint64_t *words, unsigned n) {
    LLVMValueRef from = LLVMGetOperand(memcpy, 1), args[1 + WORDS] = {LLVMGetOperand(memcpy, 0)};
    LLVMPositionBuilderBefore(b->builder, memcpy);
    for (unsigned i = 0; i < WORDS; i++) {
        args[1 + i] = LLVMConstNull(b->ptr);
        if (i >= n) continue;
        LLVMValueRef offset = LLVMConstInt(b->i64, words[i], false);
        args[1 + i] = LLVMBuildLoad2(b->builder, b->ptr, LLVMBuildInBoundsGEP2(b->builder, b->i8, from, &offset, 1, ""), "");
        LLVMSetAlignment(args[1 + i], 1);
    }
    tricc_position_behind(b, memcpy);
    tricc_emit(b, "copied_words", args, 1 + WORDS, memcpy);
}

bool tricc_barrier_copy_local(struct barrier *b, LLVMValueRef memcpy) {
    LLVMValueRef from = LLVMGetOperand(memcpy, 1), local = tricc_ir_strip(from);
    uint64_t at, end, words[WORDS];
    if (!is_optimised(b) || !LLVMIsAAllocaInst(local) || !LLVMIsNull(LLVMGetOperand(memcpy, 3)) || !is_aligned(memcpy)) return false;
    if (!range_in(b, local, from, LLVMGetOperand(memcpy, 2), &at, &end) || end - at > BYTES) return false;
    unsigned n = find_words(b, local, at, end, words);
    if (n > WORDS) return false;
    shade_words(b, memcpy, words, n);
    return true;
}
