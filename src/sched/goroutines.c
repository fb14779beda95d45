/* goroutines.c - see goroutines.h.
 *
 * The stack of a goroutine that is parked is walked from within, by the unwinder of the compiler's runtime: its saved context
 * is made to call trix_told, which walks and switches back. That happens below its saved stack pointer, and the word
 * that was changed is put back, so it goes on later as if nothing had been. The unwinder takes no lock (glibc 2.35 and later),
 * and the walker runs with the world stopped, when nobody else can want the goroutine.
 */
#include "goroutines.h"
#include "sched.h"
#include "switch.h"
#include "walk.h"
#include "../os/os.h"
#include "../os/unwind.h"

#include <unwind.h>

enum { BATCH = 256, WALK_BYTES = 16 << 10 /* room that the unwinder may need */ };

trix_contention_hook *trix_block_hook, *trix_mutex_hook;

/* ---- walking ---- */

static struct {
    uintptr_t back; /* the stack that asked */
    struct frames *frames;
} told; /* with the world stopped there is one walk at a time */

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *arg) {
    struct frames *f = arg;
    uintptr_t pc = _Unwind_GetIP(context);
    if (!pc || f->n == GOROUTINE_FRAMES) return _URC_END_OF_STACK;
    if (!f->inside) f->inside = trix_switch_contains(pc);
    else f->pc[f->n++] = pc;
    return _URC_NO_REASON;
}

void trix_told(struct thread *t) {
    uintptr_t here;
    if (trix_unwinder_ready()) _Unwind_Backtrace(note_frame, told.frames);
    trix_switch(&here, told.back, t);
}

void trix_walk_parked(struct thread *t, struct g *g, struct frames *f) {
    uintptr_t resume = *(uintptr_t *)g->sp;
    f->inside = false;
    if (g->sp - g->fiber.lo < WALK_BYTES) return;
    if (!trix_switch_tell(g->sp)) {
        f->pc[f->n++] = (uintptr_t)g->fn + 1;
        return;
    }
    told.frames = f;
    trix_switch(&told.back, g->sp, t);
    *(uintptr_t *)g->sp = resume;
}

NOINLINE void trix_walk_here(struct frames *f) {
    f->inside = true;
    if (trix_unwinder_ready()) _Unwind_Backtrace(note_frame, f);
}

/* ---- all of them ---- */

const char *trix_wait_words(enum g_wait why) {
    static const char *const words[] = {
#define WAIT(name, words) words,
#include "wait_reason.def"
#undef WAIT
    };
    return why < WAIT_COUNT ? words[why] : "";
}

const char *trix_goroutine_state(const struct g *g) {
    if (load_relaxed(&g->context) == G_RUNNING) return "running";
    return g_waits(g) ? trix_wait_words(load_relaxed(&g->wait)) : "runnable";
}

struct visitor {
    void (*visit)(const struct goroutine *g, void *arg);
    void *arg;
    struct thread *self;
    uint64_t now;
};

/* World stopped. */
static void visit_one(struct g *g, void *arg) {
    struct visitor *v = arg;
    struct frames f = {0};
    if (load_relaxed(&g->context) == G_NONE || g->dying) return;
    struct worker *w = worker_of(v->self);
    struct goroutine out = {.id = g->id, .parent = g->parent, .leaked = g->leaked, .state = trix_goroutine_state(g), .fn = g->fn,
                            .creator = g->creator, .pcs = f.pc, .self = w && w->g == g};
    if (g->context == G_SAVED) {
        if (g_waits(g) && !g->wait_since) g->wait_since = v->now;
        if (g_waits(g)) out.waited_ns = v->now - g->wait_since;
        trix_switch_frame(g->sp, &out.sp, &out.fp);
        trix_walk_parked(v->self, g, &f);
    }
    out.npcs = f.n;
    v->visit(&out, v->arg);
}

void trix_goroutines_visit(void (*visit)(const struct goroutine *g, void *arg), void *arg) {
    struct visitor v = {visit, arg, .self = thread_self()};
    for (uint64_t from = 0; from < trix_stacks_count(); from += BATCH) {
        trix_world_stop(false);
        v.now = trix_os_now();
        trix_stacks_visit(from, from + BATCH, visit_one, &v);
        trix_world_resume();
    }
}

uint64_t trix_goroutines_started(void) {
    uint64_t n = load_relaxed(&trix_sched.made);
    for (uint32_t i = 0; i < load_relaxed(&trix_sched.most_procs); i++) n += load_acquire(&trix_sched.procs[i].started);
    return n;
}

/* First the ended ones, so that none of them is not among those started. */
uint64_t trix_goroutines_count(void) {
    uint64_t ended = load_acquire(&trix_sched.ended);
    for (uint32_t i = 0; i < load_relaxed(&trix_sched.most_procs); i++) ended += load_acquire(&trix_sched.procs[i].ended);
    return trix_goroutines_started() - ended;
}
