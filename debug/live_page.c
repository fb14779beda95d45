/* live_page.c - /debug/tricolor/: the page (live.html), its figures, and its buttons.
 *
 *   data   figures as JSON, asked for every second: metrics, the last cycles, sizes and layouts
 *   heap   the heap profile as JSON, names resolved: for the flame graph
 */
#include "serve.h"

#include "../include/tricolor/control.h"
#include "../include/tricolor/metrics.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- figures ---- */

static unsigned long resident_bytes(void) {
    unsigned long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%lu %lu", &pages, &resident) != 2) resident = 0;
    if (f) fclose(f);
    return resident * (unsigned long)sysconf(_SC_PAGESIZE);
}

static void put_histogram(struct page *out, const tri_float64_histogram *h) {
    bool first = true;
    trid_put(out, "[");
    for (size_t i = 0; i < h->n; i++) {
        if (!h->counts[i]) continue;
        trid_put(out, "%s[%.9g,%.9g,%lu]", first ? "" : ",", isinf(h->buckets[i]) ? 0 : h->buckets[i],
                 isinf(h->buckets[i + 1]) ? 0 : h->buckets[i + 1], h->counts[i]);
        first = false;
    }
    trid_put(out, "]");
}

/* Numbers above 2^53 are no numbers to a browser; only "no limit" is that large. */
static void put_metrics(struct page *out) {
    size_t n;
    const tri_metric_description *d = tri_all_metrics(&n);
    tri_metric *m = trid_read_metrics(&n);
    trid_put(out, "\"metrics\":{");
    for (size_t i = 0; i < n; i++) {
        trid_put(out, "%s\"%s\":", i ? "," : "", d[i].name);
        if (m[i].kind == TRI_METRIC_FLOAT64_HISTOGRAM) put_histogram(out, m[i].float64_histogram);
        else if (m[i].kind == TRI_METRIC_FLOAT64) trid_put(out, "%.9g", m[i].float64);
        else if (m[i].uint64 > 1ull << 53) trid_put(out, "null");
        else trid_put(out, "%lu", m[i].uint64);
    }
    trid_put(out, "}");
    free(m);
}

static void put_cycles(struct page *out) {
    struct sight_cycle c[256];
    size_t n = trid_core()->cycles(c, 256);
    trid_put(out, "\"cycles\":[");
    for (size_t i = 0; i < n; i++)
        trid_put(out, "%s[%u,%.3f,%lu,%lu,%lu,%lu,%.3f,%.6f,%d]", i ? "," : "", c[i].number, (double)c[i].at_ns / 1e9, c[i].heap_start,
                 c[i].heap_end, c[i].heap_marked, c[i].goal > 1ull << 53 ? 0 : c[i].goal,
                 (double)(c[i].stop_start + c[i].stop_finish) / 1e3, c[i].cpu_fraction, c[i].forced);
    trid_put(out, "]");
}

static void put_layouts(struct page *out) {
    struct sight_page *p = trid_malloc(SIGHT_LAYOUTS * sizeof *p);
    size_t n = trid_core()->layouts(p);
    trid_put(out, "\"layouts\":[");
    for (size_t i = 0; i < n; i++)
        trid_put(out, "%s[%u,\"%s\",%u,%lu,%lu]", i ? "," : "", p[i].size, p[i].kind, p[i].slots, p[i].spans, p[i].live);
    trid_put(out, "]");
    free(p);
}

static void put_program(struct page *out) {
    char name[4096];
    ssize_t n = readlink("/proc/self/exe", name, sizeof name - 1);
    name[n > 0 ? n : 0] = 0;
    trid_cut_deleted(name);
    const char *slash = strrchr(name, '/');
    trid_put(out, "\"program\":");
    trid_put_json(out, slash ? slash + 1 : name);
    trid_put(out, ",\"pid\":%d,\"version\":\"%s\"", getpid(), tri_version());
}

void trid_live_data(struct page *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    trid_put(out, "{\"now\":%.3f,\"rss\":%lu,\"control\":%s,", (double)now.tv_sec + (double)now.tv_nsec / 1e9, resident_bytes(),
             trid_control_allowed() ? "true" : "false");
    put_program(out);
    trid_put(out, ",");
    put_metrics(out);
    trid_put(out, ",");
    put_cycles(out);
    trid_put(out, ",");
    put_layouts(out);
    trid_put(out, "}\n");
}

