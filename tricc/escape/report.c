/* report.c - says what was decided, in Go's words; see explain.h. */
#include "explain.h"
#include "../ir/ir.h"
#include "allocators.h"
#include "variables.h"

#include <string.h>

static void explain(struct analysis *a, const char *lines) {
    while (lines && *lines) {
        size_t n = strcspn(lines, "\n");
        tricc_diag_explain(a->diag, "%.*s", (int)n, lines);
        lines += n + (lines[n] != 0);
    }
}

static void explain_refusal(struct analysis *a, const struct location *l) {
    if (l->refusal) tricc_diag_explain(a->diag, "  from %s", l->refusal);
}

static void report_allocation(struct analysis *a, const struct location *l) {
    bool stack = l->promoted;
    tricc_diag_say(a->diag, tricc_ir_call_loc(l->value), "%s %s", allocation_text(a, l), stack ? "does not escape" : "escapes to heap");
    if (stack) return;
    explain(a, l->explanation);
    explain_refusal(a, l);
}

static void report_moved(struct analysis *a, const struct location *l, const struct variable *v) {
    tricc_diag_say(a->diag, v->at, "moved to heap: %s", v->name);
    explain(a, l->explanation);
    explain_refusal(a, l);
}

/* ---- parameters: one of the source may be several of LLVM's ---- */

struct summary {
    struct location *param[4];
    unsigned n;
    bool pointers, moved;
};

static bool holds_pointer(LLVMTypeRef t) {
    switch (LLVMGetTypeKind(t)) {
    case LLVMPointerTypeKind: return true;
    case LLVMStructTypeKind:
        for (unsigned i = 0; i < LLVMCountStructElementTypes(t); i++)
            if (holds_pointer(LLVMStructGetTypeAtIndex(t, i))) return true;
        return false;
    case LLVMArrayTypeKind: return holds_pointer(LLVMGetElementType(t));
    default: return false;
    }
}

static void report_leaks(struct analysis *a, const struct summary *s, const struct variable *v) {
    int heap = NO_FLOW, result = NO_FLOW;
    const char *why = NULL;
    for (unsigned i = 0; i < s->n; i++) {
        if (s->param[i]->leak_heap < heap) heap = s->param[i]->leak_heap;
        if (s->param[i]->leak_loose < heap) heap = s->param[i]->leak_loose;
        if (s->param[i]->leak_result < result) result = s->param[i]->leak_result;
        if (s->param[i]->explanation) why = s->param[i]->explanation;
    }
    if (heap == 0) tricc_diag_say(a->diag, v->at, "leaking param: %s", v->name);
    else if (heap != NO_FLOW) tricc_diag_say(a->diag, v->at, "leaking param content: %s", v->name);
    if (heap != NO_FLOW) explain(a, why);
    if (heap && result != NO_FLOW) {
        tricc_diag_say(a->diag, v->at, "leaking param: %s to result ~r0 level=%d", v->name, result);
        explain(a, heap == NO_FLOW ? why : NULL);
    }
    if (heap == NO_FLOW && result == NO_FLOW) tricc_diag_say(a->diag, v->at, "%s does not escape", v->name);
}

static void add_storage(const struct function *f, struct summary *s, const struct location *storage) {
    for (unsigned i = 0; i < storage->nedges; i++) {
        struct location *p = storage->edge[i].src;
        if (p->kind != PARAMETER || p->fn != f || p->variable || s->n == 4) continue;
        s->param[s->n++] = p;
        s->pointers |= LLVMGetTypeKind(LLVMTypeOf(p->value)) == LLVMPointerTypeKind;
    }
}

static void report_parameter(struct analysis *a, const struct function *f, struct location *storage) {
    if (!*storage->variable->name) return;
    struct summary s = {.moved = storage->escapes};
    if (storage->kind == PARAMETER) {
        s.param[s.n++] = storage;
        s.pointers = storage->pointee && holds_pointer(storage->pointee);
    } else {
        add_storage(f, &s, storage);
    }
    if (s.moved) report_moved(a, storage, storage->variable);
    else if (s.pointers) report_leaks(a, &s, storage->variable);
}

/* (struct s){…}: an object of its own, as &T{…} in Go. */
static bool is_literal(const struct location *l) {
    size_t length;
    return strncmp(LLVMGetValueName2(l->value, &length), ".compoundliteral", 16) == 0;
}

static LLVMValueRef first_user(const struct location *l) {
    LLVMValueRef first = NULL;
    for (LLVMUseRef u = LLVMGetFirstUse(l->value); u; u = LLVMGetNextUse(u)) /* uses come last first */
        if (LLVMIsAInstruction(LLVMGetUser(u))) first = LLVMGetUser(u);
    return first;
}

static void report_literal(struct analysis *a, const struct location *l) {
    LLVMValueRef user = first_user(l);
    if (!user) return;
    struct tricc_loc at = tricc_ir_loc(user);
    const char *text = source_literal(a, at);
    tricc_diag_say(a->diag, at, "%s %s", text ? text : "literal", l->escapes ? "escapes to heap" : "does not escape");
    if (l->escapes) explain(a, l->explanation);
}

void report_function(struct analysis *a, const struct function *f) {
    for (unsigned i = 0; i < f->nparams; i++)
        if (f->params[i] && f->params[i]->variable) report_parameter(a, f, f->params[i]);
    for (unsigned i = 0; i < f->nlocals; i++) {
        struct location *l = f->locals[i];
        if (l->kind == ALLOCATION) report_allocation(a, l);
        else if (l->kind == VARIABLE && l->variable && l->variable->parameter) report_parameter(a, f, l);
        else if (l->kind == VARIABLE && l->variable && l->escapes && !l->unmovable) report_moved(a, l, l->variable);
        else if (l->kind == VARIABLE && !l->variable && is_literal(l)) report_literal(a, l);
    }
    if (f->result && f->result->variable && f->result->escapes) report_moved(a, f->result, f->result->variable);
}
