/* preempt.c - goroutines that compute for longer than a slice (10 ms) while others wait.
 *
 * A C compiler keeps addresses of thread-locals and of errno in registers, libc keeps state for each thread, and code may hold
 * a lock of libc or of its own at any instruction. So a goroutine that is interrupted at a place it has not chosen must go on
 * on the same thread, and no other goroutine may run on that thread meanwhile. What moves is the processor:
 *
 *   - The monitor sends the stop signal to the thread. The handler, on that very thread, gives its processor up, which goes to
 *     another worker, as when a thread blocks in the kernel.
 *   - Where the interrupted code is the program's, the thread then sleeps in the handler until a worker hands it a processor: the
 *     goroutine is paused. Its registers, vector registers too, lie in the kernel's signal frame; for the collector it is a blocked
 *     thread, scanned in place from the interrupted stack pointer up, signal frame included.
 *   - Elsewhere (libc, the loader, a sanitizer, this library outside the gate) it goes on beside, without a processor, until it
 *     is in code of the program or calls the scheduler. So no lock that others cannot do without is held by a sleeping thread for
 *     long; and if one is held after all (a callback that libc makes with a lock held, a pthread_mutex of the program), whoever
 *     waits for it soon loses the processor too, and the holder gets it.
 *
 * Nothing is done to a thread that is inside the gate, blocked, in a signal handler of the program, on another stack than
 * its goroutine's, or that has stopped the world; it is asked again a little later. An interrupted restartable sequence is rewound
 * first.
 *
 * One that is nearly always inside, because it does nothing but start others, makes room at the end of such a call
 * (trix_preempt_here), in the same way: when it is asked, and of its own accord when many others wait to run, whose stacks would
 * only take memory. As it has made more work than there was, it lets them run for a part of a slice; where many wait, until half as many
 * do, but no longer than a slice for each MANY_QUEUED: a goroutine may take longer to start than to run. One that goes on beside, or
 * has lost its processor while it was blocked, waits there for another: without one nothing would keep it from making more work than
 * all processors can do.
 *
 *   I1  A handler changes w->proc only outside the gate, where nothing of the scheduler is half done on its thread.
 *   I2  Whoever waits here is in trix_sched.paused, and comes out of it with a processor, or when a fork closes the gate (the
 *       fork may wait for a lock that the paused code holds).
 *
 * The price is a thread for each goroutine that is paused; when MOST_PAUSED are, no more are asked. A processor without
 * a worker is adrift until the monitor finds it, since threads are not made in a signal handler.
 */
#include "preempt.h"
#include "../base/options.h"
#include "../gc/modules.h"
#include "../gc/gc.h"
#include "../os/os.h"

#include <link.h>
#include <string.h>

enum { MOST_PAUSED = 1000, MANY_QUEUED = 4096, REST_PART = 8, LEAST_REST_NS = 1000 * 1000, MOST_RANGES = 64, FORK_LOOK_NS = 1000 * 1000 * 1000 };

uint64_t trix_preempt_slice;

static bool is_preemptible(void) {
    return !trix_options.debug.asyncpreemptoff && load_relaxed(&trix_sched.npaused) < MOST_PAUSED;
}

static uint32_t asked_at_choice(uint32_t ticks) { return ticks + 1 ? ticks + 1 : 1; }

/* ---- where a goroutine is not paused ---- */

static struct {
    struct range range[MOST_RANGES];
    uint32_t n;
} foreign; /* executable segments; constant once started */

static bool is_foreign(uintptr_t pc) {
    for (uint32_t i = 0; i < foreign.n; i++)
        if (pc >= foreign.range[i].lo && pc < foreign.range[i].hi) return true;
    return false;
}

static bool has_foreign_name(const char *path) {
    static const char *const names[] = {"libc.",      "ld-",         "libpthread", "libgcc_s", "libtricolor", "linux-vdso",
                                        "linux-gate", "libasan",     "libtsan",    "liblsan",  "libubsan",    "libhwasan"};
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0) return true;
    return false;
}

/* Also the executable that has this library, or libc, linked in. */
static int note_module(struct dl_phdr_info *info, size_t size, void *first) {
    bool is_static = *(bool *)first, ours = false;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_INTERP) is_static = false;
        if (p->p_type == PT_LOAD && (uintptr_t)note_module - lo < p->p_memsz) ours = true;
    }
    *(bool *)first = false;
    if (!is_static && !ours && !has_foreign_name(info->dlpi_name ? info->dlpi_name : "")) return 0;
    for (int i = 0; i < info->dlpi_phnum && foreign.n < MOST_RANGES; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && p->p_flags & PF_X) foreign.range[foreign.n++] = (struct range){lo, lo + p->p_memsz};
    }
    return 0;
}

/* ---- on the goroutine's thread, in the handler of the stop signal ---- */

/* Whether it is a goroutine, outside the library and all handlers, on its own stack. */
static bool may_leave(const struct thread *t, const struct worker *w, const void *context) {
    uintptr_t sp = trix_os_context_sp(context);
    return w->g && t->fiber == &w->g->fiber && sp - t->fiber->lo < t->fiber->hi - t->fiber->lo && !t->cache.gate.inside &&
           load_seq(&t->state) == THREAD_RUNNING && !load_seq(&trix_threads.stopping) && !load_seq(&trix_gate_closed) &&
           !trix_in_handler_at(t, sp);
}

/* From the list of those paused, if it is there; lock held. */
static void take_out(const struct worker *w) {
    struct worker *before = NULL;
    for (struct worker **link = &trix_sched.paused; *link; before = *link, link = &(*link)->next) {
        if (*link != w) continue;
        *link = w->next;
        if (trix_sched.last_paused == w) trix_sched.last_paused = before;
        store_seq(&trix_sched.npaused, trix_sched.npaused - 1);
        return;
    }
}

