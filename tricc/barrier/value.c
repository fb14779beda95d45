/* value.c - whether what is stored may be a pointer: see barrier.h.
 *
 * Of pointer type: yes, but for null and addresses of globals and functions. Integers of eight bytes: C programs keep pointers in
 * uintptr_t, long, unions and tagged words, so yes, unless the computation shows that they are counts: constants,
 * narrower integers widened, products, quotients, shifts, comparisons. Everything else holds
 * no pointer (pointers in doubles and in halves of words are not supported: docs/tricc.md).
 *
 * A shift or quotient is a number, but programs cut pointers to a multiple by shifting there and back (`w >> 4 << 4`, `w / 16 * 16`, `w << 16 >> 16`
 * of one with a tag on top). So what is known of an integer (struct facts) remembers by what a pointer was divided,
 * or multiplied; the inverse makes a pointer of it again. Other factors do not, so that hashes, fixed-point numbers and indices
 * stay numbers.
 *
 * A local variable is what is stored into it, and a phi what comes in. Both may depend on themselves: then all is computed again with what was found, until
 * that does not change.
 */
#include "barrier.h"
#include "../ir/ir.h"

enum { DEPTH = 12, SEEN = 64, ROUNDS = 8, STEPS = 2000 };

/* An integer may be any of these at once: it comes from several places, or is a sum of them. */
struct facts {
    bool constant, pointer;
    uint64_t down; /* a pointer divided by this; 0: none */
    uint64_t up;   /* a pointer multiplied by this; 0: none */
};
#define ANY UINT64_MAX /* of several factors, or one that is not known */

static const struct facts nothing, a_constant = {.constant = true}, a_pointer = {.pointer = true},
                          anything = {.pointer = true, .down = ANY, .up = ANY}; /* too much to look at */

struct node {
    LLVMValueRef value;
    struct facts facts; /* as far as known: of this round or the last */
    unsigned round;     /* in which they were asked for last */
    bool open;          /* being computed */
};

struct trail {
    struct node seen[SEEN];
    unsigned n, round, steps;
    unsigned inside; /* of so many shifts and the like: there more than whether it may be a pointer is asked */
    bool cyclic, changed;
};

static bool is_enough(struct facts f, const struct trail *t) { return f.pointer && !t->inside; }

static struct facts facts_of(LLVMValueRef v, struct trail *t, unsigned depth);

static uint64_t join_factors(uint64_t a, uint64_t b) {
    if (!a || !b) return a | b;
    return a == b ? a : ANY;
}

static struct facts join(struct facts a, struct facts b) {
    return (struct facts){a.constant || b.constant, a.pointer || b.pointer, join_factors(a.down, b.down), join_factors(a.up, b.up)};
}

static bool same(struct facts a, struct facts b) {
    return a.constant == b.constant && a.pointer == b.pointer && a.down == b.down && a.up == b.up;
}

/* The value's node, new or old; NULL: there are too many. */
static struct node *find_node(struct trail *t, LLVMValueRef v) {
    for (unsigned i = 0; i < t->n; i++)
        if (t->seen[i].value == v) return &t->seen[i];
    if (t->n == SEEN) return NULL;
    t->seen[t->n] = (struct node){.value = v};
    return &t->seen[t->n++];
}

/* What is stored into a local whose address goes nowhere else. */
static struct facts compute_local(LLVMValueRef local, struct trail *t, unsigned depth) {
    struct facts f = nothing;
    for (LLVMUseRef use = LLVMGetFirstUse(local); use && !is_enough(f, t); use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (LLVMIsALoadInst(user)) continue;
        if (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == local) f = join(f, facts_of(LLVMGetOperand(user, 0), t, depth + 1));
        else if (!LLVMIsADbgInfoIntrinsic(user) && !LLVMIsAIntrinsicInst(user)) return a_pointer;
        if (LLVMIsAMemCpyInst(user) || LLVMIsAMemMoveInst(user)) return a_pointer;
    }
    return f;
}

static struct facts compute_phi(LLVMValueRef phi, struct trail *t, unsigned depth) {
    struct facts f = nothing;
    for (unsigned i = 0; i < LLVMCountIncoming(phi) && !is_enough(f, t); i++) f = join(f, facts_of(LLVMGetIncomingValue(phi, i), t, depth + 1));
    return f;
}

