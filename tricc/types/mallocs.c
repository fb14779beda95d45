/* mallocs.c - calls of malloc and calloc that are plainly for a struct T (-fmanaged-malloc): see types.h.
 *
 *     struct node *n = malloc(sizeof *n);
 *
 * A block of malloc's is whatever the program stores into it, and nothing says for how long it stays that. So what is
 * taken for T is only what is all of:
 *
 *  - in size: malloc of exactly sizeof(T), or calloc of elements of that size;
 *  - in type: the result goes to a variable, a struct's field or a function's result declared as T *, and T is a complete struct;
 *  - in use: the function that allocates does nothing with it, nor with the locals that it copies it to, but access T's members and hand
 *    the pointer on. An access as another type, arithmetic, a realloc, a copy that is longer: no;
 *  - in shape: no array in T of no or one element, which programs make longer than declared.
 *
 * And T is then believed less than where tri_new(T) says it. Not scanned are only members that are numbers of less than eight bytes or
 * floating, arrays of the latter, and padding. Scanned are:
 *
 *  - pointers and integers of eight bytes, as ever;
 *  - arrays of integers and characters, and unions: the usual ways to say "memory";
 *  - the first word, whatever it is: a dead object in a free list of the program's holds the link there, through a cast;
 *  - each word that is scanned in a struct that begins with the same member (same name, same type): programs that use a block for
 *    one type and then another tell the two apart by something at the start.
 *
 * So no block is ever taken to hold no pointers. What could still go wrong is a block that a program uses, in turn, for two structs that
 * have nothing in common at the start: -fno-typed-malloc is for that.
 *
 * What it brings: no spare byte at the end, so sizes that are a multiple of 16 get blocks of just that size (16 instead of 32, 32 instead
 * of 48); numbers that are not taken for pointers; and an allocation that is inlined. Blocks stay aligned to 16 bytes. In exchange a pointer
 * just past the end of such an object keeps it alive from stacks, registers and thread-locals only.
 */
#include "types.h"
#include "../escape/graph.h"
#include "../ir/ir.h"

#include <llvm-c/DebugInfo.h>
#include <stdlib.h>
#include <string.h>

enum { SCOPE_TYPE_ARRAY = 3, TYPE_OF_VARIABLE = 3, TYPE_OF_SUBPROGRAM = 4, BASE = 3, ELEMENTS = 4, MEMBER_NAME = 2 };
enum { TAG_MEMBER = 0x0d, TAG_POINTER = 0x0f, TAG_STRUCT = 0x13, TAG_TYPEDEF = 0x16 };
enum { KIND_ANY = 0, KIND_FIELDS = 2 }; /* enum tri__kind */

/* A struct type of the program's. */
struct type {
    LLVMMetadataRef node;
    const char *name; /* its tag, or the typedef that it has instead; not terminated */
    bool tagged;
    size_t length;
    uint64_t size;
};

struct site {
    LLVMMetadataRef node;
    bool array;
    LLVMValueRef global; /* NULL: every word may be a pointer, and nothing is gained */
    unsigned scanned, words;
};

struct finder {
    LLVMModuleRef module;
    LLVMContextRef context;
    LLVMTargetDataRef data;
    const struct tricc_options *options;
    struct tricc_diag *diag;
    struct tricc_stats *stats;
    struct pool *pool;
    LLVMValueRef function;
    struct table *variables; /* of the function: alloca → DILocalVariable; NULL: not asked for yet */
    struct type **structs;   /* of the module, once asked for */
    unsigned nstructs, structs_room;
    bool collected;
    struct site **sites;
    unsigned nsites, sites_room;
};

/* A call that may be for a struct. */
enum { DEEPEST = 8, VARIABLES = 16 };
struct shape {
    LLVMValueRef call, count; /* count: of an array's elements; NULL: one object */
    uint64_t size;            /* of one */
    struct type type;         /* node NULL: not known */
    const char *refusal;
    LLVMValueRef looked[VARIABLES]; /* variables that hold it, looked at already */
    unsigned nlooked;
};

