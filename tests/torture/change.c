/* change.c - the mutations of a plot.
 *
 * Each does in the heap what a program would do, through the public interface, and the same in the shadow.
 * Objects are found by walking along real pointers, so what a mutation moves about is on this thread's stack
 * like any program's locals. The plot's lock is held.
 */
#include "torture.h"

#include <string.h>

/* ---- aiming: a pointer to an object, into it, or just past its end ---- */

struct aim {
    void *value;
    struct shade *to;
    uint64_t off;
};

static struct aim aim_at(struct random *r, struct shade *s, void *at, bool may_be_end) {
    uint64_t off = 0;
    if (one_in(r, 6))
        off = below(r, (unsigned)s->bytes);
    else if (may_be_end && one_in(r, 12))
        off = s->bytes;
    return (struct aim){(char *)at + off, s, off};
}

static struct aim aim_from_heap(struct random *r, struct shade *s, void *at) {
    return aim_at(r, s, at, !kind_is_exact(s->kind));
}

/* What a link or root holds, to be put into a heap object: an end that the heap would not keep becomes a
 * start. */
static struct aim aim_again(void *value, struct shade *to, uint64_t off) {
    if (to && off == to->bytes && kind_is_exact(to->kind)) return (struct aim){(char *)value - off, to, 0};
    return (struct aim){value, to, off};
}

/* ---- storing ---- */

static void link_put(struct random *r, struct shade *s, void *at, uint32_t i, struct aim aim) {
    struct link *l = &s->link[i];
    void **slot = link_slot(at, l), *old = *slot, *was;
    switch (below(r, options.on[F_bulk] ? 8 : 6)) {
    case 0:
        if (!tri_cas(*slot, old, aim.value)) fail_object(s, at, "tri_cas of link %u has not stored", i);
        shade_note(s, C_LINK_CAS);
        break;
    case 1:
        was = tri_exchange(*slot, aim.value);
        if (was != old) fail_object(s, at, "tri_exchange of link %u says %p, not %p", i, was, old);
        shade_note(s, C_LINK_EXCHANGED);
        break;
    case 6: tri_memcpy(slot, &aim.value, sizeof aim.value), shade_note(s, C_COPIED_INTO); break;
    case 7: tri_assign(*slot, aim.value), shade_note(s, C_ASSIGNED); break;
    default: tri_set(*slot, aim.value), shade_note(s, aim.to ? C_LINK_SET : C_LINK_CLEARED);
    }
    l->to = aim.to;
    l->off = aim.off;
    if (aim.to) shade_note(aim.to, C_LINKED);
}

static bool walk_to_links(struct plot *p, struct random *r, struct step *step) {
    for (int tries = 0; tries < 4; tries++)
        if (plot_walk(p, r, step) && step->s->nlinks) return true;
    return false;
}

static struct root *any_root(struct plot *p, struct random *r) { return &p->root[below(r, ROOTS)]; }

static void root_aim(struct random *r, struct plot *p, struct root *root, struct shade *s, void *at) {
    struct aim aim = aim_at(r, s, at, root_takes_end(root, s->kind));
    root_put(p, root, aim.value, aim.to, aim.off);
}

/* ---- the mutations ---- */

static void change_new(struct plot *p, struct random *r) {
    struct step step;
    struct shade *s;
    void *at = object_make(r, &s);
    plot_add(p, s);
    if (!one_in(r, 10) && walk_to_links(p, r, &step))
        link_put(r, step.s, step.at, below(r, step.s->nlinks), aim_from_heap(r, s, at));
    else
        root_aim(r, p, any_root(p, r), s, at);
    /* its own links: to what is there already */
    for (uint32_t i = 0; i < s->nlinks && i < 4; i++)
        if (one_in(r, 2) && plot_walk(p, r, &step))
            link_put(r, s, at, below(r, s->nlinks), aim_from_heap(r, step.s, step.at));
}

