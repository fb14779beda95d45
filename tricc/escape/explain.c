/* explain.c - the flow behind a decision, in the form of Go's -m -m; see explain.h.
 *
 *     x escapes to heap in f:
 *       flow: p ← &x:
 *         from p = &x (assign) at t.c:4:7
 *
 * Only kept when asked for. The way is read from the solver's walk: from the location, edge by edge, to the root.
 */
#include "explain.h"
#include "../ir/ir.h"
#include "allocators.h"
#include "variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wanted(const struct analysis *a) { return a->options->m >= 2 || a->options->m_json; }

const char *allocation_text(struct analysis *a, const struct location *l) {
    const char *text = source_text(a, tricc_ir_loc(l->value));
    return text ? text : l->allocator->name;
}

static const char *location_text(struct analysis *a, const struct location *l) {
    size_t length;
    if (l == &a->heap || l == &a->loose) return "{heap}";
    if (l == &a->outside) return "{outside}";
    if (l->kind == RESULT) return "~r0";
    if (l->kind == RELEASE) return "{freed}";
    if (l->variable) return l->variable->name;
    char out[256];
    if (l->kind == ALLOCATION) snprintf(out, sizeof out, "{storage for %s}", allocation_text(a, l));
    else if (l->kind == PARAMETER && *LLVMGetValueName2(l->value, &length))
        snprintf(out, sizeof out, "%s", LLVMGetValueName2(l->value, &length));
    else return "{temp}";
    return pool_text(a->pool, out);
}

static const char *function_name(const struct function *f) {
    size_t length;
    return LLVMGetValueName2(f->value, &length);
}

/* One step: dst ← ops src, and the instruction that does it. */
static void print_step(struct analysis *a, FILE *out, const struct location *dst, const struct edge *e) {
    if (e->src->kind == PARAMETER && dst->variable && dst->variable->parameter && dst->fn == e->src->fn) return; /* its start */
    fprintf(out, "  flow: %s ← %s", location_text(a, dst), e->derefs < 0 ? "&" : "");
    for (int i = 0; i < e->derefs; i++) putc('*', out);
    fprintf(out, "%s:\n", location_text(a, e->src));
    if (!e->note.where || !LLVMIsAInstruction(e->note.where)) return;
    struct tricc_loc at = tricc_ir_loc(e->note.where);
    if (!at.file) return;
    bool statement = strcmp(e->note.why, "assign") == 0 || strcmp(e->note.why, "return") == 0;
    const char *text = statement ? source_statement(a, at) : source_text(a, at);
    fprintf(out, "    from %s (%s) at %s:%u:%u\n", text ? text : e->note.why, e->note.why, at.file, at.line, at.column);
}

static void explain_path(struct analysis *a, struct location *root, struct location *l, const char *head) {
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out) return;
    if (l->explanation) fputs(l->explanation, out);
    fprintf(out, "%s\n", head);
    for (unsigned steps = 0; l != root && l->towards && steps < 64; steps++) {
        struct location *dst = l->towards;
        print_step(a, out, dst, &dst->edge[l->by]);
        l = dst;
    }
    fclose(out);
    a->said = pool_text(a->pool, text);
    free(text);
}

void explain_escape(struct analysis *a, struct location *root, struct location *l) {
    if (!wanted(a)) return;
    char head[512];
    snprintf(head, sizeof head, "%s escapes to heap in %s:", location_text(a, l), function_name(l->fn));
    explain_path(a, root, l, head);
    l->explanation = a->said;
}

void explain_leak(struct analysis *a, struct location *root, struct location *param, int derefs) {
    if (!wanted(a)) return;
    char head[512];
    snprintf(head, sizeof head, "parameter %s leaks to %s for %s with derefs=%d:", location_text(a, param),
             root->kind == RESULT ? "~r0" : "{heap}", function_name(param->fn), derefs);
    explain_path(a, root, param, head);
    param->explanation = a->said;
}
