/* defer.c - deferred calls, panic and recover: see tricolor/defer.h.
 *
 * Each function with TRI_FUNC has a frame on its stack, linked from its goroutine. A panic is a loop, at the place of
 * tri_panic, that takes the deferred calls out of the frames and runs them, innermost first; nothing is unwound meanwhile.
 * When one has recovered, the stack is walked by the unwind tables up to the caller of the frame's function, whose registers are
 * put in place as if that function had returned.
 *
 * Panics nest: a deferred call may panic. A newer one runs the calls the older has not run. If it is recovered in a function that
 * was called by the older one's loop, the older goes on; if in one further out, the older is over with it. tri_goexit is
 * such a loop that cannot be recovered: a panic that is recovered beyond it lets it go on. A function that returns while an
 * older panic runs a deferred call stands among the panics too, so that its own deferred calls do not recover that one.
 */
#include "defer.h"
#include "chan.h"
#include "report.h"
#include "../base/fmt.h"
#include "../os/unwind.h"
#include "../../include/tricolor/alloc.h"
#include "../../include/tricolor/barrier.h"
#include "../../include/tricolor/defer.h"
#include "../../include/tricolor/go.h"

#include <unwind.h>

struct panic {
    struct panic *outer;
    const char *message;
    bool returning; /* no panic: a function returns, and runs its deferred calls */
    bool goexit, recovered;
    bool calling; /* one of its deferred calls runs */
};

/* Heap records of a frame, the last deferred first. */
struct tri__more {
    struct tri__more *next;
    struct tri__deferred deferred;
};
TRI_TYPE(struct tri__more, next, deferred.arg)

static NOINLINE struct g *self(void) {
    struct thread *t = sched_enter();
    struct g *g = sched_self(t);
    sched_leave(t);
    return g;
}

/* ---- frames ---- */

EXPORT void tri__frame_begin(struct tri__frame *f) {
    struct g *g = self();
    f->outer = g->frames;
    f->more = NULL;
    f->n = 0;
    g->frames = f;
}

EXPORT void tri__defer(struct tri__frame *f, void (*fn)(void *), void *arg) {
    if (UNLIKELY(!fn)) trix_misuse("tri_defer", "the function is NULL");
    struct tri__deferred d = {fn, arg};
    if (f->n < ARRAY_LEN(f->first)) {
        f->first[f->n++] = d;
        return;
    }
    struct tri__more *m = tri_new(struct tri__more);
    m->deferred.fn = fn;
    tri_set(m->deferred.arg, arg);
    tri_set(m->next, f->more);
    f->more = m;
}

/* Takes the last one out; false: none left. */
static bool take_last(struct tri__frame *f, struct tri__deferred *d) {
    if (f->more) {
        *d = f->more->deferred;
        f->more = f->more->next;
        return true;
    }
    if (!f->n) return false;
    *d = f->first[--f->n];
    return true;
}

/* Those of a function that returns: no panic is theirs to recover. */
static void run_frame(struct g *g, struct tri__frame *f) {
    struct panic none = {.outer = g->panics, .returning = true};
    struct tri__deferred d;
    g->panics = &none;
    while (take_last(f, &d)) d.fn(d.arg);
    g->panics = none.outer;
}

EXPORT void tri__frame_end(struct tri__frame *f) {
    struct g *g = self();
    if (UNLIKELY(f->n || f->more)) run_frame(g, f);
    g->frames = f->outer;
}

/* ---- returning from somebody else's function ---- */

#if defined(__x86_64__)
enum { KEPT = 6 };
static const int kept_numbers[KEPT] = {3, 6, 12, 13, 14, 15}; /* rbx, rbp, r12-r15 in DWARF's order */
#else
enum { KEPT = 11 + 8 };
static const int kept_numbers[KEPT] = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 72, 73, 74, 75, 76, 77, 78, 79};
#endif

struct landing {
    uintptr_t sp, pc, kept[KEPT];
    uintptr_t frame; /* lies in the function to be returned from */
    bool found;
};

/* A frame's stack pointer at its call is the end of the called function's frame. */
static _Unwind_Reason_Code look_for_caller(struct _Unwind_Context *context, void *arg) {
    struct landing *l = arg;
    uintptr_t sp = _Unwind_GetCFA(context);
    if (sp <= l->frame) return _URC_NO_REASON;
    l->sp = sp;
    l->pc = _Unwind_GetIP(context);
    for (int i = 0; i < KEPT; i++) l->kept[i] = _Unwind_GetGR(context, kept_numbers[i]);
    l->found = true;
    return _URC_NORMAL_STOP;
}

