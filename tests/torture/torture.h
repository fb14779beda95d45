/* torture.h - what the files of the torture test share. The essay is in torture.c.
 *
 *   objects.c  kinds of objects: how one is made, what its contents must be, where it may hold links
 *   plot.c     a plot: one graph of objects, and its shadow in malloc's memory; walking and verifying
 *   roots.c    the places a plot hangs from: globals, thread-locals, keys, ranges, pins, epoll, heap cells …
 *   change.c   the mutations: link, unlink, swap, compare-exchange, move, copy, realloc, free …
 *   carry.c    objects that for a while hang from one place only: a deep frame, a register, a thread's
 * argument weather.c  what happens meanwhile: garbage, collections, blocking calls, changed controls, figures
 *   guests.c   short-lived threads, forks, loops without calls, modules that come and go
 *   plugin.c   such a module, with globals that are roots
 *   bells.c    signal handlers that allocate, store, and jump away
 *   report.c   failing loudly, and the watchdog
 */
#ifndef TORTURE_H
#define TORTURE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <tricolor.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#define LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define NOINLINE __attribute__((noinline))

/* ---- options ---- */

enum feature {
#define FEATURE(name, what) F_##name,
#include "features.def"
#undef FEATURE
    FEATURES
};

struct options {
    double seconds;
    int threads, plots;
    unsigned objects; /* aimed at, a plot */
    uint64_t seed;
    bool on[FEATURES];
    bool gdb;               /* print where all threads are before the program ends for an error */
    const char *gdb_script; /* and what it says, or "" */
};
extern struct options options;
extern volatile bool stopping; /* time is up */

/* ---- random numbers: one stream a thread ---- */
struct random {
    uint64_t s;
};
static inline uint64_t random_next(struct random *r) {
    uint64_t z = r->s += 0x9e3779b97f4a7c15ull; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}
static inline unsigned below(struct random *r, unsigned n) { return n ? (unsigned)(random_next(r) % n) : 0; }
static inline bool one_in(struct random *r, unsigned n) { return below(r, n) == 0; }

/* ---- objects ---- */

enum kind {
#define KIND(name, what) K_##name,
#include "kinds.def"
#undef KIND
    KINDS
};

enum { LINKS_MAX = 64, HISTORY = 12 };

struct shade;
struct link {
    uint32_t word;    /* where in the object */
    struct shade *to; /* NULL: the word is 0 */
    uint64_t off;     /* the word points so many bytes into it; bytes of it: just past its end */
};

/* The shadow of one object: malloc's memory, and the address is hidden, so it keeps nothing alive. */
struct shade {
    struct shade *next; /* of the plot's */
    uintptr_t hidden;
    uint64_t id;
    size_t bytes;
    uint8_t kind;
    uint8_t nhistory;
    uint32_t seen; /* the last verification that met it */
    uint32_t nlinks;
    struct {
        uint8_t change;       /* enum change */
        uint32_t cycle;       /* collections begun until then */
    } history[HISTORY];       /* circular */
    struct shade *found_from; /* while verifying: where it was found first, for the report */
    uint32_t found_by;
    struct link link[LINKS_MAX]; /* by rising word */
};

/* What word w of an object holds that is no link: no such value is an address. */
static inline uint64_t content(uint64_t id, size_t w) {
    return 0xEull << 60 | (id & 0xffffffffffull) << 20 | (w & 0xfffff);
}
static inline uint64_t content_id(uint64_t word) { return word >> 20 & 0xffffffffffull; }

void *object_address(const struct shade *s);
const char *kind_name(unsigned kind);
const char *change_name(unsigned change);
void shade_free(struct shade *s);
/* Gives the object another size; the shadow's address, links and contents follow. Returns where it is now. */
void *object_resize(struct random *r, struct shade *s, void *at);
bool kind_is_exact(unsigned kind); /* a single typed object: only stacks may keep it by its end */
bool kind_resizes(unsigned kind);
/* A fresh object with its contents, and its shadow. */
void *object_make(struct random *r, struct shade **shade);
void *object_make_of(struct random *r, unsigned kind, struct shade **shade);
void object_make_garbage(struct random *r); /* no shadow: one that nothing keeps */
/* Chooses the words for links of an object that has come to be (or to be of another size), and fills the
 * others. */
void object_fill(struct random *r, struct shade *s, void *at, size_t from);
/* Looks at the contents and at where the links point; `at` is its start. Ends the program when they are
 * wrong. */
void object_check(const struct shade *s, void *at, bool wholly);
bool object_may_link(unsigned kind, size_t word);
static inline void **link_slot(void *at, const struct link *l) { return (void **)at + l->word; }
static inline void *link_value(const struct link *l) {
    return l->to ? (char *)object_address(l->to) + l->off : NULL;
}

