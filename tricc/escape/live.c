/* live.c - whether what a location holds lasts from one iteration of a loop to the next: see cfg.h.
 *
 * An object made in a loop may be taken for a new one in each iteration only if nobody looks at the last one any more. Every
 * way from the place of birth to itself leads through the header of the innermost loop around it, so it is enough that
 * no location that holds its address is alive there. Alive is a variable between its lifetime markers, and, if
 * nothing but plain loads and stores touches it, only where its value may still be read.
 */
#include "cfg.h"

struct life { /* a bit for each block */
    unsigned char *alive_in; /* between lifetime.start and lifetime.end, at the block's start; NULL: everywhere */
    unsigned char *live_in;  /* may be read before it is written, at the block's start; NULL: counts as read everywhere */
};

enum event { NONE, READ, WRITE, START, END };

struct events {
    struct table *of; /* instruction → event */
    bool *block;      /* has an event; scratch */
    bool taken;       /* its address goes elsewhere */
    bool starts;
};

static bool is_intrinsic(LLVMValueRef call, const char *name, size_t length) {
    LLVMValueRef f = LLVMIsACallInst(call) ? LLVMGetCalledValue(call) : NULL;
    unsigned id = f && LLVMIsAFunction(f) ? LLVMGetIntrinsicID(f) : 0;
    return id && id == LLVMLookupIntrinsicID(name, length);
}
bool is_lifetime_start(LLVMValueRef v) { return is_intrinsic(v, "llvm.lifetime.start", 19); }
bool is_lifetime_end(LLVMValueRef v) { return is_intrinsic(v, "llvm.lifetime.end", 17); }

static void event_put(struct events *e, const struct cfg *g, LLVMValueRef instruction, enum event what) {
    unsigned b = cfg_block_of(g, instruction);
    if (b == NO_BLOCK) return;
    e->block[b] = true;
    table_put(e->of, g->pool, instruction, (void *)(uintptr_t)what);
}

/* Loads and stores of the whole or of a part; anything else lets the address go. */
static void collect_events(struct events *e, const struct cfg *g, struct analysis *a, LLVMValueRef storage, LLVMValueRef pointer) {
    for (LLVMUseRef u = LLVMGetFirstUse(pointer); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        if (LLVMIsALoadInst(user)) {
            event_put(e, g, user, READ);
        } else if (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == pointer && LLVMGetOperand(user, 0) != pointer) {
            bool whole = pointer == storage && LLVMABISizeOfType(a->layout, LLVMTypeOf(LLVMGetOperand(user, 0))) >=
                                                   LLVMABISizeOfType(a->layout, LLVMGetAllocatedType(storage));
            if (whole) event_put(e, g, user, WRITE);
        } else if (LLVMIsAGetElementPtrInst(user) && LLVMGetOperand(user, 0) == pointer) {
            collect_events(e, g, a, storage, user);
        } else if (is_lifetime_start(user)) {
            e->starts = true;
            event_put(e, g, user, START);
        } else if (is_lifetime_end(user)) {
            event_put(e, g, user, END);
        } else if (!LLVMIsADbgInfoIntrinsic(user)) {
            e->taken = true;
        }
    }
}

/* The event that decides at the block's start (the first of all) or its end (the last of the markers). */
static enum event first_event(const struct cfg *g, const struct events *e, unsigned block) {
    if (!e->block[block]) return NONE;
    LLVMValueRef i = LLVMGetFirstInstruction(g->block[block].value);
    for (; i; i = LLVMGetNextInstruction(i)) {
        enum event what = (enum event)(uintptr_t)table_get(e->of, i);
        if (what) return what;
    }
    return NONE;
}

static enum event last_marker(const struct cfg *g, const struct events *e, unsigned block) {
    if (!e->block[block]) return NONE;
    LLVMValueRef i = LLVMGetLastInstruction(g->block[block].value);
    for (; i; i = LLVMGetPreviousInstruction(i)) {
        enum event what = (enum event)(uintptr_t)table_get(e->of, i);
        if (what == START || what == END) return what;
    }
    return NONE;
}

