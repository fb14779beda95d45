/* carry.c - objects that for a while hang from one place only.
 *
 * The only pointer to an object is taken out of the graph, and carried by a deep frame, by a loop that makes
 * no calls, or by a thread: as its argument, in its frames, and as its result. Meanwhile the collector is at
 * work. Then it is put back, and must be what it was. Nothing is forgotten meanwhile: the plot's lock is held
 * all the time.
 */
#include "torture.h"

#include <alloca.h>
#include <sched.h>
#include <string.h>

/* ---- ways of carrying: each takes the pointer and gives it back ---- */

static NOINLINE void *carry_deep(struct random *r, void *value, unsigned depth) {
    if (depth == 0) {
        void *volatile held = value;
        weather_cycle(r);
        return held;
    }
    char *volatile pad = alloca(16 + below(r, 500)); /* so that it does not lie at the same depth each time */
    void *back = carry_deep(r, value, depth - 1);
    pad[0] = 1;
    return back;
}

static void *carry_in_frames(struct random *r, void *value) {
    return carry_deep(r, value, one_in(r, 20) ? 500 + below(r, 2000) : below(r, 30));
}

/* Nothing here calls anything: the thread has to be stopped where it is. */
static void *carry_in_loop(struct random *r, void *value) {
    uint64_t x = random_next(r), y = x | 1;
    for (unsigned n = 20000 + below(r, one_in(r, 8) ? 4000000 : 100000); n; n--) {
        x = x * 0x9e3779b97f4a7c15ull + y;
        __asm__ volatile("" : "+r"(value), "+r"(x));
    }
    r->s ^= x;
    return value;
}

static void *thread_main(void *arg) {
    struct random r = {(uintptr_t)arg * 31 + cycles_begun()};
    for (unsigned n = below(&r, 200); n; n--) object_make_garbage(&r);
    if (one_in(&r, 3)) return carry_deep(&r, arg, below(&r, 20));
    return arg;
}

static void *carry_by_thread(struct random *r, void *value) {
    pthread_t thread;
    void *back = value;
    if (pthread_create(&thread, NULL, thread_main, value) != 0) return value;
    value = back = NULL;
    COUNT(threads);
    if (one_in(r, 3)) sched_yield();
    for (unsigned n = below(r, 300); n; n--)
        object_make_garbage(r); /* it ends meanwhile, its result not yet taken */
    int error = pthread_join(thread, &back);
    if (error) fail("pthread_join: %s", strerror(error));
    return back;
}

static const struct way {
    void *(*carry)(struct random *, void *value);
    const char *doing;
    enum change note;
    int feature;
} ways[] = {
    {carry_in_frames, "carries an object in a deep frame", C_CARRIED_DEEP, F_stack},
    {carry_in_loop, "carries an object in a loop without calls", C_CARRIED_IN_REGISTER, F_registers},
    {carry_by_thread, "carries an object by a thread", C_CARRIED_TO_THREAD, F_errands},
};

/* ---- out of the graph and back ---- */

/* Where it hangs: a root of the plot, or a link of an object that stays reachable or is taken along. */
struct hook {
    struct root *root;
    struct shade *from, *s;
    uint32_t link;
    uint64_t off;
};

/* Takes the pointer out. The walk's own pointers are on this function's stack only, below all that follows.
 */
static NOINLINE void *unhook(struct plot *p, struct random *r, struct hook *h) {
    struct step step;
    if (!plot_walk(p, r, &step)) return NULL;
    *h = (struct hook){step.root, step.from, step.s, step.link, 0};
    void *value;
    if (step.root) {
        h->off = step.root->off;
        value = root_get(p, step.root);
        root_put(p, step.root, NULL, NULL, 0);
    } else {
        struct link *link = &step.from->link[step.link];
        void **slot = link_slot(step.from_at, link);
        h->off = link->off;
        value = *slot;
        tri_set(*slot, NULL);
        link->to = NULL;
    }
    memset(&step, 0, sizeof step);
    __asm__ volatile("" : : "r"(&step) : "memory");
    return value;
}

/* Overwrites what calls have left below this frame. */
static NOINLINE void clear_stack(void) {
    volatile char dead[4096];
    for (size_t i = 0; i < sizeof dead; i++) dead[i] = 0;
}

static NOINLINE void hook(struct plot *p, struct hook *h, void *value) {
    if (h->root) {
        root_put(p, h->root, value, h->s, h->off);
        return;
    }
    /* Through the shadow: the object it hangs from is alive, or was carried along with it. */
    struct link *link = &h->from->link[h->link];
    tri_set(*link_slot(object_address(h->from), link), value);
    link->to = h->s;
    link->off = h->off;
}

void carry_one(struct plot *p, struct random *r) {
    const struct way *way = &ways[below(r, LEN(ways))];
    struct hook h;
    if (!options.on[way->feature]) return;
    void *value = unhook(p, r, &h);
    if (!value) return;
    clear_stack();
    doing(way->doing);
    shade_note(h.s, way->note);
    COUNT(carried);
    value = way->carry(r, value);
    reporting_plot = p;
    if (value != (char *)object_address(h.s) + h.off) fail_object(h.s, value, "it was carried to %p", value);
    object_check(h.s, (char *)value - h.off, true);
    hook(p, &h, value);
    reporting_plot = NULL;
}