/* Of a local or a phi, once a round; within itself, what the last round has found. */
static struct facts facts_of_node(LLVMValueRef v, struct trail *t, unsigned depth) {
    struct node *n = find_node(t, v);
    if (!n) return anything;
    t->cyclic |= n->open;
    if (n->round == t->round) return n->facts;
    n->round = t->round;
    n->open = true;
    struct facts f = LLVMIsAPHINode(v) ? compute_phi(v, t, depth) : compute_local(v, t, depth);
    n->open = false;
    f = join(f, n->facts);
    t->changed |= !same(f, n->facts);
    return n->facts = f;
}

static struct facts of_both(LLVMValueRef a, LLVMValueRef b, struct trail *t, unsigned depth) {
    struct facts f = facts_of(a, t, depth + 1);
    return is_enough(f, t) ? f : join(f, facts_of(b, t, depth + 1));
}

/* ---- factors ---- */

static bool is_wide(LLVMTypeRef type) { return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) > 64; }

/* What an operation multiplies or divides by: ANY when it is no constant. */
static uint64_t factor_of(LLVMValueRef v, bool shift) {
    LLVMValueRef by = LLVMGetOperand(v, 1);
    if (!LLVMIsAConstantInt(by) || is_wide(LLVMTypeOf(by))) return ANY;
    uint64_t n = LLVMConstIntGetZExtValue(by);
    if (!shift) return n;
    return n < 63 ? 1ull << n : 0;
}

/* An address moved by more than this has lost what makes it one. */
#define MOST (1ull << 24)

static uint64_t times(uint64_t a, uint64_t b) {
    if (!a || !b) return 0;
    if (a == ANY || b == ANY) return ANY;
    return a * b <= MOST ? a * b : 0; /* both are no more than MOST */
}

/* Done by `by` to what was done the other way by `before`: whether the pointer is back, and what else is left of `before`. (Odd
 * factors are hashes': nothing is aligned to them.) */
static bool undoes(uint64_t before, uint64_t by, uint64_t *left) {
    *left = 0;
    if (!before || !by) return false;
    if (before == by && by != ANY) return true;
    if (before == ANY || by == ANY) return *left = ANY, by == ANY || by % 2 == 0;
    if (before % by == 0) *left = before / by;
    return false;
}

static struct facts divided(struct facts f, uint64_t by) {
    if (by == 1) return f;
    if (by != ANY && by > MOST) return nothing;
    struct facts d = {.down = join_factors(f.pointer ? by : 0, times(f.down, by))};
    d.pointer = undoes(f.up, by, &d.up);
    return d;
}

static struct facts multiplied(struct facts f, uint64_t by) {
    if (by == 1) return f;
    if (by != ANY && by > MOST) return nothing;
    struct facts m = {.up = join_factors(f.pointer ? by : 0, times(f.up, by))};
    m.pointer = undoes(f.down, by, &m.down);
    return m;
}

static struct facts inner(LLVMValueRef v, struct trail *t, unsigned depth) {
    t->inside++;
    struct facts f = facts_of(v, t, depth + 1);
    t->inside--;
    return f;
}

/* A product of two variables may put a quotient back in its place; divided, it is arithmetic in fixed point. */
static struct facts product(LLVMValueRef a, LLVMValueRef b, struct trail *t, unsigned depth) {
    if (LLVMIsAConstantInt(a) && !LLVMIsAConstantInt(b)) return product(b, a, t, depth);
    if (LLVMIsAConstantInt(b)) return multiplied(inner(a, t, depth), is_wide(LLVMTypeOf(b)) ? ANY : LLVMConstIntGetZExtValue(b));
    struct facts f = join(multiplied(inner(a, t, depth), ANY), multiplied(inner(b, t, depth), ANY));
    f.up = 0;
    return f;
}

/* ---- instructions ---- */

/* Of integers wider than a pointer: shifting and widening put pointers in their place. */
static bool places_in_wide(LLVMValueRef v, LLVMOpcode op) {
    return is_wide(LLVMTypeOf(v)) && (op == LLVMZExt || op == LLVMSExt || op == LLVMShl || op == LLVMLShr || op == LLVMAShr);
}