/* ---- types ---- */

/* The struct behind typedefs and qualifiers; false: it is none, or not complete. */
static bool struct_of(struct finder *f, LLVMMetadataRef t, struct type *out) {
    size_t length = 0;
    const char *name = "";
    LLVMMetadataRef plain = tricc_plain_type(f->context, t);
    if (!plain || LLVMGetDINodeTag(plain) != TAG_STRUCT || !tricc_md_operand(f->context, plain, ELEMENTS)) return false;
    for (unsigned i = 0; t != plain && i < 64; i++, t = tricc_md_operand(f->context, t, BASE))
        if (LLVMGetDINodeTag(t) == TAG_TYPEDEF) name = LLVMDITypeGetName(t, &length);
    size_t tag_length = 0;
    const char *tag = LLVMDITypeGetName(plain, &tag_length);
    if (tag_length) name = tag, length = tag_length;
    *out = (struct type){plain, name, tag_length != 0, length, LLVMDITypeGetSizeInBits(plain) / 8};
    return length && out->size;
}

static bool pointee_of(struct finder *f, LLVMMetadataRef t, struct type *out) {
    t = t ? tricc_plain_type(f->context, t) : NULL;
    if (!t || LLVMGetDINodeTag(t) != TAG_POINTER) return false;
    t = tricc_md_operand(f->context, t, BASE);
    return t && struct_of(f, t, out);
}

/* Whether an LLVM type is the struct: "struct.node", "struct.node.12". */
static bool is_struct(struct finder *f, LLVMTypeRef t, const struct type *type) {
    static const char prefix[] = "struct.";
    const char *name = LLVMGetTypeKind(t) == LLVMStructTypeKind ? LLVMGetStructName(t) : NULL;
    if (!name || strncmp(name, prefix, strlen(prefix)) != 0 || LLVMIsOpaqueStruct(t)) return false;
    name += strlen(prefix);
    return strncmp(name, type->name, type->length) == 0 && (!name[type->length] || name[type->length] == '.') &&
           LLVMABISizeOfType(f->data, t) == type->size;
}

/* ---- all structs of the module ---- */

static void visit_node(struct finder *f, struct table *seen, LLVMMetadataRef **stack, unsigned *n, unsigned *room, LLVMMetadataRef node) {
    LLVMMetadataKind kind = node ? LLVMGetMetadataKind(node) : LLVMMDStringMetadataKind;
    if (kind < LLVMMDTupleMetadataKind || kind == LLVMDIArgListMetadataKind || table_get(seen, node)) return;
    table_put(seen, f->pool, node, node);
    POOL_PUSH(f->pool, *stack, *n, *room, node);
}

/* A struct, or the typedef of one without a tag. */
static void note_struct(struct finder *f, LLVMMetadataRef node) {
    LLVMMetadataKind kind = LLVMGetMetadataKind(node);
    if (kind != LLVMDICompositeTypeMetadataKind && kind != LLVMDIDerivedTypeMetadataKind) return;
    unsigned tag = LLVMGetDINodeTag(node);
    struct type *t = pool_take(f->pool, sizeof *t);
    if ((tag == TAG_STRUCT || tag == TAG_TYPEDEF) && struct_of(f, node, t)) POOL_PUSH(f->pool, f->structs, f->nstructs, f->structs_room, t);
}

