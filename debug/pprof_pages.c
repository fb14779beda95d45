/* pprof_pages.c - /debug/pprof/: Go's net/http/pprof, the same paths, parameters and answers. */
#include "serve.h"

#include "../include/tricolor/control.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { CPU_SECONDS = 30, MOST_SECONDS = 24 * 3600 };

static const char prefix[] = "/debug/pprof/";

static const char *name_of(const struct request *r) {
    return strncmp(r->path, prefix, sizeof prefix - 1) == 0 ? r->path + sizeof prefix - 1 : "";
}

bool trid_pprof_is_long(const struct request *r) {
    const char *name = name_of(r);
    if (strcmp(name, "profile") == 0 || strncmp(name, "goroutine", 9) == 0) return true;
    return trid_profile_known(name) && (trid_parameter(r, "seconds") || trid_parameter(r, "gc"));
}

/* ---- pages by themselves ---- */

static void index_page(struct request *r) {
    static const struct {
        const char *name, *what;
    } rows[] = {{"allocs", "A sampling of all past memory allocations"},
                {"block", "Stack traces that led to blocking on locks and channels (tri_set_block_profile_rate)"},
                {"cmdline", "The command line of this program"},
                {"goroutine", "Stack traces of all goroutines. debug=2 shows each by itself"},
                {"goroutineleak", "Stack traces of goroutines that are blocked for ever"},
                {"heap", "A sampling of live objects. gc=1 runs a cycle first"},
                {"mutex", "Stack traces of holders of contended locks (tri_set_mutex_profile_fraction)"},
                {"profile", "CPU profile. seconds=30 says for how long"},
                {"symbol", "Maps program counters to function names"},
                {"threadcreate", "The number of threads"}};
    r->type = "text/html; charset=utf-8";
    trid_put(&r->page, "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">"
             "<title>/debug/pprof/</title><style>body{font-family:sans-serif;margin:2em}td{padding:.1em 1em .1em 0}</style></head>\n"
             "<body><h1>/debug/pprof/</h1><p>Set debug=1 as a query parameter to read a profile as text. Live figures: "
             "<a href=\"/debug/tricolor/\">/debug/tricolor/</a></p><table>\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        trid_put(&r->page, "<tr><td><a href=\"%s%s\">%s</a></td><td>%s</td></tr>\n", rows[i].name,
                 trid_profile_known(rows[i].name) ? "?debug=1" : "", rows[i].name, rows[i].what);
    trid_put(&r->page, "</table><p><a href=\"goroutine?debug=2\">full goroutine stack dump</a></p></body></html>\n");
}

static void cmdline(struct request *r) {
    FILE *f = fopen("/proc/self/cmdline", "re");
    char buffer[4096];
    size_t n;
    while (f && (n = fread(buffer, 1, sizeof buffer, f)) > 0) trid_put_bytes(&r->page, buffer, n);
    if (f) fclose(f);
    if (r->page.n && r->page.text[r->page.n - 1] == 0) r->page.n--; /* between the words only, as in Go */
}

static void cpu_profile(struct request *r, long seconds) {
    int error = trid_cpu_start();
    if (error) {
        trid_fail(r, MHD_HTTP_INTERNAL_SERVER_ERROR,
                  error == EBUSY ? "Could not enable CPU profiling: cpu profiling already in use"
                                 : "Could not enable CPU profiling");
        return;
    }
    trid_wait_seconds(r, seconds);
    if (trid_cpu_stop(&r->page) != 0) trid_fail(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "Could not write the profile");
    else r->type = "application/octet-stream", r->attachment = "profile";
}

void trid_pprof_symbol(struct request *r) {
    const char *list = r->body.n ? r->body.text : r->query;
    struct symbols *s = trid_symbols_open();
    trid_put(&r->page, "num_symbols: 1\n");
    while (list && *list) {
        char *end;
        unsigned long long pc = strtoull(list, &end, 0);
        if (end == list) break;
        struct symbol at = trid_symbol(s, (uintptr_t)pc);
        if (pc && at.name) trid_put(&r->page, "0x%llx %s\n", pc, at.name);
        list = *end == '+' || *end == ' ' ? end + 1 : "";
    }
    trid_symbols_close(s);
}

/* ---- profiles by name ---- */

static void named(struct request *r, const char *name, long debug, bool gc) {
    struct profile p;
    if (gc && strcmp(name, "heap") == 0) tri_gc();
    trid_profile_make(name, NULL, &p);
    trid_profile_page(&p, (int)debug, &r->page);
    trid_profile_free(&p);
}

static void difference(struct request *r, const char *name, long seconds) {
    struct profile before, after;
    trid_profile_make(name, NULL, &before);
    if (trid_wait_seconds(r, seconds)) {
        trid_profile_make(name, NULL, &after);
        trid_profile_subtract(&after, &before);
        after.duration_ns = after.time_ns - before.time_ns;
        trid_profile_encode(&after, &r->page);
        trid_profile_free(&after);
    } else {
        trid_fail(r, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is being stopped");
    }
    trid_profile_free(&before);
}

void trid_pprof_page(struct request *r) {
    const char *name = name_of(r), *seconds_text = trid_parameter(r, "seconds"), *debug_text = trid_parameter(r, "debug");
    const char *gc_text = trid_parameter(r, "gc");
    long seconds = 0, debug = 0, gc = 0;
    if (seconds_text && !*seconds_text) seconds_text = NULL; /* as in Go */
    if (debug_text) trid_number(debug_text, INT_MIN, INT_MAX, &debug); /* as in Go, what is no number counts as 0 */
    if (gc_text) trid_number(gc_text, INT_MIN, INT_MAX, &gc);
    if (strcmp(name, "") == 0) return index_page(r);
    if (strcmp(name, "cmdline") == 0) return cmdline(r);
    if (strcmp(name, "trace") == 0)
        return trid_fail(r, MHD_HTTP_NOT_FOUND, "execution traces are not supported; GODEBUG=schedtrace=1000 shows the scheduler");
    bool cpu = strcmp(name, "profile") == 0;
    if (!cpu && !trid_profile_known(name)) return trid_fail(r, MHD_HTTP_NOT_FOUND, "Unknown profile");
    if (seconds_text && !trid_number(seconds_text, cpu ? 0 : 1, MOST_SECONDS, &seconds) && !cpu)
        return trid_fail(r, MHD_HTTP_BAD_REQUEST, "invalid value for \"seconds\" - must be a positive integer");
    if (cpu) return cpu_profile(r, seconds > 0 ? seconds : CPU_SECONDS);
    if (seconds && debug) return trid_fail(r, MHD_HTTP_BAD_REQUEST, "seconds and debug params are incompatible");
    if (debug == 0) r->type = "application/octet-stream", r->attachment = name, r->delta = seconds > 0;
    if (seconds) difference(r, name, seconds);
    else named(r, name, debug, gc > 0);
}
