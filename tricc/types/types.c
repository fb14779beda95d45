/* types.c - see types.h. */
#include "types.h"
#include "../ir/ir.h"

#include <llvm-c/DebugInfo.h>
#include <stdlib.h>
#include <string.h>

/* enum tri__kind and the places of members of struct tri_type, as <tricolor/type.h> has them */
enum { KIND_ANY = 0, KIND_LEAF = 1, KIND_FIELDS = 2, KIND_SITE = 8 };
enum { SITE_KIND = 1, SITE_NFIELDS = 4, SITE_FIELDS = 5, SITE_MEMBERS = 10 };
enum { BASE = 3, ELEMENTS = 4, VARIABLE = 0, VARIABLE_TYPE = 3, POINTER_TAG = 0x0f };

#define SITE_NAME "tri__site"

/* T of a site, from the type of its second member, T *[0]. */
static LLVMMetadataRef type_of_site(LLVMContextRef context, LLVMValueRef site) {
    size_t n = 0;
    LLVMMetadataRef type = NULL;
    LLVMValueMetadataEntry *all = LLVMGlobalCopyAllMetadata(site, &n);
    for (unsigned i = 0; i < n && !type; i++) {
        LLVMMetadataRef expression = LLVMValueMetadataEntriesGetMetadata(all, i);
        if (LLVMGetMetadataKind(expression) != LLVMDIGlobalVariableExpressionMetadataKind) continue;
        LLVMMetadataRef variable = tricc_md_operand(context, expression, VARIABLE);
        if (variable) type = tricc_md_operand(context, variable, VARIABLE_TYPE);
    }
    if (all) LLVMDisposeValueMetadataEntries(all);
    LLVMMetadataRef members = type ? tricc_md_operand(context, type, ELEMENTS) : NULL;
    LLVMMetadataRef probe = members ? tricc_md_operand(context, members, 1) : NULL;
    LLVMMetadataRef array = probe ? tricc_md_operand(context, probe, BASE) : NULL;
    LLVMMetadataRef pointer = array ? tricc_md_operand(context, array, BASE) : NULL;
    if (!pointer || LLVMGetDINodeTag(pointer) != POINTER_TAG) return NULL;
    return tricc_md_operand(context, pointer, BASE);
}

LLVMValueRef tricc_make_fields(LLVMModuleRef module, const struct tricc_layout *l, unsigned *nfields) {
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMTypeRef i32 = LLVMInt32TypeInContext(context);
    LLVMTypeRef field = LLVMStructTypeInContext(context, (LLVMTypeRef[]){i32, i32}, 2, false);
    LLVMValueRef *fields = malloc((l->words + 1) * sizeof *fields);
    unsigned n = 0;
    if (!fields) return NULL;
#define IN_MASK(i) (l->mask[(i) / 64] >> (i) % 64 & 1)
    for (uint64_t i = 0, from; i < l->words; i++) {
        if (!IN_MASK(i)) continue;
        for (from = i; i < l->words && IN_MASK(i); i++) {}
        LLVMValueRef members[] = {LLVMConstInt(i32, from * 8, false), LLVMConstInt(i32, (i - from) * 8, false)};
        fields[n++] = LLVMConstStructInContext(context, members, 2, false);
    }
    LLVMValueRef array = LLVMConstArray2(field, fields, n);
    LLVMValueRef global = LLVMAddGlobal(module, LLVMTypeOf(array), "tri__fields");
    LLVMSetInitializer(global, array);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetGlobalConstant(global, true);
    free(fields);
    *nfields = n;
    return global;
}

static bool is_leaf(const struct tricc_layout *l) {
    for (uint64_t i = 0; i < (l->words + 63) / 64; i++)
        if (l->mask[i]) return false;
    return true;
}

/* The initialiser of a tri_type with kind and fields put in; NULL when it does not look like one. */
static LLVMValueRef fill_site(LLVMModuleRef module, LLVMValueRef old, const struct tricc_layout *l) {
    LLVMTypeRef type = LLVMTypeOf(old);
    LLVMContextRef context = LLVMGetModuleContext(module);
    if (LLVMGetTypeKind(type) != LLVMStructTypeKind || LLVMCountStructElementTypes(type) != SITE_MEMBERS) return NULL;
    LLVMValueRef member[SITE_MEMBERS];
    for (unsigned i = 0; i < SITE_MEMBERS; i++) member[i] = LLVMGetAggregateElement(old, i);
    unsigned kind = KIND_LEAF, nfields = 0;
    if (!is_leaf(l)) {
        member[SITE_FIELDS] = tricc_make_fields(module, l, &nfields);
        if (!member[SITE_FIELDS]) return NULL;
        kind = KIND_FIELDS;
    }
    LLVMTypeRef i32 = LLVMInt32TypeInContext(context);
    member[SITE_KIND] = LLVMConstInt(i32, KIND_SITE | kind, false);
    member[SITE_NFIELDS] = LLVMConstInt(i32, nfields, false);
    return LLVMGetStructName(type) ? LLVMConstNamedStruct(type, member, SITE_MEMBERS)
                                   : LLVMConstStructInContext(context, member, SITE_MEMBERS, LLVMIsPackedStruct(type));
}

static struct tricc_loc place_of_site(LLVMValueRef site) {
    unsigned n;
    return (struct tricc_loc){LLVMGetDebugLocFilename(site, &n), LLVMGetDebugLocLine(site), 0};
}

static void visit_site(LLVMModuleRef module, LLVMValueRef site, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMValueRef old = LLVMGetInitializer(site);
    LLVMMetadataRef type = type_of_site(context, site);
    struct tricc_layout l = {0};
    if (type) tricc_layout_of(context, type, TRICC_DECLARED, &l);
    LLVMValueRef inner = type && !l.unknown && l.mask ? fill_site(module, LLVMGetAggregateElement(old, 0), &l) : NULL;
    if (inner) {
        LLVMValueRef members[] = {inner, LLVMGetAggregateElement(old, 1)};
        LLVMTypeRef outer = LLVMTypeOf(old);
        LLVMSetInitializer(site, LLVMGetStructName(outer) ? LLVMConstNamedStruct(outer, members, 2)
                                                          : LLVMConstStructInContext(context, members, 2, false));
    }
    if (l.unaligned && !o->no_packed_warning)
        tricc_diag_warn(d, place_of_site(site), "the type has a pointer at an offset that is no multiple of 8 (packed?): the collector does not see it [-Wtri-packed]");
    tricc_stats_count(s, NULL, inner ? TRICC_STAT_type_exact : TRICC_STAT_type_any, 1);
    free(l.mask);
}

/* A static of a function, or of the header's lambda: "f.tri__site", "f.tri__site.2". */
static bool is_site(LLVMValueRef global) {
    size_t n;
    const char *name = LLVMGetValueName2(global, &n), *found = strstr(name, SITE_NAME);
    LLVMValueRef init = LLVMGetInitializer(global);
    if (!found || !init || !LLVMIsAConstantStruct(init)) return false;
    char next = found[strlen(SITE_NAME)];
    return (!next || next == '.') && LLVMCountStructElementTypes(LLVMTypeOf(init)) == 2;
}

bool tricc_types_run(LLVMModuleRef module, const struct tricc_options *o, struct tricc_diag *d, struct tricc_stats *s) {
    for (LLVMValueRef g = LLVMGetFirstGlobal(module); g; g = LLVMGetNextGlobal(g))
        if (is_site(g)) visit_site(module, g, o, d, s);
    if (o->managed_malloc && !o->untyped_malloc) tricc_mallocs_run(module, o, d, s);
    return true;
}