/* Into the list. */
static void put_in(struct worker *w, uint64_t back_at) {
    lock_acquire(&trix_sched.lock);
    w->wake = 0;
    w->next = NULL;
    w->back_at = back_at;
    if (trix_sched.last_paused) trix_sched.last_paused->next = w;
    else trix_sched.paused = w;
    trix_sched.last_paused = w;
    store_seq(&trix_sched.npaused, trix_sched.npaused + 1);
    lock_release(&trix_sched.lock);
    sched_wake_maybe();
}

static void come_out(struct worker *w) {
    if (load_acquire(&w->wake)) return;
    lock_acquire(&trix_sched.lock); /* a fork */
    take_out(w);
    lock_release(&trix_sched.lock);
}

static void await_processor(struct thread *t, struct worker *w, const void *context) {
    put_in(w, 0);
    trix_stop_pause(t, context, &w->wake, FORK_LOOK_NS);
    come_out(w);
}

static void on_signal(struct thread *t, void *context) {
    struct worker *w = worker_of(t);
    uint32_t asked = w ? swap_seq(&w->preempt, 0) : 0;
    if (!asked) return;
    struct proc *p = w->proc;
    if (p && p->ticks != asked - 1) return; /* another one runs by now */
    if (t->cache.gate.inside) store_relaxed(&w->preempt, asked); /* where it leaves it, maybe */
    if (!may_leave(t, w, context)) return;
    trix_modules_rewind(context);
    bool pausable = !is_foreign(trix_os_context_pc(context));
    if (p) trix_proc_release(w);
    if (pausable) await_processor(t, w, context);
    else store_relaxed(&trix_sched.beside, 1);
}

/* ---- on the goroutine's thread, where it calls ---- */

void trix_preempt_self(struct worker *w) {
    if (load_relaxed(&trix_sched.queued) < MANY_QUEUED || !is_preemptible()) return;
    store_relaxed(&w->preempt, asked_at_choice(w->proc->ticks));
}

/* How long it lets others run, ns. */
static uint64_t rest(const struct worker *w) {
    if (!w->till_few) return trix_preempt_slice / REST_PART;
    return max_u64(trix_preempt_slice, LEAST_REST_NS) * (load_relaxed(&trix_sched.queued) / MANY_QUEUED + 1);
}

static void await_processor_inside(struct thread *t, struct worker *w, uint64_t back_at) {
    put_in(w, back_at);
    while (!load_acquire(&w->wake) && !load_seq(&trix_gate_closed)) trix_gate_wait(t, &w->wake, 0, FORK_LOOK_NS);
    come_out(w);
}

void trix_preempt_here(struct thread *t) {
    struct worker *w = worker_of(t);
    uint32_t asked = swap_seq(&w->preempt, 0);
    struct proc *p = w->proc;
    if (!w->g || trix_in_handler(t)) return;
    if (p && asked && p->ticks == asked - 1) {
        w->till_few = load_relaxed(&trix_sched.queued) >= MANY_QUEUED;
        trix_proc_release(w);
        await_processor_inside(t, w, trix_os_now() + rest(w));
        w->till_few = false;
    } else if (!p && load_relaxed(&trix_sched.npaused) < MOST_PAUSED && !trix_proc_acquire(w)) {
        await_processor_inside(t, w, 0);
    }
}

/* ---- handing a processor over ---- */

void trix_preempt_hurry(void) {
    for (struct worker *w = trix_sched.paused; w; w = w->next) w->back_at = 0;
}

bool trix_preempt_resume(struct worker *w, bool others) {
    if (LIKELY(!load_relaxed(&trix_sched.npaused))) return false;
    if (w->spinning) fetch_sub_seq(&trix_sched.spinning, 1);
    w->spinning = false;
    uint64_t until = others ? trix_os_now() : UINT64_MAX;
    bool few = load_relaxed(&trix_sched.queued) < MANY_QUEUED / 2;
    lock_acquire(&trix_sched.lock);
    struct worker *paused = trix_sched.paused;
    while (paused && paused->back_at > until && !(few && paused->till_few)) paused = paused->next;
    if (paused) {
        take_out(paused);
        trix_proc_pass(w, paused);
    }
    lock_release(&trix_sched.lock);
    if (!paused) return false;
    store_seq(&paused->wake, 1);
    trix_os_futex_wake(&paused->wake, 1);
    return true;
}

/* ---- monitor ---- */

void trix_preempt_ask(struct worker *w, uint32_t ticks) {
    if (!is_preemptible()) return;
    store_seq(&w->preempt, asked_at_choice(ticks));
    if (w->thread) trix_os_tgkill(w->thread->tid, STOP_SIGNAL);
}

void trix_preempt_ask_beside(void) {
    if (!load_relaxed(&trix_sched.beside)) return;
    bool some = false;
    for (struct worker *w = load_acquire(&trix_sched.workers); w; w = w->all) {
        if (load_relaxed(&w->proc) || !load_relaxed(&w->g) || load_seq(&w->thread->state) != THREAD_RUNNING) continue;
        some = true;
        trix_preempt_ask(w, 0);
    }
    if (!some) store_relaxed(&trix_sched.beside, 0);
}

void trix_preempt_init(void) {
    bool first = true;
    trix_preempt_slice = (uint64_t)trix_options.debug.preemptslice * 1000;
    dl_iterate_phdr(note_module, &first);
    store_release(&trix_preempt_hook, on_signal);
}
