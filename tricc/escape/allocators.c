/* allocators.c - see allocators.h. */
#include "allocators.h"
#include "cfg.h"

#include <string.h>

static const struct allocator allocators[] = {
#define ALLOCATOR(name, how, a, b, zeroed) {#name, how, a, b, zeroed},
#include "allocators.def"
#undef ALLOCATOR
};

const struct allocator *allocator_find(const char *name) {
    for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++)
        if (strcmp(allocators[i].name, name) == 0) return &allocators[i];
    return NULL;
}

/* What the only store into the variable stores, if loads and that store are all that touches it. */
static LLVMValueRef stored_once(LLVMValueRef variable) {
    LLVMValueRef stored = NULL;
    for (LLVMUseRef u = LLVMGetFirstUse(variable); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        if (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == variable) {
            if (stored || LLVMGetOperand(user, 0) == variable) return NULL;
            stored = LLVMGetOperand(user, 0);
        } else if (!LLVMIsALoadInst(user) && !LLVMIsADbgInfoIntrinsic(user) && !is_lifetime_start(user) && !is_lifetime_end(user)) {
            return NULL;
        }
    }
    return stored;
}

enum { DEEPEST = 8 };

static LLVMValueRef value_behind(LLVMValueRef v) {
    for (unsigned i = 0; i < DEEPEST && v && LLVMIsALoadInst(v); i++) {
        LLVMValueRef from = LLVMGetOperand(v, 0);
        if (!LLVMIsAAllocaInst(from) || LLVMTypeOf(v) != LLVMGetAllocatedType(from)) return NULL;
        v = stored_once(from);
    }
    return v;
}

static bool constant_at(LLVMValueRef v, uint64_t *out, unsigned depth) {
    uint64_t a, b;
    if (depth == 0 || !(v = value_behind(v))) return false;
    if (LLVMIsAConstantInt(v)) {
        *out = LLVMConstIntGetZExtValue(v);
        return LLVMGetIntTypeWidth(LLVMTypeOf(v)) <= 64;
    }
    if (!LLVMIsAInstruction(v)) return false;
    LLVMOpcode op = LLVMGetInstructionOpcode(v);
    if (op != LLVMZExt && op != LLVMSExt && op != LLVMMul && op != LLVMAdd) return false;
    if (!constant_at(LLVMGetOperand(v, 0), &a, depth - 1)) return false;
    if (op == LLVMZExt || op == LLVMSExt) {
        unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(LLVMGetOperand(v, 0)));
        *out = a;
        return op == LLVMZExt || bits >= 64 || !(a >> (bits - 1) & 1); /* negative sizes are no sizes */
    }
    if (!constant_at(LLVMGetOperand(v, 1), &b, depth - 1)) return false;
    return op == LLVMMul ? !__builtin_mul_overflow(a, b, out) : !__builtin_add_overflow(a, b, out);
}

bool constant_of(LLVMValueRef v, uint64_t *out) { return constant_at(v, out, DEEPEST); }

/* Field of a struct tri_type known to the compiler. */
static bool type_field(LLVMValueRef type, unsigned field, uint64_t *out) {
    type = value_behind(type);
    if (!type || !LLVMIsAGlobalVariable(type) || !LLVMGetInitializer(type)) return false;
    LLVMValueRef whole = LLVMGetInitializer(type), inner;
    while (LLVMGetTypeKind(LLVMTypeOf(whole)) == LLVMStructTypeKind && (inner = LLVMGetAggregateElement(whole, 0)) &&
           LLVMGetTypeKind(LLVMTypeOf(inner)) == LLVMStructTypeKind)
        whole = inner; /* under tricc it is the first member of a struct */
    if (LLVMGetTypeKind(LLVMTypeOf(whole)) != LLVMStructTypeKind) return false;
    const char *name = LLVMGetStructName(LLVMTypeOf(whole));
    if (!name || strncmp(name, "struct.tri_type", 15) != 0) return false;
    LLVMValueRef v = LLVMGetAggregateElement(whole, field);
    if (!v || !LLVMIsAConstantInt(v)) return false;
    *out = LLVMConstIntGetZExtValue(v);
    return true;
}
enum { TYPE_SIZE = 2, TYPE_ALIGN = 3 }; /* fields of tri_type */

static bool product(uint64_t x, uint64_t y, uint64_t *out) { return !__builtin_mul_overflow(x, y, out); }

uint64_t allocator_size(struct analysis *a, const struct allocator *how, LLVMValueRef call, uint64_t *align) {
    (void)a;
    uint64_t x, y, z, size = 0;
    unsigned n = (unsigned)LLVMGetNumArgOperands(call);
    *align = 16;
    if (how->how == VARIES || n <= how->a || n <= how->b) return 0;
    LLVMValueRef first = LLVMGetArgOperand(call, how->a), second = LLVMGetArgOperand(call, how->b);
    switch (how->how) {
    case SIZE: /* tri__new(type, size) */
        if (how->a == 1 && type_field(LLVMGetArgOperand(call, 0), TYPE_ALIGN, &z) && z > *align) *align = z;
        return constant_of(first, &x) ? x : 0;
    case PRODUCT: return constant_of(first, &x) && constant_of(second, &y) && product(x, y, &size) ? size : 0;
    case ALIGNED:
        if (!constant_of(first, &x) || !constant_of(second, &y) || x & (x - 1)) return 0;
        if (x > *align) *align = x;
        return y;
    case ARRAY:
        if (!type_field(first, TYPE_SIZE, &x) || !constant_of(second, &y) || !product(x, y, &size)) return 0;
        if (type_field(first, TYPE_ALIGN, &z) && z > *align) *align = z;
        return size;
    case FLEX: /* type, head, elem, n, kind: the type's size at least */
        if (n < 4 || !type_field(first, TYPE_SIZE, &z) || !constant_of(LLVMGetArgOperand(call, 1), &x) ||
            !constant_of(LLVMGetArgOperand(call, 2), &y) || !constant_of(LLVMGetArgOperand(call, 3), &size) ||
            !product(y, size, &y) || __builtin_add_overflow(x, y, &size))
            return 0;
        if (z > size) size = z;
        if (type_field(first, TYPE_ALIGN, &z) && z > *align) *align = z;
        return size;
    default: return 0;
    }
}
