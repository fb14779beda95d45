/* place.c - where a store goes, as far as the function shows: see barrier.h.
 *
 * A pointer is followed back through address computations, phis and selects; the answer for several sources is the one that
 * promises least. What is loaded from memory, passed in or returned is perhaps the heap.
 */
#include "barrier.h"
#include "../ir/ir.h"

#include <string.h>

enum { DEPTH = 8, SOURCES = 32 };

struct trail {
    LLVMValueRef seen[SOURCES]; /* phis that are being looked at */
    unsigned n;
};

/* Functions that return memory nobody else has: zeroed, or without pointers in it. */
static bool allocates(const char *name) {
    static const char *const names[] = {"tri__new",       "tri_alloc",         "tri_alloc_leaf",  "tri_alloc_type",  "tri__alloc_array",
                                        "tri__alloc_flex", "tri_alloc_aligned", "tri_alloc_array", "tri__alloc_slow", "calloc",
                                        "tri__arena_bump", "tri__malloc",       "tri__calloc",     "tri__malloc_type", "tri__calloc_type",
                                        "tri__tricc_malloc"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static enum place place_of(LLVMValueRef v, struct trail *t, unsigned depth);

static enum place weaker(enum place a, enum place b) {
    if (a == b) return a;
    return PLACE_HEAP;
}

/* A phi met again adds nothing: PLACE_STACK with *cycle set. */
static enum place place_of_phi(LLVMValueRef phi, struct trail *t, unsigned depth) {
    unsigned n = LLVMCountIncoming(phi);
    bool any = false;
    enum place place = PLACE_HEAP;
    if (t->n == SOURCES) return PLACE_HEAP;
    t->seen[t->n++] = phi;
    for (unsigned i = 0; i < n; i++) {
        LLVMValueRef in = tricc_ir_strip(LLVMGetIncomingValue(phi, i));
        bool again = LLVMIsAUndefValue(in) || LLVMIsNull(in);
        for (unsigned k = 0; k < t->n; k++) again |= t->seen[k] == in;
        if (again) continue;
        enum place one = place_of(in, t, depth + 1);
        place = any ? weaker(place, one) : one;
        any = true;
        if (place == PLACE_HEAP) break;
    }
    return place;
}

static enum place place_of_instruction(LLVMValueRef v, struct trail *t, unsigned depth) {
    switch (LLVMGetInstructionOpcode(v)) {
    case LLVMAlloca: return PLACE_STACK;
    case LLVMPHI: return place_of_phi(v, t, depth);
    case LLVMSelect: return weaker(place_of(LLVMGetOperand(v, 1), t, depth + 1), place_of(LLVMGetOperand(v, 2), t, depth + 1));
    case LLVMFreeze: return place_of(LLVMGetOperand(v, 0), t, depth + 1);
    case LLVMCall:
    case LLVMInvoke: return allocates(tricc_ir_callee_name(v)) ? PLACE_FRESH : PLACE_HEAP;
    default: return PLACE_HEAP;
    }
}

static bool is_byval(LLVMValueRef argument) {
    LLVMValueRef f = LLVMGetParamParent(argument);
    unsigned kind = LLVMGetEnumAttributeKindForName("byval", 5);
    for (unsigned i = 0; i < LLVMCountParams(f); i++)
        if (LLVMGetParam(f, i) == argument) return LLVMGetEnumAttributeAtIndex(f, i + 1, kind) != NULL;
    return false;
}

static enum place place_of(LLVMValueRef v, struct trail *t, unsigned depth) {
    v = tricc_ir_strip(v);
    if (depth > DEPTH) return PLACE_HEAP;
    if (LLVMIsAInstruction(v)) return place_of_instruction(v, t, depth);
    if (LLVMIsAArgument(v)) return is_byval(v) ? PLACE_STACK : PLACE_HEAP;
    if (LLVMIsAGlobalValue(v)) return PLACE_GLOBAL;
    return PLACE_HEAP;
}

enum place tricc_place(LLVMValueRef pointer) {
    struct trail t = {.n = 0};
    return place_of(pointer, &t, 0);
}