/* [[inuse bytes, inuse objects, alloc bytes, alloc objects, "root", …, "innermost"], …] */
void trid_live_heap(struct page *out) {
    struct profile p;
    struct symbols *s = trid_symbols_open();
    trid_profile_make("heap", NULL, &p);
    trid_put(out, "[");
    for (size_t i = 0; i < p.n; i++) {
        const struct profile_sample *x = &p.sample[i];
        trid_put(out, "%s[%ld,%ld,%ld,%ld", i ? ",\n" : "", x->value[3], x->value[2], x->value[1], x->value[0]);
        for (uint32_t k = x->npcs; k-- > 0;) {
            unsigned inlined;
            const struct symbol *at = trid_symbol_frames(s, x->pcs[k] - 1, &inlined);
            char number[32];
            snprintf(number, sizeof number, "0x%lx", x->pcs[k]);
            while (inlined-- > 0) {
                if (trid_symbol_internal(&at[inlined], x->pcs[k])) continue;
                trid_put(out, ",");
                trid_put_json(out, at[inlined].name ? at[inlined].name : number);
            }
        }
        trid_put(out, "]");
    }
    trid_put(out, "]\n");
    trid_symbols_close(s);
    trid_profile_free(&p);
}

/* ---- buttons ---- */

static int allowed; /* 0: not decided, 1: no, 2: yes; relaxed */

EXPORT void tri_debug_allow_control(bool allow) { __atomic_store_n(&allowed, allow ? 2 : 1, __ATOMIC_RELAXED); }

bool trid_control_allowed(void) {
    int now = __atomic_load_n(&allowed, __ATOMIC_RELAXED);
    if (now) return now == 2;
    const char *e = getenv("TRIDEBUGCONTROL");
    return e && strcmp(e, "1") == 0;
}

static bool is_plain_host(const char *host) {
    if (!host) return false;
    size_t n = strcspn(host, ":");
    return host[0] == '[' || strspn(host, "0123456789.") == n || (n == 9 && strncmp(host, "localhost", 9) == 0);
}

extern int64_t tri_set_memory_limit(int64_t bytes) __attribute__((weak)); /* a core without the limit */

static void set_limit(struct request *r, const char *text) {
    long bytes;
    if (!tri_set_memory_limit) return trid_fail(r, MHD_HTTP_NOT_IMPLEMENTED, "this core has no memory limit");
    if (strcmp(text, "off") == 0) tri_set_memory_limit(INT64_MAX);
    else if (trid_number(text, 1 << 20, INT64_MAX, &bytes)) tri_set_memory_limit(bytes);
    else trid_fail(r, MHD_HTTP_BAD_REQUEST, "limit: bytes, at least a MiB, or off");
}

static void set_gogc(struct request *r, const char *text) {
    long percent;
    if (strcmp(text, "off") == 0) tri_set_gc_percent(-1);
    else if (trid_number(text, 1, 1000000, &percent)) tri_set_gc_percent((int)percent);
    else trid_fail(r, MHD_HTTP_BAD_REQUEST, "gogc: a percentage above 0, or off");
}

bool trid_live_is_long(const struct request *r) {
    return strcmp(r->path, "/debug/tricolor/control") == 0 && trid_control_allowed() && trid_parameter(r, "gc");
}

void trid_live_control(struct request *r) {
    const char *gogc = trid_parameter(r, "gogc"), *limit = trid_parameter(r, "limit");
    if (!trid_control_allowed())
        return trid_fail(r, MHD_HTTP_FORBIDDEN, "not enabled: call tri_debug_allow_control(true) or set TRIDEBUGCONTROL=1");
    if (strcmp(r->method, "POST") != 0 || !trid_header(r, "X-Tricolor") || !is_plain_host(trid_header(r, "Host")))
        return trid_fail(r, MHD_HTTP_FORBIDDEN, "only by POST from the page itself");
    if (trid_parameter(r, "gc")) tri_gc();
    if (gogc) set_gogc(r, gogc);
    if (limit && !r->failed) set_limit(r, limit);
    if (!r->failed) trid_put(&r->page, "done\n");
}

/* ---- the page ---- */

void trid_live_page(struct request *r) {
    const char *name = r->path + strlen("/debug/tricolor/");
    if (strcmp(name, "data") == 0 || strcmp(name, "heap") == 0) {
        r->type = "application/json; charset=utf-8";
        if (name[0] == 'd') trid_live_data(&r->page);
        else trid_live_heap(&r->page);
    } else if (*name) {
        trid_fail(r, MHD_HTTP_NOT_FOUND, "404 page not found");
    } else {
        r->type = "text/html; charset=utf-8";
        r->page_policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'";
        trid_put_bytes(&r->page, trid_live_html, trid_live_html_size);
    }
}