static unsigned char *bits_of(const struct cfg *g, const bool *set) {
    unsigned char *bits = pool_take(g->pool, g->n / 8 + 1);
    for (unsigned i = 0; i < g->n; i++)
        if (set[i]) bits[i / 8] |= (unsigned char)(1u << i % 8);
    return bits;
}

static bool has_bit(const unsigned char *bits, unsigned i) { return bits[i / 8] >> i % 8 & 1; }

static unsigned char *find_alive(const struct cfg *g, const struct events *e, const struct scratch *s) {
    bool *alive = s->to;
    unsigned depth = 0;
    for (unsigned i = 0; i < g->n; i++)
        if ((s->event[i] = last_marker(g, e, i)) == START) s->stack[depth++] = i;
    while (depth) {
        const struct block *b = &g->block[s->stack[--depth]];
        for (unsigned k = 0; k < b->nsucc; k++) {
            unsigned next = b->succ[k];
            if (alive[next]) continue;
            alive[next] = true;
            if (s->event[next] == NONE) s->stack[depth++] = next;
        }
    }
    return bits_of(g, alive);
}

static unsigned char *find_live(const struct cfg *g, const struct events *e, const struct scratch *s) {
    bool *live = s->to;
    unsigned depth = 0;
    for (unsigned i = 0; i < g->n; i++) {
        s->event[i] = first_event(g, e, i);
        if ((live[i] = s->event[i] == READ)) s->stack[depth++] = i;
    }
    while (depth) {
        const struct block *b = &g->block[s->stack[--depth]];
        for (unsigned k = 0; k < b->npred; k++) {
            unsigned p = b->pred[k];
            if (live[p] || s->event[p] != NONE) continue;
            live[p] = true;
            s->stack[depth++] = p;
        }
    }
    /* a block whose first event is a write, but that reads later, is live nowhere before it: right as it is */
    return bits_of(g, live);
}

static struct life *find_life(struct analysis *a, const struct location *x) {
    struct cfg *g = x->fn->cfg;
    const struct scratch *s = cfg_scratch(g);
    struct life *life = pool_take(g->pool, sizeof *life);
    struct events e = {.of = table_new(g->pool), .block = s->from};
    collect_events(&e, g, a, x->value, x->value);
    if (e.starts) life->alive_in = find_alive(g, &e, s);
    if (!e.taken) life->live_in = find_live(g, &e, s);
    return life;
}

static bool value_lasts(const struct cfg *g, LLVMValueRef v, unsigned header) {
    if (!LLVMIsAInstruction(v)) return true;
    unsigned b = cfg_block_of(g, v);
    return b == NO_BLOCK || !cfg_in_loop(g, b, header) || (b == header && LLVMIsAPHINode(v));
}

static bool is_dynamic(LLVMValueRef alloca_inst) {
    return !LLVMIsAConstantInt(LLVMGetOperand(alloca_inst, 0)) ||
           LLVMGetInstructionParent(alloca_inst) !=
               LLVMGetEntryBasicBlock(LLVMGetBasicBlockParent(LLVMGetInstructionParent(alloca_inst)));
}

bool lasts_into_next_iteration(struct analysis *a, struct location *x, unsigned birth) {
    const struct cfg *g = x->fn->cfg;
    if (birth == NO_BLOCK) return false;
    if (g->block[birth].irreducible) return true;
    unsigned header = g->block[birth].loop;
    if (header == NO_BLOCK) return false;
    if (x->kind == ALLOCATION || x->kind == TEMPORARY) return value_lasts(g, x->value, header);
    if (x->kind == RELEASE) return false;
    if (x->kind != VARIABLE) return true;
    if (is_dynamic(x->value)) return value_lasts(g, x->value, header);
    if (!x->life) x->life = find_life(a, x);
    return (!x->life->alive_in || has_bit(x->life->alive_in, header)) && (!x->life->live_in || has_bit(x->life->live_in, header));
}

bool life_has_taken_address(struct analysis *a, struct location *x) {
    if (!x->life) x->life = find_life(a, x);
    return !x->life->live_in;
}
