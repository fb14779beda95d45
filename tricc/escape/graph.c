/* graph.c - locations and edges: see graph.h. */
#include "graph.h"

struct location *location_new(struct analysis *a, enum kind kind, struct function *fn, LLVMValueRef value) {
    struct location *l = pool_take(a->pool, sizeof *l);
    *l = (struct location){.kind = kind, .fn = fn, .value = value, .birth = NO_BLOCK, .leak_heap = NO_FLOW, .leak_loose = NO_FLOW, .leak_result = NO_FLOW};
    if (kind == VARIABLE || kind == ALLOCATION || kind == RELEASE) POOL_PUSH(a->pool, fn->locals, fn->nlocals, fn->locals_room, l);
    POOL_PUSH(a->pool, fn->all, fn->nall, fn->all_room, l);
    return l;
}

void flow_add(struct analysis *a, struct location *dst, struct location *src, int derefs, struct note note) {
    if (src == &a->heap || dst == &a->outside) return;
    if (dst == src && derefs >= 0) return;
    for (unsigned i = dst->nedges; i-- > 0 && dst != &a->heap && dst != &a->loose && dst->nedges - i <= 8;)
        if (dst->edge[i].src == src && dst->edge[i].derefs <= derefs) return; /* said already */
    POOL_PUSH(a->pool, dst->edge, dst->nedges, dst->edges_room, ((struct edge){src, derefs, note}));
}