static bool is_below(LLVMValueRef v, uint64_t limit) {
    return LLVMIsAConstantInt(v) && !is_wide(LLVMTypeOf(v)) && LLVMConstIntGetZExtValue(v) <= limit;
}

/* No more than four bytes of it, as far as constants say: no address. */
static bool is_cut_short(LLVMValueRef v, LLVMOpcode op) {
    LLVMValueRef by = LLVMGetOperand(v, 1);
    if (op == LLVMAnd) return is_below(by, UINT32_MAX) || is_below(LLVMGetOperand(v, 0), UINT32_MAX);
    return !LLVMIsAConstantInt(by) || is_below(by, 1ull << 32); /* remainder: of a variable, it is an index */
}

static bool is_short(LLVMTypeRef type) {
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind) type = LLVMGetElementType(type);
    return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) <= 32;
}

static struct facts facts_of_instruction(LLVMValueRef v, struct trail *t, unsigned depth) {
    LLVMOpcode op = LLVMGetInstructionOpcode(v);
    LLVMValueRef first = LLVMGetNumOperands(v) ? LLVMGetOperand(v, 0) : NULL;
    if (places_in_wide(v, op)) return tricc_type_holds_pointers(LLVMTypeOf(first)) ? facts_of(first, t, depth + 1) : nothing;
    switch (op) {
    case LLVMZExt:
    case LLVMSExt: return is_short(LLVMTypeOf(first)) ? nothing : a_pointer;
    case LLVMFPToUI:
    case LLVMFPToSI: return nothing;
    case LLVMURem:
    case LLVMSRem: return is_cut_short(v, op) ? nothing : facts_of(first, t, depth + 1);
    case LLVMUDiv:
    case LLVMSDiv: return divided(inner(first, t, depth), factor_of(v, false));
    case LLVMLShr:
    case LLVMAShr: return divided(inner(first, t, depth), factor_of(v, true));
    case LLVMShl: return multiplied(inner(first, t, depth), factor_of(v, true));
    case LLVMMul: return product(first, LLVMGetOperand(v, 1), t, depth);
    case LLVMAnd:
        if (is_cut_short(v, op)) return nothing;
        /* fall through */
    case LLVMAdd:
    case LLVMSub:
    case LLVMOr:
    case LLVMXor: return of_both(first, LLVMGetOperand(v, 1), t, depth);
    case LLVMSelect: return of_both(LLVMGetOperand(v, 1), LLVMGetOperand(v, 2), t, depth);
    case LLVMPHI: return facts_of_node(v, t, depth);
    case LLVMFreeze: return facts_of(first, t, depth + 1);
    case LLVMLoad: return LLVMIsAAllocaInst(first) && LLVMGetAllocatedType(first) == LLVMTypeOf(v) ? facts_of_node(first, t, depth) : a_pointer;
    default: return a_pointer;
    }
}

static struct facts facts_of(LLVMValueRef v, struct trail *t, unsigned depth) {
    if (LLVMIsAUndefValue(v) || LLVMIsNull(v)) return a_constant;
    if (LLVMIsAConstant(v)) { /* an integer cast to a pointer may be anything; an address of a global is none of ours */
        if (LLVMIsAGlobalValue(tricc_ir_strip(v))) return a_constant;
        if (LLVMIsAConstantInt(v)) return a_constant;
        return LLVMIsABlockAddress(v) ? a_constant : a_pointer;
    }
    if (LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMPointerTypeKind && LLVMIsAAllocaInst(tricc_ir_strip(v))) return a_constant;
    if (!LLVMIsAInstruction(v)) return a_pointer;
    if (LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMPointerTypeKind) return a_pointer;
    return depth > DEPTH || ++t->steps > STEPS ? anything : facts_of_instruction(v, t, depth);
}

/* A computed integer that turned out to be made of constants only is a number. */
enum content tricc_content(LLVMValueRef value) {
    struct trail t = {.n = 0};
    struct facts f;
    do {
        t.round++;
        t.cyclic = t.changed = false;
        f = facts_of(value, &t, 0);
    } while (!f.pointer && t.cyclic && t.changed && t.round < ROUNDS);
    if (f.pointer || t.round == ROUNDS) return CONTENT_POINTER;
    bool integer = LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMIntegerTypeKind;
    return f.constant && !integer ? CONTENT_CONSTANT : CONTENT_NONE;
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