/* ---- plots ---- */

enum root_kind {
#define ROOT(name, what, private) R_##name,
#include "roots.def"
#undef ROOT
    ROOT_KINDS
};
enum { ROOTS = 10 };

struct root {
    uint8_t kind;
    unsigned index; /* among those of its kind in the plot's block */
    struct shade *to;
    uint64_t off;
};

struct plot {
    pthread_mutex_t lock;
    int number;
    bool private; /* of one worker: its roots may be thread-locals and the like */
    struct root root[ROOTS];
    struct shade *shades;
    unsigned nshades;
    uint32_t round; /* of verifications */
    uint32_t changes;
    struct place *place; /* roots.c: the memory its roots are in */
};

void plot_init(struct plot *p, int number, bool private, struct random *r);
void plot_drop(struct plot *p); /* its shadow only */
void plot_verify(struct plot *p, bool wholly);
void plot_end_thread(void); /* what verifying keeps for the calling thread */
void plot_forget_unreachable(struct plot *p);
void plot_add(struct plot *p, struct shade *s);
void plot_remove(struct plot *p, struct shade *s);
unsigned plot_indegree(struct plot *p, const struct shade *s);

/* A step on a walk: the object, and the link or root it was reached by. */
struct step {
    struct shade *s;
    void *at;          /* its start: on the walker's stack, so it stays alive */
    struct root *root; /* NULL: by a link of `from` */
    struct shade *from;
    void *from_at;
    unsigned link;
};
/* Walks along real pointers from some root, checking each object it meets. False: nothing is planted. */
bool plot_walk(struct plot *p, struct random *r, struct step *step);

enum change {
#define CHANGE(name) C_##name,
#include "changes.def"
#undef CHANGE
    CHANGES
};
void shade_note(struct shade *s, enum change change);
uint32_t cycles_begun(void);
void cycles_count(void); /* at the start: lets them be counted; TORTURE_ASKS in the environment: about */

/* ---- roots ---- */
void roots_init(void);
void roots_plot_init(struct plot *p, struct random *r);
void roots_after_fork(struct plot *p); /* in the child */
void *root_get(struct plot *p, const struct root *r);
/* Stores a value there as the program would, and in the shadow. */
void root_put(struct plot *p, struct root *r, void *value, struct shade *to, uint64_t off);
bool root_takes_end(const struct root *r, unsigned kind);
const char *root_name(unsigned kind);

/* ---- what a worker does ---- */

/* Where a worker is: in memory that children and the watchdog share. */
struct progress {
    uint64_t steps;    /* relaxed */
    const char *doing; /* relaxed; a string literal */
    pid_t child;       /* relaxed; 0: none */
};

struct worker {
    int number;
    pthread_t thread;
    struct random random;
    struct plot plot; /* its own */
    struct progress *progress;
    void *volatile *frame; /* words in the worker's frame that are roots of its plot */
    sigjmp_buf jump;
    volatile int jump_armed;
};
extern __thread struct worker *self; /* NULL: not a worker */

static inline void doing(const char *what) {
    if (!self) return;
    __atomic_store_n(&self->progress->doing, what, __ATOMIC_RELAXED);
    __atomic_add_fetch(&self->progress->steps, 1, __ATOMIC_RELAXED);
}

/* Figures of the whole run, printed at its end; relaxed. Memory that children share. */
struct figures {
    uint64_t objects, bytes, changes, checks, carried, threads, forks, modules, signals, jumps;
};
extern struct figures *figures;
#define COUNT(what) ((void)__atomic_fetch_add(&figures->what, 1, __ATOMIC_RELAXED))

void change_one(struct plot *p, struct random *r); /* the plot is locked */
void carry_one(struct plot *p, struct random *r);  /* the plot is locked */
void weather_init(void);
void weather(struct random *r);
void weather_cycle(struct random *r); /* until a cycle has begun and gone on, or for a while */
void guests_init(const char *program);
void guests_one(struct worker *w, struct plot *shared); /* shared: not locked */
void bells_init(void);
void bells_start(struct worker *workers, int n);
void bells_stop(void);
void bells_worker_start(void); /* a worker's own signal stack and timers */
void bells_worker_stop(void);
void bells_jump(struct random *r);

/* ---- failing ---- */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void fail_object(const struct shade *s, const void *at, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
extern __thread const struct plot *reporting_plot;
void report_init(int argc, char **argv); /* before the first thread */
struct progress *report_progress(int worker);
void report_done(void);

#endif
