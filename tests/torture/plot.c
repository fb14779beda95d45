/* plot.c - a plot: a graph of objects in the collected heap, and its shadow in malloc's.
 *
 * The shadow knows every object, what it holds and where it must be, under hidden addresses. Real pointers
 * exist in the objects, in the plot's roots, and for moments on the stack of the thread that works on the
 * plot, under its lock. What the shadow cannot reach from the roots is garbage, and is forgotten: never
 * looked at again.
 */
#include "torture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const changes[CHANGES] = {
#define CHANGE(name) #name,
#include "changes.def"
#undef CHANGE
};
const char *change_name(unsigned change) { return change < CHANGES ? changes[change] : "?"; }

static uint32_t cycles; /* relaxed */
static void on_gc(tri_gc_event event, void *arg) {
    (void)arg;
    if (event == TRI_GC_CYCLE_START) __atomic_fetch_add(&cycles, 1, __ATOMIC_RELAXED);
}
uint32_t cycles_begun(void) { return __atomic_load_n(&cycles, __ATOMIC_RELAXED); }

/* Where nobody may listen to cycles, since then none is made by a thread that allocates: asks now and then. */
static void *ask(void *unused) {
    for (;;) {
        tri_mem_stats s;
        tri_read_mem_stats(&s);
        __atomic_store_n(&cycles, s.num_gc, __ATOMIC_RELAXED);
        usleep(2000);
    }
    return unused;
}

void cycles_count(void) {
    pthread_t asks;
    if (!getenv("TORTURE_ASKS")) tri_on_gc(on_gc, NULL);
    else if (pthread_create(&asks, NULL, ask, NULL) == 0) pthread_detach(asks);
}

void shade_note(struct shade *s, enum change change) {
    unsigned i = s->nhistory++ % HISTORY;
    s->history[i].change = (uint8_t)change;
    s->history[i].cycle = cycles_begun();
    if (s->nhistory == 2 * HISTORY) s->nhistory = HISTORY;
}

void plot_init(struct plot *p, int number, bool private, struct random *r) {
    memset(p, 0, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    p->number = number;
    p->private = private;
    roots_plot_init(p, r);
}

void plot_add(struct plot *p, struct shade *s) {
    s->next = p->shades;
    p->shades = s;
    p->nshades++;
}

void plot_remove(struct plot *p, struct shade *s) {
    for (struct shade **link = &p->shades; *link; link = &(*link)->next)
        if (*link == s) {
            *link = s->next;
            p->nshades--;
            shade_free(s);
            return;
        }
    fail("a shadow is in no plot");
}

unsigned plot_indegree(struct plot *p, const struct shade *s) {
    unsigned n = 0;
    for (int i = 0; i < ROOTS; i++) n += p->root[i].to == s;
    for (const struct shade *from = p->shades; from; from = from->next)
        for (uint32_t i = 0; i < from->nlinks; i++) n += from->link[i].to == s;
    return n;
}

/* ---- a growing stack of shadows ---- */

static __thread struct {
    struct shade **item;
    size_t n, room;
} todo;

static void todo_push(struct shade *s) {
    if (todo.n == todo.room) {
        todo.room = todo.room ? todo.room * 2 : 256;
        todo.item = realloc(todo.item, todo.room * sizeof *todo.item);
    }
    todo.item[todo.n++] = s;
}

void plot_end_thread(void) {
    free(todo.item);
    memset(&todo, 0, sizeof todo);
}

/* ---- verifying ---- */

static void check_root(struct plot *p, const struct root *root) {
    void *is = root_get(p, root), *want = root->to ? (char *)object_address(root->to) + root->off : NULL;
    if (is != want)
        fail("plot %d: root %d, %s, is %p, not %p", p->number, (int)(root - p->root), root_name(root->kind),
             is, want);
}

static void meet(struct plot *p, struct shade *s, struct shade *from, uint32_t by) {
    if (s->seen == p->round) return;
    s->seen = p->round;
    s->found_from = from;
    s->found_by = by;
    todo_push(s);
}

void plot_verify(struct plot *p, bool wholly) {
    reporting_plot = p;
    p->round++;
    for (uint32_t i = 0; i < ROOTS; i++) {
        check_root(p, &p->root[i]);
        if (p->root[i].to) meet(p, p->root[i].to, NULL, i);
    }
    while (todo.n) {
        struct shade *s = todo.item[--todo.n];
        object_check(s, object_address(s), wholly);
        COUNT(checks);
        for (uint32_t i = 0; i < s->nlinks; i++)
            if (s->link[i].to) meet(p, s->link[i].to, s, i);
    }
    reporting_plot = NULL;
}

/* By the shadow alone. */
void plot_forget_unreachable(struct plot *p) {
    p->round++;
    for (uint32_t i = 0; i < ROOTS; i++)
        if (p->root[i].to) meet(p, p->root[i].to, NULL, i);
    while (todo.n) {
        struct shade *s = todo.item[--todo.n];
        for (uint32_t i = 0; i < s->nlinks; i++)
            if (s->link[i].to) meet(p, s->link[i].to, s, i);
    }
    for (struct shade **link = &p->shades; *link;) {
        struct shade *s = *link;
        if (s->seen == p->round) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        p->nshades--;
        shade_free(s);
    }
}

void plot_drop(struct plot *p) {
    for (int i = 0; i < ROOTS; i++) root_put(p, &p->root[i], NULL, NULL, 0);
    plot_forget_unreachable(p);
}

/* ---- walking ---- */

static struct root *pick_root(struct plot *p, struct random *r) {
    unsigned from = below(r, ROOTS);
    for (unsigned i = 0; i < ROOTS; i++)
        if (p->root[(from + i) % ROOTS].to) return &p->root[(from + i) % ROOTS];
    return NULL;
}

/* Any link of the object that is set, or nlinks. */
static uint32_t pick_link(const struct shade *s, struct random *r) {
    uint32_t from = below(r, s->nlinks);
    for (uint32_t i = 0; i < s->nlinks; i++)
        if (s->link[(from + i) % s->nlinks].to) return (from + i) % s->nlinks;
    return s->nlinks;
}

static void step_to(struct step *step, uint32_t link) {
    const struct link *l = &step->s->link[link];
    char *value = *link_slot(step->at, l); /* checked: it is what the shadow says */
    *step =
        (struct step){.s = l->to, .at = value - l->off, .from = step->s, .from_at = step->at, .link = link};
    step->s->found_from = step->from;
    step->s->found_by = link;
    object_check(step->s, step->at, false);
}

bool plot_walk(struct plot *p, struct random *r, struct step *step) {
    struct root *root = pick_root(p, r);
    if (!root) return false;
    reporting_plot = p;
    check_root(p, root);
    *step = (struct step){.s = root->to, .at = (char *)root_get(p, root) - root->off, .root = root};
    step->s->found_from = NULL;
    step->s->found_by = (uint32_t)(root - p->root);
    object_check(step->s, step->at, false);
    for (unsigned steps = below(r, 16); steps; steps--) {
        uint32_t link = pick_link(step->s, r);
        if (link == step->s->nlinks) break;
        step_to(step, link);
    }
    reporting_plot = NULL;
    return true;
}
