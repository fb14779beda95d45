/* roots.c - the places a plot hangs from.
 *
 * Each kind of place stores a pointer the way a program would: globals, statics, thread-locals and frames
 * with a plain
 * `=`; cells in the heap with the barrier; what libc or the kernel keeps through their own calls. Only what
 * the library promises to look at holds the real pointer; all that is in malloc's memory is hidden.
 */
#include "torture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLOTS_MOST = 256, KEYS = 60, RANGE_BYTES = 4096 };

/* A plot's own memory for roots; malloc's, so all in it is hidden. */
struct place {
    uintptr_t root_block; /* hidden */
    void **range;         /* mmap'ed and registered */
    uintptr_t pin[ROOTS]; /* hidden */
    int epoll[ROOTS], event[ROOTS];
};

static void *globals[PLOTS_MOST][ROOTS];
static void *cells[PLOTS_MOST]; /* -> heap block of ROOTS words */
static void **typed_cells[PLOTS_MOST];
static __thread void *locals[ROOTS];
static pthread_key_t keys[KEYS];
static unsigned nkeys;

static const struct {
    const char *name;
    bool private, on_stack;
    int feature; /* -1: always */
} kinds[ROOT_KINDS] = {
    [R_GLOBAL] = {"global", false, false, -1},     [R_STATIC] = {"static", false, false, -1},
    [R_CELL] = {"heap cell", false, false, -1},    [R_TYPED_CELL] = {"typed heap cell", false, false, -1},
    [R_RANGE] = {"range", false, false, F_ranges}, [R_ROOT_BLOCK] = {"root block", false, false, F_pins},
    [R_PIN] = {"pin", false, false, F_pins},       [R_EPOLL] = {"epoll data", false, false, F_epoll},
    [R_TLS] = {"thread-local", true, true, -1},    [R_KEY] = {"key", true, false, F_specific},
    [R_FRAME] = {"frame", true, true, -1},
};

const char *root_name(unsigned kind) { return kind < ROOT_KINDS ? kinds[kind].name : "?"; }

bool root_takes_end(const struct root *r, unsigned kind) {
    return !kind_is_exact(kind) || kinds[r->kind].on_stack;
}

void roots_init(void) {
    while (nkeys < KEYS && pthread_key_create(&keys[nkeys], NULL) == 0) nkeys++;
}

static void **statics(int plot) {
    static void *words[PLOTS_MOST][ROOTS];
    return words[plot];
}

static void **range_make(void) {
    void **range = mmap(NULL, RANGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (range == MAP_FAILED) fail("mmap: %s", strerror(errno));
    tri_add_roots(range, (char *)range + RANGE_BYTES);
    return range;
}

/* To another place and back to the system, contents and all: the old one may hold the last pointers. */
static void range_move(struct place *place) {
    void **old = place->range, **fresh = range_make();
    memcpy(fresh, old, RANGE_BYTES);
    place->range = fresh;
    tri_remove_roots(old, (char *)old + RANGE_BYTES);
    munmap(old, RANGE_BYTES);
}

static void **root_block(struct place *place) { return tri_reveal(place->root_block); }

static void root_block_move(struct place *place) {
    void **old = root_block(place), **fresh = tri_alloc_root(ROOTS * sizeof(void *));
    tri_memcpy(fresh, old, ROOTS * sizeof(void *));
    place->root_block = tri_hide(fresh);
    tri_free(old);
}

static void epoll_init(struct place *place, unsigned i) {
    place->epoll[i] = epoll_create1(EPOLL_CLOEXEC);
    place->event[i] = eventfd(1, EFD_CLOEXEC); /* always ready to be read */
    if (place->epoll[i] < 0 || place->event[i] < 0) fail("epoll: %s", strerror(errno));
}

void roots_plot_init(struct plot *p, struct random *r) {
    struct place *place = p->place = calloc(1, sizeof *place);
    int n = p->number;
    if (n >= PLOTS_MOST) fail("at most %d plots", PLOTS_MOST);
    cells[n] = tri_alloc(ROOTS * sizeof(void *));
    typed_cells[n] = tri_new_array(void *, ROOTS);
    if (options.on[F_ranges]) place->range = range_make();
    if (options.on[F_pins]) place->root_block = tri_hide(tri_alloc_root(ROOTS * sizeof(void *)));
    for (unsigned i = 0; i < ROOTS; i++) {
        unsigned kind;
        do kind = below(r, ROOT_KINDS);
        while ((kinds[kind].private && !p->private) ||
               (kinds[kind].feature >= 0 && !options.on[kinds[kind].feature]));
        if (p->private && one_in(r, 3)) kind = one_in(r, 2) ? R_TLS : R_FRAME;
        p->root[i] = (struct root){.kind = (uint8_t)kind, .index = i};
        if (kind == R_EPOLL) epoll_init(place, i);
    }
}

/* ---- epoll ---- */

static void *epoll_get(struct place *place, unsigned i, bool set) {
    struct epoll_event e = {0};
    int n;
    if (!set) return NULL;
    do n = epoll_wait(place->epoll[i], &e, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n != 1) fail("epoll_wait says %d: %s", n, strerror(errno));
    return e.data.ptr;
}

static void epoll_put(struct place *place, unsigned i, bool was_set, void *value) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = value};
    int how = !value ? EPOLL_CTL_DEL : was_set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!value && !was_set) return;
    if (epoll_ctl(place->epoll[i], how, place->event[i], &e) != 0) fail("epoll_ctl: %s", strerror(errno));
}

