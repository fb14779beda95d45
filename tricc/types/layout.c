/* layout.c - which words of a type may hold pointers, from its debug information: see types.h.
 *
 * LLVM's C interface gives size, offset, name and tag of a DIType; base type and elements are operands of its node, at
 * places that have not changed since LLVM 3.7: 3 and 4.
 */
#include "types.h"

#include <llvm-c/DebugInfo.h>
#include <stdlib.h>
#include <string.h>

enum { BASE = 3, ELEMENTS = 4, MAX_WORDS = 1 << 20 };
enum { /* DWARF */
    TAG_ARRAY = 0x01, TAG_CLASS = 0x02, TAG_ENUM = 0x04, TAG_MEMBER = 0x0d, TAG_POINTER = 0x0f, TAG_REFERENCE = 0x10, TAG_STRUCT = 0x13, TAG_TYPEDEF = 0x16,
    TAG_UNION = 0x17, TAG_INHERITANCE = 0x1c, TAG_PTR_TO_MEMBER = 0x1f, TAG_SUBRANGE = 0x21, TAG_BASE = 0x24, TAG_CONST = 0x26, TAG_VOLATILE = 0x35,
    TAG_RESTRICT = 0x37, TAG_UNSPECIFIED = 0x3b, TAG_RVALUE = 0x42, TAG_ATOMIC = 0x47
};

LLVMMetadataRef tricc_md_operand(LLVMContextRef context, LLVMMetadataRef node, unsigned i) {
    LLVMValueRef value = LLVMMetadataAsValue(context, node);
    unsigned n = (unsigned)LLVMGetMDNodeNumOperands(value);
    if (i >= n) return NULL;
    LLVMValueRef *operands = malloc(n * sizeof *operands);
    if (!operands) return NULL;
    LLVMGetMDNodeOperands(value, operands);
    LLVMValueRef found = operands[i];
    free(operands);
    return found ? LLVMValueAsMetadata(found) : NULL;
}

struct walk {
    LLVMContextRef context;
    struct tricc_layout *to;
    enum tricc_belief belief;
    unsigned depth;
};

static void walk_type(struct walk *w, LLVMMetadataRef type, uint64_t at);

/* A pointer, or a number that may be one, of `bits` bits at bit `at`: all words it touches. */
static void mark(struct walk *w, uint64_t at, uint64_t bits, bool pointer) {
    if (pointer && at % 64) w->to->unaligned = true;
    for (uint64_t word = at / 64; word * 64 < at + bits; word++)
        if (word < w->to->words) w->to->mask[word / 64] |= 1ull << word % 64;
}

static void mark_all(struct walk *w, uint64_t at, uint64_t bits) {
    w->to->unknown = true;
    mark(w, at, bits, false);
}

/* Eight-byte types that are no integers; the debug information's encoding is out of the C interface's reach. */
static bool is_floating(LLVMMetadataRef type) {
    size_t n;
    const char *name = LLVMDITypeGetName(type, &n);
    return name && (strstr(name, "double") || strstr(name, "float") || strstr(name, "Float") || strstr(name, "complex"));
}

static int64_t constant_of(LLVMContextRef context, LLVMMetadataRef m) {
    if (!m || LLVMGetMetadataKind(m) != LLVMConstantAsMetadataMetadataKind) return -1;
    LLVMValueRef operand = NULL;
    LLVMGetMDNodeOperands(LLVMMetadataAsValue(context, m), &operand);
    return operand && LLVMIsAConstantInt(operand) ? LLVMConstIntGetSExtValue(operand) : -1;
}

/* Elements of an array of any number of dimensions; 0 when the last one is flexible. */
static uint64_t count_elements(struct walk *w, LLVMMetadataRef type) {
    uint64_t total = 1;
    LLVMMetadataRef dimensions = tricc_md_operand(w->context, type, ELEMENTS), one;
    for (unsigned i = 0; dimensions && (one = tricc_md_operand(w->context, dimensions, i)); i++) {
        int64_t n = constant_of(w->context, tricc_md_operand(w->context, one, 0));
        total *= n > 0 ? (uint64_t)n : 0;
    }
    return total;
}

static bool is_floating_plain(struct walk *w, LLVMMetadataRef type) {
    type = tricc_plain_type(w->context, type);
    return type && LLVMGetDINodeTag(type) == TAG_BASE && is_floating(type);
}

static void walk_array(struct walk *w, LLVMMetadataRef type, uint64_t at) {
    LLVMMetadataRef element = tricc_md_operand(w->context, type, BASE);
    uint64_t n = count_elements(w, type), bits = LLVMDITypeGetSizeInBits(type);
    w->to->open |= n <= 1;
    if (!n || !element) return;
    if (w->belief == TRICC_GUESSED && !is_floating_plain(w, element)) { /* room for anything, as programs use arrays */
        mark(w, at, bits, false);
        return;
    }
    for (uint64_t i = 0; i < n; i++) walk_type(w, element, at + i * (bits / n));
}