static NORETURN void land(const struct landing *l) {
#if defined(__x86_64__)
    __asm__ volatile("movq 0(%%rcx), %%rsp\n\tmovq 8(%%rcx), %%rdi\n\t"
                     "movq 16(%%rcx), %%rbx\n\tmovq 24(%%rcx), %%rbp\n\tmovq 32(%%rcx), %%r12\n\t"
                     "movq 40(%%rcx), %%r13\n\tmovq 48(%%rcx), %%r14\n\tmovq 56(%%rcx), %%r15\n\t"
                     "xorl %%eax, %%eax\n\txorl %%edx, %%edx\n\tpxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\t"
                     "jmp *%%rdi" : : "c"(l) : "memory");
#else
    register const struct landing *at __asm__("x9") = l;
    __asm__ volatile("ldp x10, x11, [x9]\n\tmov sp, x10\n\t"
                     "ldp x19, x20, [x9, #16]\n\tldp x21, x22, [x9, #32]\n\tldp x23, x24, [x9, #48]\n\t"
                     "ldp x25, x26, [x9, #64]\n\tldp x27, x28, [x9, #80]\n\tldr x29, [x9, #96]\n\t"
                     "ldp d8, d9, [x9, #104]\n\tldp d10, d11, [x9, #120]\n\tldp d12, d13, [x9, #136]\n\t"
                     "ldp d14, d15, [x9, #152]\n\t"
                     "mov x0, #0\n\tmov x1, #0\n\tmovi d0, #0\n\tbr x11" : : "r"(at) : "memory");
#endif
    __builtin_unreachable();
}

/* The function that the frame is of returns. */
static NORETURN void return_from(const struct tri__frame *f) {
    struct landing l = {.frame = (uintptr_t)f};
    if (trix_unwinder_ready()) _Unwind_Backtrace(look_for_caller, &l);
    if (!l.found)
        trix_misuse("tri_recover", "no unwind tables on the way to the function that recovers; compile with "
                                   "-fasynchronous-unwind-tables");
    trix_told_unwound();
    land(&l);
}

/* ---- panics ---- */

/* Those that began further in than the frame are over. A goexit among them goes on. */
static struct panic *drop_panics(struct g *g, const struct tri__frame *f) {
    struct panic *goexit = NULL;
    while (g->panics && (uintptr_t)g->panics < (uintptr_t)f) {
        if (g->panics->goexit) goexit = g->panics;
        g->panics = g->panics->outer;
    }
    return goexit;
}

/* The panic has been recovered by a call that frame f had deferred. */
static NORETURN void recovered(struct g *g, struct tri__frame *f) {
    if (drop_panics(g, f)) trix_goexit();
    run_frame(g, f);
    g->frames = f->outer;
    return_from(f);
}

/* Runs deferred calls until one recovers or none is left. */
static void run_deferred(struct g *g, struct panic *p) {
    struct tri__deferred d;
    for (struct tri__frame *f; (f = g->frames);) {
        if (!take_last(f, &d)) {
            g->frames = f->outer;
            continue;
        }
        p->calling = true;
        d.fn(d.arg);
        p->calling = false;
        if (p->recovered) recovered(g, f);
    }
}

/* The oldest first; false: there is none. */
static bool print_panics(const struct panic *p) {
    if (!p) return false;
    bool older = print_panics(p->outer);
    if (p->goexit || p->returning) return older;
    trix_print(2, "%spanic: %s%s\n", older ? "\t" : "", p->message, p->recovered ? " [recovered]" : "");
    return true;
}

EXPORT void tri_panic(const char *message) {
    struct g *g = self();
    if (!message) message = "runtime error: panic called with nil argument"; /* Go's PanicNilError: can be told from no panic */
    struct panic p = {.outer = g->panics, .message = message};
    g->panics = &p;
    run_deferred(g, &p);
    print_panics(&p);
    trix_report_end(g);
}

void trix_panic(const char *words) {
    tri_panic(words);
    __builtin_unreachable();
}

EXPORT const char *tri_recover(void) {
    struct panic *p = self()->panics;
    if (!p || p->goexit || p->recovered || !p->calling) return NULL;
    p->recovered = true;
    return p->message;
}

bool trix_panicking(void) {
    const struct panic *p = self()->panics;
    return p && !p->goexit && !p->returning;
}

void trix_goexit(void) {
    struct g *g = self();
    struct panic p = {.outer = g->panics, .goexit = true};
    g->panics = &p;
    run_deferred(g, &p);
    struct thread *t = sched_enter();
    if (g->is_thread) trix_misuse("tri_goexit", "the calling thread is no goroutine; use pthread_exit");
    trix_exit(t);
}
