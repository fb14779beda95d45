/* debug.h - the inside of libtricolor-debug.
 *
 *   start.c      what happens when it is loaded; the core's table (src/obs/sight.h)
 *   profile.c    a profile in memory: samples by stack; its form as Go's texts
 *   encode.c     its form as gzip'ed profile.proto
 *   modules.c    what is mapped where: mappings and build ids
 *   texts.c      strings, each kept once
 *   symbols.c    names, files and lines of addresses, by elfutils
 *   profiles.c   the profiles by name: heap, allocs, goroutine, …
 *   goroutines.c the goroutine profiles, and stacks as text
 *   cpu.c        the CPU profile
 *   bench.c      tri_bench
 *   serve.c      the HTTP server, and which page is where; pprof_pages.c, metrics_page.c, live_page.c: the pages
 *
 * It is an ordinary program on top of the core: it uses malloc, and libc's locks. So nothing of it may run while the world
 * is stopped, but for the few functions handed to the core, which say so.
 */
#ifndef TRID_H
#define TRID_H

#include "../src/obs/sight.h"
#include "../include/tricolor/debug.h"

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))

/* ---- start.c ---- */
const struct sight *trid_core(void);
void *trid_malloc(size_t bytes);              /* zeroed; ends the program when there is none */
locale_t trid_plain_numbers(void); /* from now on with a point, on this thread; for uselocale, to have the program's locale back */
void *trid_grow(void *array, size_t n, size_t *capacity, size_t each); /* room for one more behind n */

/* ---- a text that grows ---- */
struct page {
    char *text;
    size_t n, capacity;
};
void trid_put(struct page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trid_put_bytes(struct page *p, const void *bytes, size_t n);
void trid_put_json(struct page *p, const char *string); /* in quotes; what is no UTF-8 is \ufffd, as in Go */

/* ---- texts.c: strings, each kept once ---- */
struct texts {
    char **text; /* n of them, in the order they came */
    size_t n, room;
    uint32_t *at; /* hash table: index + 1; 0: free */
    size_t size;  /* a power of two */
};
size_t trid_texts_index(struct texts *t, const char *s);
void trid_texts_free(struct texts *t);

/* ---- profile.c ---- */
enum { PROFILE_VALUES = 4 };

struct profile_sample {
    uint32_t npcs;
    const uintptr_t *pcs; /* return addresses, innermost first; the profile's own copy */
    int64_t value[PROFILE_VALUES];
    const char *key;      /* one label: a number, or a text; NULL: none */
    int64_t number;
    const char *unit;
};

struct profile {
    const char *name;
    unsigned nvalues;
    const char *type[PROFILE_VALUES], *unit[PROFILE_VALUES];
    const char *period_type, *period_unit, *default_type;
    int64_t period, time_ns, duration_ns;
    bool interrupted; /* innermost addresses are where a signal came, not return addresses */
    const void *caller; /* goroutines: the calling one's stack begins in the call that returns there; NULL: it is none */
    const char *drop; /* regular expression: frames of these names go, with what they called */
    struct profile_sample *sample;
    size_t n, capacity;
    struct profile_index *index;
};

/* Adds to the sample of that stack and label, or makes one. */
void trid_profile_add(struct profile *p, const uintptr_t *pcs, uint32_t npcs, const int64_t *value, const char *key,
                      int64_t number, const char *unit);
/* Takes what `before` had off, as for a profile of some seconds. */
void trid_profile_subtract(struct profile *p, const struct profile *before);
void trid_profile_free(struct profile *p);
bool trid_profile_encode(const struct profile *p, struct page *out); /* gzip'ed; false: no memory */
/* Go's text: "name profile: total n", and a line with its stack for each sample. */
void trid_profile_text(const struct profile *p, struct page *out);
/* The stack of a sample with names, a line "#\t0x…\tfunction+0x…\t\tfile:line" each. */
struct symbols;
void trid_text_stack(struct page *out, struct symbols *s, const uintptr_t *pcs, uint32_t n, bool interrupted);

/* ---- modules.c ---- */
struct module {
    uint64_t start, limit, offset;
    char *file;
    char build_id[65];
};
struct modules {
    struct module *module; /* by rising address */
    size_t n, capacity;
};
void trid_modules_read(struct modules *m);
bool trid_cut_deleted(char *file); /* what the kernel puts behind the name of a file that has been replaced or removed: it was there */
void trid_modules_free(struct modules *m);
const struct module *trid_modules_find(const struct modules *m, uint64_t address);

/* ---- symbols.c ---- */
struct symbol {
    const char *name; /* NULL: not known */
    uint64_t offset;  /* from the outermost one's start */
    const char *file; /* NULL: not known */
    int line;
};
struct symbols *trid_symbols_open(void); /* of this process as it is now; one at a time: others wait */
void trid_symbols_close(struct symbols *s);
/* Whether the frame is the core's own, and none of its public calls. */
bool trid_symbol_internal(const struct symbol *s, uintptr_t address);
/* The functions that the instruction at the address is in, innermost first: those inlined, and the one they are in, which
 * there is always. They and their strings live until s is closed. */
const struct symbol *trid_symbol_frames(struct symbols *s, uintptr_t address, unsigned *n);
/* The outermost one. */
struct symbol trid_symbol(struct symbols *s, uintptr_t address);

/* ---- profiles.c ---- */
bool trid_profile_known(const char *name);
/* caller: see above. False: there is no such profile. */
bool trid_profile_make(const char *name, const void *caller, struct profile *p);
void trid_profile_page(const struct profile *p, int debug, struct page *out);

/* ---- goroutines.c ---- */
void trid_goroutines_make(struct profile *p, bool leaked);
void trid_goroutines_dump(struct page *out, bool leaked, const void *caller);

/* ---- cpu.c: into memory; errno values ---- */
int trid_cpu_start(void);
int trid_cpu_stop(struct page *out);

/* ---- all metrics, in memory outside the heap; n of them, to be freed ---- */
#include "../include/tricolor/metrics.h"
tri_metric *trid_read_metrics(size_t *n);

/* ---- the pages; text to be freed by the caller ---- */
void trid_metrics_page(struct page *out, bool open_metrics);
void trid_vars_page(struct page *out);
void trid_live_data(struct page *out);
void trid_live_heap(struct page *out);
extern const char trid_live_html[];
extern const size_t trid_live_html_size;
bool trid_control_allowed(void);

#endif
