/* options.h - what the environment says, read once at start: GOGC, GOMEMLIMIT, GOMAXPROCS, GODEBUG, TRITRACK.
 *
 * A malformed value gives one line on stderr that names the variable and what it accepts, and the default is used.
 */
#ifndef TRIX_OPTIONS_H
#define TRIX_OPTIONS_H

#include "attr.h"

enum { TRACK_BARRIER, TRACK_PAGES, TRACK_NONE };

struct options {
    int gc_percent;       /* -1: off */
    int64_t memory_limit; /* bytes; INT64_MAX: none */
    bool memory_limit_auto; /* it is the container's */
    int max_procs;        /* 0: as many as CPUs */
    int tracking;         /* TRACK_… */
    bool tracking_given;  /* by TRITRACK: then it holds whatever is loaded */
    struct {
#define KEY(name, initial, low, high, what) int name;
#include "debug_keys.def"
#undef KEY
    } debug;
};

/* Written by trix_options_read before the heap exists, constant afterwards (but for the tests). */
extern struct options trix_options;

void trix_options_read(char *const *environment);

/* Parses one value as the variable of that name would be; false when malformed. For tests and for `tri_set_…`. */
bool trix_parse_gc_percent(const char *text, int *percent);
bool trix_parse_memory_limit(const char *text, int64_t *bytes);

#endif