/* All that debug information leads to, from the functions, their variables and the globals. */
static void collect_structs(struct finder *f) {
    if (f->collected) return;
    f->collected = true;
    struct table *seen = table_new(f->pool);
    LLVMMetadataRef *stack = NULL;
    unsigned n = 0, room = 0;
    unsigned nunits = LLVMGetNamedMetadataNumOperands(f->module, "llvm.dbg.cu");
    LLVMValueRef *units = pool_take(f->pool, (nunits + 1) * sizeof *units);
    LLVMGetNamedMetadataOperands(f->module, "llvm.dbg.cu", units);
    for (unsigned i = 0; i < nunits; i++) visit_node(f, seen, &stack, &n, &room, LLVMValueAsMetadata(units[i]));
    TRICC_EACH_FUNCTION(function, f->module) {
        visit_node(f, seen, &stack, &n, &room, LLVMGetSubprogram(function));
        TRICC_EACH_BLOCK(b, function)
        TRICC_EACH_INST(i, next, b) {
            struct tricc_var v;
            if (tricc_ir_var(i, &v)) visit_node(f, seen, &stack, &n, &room, v.node);
        }
    }
    while (n) {
        LLVMMetadataRef node = stack[--n];
        LLVMValueRef value = LLVMMetadataAsValue(f->context, node);
        unsigned count = (unsigned)LLVMGetMDNodeNumOperands(value);
        LLVMValueRef *operands = malloc((count + 1) * sizeof *operands);
        if (!operands) return;
        note_struct(f, node);
        LLVMGetMDNodeOperands(value, operands);
        for (unsigned i = 0; i < count; i++)
            if (operands[i] && LLVMIsAMDNode(operands[i])) visit_node(f, seen, &stack, &n, &room, LLVMValueAsMetadata(operands[i]));
        free(operands);
    }
}

/* ---- members ---- */

static LLVMMetadataRef member_at(struct finder *f, LLVMMetadataRef type, uint64_t bits) {
    LLVMMetadataRef members = tricc_md_operand(f->context, type, ELEMENTS), one;
    for (unsigned i = 0; members && (one = tricc_md_operand(f->context, members, i)); i++)
        if (LLVMGetDINodeTag(one) == TAG_MEMBER && LLVMDITypeGetOffsetInBits(one) == bits) return one;
    return NULL;
}

/* Whether the two begin with the same member. */
static bool same_start(struct finder *f, LLVMMetadataRef a, LLVMMetadataRef b) {
    size_t an = 0, bn = 0;
    LLVMMetadataRef x = member_at(f, a, 0), y = member_at(f, b, 0);
    const char *xname = x ? LLVMDITypeGetName(x, &an) : NULL, *yname = y ? LLVMDITypeGetName(y, &bn) : NULL;
    if (!x || !y || an != bn || (an && memcmp(xname, yname, an) != 0)) return false;
    LLVMMetadataRef of_x = tricc_md_operand(f->context, x, BASE), of_y = tricc_md_operand(f->context, y, BASE);
    return of_x && of_y && tricc_plain_type(f->context, of_x) == tricc_plain_type(f->context, of_y);
}

static void add_relatives(struct finder *f, const struct type *type, struct tricc_layout *l) {
    collect_structs(f);
    for (unsigned i = 0; i < f->nstructs; i++) {
        struct tricc_layout other;
        if (f->structs[i]->node == type->node || !same_start(f, type->node, f->structs[i]->node)) continue;
        tricc_layout_of(f->context, f->structs[i]->node, TRICC_GUESSED, &other);
        for (uint64_t w = 0; other.mask && w < other.words && w < l->words; w++) l->mask[w / 64] |= other.mask[w / 64] & 1ull << w % 64;
        free(other.mask);
    }
}

/* ---- what the result is declared as ---- */

static LLVMMetadataRef type_of_local(struct finder *f, LLVMValueRef storage) {
    if (!f->variables) {
        f->variables = table_new(f->pool);
        TRICC_EACH_BLOCK(b, f->function)
        TRICC_EACH_INST(i, next, b) {
            struct tricc_var v;
            if (tricc_ir_var(i, &v)) table_put(f->variables, f->pool, v.storage, v.node);
        }
    }
    LLVMMetadataRef node = table_get(f->variables, storage);
    return node ? tricc_md_operand(f->context, node, TYPE_OF_VARIABLE) : NULL;
}