static void change_link(struct plot *p, struct random *r) {
    struct step from, to;
    if (!walk_to_links(p, r, &from) || !plot_walk(p, r, &to)) return;
    link_put(r, from.s, from.at, below(r, from.s->nlinks), aim_from_heap(r, to.s, to.at));
}

static void change_unlink(struct plot *p, struct random *r) {
    struct step from;
    if (walk_to_links(p, r, &from)) link_put(r, from.s, from.at, below(r, from.s->nlinks), (struct aim){0});
}

static void change_swap(struct plot *p, struct random *r) {
    struct step a, b;
    if (!walk_to_links(p, r, &a) || !walk_to_links(p, r, &b)) return;
    struct link *x = &a.s->link[below(r, a.s->nlinks)], *y = &b.s->link[below(r, b.s->nlinks)], saved = *x;
    tri_swap(*link_slot(a.at, x), *link_slot(b.at, y));
    x->to = y->to, x->off = y->off;
    y->to = saved.to, y->off = saved.off;
    shade_note(a.s, C_LINK_SWAPPED);
    shade_note(b.s, C_LINK_SWAPPED);
}

static void change_failing_cas(struct plot *p, struct random *r) {
    struct step a;
    if (!walk_to_links(p, r, &a)) return;
    const struct link *l = &a.s->link[below(r, a.s->nlinks)];
    if (tri_cas(*link_slot(a.at, l), (char *)link_value(l) + 1, a.at))
        fail_object(a.s, a.at, "tri_cas of word %u has stored against expectation", l->word);
}

/* Whether links [from, from + n) of the object lie side by side. */
static bool side_by_side(const struct shade *s, uint32_t from, uint32_t n) {
    return from + n <= s->nlinks && s->link[from + n - 1].word - s->link[from].word == n - 1;
}

static void links_copied(struct link *to, const struct link *from, uint32_t n) {
    struct link copy[LINKS_MAX];
    memcpy(copy, from, n * sizeof *from);
    for (uint32_t i = 0; i < n; i++) to[i].to = copy[i].to, to[i].off = copy[i].off;
}

/* Between two objects or within one. */
static void change_copy(struct plot *p, struct random *r) {
    struct step a, b;
    if (!walk_to_links(p, r, &a)) return;
    if (one_in(r, 2))
        b = a;
    else if (!walk_to_links(p, r, &b))
        return;
    uint32_t i = below(r, a.s->nlinks), j = below(r, b.s->nlinks), n = 1 + below(r, 16);
    while (n > 1 && !(side_by_side(a.s, i, n) && side_by_side(b.s, j, n))) n--;
    tri_memmove(link_slot(a.at, &a.s->link[i]), link_slot(b.at, &b.s->link[j]), n * sizeof(void *));
    links_copied(&a.s->link[i], &b.s->link[j], n);
    shade_note(a.s, a.s == b.s ? C_MOVED_WITHIN : C_COPIED_INTO);
}

static void change_zero(struct plot *p, struct random *r) {
    struct step a;
    if (!walk_to_links(p, r, &a)) return;
    uint32_t i = below(r, a.s->nlinks), n = 1 + below(r, 8);
    while (!side_by_side(a.s, i, n)) n--;
    tri_memset(link_slot(a.at, &a.s->link[i]), 0, n * sizeof(void *));
    for (uint32_t k = 0; k < n; k++) a.s->link[i + k].to = NULL, a.s->link[i + k].off = 0;
    shade_note(a.s, C_ZEROED);
}

static void change_root(struct plot *p, struct random *r) {
    struct step to;
    if (plot_walk(p, r, &to)) root_aim(r, p, any_root(p, r), to.s, to.at);
}

static void change_unroot(struct plot *p, struct random *r) {
    struct root *root = any_root(p, r);
    if (root->to) shade_note(root->to, C_UNROOTED);
    root_put(p, root, NULL, NULL, 0);
}