/* A child shares its parent's: it makes its own, and leaves the parent's as they are. */
static void epoll_after_fork(struct plot *p, struct root *r) {
    struct place *place = p->place;
    int old[2] = {place->epoll[r->index], place->event[r->index]};
    void *value =
        r->to ? (char *)object_address(r->to) + r->off : NULL; /* not from the parent's: it goes on */
    epoll_init(place, r->index);
    epoll_put(place, r->index, false, value);
    close(old[0]);
    close(old[1]);
}

void roots_after_fork(struct plot *p) {
    for (unsigned i = 0; i < ROOTS; i++)
        if (p->root[i].kind == R_EPOLL) epoll_after_fork(p, &p->root[i]);
}

/* ---- keys ---- */

static pthread_key_t key_of(unsigned i) {
    return keys[(i * 7 + 3) % nkeys];
} /* some in libc's first block of 32, some not */

/* ---- all ---- */

void *root_get(struct plot *p, const struct root *r) {
    int n = p->number;
    unsigned i = r->index;
    struct place *place = p->place;
    switch (r->kind) {
    case R_GLOBAL: return globals[n][i];
    case R_STATIC: return statics(n)[i];
    case R_CELL: return ((void **)cells[n])[i];
    case R_TYPED_CELL: return typed_cells[n][i];
    case R_RANGE: return place->range[i];
    case R_ROOT_BLOCK: return root_block(place)[i];
    case R_PIN: return place->pin[i] ? tri_reveal(place->pin[i]) : NULL;
    case R_EPOLL: return epoll_get(place, i, r->to != NULL);
    case R_TLS: return locals[i];
    case R_KEY: return pthread_getspecific(key_of(i));
    case R_FRAME: return self->frame[i];
    default: fail("no such root");
    }
}

static void pin_put(struct place *place, unsigned i, void *value) {
    void *old = place->pin[i] ? tri_reveal(place->pin[i]) : NULL;
    if (value) tri_pin(value);
    place->pin[i] = value ? tri_hide(value) : 0;
    if (old) tri_unpin(old);
}

static void place_put(struct plot *p, const struct root *r, void *value) {
    int n = p->number;
    unsigned i = r->index;
    struct place *place = p->place;
    switch (r->kind) {
    case R_GLOBAL: globals[n][i] = value; break;
    case R_STATIC: statics(n)[i] = value; break;
    case R_CELL: tri_set(((void **)cells[n])[i], value); break;
    case R_TYPED_CELL: tri_exchange(typed_cells[n][i], value); break;
    case R_RANGE: place->range[i] = value; break;
    case R_ROOT_BLOCK: tri_set(root_block(place)[i], value); break;
    case R_PIN: pin_put(place, i, value); break;
    case R_EPOLL: epoll_put(place, i, r->to != NULL, value); break;
    case R_TLS: locals[i] = value; break;
    case R_KEY: pthread_setspecific(key_of(i), value); break;
    case R_FRAME: self->frame[i] = value; break;
    default: fail("no such root");
    }
}

void root_put(struct plot *p, struct root *r, void *value, struct shade *to, uint64_t off) {
    if (r->kind == R_RANGE && p->round % 32 == 7) range_move(p->place);
    if (r->kind == R_ROOT_BLOCK && p->round % 32 == 9) root_block_move(p->place);
    place_put(p, r, value);
    r->to = to;
    r->off = off;
    if (to) shade_note(to, C_ROOTED);
}