static LLVMMetadataRef type_of_result(struct finder *f) {
    LLVMMetadataRef function = LLVMGetSubprogram(f->function);
    LLVMMetadataRef type = function ? tricc_md_operand(f->context, function, TYPE_OF_SUBPROGRAM) : NULL;
    LLVMMetadataRef all = type ? tricc_md_operand(f->context, type, SCOPE_TYPE_ARRAY) : NULL;
    return all ? tricc_md_operand(f->context, all, 0) : NULL;
}

static LLVMMetadataRef type_of_global(struct finder *f, LLVMValueRef global) {
    size_t n = 0;
    LLVMMetadataRef type = NULL;
    LLVMValueMetadataEntry *all = LLVMGlobalCopyAllMetadata(global, &n);
    for (unsigned i = 0; i < n && !type; i++) {
        LLVMMetadataRef expression = LLVMValueMetadataEntriesGetMetadata(all, i);
        if (LLVMGetMetadataKind(expression) != LLVMDIGlobalVariableExpressionMetadataKind) continue;
        LLVMMetadataRef variable = tricc_md_operand(f->context, expression, 0);
        if (variable) type = tricc_md_operand(f->context, variable, TYPE_OF_VARIABLE);
    }
    if (all) LLVMDisposeValueMetadataEntries(all);
    return type;
}

/* Of a field, by the name of the struct that it is in: the one struct that has such a member there. */
static LLVMMetadataRef type_of_field(struct finder *f, LLVMValueRef gep) {
    LLVMTypeRef in = LLVMGetGEPSourceElementType(gep);
    LLVMValueRef last = LLVMGetOperand(gep, (unsigned)LLVMGetNumOperands(gep) - 1);
    if (LLVMGetNumOperands(gep) != 3 || LLVMGetTypeKind(in) != LLVMStructTypeKind || !LLVMIsAConstantInt(last)) return NULL;
    uint64_t at = LLVMOffsetOfElement(f->data, in, (unsigned)LLVMConstIntGetZExtValue(last)) * 8;
    LLVMMetadataRef found = NULL;
    collect_structs(f);
    for (unsigned i = 0; i < f->nstructs; i++) {
        if (!f->structs[i]->length || !is_struct(f, in, f->structs[i])) continue;
        LLVMMetadataRef member = member_at(f, f->structs[i]->node, at);
        LLVMMetadataRef type = member ? tricc_md_operand(f->context, member, BASE) : NULL;
        if (!type || (found && found != type)) return NULL;
        found = type;
    }
    return found;
}

/* ---- how it is used ---- */

static const char elsewhere[] = "is not all that it is used as", longer[] = "has an array that may be longer than declared";

static bool copy_fits(const struct shape *s, LLVMValueRef call) {
    LLVMValueRef bytes = LLVMGetOperand(call, 2);
    return s->count || (LLVMIsAConstantInt(bytes) && LLVMConstIntGetZExtValue(bytes) <= s->size);
}

static bool call_fits(const struct shape *s, LLVMValueRef call, LLVMValueRef p) {
    if (LLVMGetCalledValue(call) == p) return false;
    if (LLVMIsAInlineAsm(LLVMGetCalledValue(call))) return false;
    if (LLVMIsAMemCpyInst(call) || LLVMIsAMemMoveInst(call) || LLVMIsAMemSetInst(call)) return copy_fits(s, call);
    const char *name = tricc_ir_callee_name(call);
    return strcmp(name, "tri__realloc") != 0 && strcmp(name, "tri__reallocarray") != 0;
}

static bool uses_fit(struct finder *f, struct shape *s, LLVMValueRef p, unsigned depth);
static bool variable_fits(struct finder *f, struct shape *s, LLVMValueRef variable, unsigned depth);

