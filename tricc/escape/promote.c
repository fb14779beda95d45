/* promote.c - which allocations go on the stack: see rewrite.h.
 *
 * One that does not escape, has a constant size of at most 64 KiB as in Go, and for which the frame still has room: a C stack does
 * not grow. A frame's allocations take at most 128 KiB, those of a function that calls itself, directly or
 * through others of the file, 1 KiB. Unmodified programs (-fmanaged-malloc) have the stacks that they need without us, perhaps of
 * threads with little: there it is 4 KiB and 256 bytes, and 1 KiB an allocation.
 *
 * A free in the same function is deleted with the allocation, if the pointer that it frees can be nothing else: then its only
 * source is the address of one allocation, by way of variables that are plainly loaded and stored. Any other free makes what it may
 * be given escape, but for the free of -fmanaged-malloc: at run time that ignores what is on the stack.
 */
#include "rewrite.h"
#include "../ir/ir.h"
#include "cfg.h"

#include <string.h>

enum { FRAME = 128 << 10, RECURSIVE_FRAME = 1 << 10, UNMODIFIED_FRAME = 4 << 10, UNMODIFIED_RECURSIVE_FRAME = 256 };

static uint64_t frame_room(const struct analysis *a, const struct function *f) {
    if (a->options->managed_malloc) return f->recursive ? UNMODIFIED_RECURSIVE_FRAME : UNMODIFIED_FRAME;
    return f->recursive ? RECURSIVE_FRAME : FRAME;
}

struct source {
    struct analysis *a;
    struct location *allocation;
    bool unclear;
};

static bool look_at(void *arg, struct location *l, int derefs) {
    struct source *s = arg;
    bool address = derefs < 0;
    if (s->unclear) return false;
    if (address && l->kind == ALLOCATION && (!s->allocation || s->allocation == l)) s->allocation = l;
    else if (address || derefs > 0) s->unclear = true;
    else if (l->kind == VARIABLE) s->unclear = life_has_taken_address(s->a, l);
    else s->unclear = l->kind != TEMPORARY || !LLVMIsAPHINode(l->value);
    return !s->unclear;
}

/* Ignores what is on the stack. */
static bool is_managed_free(LLVMValueRef call) { return strcmp(tricc_ir_callee_name(call), "tri__free") == 0; }

bool releases_settle(struct analysis *a, struct function *f) {
    bool leaked = false;
    for (unsigned i = 0; i < f->nlocals; i++) {
        struct location *r = f->locals[i];
        if (r->kind != RELEASE) continue;
        struct source s = {.a = a, .unclear = !LLVMIsACallInst(r->value)};
        walk_from(a, r, look_at, &s);
        if (!s.unclear && s.allocation && s.allocation->fn == f) {
            r->freed = s.allocation;
            continue;
        }
        if (is_managed_free(r->value)) continue;
        flow_add(a, &a->heap, r, 0, (struct note){"free", r->value});
        leaked = true;
    }
    return leaked;
}

void promote_choose(struct analysis *a, struct function *f) {
    uint64_t room = frame_room(a, f);
    for (unsigned i = 0; i < f->nlocals; i++) {
        struct location *l = f->locals[i];
        if (l->kind != ALLOCATION || l->escapes) continue;
        uint64_t bytes = (l->size + l->align - 1) & ~(l->align - 1);
        if (bytes > room) {
            l->refusal = f->recursive ? "too large for the frame of a recursive function" : "too large for the frame";
            l->escapes = true;
            continue;
        }
        room -= bytes;
        l->promoted = true;
    }
}