/* The root's pointer goes into an object that may be black by now, and the root is cleared. */
static void change_root_to_link(struct plot *p, struct random *r) {
    struct root *root = any_root(p, r);
    struct step a;
    if (!root->to || !walk_to_links(p, r, &a) || a.s == root->to) return;
    link_put(r, a.s, a.at, below(r, a.s->nlinks), aim_again(root_get(p, root), root->to, root->off));
    shade_note(root->to, C_ROOT_TO_LINK);
    root_put(p, root, NULL, NULL, 0);
}

/* The link's pointer goes where no barrier is, and the link is cleared. */
static void change_link_to_root(struct plot *p, struct random *r) {
    struct step a;
    if (!walk_to_links(p, r, &a)) return;
    uint32_t i = below(r, a.s->nlinks);
    struct link was = a.s->link[i];
    if (!was.to) return;
    struct root *root = any_root(p, r);
    root_put(p, root, *link_slot(a.at, &was), was.to, was.off);
    link_put(r, a.s, a.at, i, (struct aim){0});
    shade_note(was.to, C_LINK_TO_ROOT);
}

/* Puts a value where the step came from. */
static void step_put(struct plot *p, struct random *r, struct step *step, struct aim aim) {
    if (step->root)
        root_put(p, step->root, aim.value, aim.to, aim.off);
    else
        link_put(r, step->from, step->from_at, step->link, aim);
}

static void change_realloc(struct plot *p, struct random *r) {
    struct step a;
    if (!plot_walk(p, r, &a) || !kind_resizes(a.s->kind) || plot_indegree(p, a.s) != 1) return;
    void *moved = object_resize(r, a.s, a.at);
    step_put(p, r, &a, (struct aim){moved, a.s, 0});
}

static void change_free(struct plot *p, struct random *r) {
    struct step a;
    if (!plot_walk(p, r, &a) || plot_indegree(p, a.s) != 1) return;
    step_put(p, r, &a, (struct aim){0});
    plot_remove(p, a.s);
    tri_free(a.at);
}

/* ---- which ---- */

static const struct mutation {
    void (*run)(struct plot *, struct random *);
    unsigned small, big; /* weights while the plot has less than it aims at, and more */
    int feature;         /* -1: always */
} mutations[] = {
    {change_new, 30, 4, -1},           {change_link, 10, 4, -1},        {change_unlink, 4, 10, -1},
    {change_swap, 8, 8, -1},           {change_failing_cas, 2, 2, -1},  {change_copy, 5, 8, F_bulk},
    {change_zero, 1, 3, F_bulk},       {change_root, 6, 4, -1},         {change_unroot, 1, 4, -1},
    {change_root_to_link, 10, 10, -1}, {change_link_to_root, 8, 8, -1}, {change_realloc, 5, 5, F_realloc},
    {change_free, 2, 6, F_free},
};

static unsigned weight(const struct mutation *m, bool big) {
    if (m->feature >= 0 && !options.on[m->feature]) return 0;
    return big ? m->big : m->small;
}

static const struct mutation *pick(struct random *r, bool big) {
    unsigned total = 0;
    for (size_t i = 0; i < LEN(mutations); i++) total += weight(&mutations[i], big);
    unsigned at = below(r, total), i = 0;
    while (at >= weight(&mutations[i], big)) at -= weight(&mutations[i++], big);
    return &mutations[i];
}

enum { FORGET_EVERY = 64, VERIFY_EVERY = 256 };

void change_one(struct plot *p, struct random *r) {
    COUNT(changes);
    p->changes++;
    if (p->changes % FORGET_EVERY == 0) plot_forget_unreachable(p);
    if (p->changes % VERIFY_EVERY == 0) plot_verify(p, one_in(r, 8));
    reporting_plot = p;
    pick(r, p->nshades > options.objects)->run(p, r);
    reporting_plot = NULL;
}