/* A member of it, or an element of an array. */
static bool address_fits(struct finder *f, struct shape *s, LLVMValueRef gep, LLVMValueRef p, unsigned depth) {
    if (LLVMGetOperand(gep, 0) != p || !is_struct(f, LLVMGetGEPSourceElementType(gep), &s->type)) return false;
    LLVMValueRef first = LLVMGetOperand(gep, 1);
    bool itself = LLVMIsAConstantInt(first) && LLVMConstIntGetZExtValue(first) == 0;
    if (!itself && !s->count) return false;
    return LLVMGetNumOperands(gep) > 2 || uses_fit(f, s, gep, depth + 1);
}

/* What the first word, which is scanned in any case, can hold. (The address of the first member is the object's in inlined code.) */
static bool is_word(struct finder *f, LLVMTypeRef t) { return LLVMABISizeOfType(f->data, t) <= 8; }

static bool use_fits(struct finder *f, struct shape *s, LLVMValueRef user, LLVMValueRef p, unsigned depth) {
    if (!LLVMIsAInstruction(user)) return false;
    switch (LLVMGetInstructionOpcode(user)) {
    case LLVMLoad: return is_word(f, LLVMTypeOf(user));
    case LLVMStore: {
        LLVMValueRef to = LLVMGetOperand(user, 1), value = LLVMGetOperand(user, 0);
        if (to == p) return value != p && is_word(f, LLVMTypeOf(value));
        return !LLVMIsAAllocaInst(to) || variable_fits(f, s, to, depth + 1);
    }
    case LLVMGetElementPtr: return address_fits(f, s, user, p, depth);
    case LLVMCall:
    case LLVMInvoke: return LLVMIsADbgInfoIntrinsic(user) || call_fits(s, user, p);
    case LLVMICmp:
    case LLVMRet:
    case LLVMPHI:
    case LLVMSelect: return true;
    default: return false;
    }
}

static bool uses_fit(struct finder *f, struct shape *s, LLVMValueRef p, unsigned depth) {
    if (depth > DEEPEST) return false;
    for (LLVMUseRef u = LLVMGetFirstUse(p); u; u = LLVMGetNextUse(u))
        if (!use_fits(f, s, LLVMGetUser(u), p, depth)) return false;
    return true;
}

/* All that is done with a variable that holds it, perhaps among others. */
static bool variable_fits(struct finder *f, struct shape *s, LLVMValueRef variable, unsigned depth) {
    for (unsigned i = 0; i < s->nlooked; i++)
        if (s->looked[i] == variable) return true;
    if (depth > DEEPEST || s->nlooked == VARIABLES) return false;
    s->looked[s->nlooked++] = variable;
    for (LLVMUseRef u = LLVMGetFirstUse(variable); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        if (LLVMIsALoadInst(user)) {
            if (!uses_fit(f, s, user, depth)) return false;
        } else if (!(LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == variable && LLVMGetOperand(user, 0) != variable) &&
                   !LLVMIsAIntrinsicInst(user)) {
            return false;
        }
    }
    return true;
}

/* Whether a local without a name is the function's result: stores, and loads that are returned. */
static bool is_result(LLVMValueRef local) {
    for (LLVMUseRef u = LLVMGetFirstUse(local); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        if (LLVMIsAStoreInst(user)) continue;
        LLVMUseRef only = LLVMIsALoadInst(user) ? LLVMGetFirstUse(user) : NULL;
        if (!only || LLVMGetNextUse(only) || !LLVMIsAReturnInst(LLVMGetUser(only))) return false;
    }
    return true;
}

/* Where the result is stored: what that is declared as. */
static LLVMMetadataRef type_of_place(struct finder *f, LLVMValueRef place) {
    if (LLVMIsAAllocaInst(place)) {
        LLVMMetadataRef type = type_of_local(f, place);
        return type ? type : is_result(place) ? type_of_result(f) : NULL;
    }
    if (LLVMIsAGlobalVariable(place)) return type_of_global(f, place);
    return LLVMIsAGetElementPtrInst(place) ? type_of_field(f, place) : NULL;
}