static void walk_members(struct walk *w, LLVMMetadataRef type, uint64_t at) {
    LLVMMetadataRef members = tricc_md_operand(w->context, type, ELEMENTS), one;
    uint64_t bits = LLVMDITypeGetSizeInBits(type);
    if (!members && bits) mark_all(w, at, bits); /* declared only */
    for (unsigned i = 0; members && (one = tricc_md_operand(w->context, members, i)); i++) {
        unsigned tag = LLVMGetDINodeTag(one);
        if (tag != TAG_MEMBER && tag != TAG_INHERITANCE) continue;
        if (LLVMDITypeGetFlags(one) & LLVMDIFlagStaticMember) continue;
        uint64_t offset = LLVMDITypeGetOffsetInBits(one), size = LLVMDITypeGetSizeInBits(one);
        LLVMMetadataRef of = tricc_md_operand(w->context, one, BASE);
        if (!of) mark_all(w, at + offset, size);
        else if (LLVMDITypeGetFlags(one) & LLVMDIFlagBitField) {
            if (size >= 32) mark(w, at + offset, size, false);
        } else walk_type(w, of, at + offset);
    }
}

/* A union is looked at as if its members lay side by side; if any holds a pointer, all its words may. */
static void walk_union(struct walk *w, LLVMMetadataRef type, uint64_t at) {
    struct tricc_layout alone;
    struct walk inner = {w->context, &alone, w->belief, w->depth};
    uint64_t bits = LLVMDITypeGetSizeInBits(type);
    alone = (struct tricc_layout){.words = (bits + at % 64 + 63) / 64};
    alone.mask = calloc((alone.words + 63) / 64 + 1, sizeof *alone.mask);
    if (!alone.mask) return;
    walk_members(&inner, type, at % 64);
    bool any = false;
    for (uint64_t i = 0; i < (alone.words + 63) / 64; i++) any |= alone.mask[i] != 0;
    if (any || w->belief == TRICC_GUESSED) mark(w, at, bits, false);
    w->to->unaligned |= alone.unaligned;
    w->to->open |= alone.open;
    free(alone.mask);
}

static void walk_type(struct walk *w, LLVMMetadataRef type, uint64_t at) {
    uint64_t bits = LLVMDITypeGetSizeInBits(type);
    LLVMMetadataRef base;
    if (w->depth > 64) {
        mark_all(w, at, bits);
        return;
    }
    w->depth++;
    switch (LLVMGetDINodeTag(type)) {
    case TAG_POINTER:
    case TAG_REFERENCE:
    case TAG_RVALUE:
    case TAG_PTR_TO_MEMBER: mark(w, at, bits, true); break;
    case TAG_BASE:
    case TAG_ENUM:
        if (bits >= 64 && !is_floating(type)) mark(w, at, bits, false);
        break;
    case TAG_TYPEDEF:
    case TAG_CONST:
    case TAG_VOLATILE:
    case TAG_RESTRICT:
    case TAG_ATOMIC:
        base = tricc_md_operand(w->context, type, BASE);
        if (base) walk_type(w, base, at);
        break;
    case TAG_ARRAY: walk_array(w, type, at); break;
    case TAG_STRUCT:
    case TAG_CLASS: walk_members(w, type, at); break;
    case TAG_UNION: walk_union(w, type, at); break;
    case TAG_UNSPECIFIED: break;
    default: mark_all(w, at, bits);
    }
    w->depth--;
}

LLVMMetadataRef tricc_plain_type(LLVMContextRef context, LLVMMetadataRef type) {
    for (unsigned i = 0; type && i < 64; i++) {
        unsigned tag = LLVMGetDINodeTag(type);
        bool thin = tag == TAG_TYPEDEF || tag == TAG_CONST || tag == TAG_VOLATILE || tag == TAG_RESTRICT || tag == TAG_ATOMIC;
        if (!thin) return type;
        type = tricc_md_operand(context, type, BASE);
    }
    return NULL;
}

void tricc_layout_of(LLVMContextRef context, LLVMMetadataRef type, enum tricc_belief belief, struct tricc_layout *to) {
    LLVMMetadataRef plain = tricc_plain_type(context, type); /* typedefs have no size of their own */
    *to = (struct tricc_layout){.words = (plain ? LLVMDITypeGetSizeInBits(plain) : 0) / 64};
    to->unknown = !to->words || to->words > MAX_WORDS;
    if (to->unknown) to->words = 0;
    to->mask = calloc((to->words + 63) / 64 + 1, sizeof *to->mask);
    if (!to->mask || to->unknown) return;
    struct walk w = {context, to, belief, 0};
    walk_type(&w, type, 0);
    if (belief == TRICC_GUESSED) mark(&w, 0, 64, false);
}
