/* forked.c - the scheduler in the child of a fork.
 *
 * The child has the thread that forked, and the goroutine that ran on it, if there was one: both go on. All others are gone: their
 * stacks are neither scanned nor used again, and whoever takes their waiters out of a queue passes them over. Channels, locks and
 * timers are as they were; a lock that a gone goroutine held stays locked, as with threads. The poller's descriptors are the
 * parent's, so it gets new ones, and the monitor is started anew: at the next call that starts or parks a goroutine, so that a child
 * that only calls exec makes no thread.
 *
 * All of this runs in the child's handler of fork, where no other thread lives and the gate is closed.
 */
#include "sched.h"
#include "goroutines.h"
#include "poller.h"
#include "timers.h"
#include "../host/host.h"

uint32_t trix_sched_forked;

static void is_gone(struct g *g, void *self) {
    if (g == self || g->context == G_NONE) return;
    g->gone = 1;
    g->suspect = 0;
    g->context = G_NONE;
}

static void forget_goroutines(const struct thread *self, struct g *own) {
    trix_stacks_visit(0, trix_stacks_count(), is_gone, own);
    for (struct thread *t = trix_threads.first; t; t = t->next) {
        if (t == self || !t->own_g) continue;
        t->own_g->gone = 1;
        t->own_g = NULL; /* the record may be another thread's soon */
    }
}

static void reset_procs(struct worker *w) {
    struct proc *own = w ? w->proc ? w->proc : &trix_sched.procs[0] : NULL;
    trix_sched.idle_procs = NULL;
    trix_sched.nidle = 0;
    for (uint32_t i = trix_sched.most_procs; i-- > 0;) {
        struct proc *p = &trix_sched.procs[i];
        p->head = p->tail;
        p->runnext = NULL;
        p->worker = p == own ? w : NULL;
        p->adrift = p->poke = 0;
        if (p == own || i >= trix_sched.nprocs) continue;
        p->next_idle = trix_sched.idle_procs;
        trix_sched.idle_procs = p;
        trix_sched.nidle++;
    }
    if (!w) return;
    w->proc = own;
    w->all = w->next = NULL;
    w->spinning = w->queued = false;
    w->wake = w->polling = w->preempt = 0;
}

static void forget_counts(void) {
    for (uint32_t i = 0; i < trix_sched.most_procs; i++) trix_sched.procs[i].started = trix_sched.procs[i].ended = 0;
}

static void in_child(void) {
    struct sched *s = &trix_sched;
    struct thread *t = thread_self();
    struct worker *w = t ? t->worker : NULL;
    lock_reset(&s->lock);
    trix_stacks_reset_after_fork();
    trix_timers_reset_after_fork();
    forget_goroutines(t, w ? w->g : NULL);
    reset_procs(w);
    s->first = s->last = NULL;
    s->in_ring = 0;
    s->idle = s->paused = s->last_paused = NULL;
    s->queued = s->spinning = s->npaused = s->beside = s->parked_threads = 0;
    s->monitor_asleep = s->monitor_call = 0;
    s->workers = w;
    s->made = trix_goroutines_started();
    forget_counts();
    s->nworkers = w != NULL;
    s->ended = s->made - (w && w->g);
    s->started = 0;
    trix_sched_forked = 1;
}

void trix_fork_watch(void) { store_release(&trix_fork_child_hook, in_child); }