/* Fills s->type, and s->refusal if it turns out not to be clear. False: no word about it. */
static bool find_type(struct finder *f, struct shape *s) {
    for (LLVMUseRef u = LLVMGetFirstUse(s->call); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        LLVMMetadataRef declared = NULL;
        struct type type;
        if (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 0) == s->call) declared = type_of_place(f, LLVMGetOperand(user, 1));
        else if (LLVMIsAReturnInst(user)) declared = type_of_result(f);
        else continue;
        if (!pointee_of(f, declared, &type) || type.size != s->size || (s->type.node && s->type.node != type.node)) return false;
        s->type = type;
    }
    if (!s->type.node) return false;
    if (!uses_fit(f, s, s->call, 0)) s->refusal = elsewhere;
    return true;
}

/* ---- sites ---- */

/* The tri_type: as struct tri_type in <tricolor/type.h>. */
static LLVMValueRef make_global(struct finder *f, const struct tricc_layout *l, uint64_t size, bool full) {
    LLVMTypeRef i32 = LLVMInt32TypeInContext(f->context), i64 = LLVMInt64TypeInContext(f->context);
    LLVMValueRef none = LLVMConstNull(LLVMPointerTypeInContext(f->context, 0)), fields = none;
    unsigned nfields = 0;
    if (!full) fields = tricc_make_fields(f->module, l, &nfields);
    if (!fields) return NULL;
    LLVMValueRef member[] = {LLVMConstInt(i32, 0, false), LLVMConstInt(i32, full ? KIND_ANY : KIND_FIELDS, false), LLVMConstInt(i64, size, false),
                             LLVMConstInt(i32, 16, false), LLVMConstInt(i32, nfields, false), fields, none, none, none, none};
    LLVMValueRef whole = LLVMConstStructInContext(f->context, member, sizeof member / sizeof *member, false);
    LLVMValueRef global = LLVMAddGlobal(f->module, LLVMTypeOf(whole), "tri__malloc_type_of");
    LLVMSetInitializer(global, whole);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetAlignment(global, 8);
    return global;
}

static struct site *make_site(struct finder *f, const struct shape *s, const char **refusal) {
    struct tricc_layout l;
    tricc_layout_of(f->context, s->type.node, TRICC_GUESSED, &l);
    if (l.unknown || l.unaligned || !l.mask) *refusal = "has pointers that are not aligned";
    else if (l.open) *refusal = longer;
    if (*refusal) return free(l.mask), NULL;
    add_relatives(f, &s->type, &l);
    struct site *site = pool_take(f->pool, sizeof *site);
    *site = (struct site){.node = s->type.node, .array = s->count != NULL, .words = (unsigned)l.words};
    for (uint64_t w = 0; w < l.words; w++) site->scanned += l.mask[w / 64] >> w % 64 & 1;
    bool full = site->scanned == l.words;
    uint64_t size = site->array ? s->size : (s->size + 15) & ~15ull;
    if (!full || (!site->array && s->size == size)) site->global = make_global(f, &l, size, full);
    POOL_PUSH(f->pool, f->sites, f->nsites, f->sites_room, site);
    free(l.mask);
    return site;
}

static struct site *site_of(struct finder *f, const struct shape *s, const char **refusal) {
    for (unsigned i = 0; i < f->nsites; i++)
        if (f->sites[i]->node == s->type.node && f->sites[i]->array == (s->count != NULL)) return f->sites[i];
    return make_site(f, s, refusal);
}

static LLVMValueRef library_function(struct finder *f, const char *name, LLVMTypeRef type) {
    LLVMValueRef function = LLVMGetNamedFunction(f->module, name);
    return function ? function : LLVMAddFunction(f->module, name, type);
}

static void replace_call(struct finder *f, const struct shape *s, LLVMValueRef global) {
    LLVMTypeRef ptr = LLVMPointerTypeInContext(f->context, 0), i64 = LLVMInt64TypeInContext(f->context);
    LLVMBuilderRef builder = LLVMCreateBuilderInContext(f->context);
    LLVMPositionBuilderBefore(builder, s->call);
    LLVMValueRef args[2] = {global, s->count}, function;
    unsigned n = 1;
    if (s->count) {
        function = library_function(f, "tri__calloc_type", LLVMFunctionType(ptr, (LLVMTypeRef[]){ptr, i64}, 2, false));
        n = 2;
    } else if (f->options->opt_level) {
        function = tricc_ir_prelude(f->module, "malloc", f->options, f->diag);
        args[1] = LLVMConstInt(i64, (s->size + 15) & ~15ull, false);
        n = 2;
    } else {
        function = library_function(f, "tri__malloc_type", LLVMFunctionType(ptr, &ptr, 1, false));
    }
    if (function) {
        LLVMReplaceAllUsesWith(s->call, tricc_ir_call(builder, function, args, n, s->call));
        LLVMInstructionEraseFromParent(s->call);
    }
    LLVMDisposeBuilder(builder);
}

/* ---- calls ---- */

static bool constant(LLVMValueRef v, uint64_t *out) {
    if (!LLVMIsAConstantInt(v)) return false;
    *out = LLVMConstIntGetZExtValue(v);
    return true;
}

/* One object's size, and how many. */
static bool read_shape(LLVMValueRef call, struct shape *s) {
    const char *name = tricc_ir_callee_name(call);
    uint64_t n, size;
    *s = (struct shape){.call = call};
    if (strcmp(name, "tri__malloc") == 0) return constant(LLVMGetOperand(call, 0), &s->size);
    if (strcmp(name, "tri__calloc") != 0) return false;
    LLVMValueRef count = LLVMGetOperand(call, 0), each = LLVMGetOperand(call, 1);
    if (constant(count, &n) && constant(each, &size) && (n == 1 || size == 1)) {
        s->size = n == 1 ? size : n;
        return true;
    }
    s->count = count;
    return constant(each, &s->size);
}

static void visit_call(struct finder *f, struct shape *s) {
    bool array = s->count != NULL, known = find_type(f, s);
    struct site *site = known && !s->refusal ? site_of(f, s, &s->refusal) : NULL;
    const char *what = array || strcmp(tricc_ir_callee_name(s->call), "tri__calloc") == 0 ? "calloc" : "malloc";
    const char *keyword = s->type.tagged ? "struct " : "";
    struct tricc_loc at = tricc_ir_loc(s->call);
    bool typed = site && site->global;
    if (typed)
        tricc_diag_say(f->diag, at, "%s is laid out as %s%.*s: %u of %u words may be pointers", what, keyword, (int)s->type.length,
                       s->type.name, site->scanned, site->words);
    else if (s->refusal)
        tricc_diag_say(f->diag, at, "%s is scanned conservatively: %s%.*s %s", what, keyword, (int)s->type.length, s->type.name, s->refusal);
    tricc_stats_count(f->stats, f->function, typed ? TRICC_STAT_type_exact : TRICC_STAT_type_any, 1);
    if (typed) replace_call(f, s, site->global);
}

static void visit_function(struct finder *f, LLVMValueRef function) {
    f->function = function;
    f->variables = NULL;
    TRICC_EACH_BLOCK(b, function)
    TRICC_EACH_INST(i, next, b) {
        struct shape s;
        if (LLVMIsACallInst(i) && read_shape(i, &s)) visit_call(f, &s);
    }
}

void tricc_mallocs_run(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    struct finder f = {.module = module, .context = LLVMGetModuleContext(module), .data = LLVMGetModuleDataLayout(module),
                       .options = o, .diag = d, .stats = s, .pool = pool_new()};
    TRICC_EACH_FUNCTION(function, module)
        if (LLVMGetFirstBasicBlock(function) && !tricc_ir_is_ours(function)) visit_function(&f, function);
    pool_delete(f.pool);
}
