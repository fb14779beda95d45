/* start.c - when the library is loaded the heap profile begins; memory and texts for the rest of it. */
#include "debug.h"

#include "../include/tricolor/metrics.h"
#include "../src/data/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EXPORT int tri_mem_profile_rate = 512 * 1024;

const struct sight *trid_core(void) {
    static const struct sight *core;
    const struct sight *found = __atomic_load_n(&core, __ATOMIC_ACQUIRE);
    if (found) return found;
    found = tri__sight(SIGHT_VERSION);
    if (!found) {
        static const char words[] = "tricolor: libtricolor-debug and libtricolor are of different versions; install both from one build\n";
        if (write(2, words, sizeof words - 1) < 0) {}
        abort();
    }
    __atomic_store_n(&core, found, __ATOMIC_RELEASE);
    return found;
}

/* After the core's own constructor (101) and the module's. */
__attribute__((constructor(102))) static void start(void) {
    int given = trid_core()->given_rate();
    if (given >= 0) tri_mem_profile_rate = given;
    trid_core()->sample(&tri_mem_profile_rate);
}

static void *demand(void *p) {
    if (p) return p;
    fputs("tricolor: no memory for a profile\n", stderr);
    abort();
}

void *trid_malloc(size_t bytes) { return demand(calloc(1, bytes ? bytes : 1)); }

void *trid_grow(void *array, size_t n, size_t *capacity, size_t each) {
    if (n < *capacity) return array;
    *capacity = *capacity ? *capacity * 2 : 16;
    return demand(realloc(array, *capacity * each));
}

static void room(struct page *p, size_t more) {
    if (p->n + more + 1 <= p->capacity) return;
    p->capacity = (p->n + more + 1) * 2;
    p->text = demand(realloc(p->text, p->capacity));
}

void trid_put_bytes(struct page *p, const void *bytes, size_t n) {
    room(p, n);
    memcpy(p->text + p->n, bytes, n);
    p->n += n;
    p->text[p->n] = 0;
}

locale_t trid_plain_numbers(void) {
    static locale_t plain;
    locale_t c = __atomic_load_n(&plain, __ATOMIC_ACQUIRE);
    if (!c) __atomic_store_n(&plain, c = newlocale(LC_ALL_MASK, "C", (locale_t)0), __ATOMIC_RELEASE); /* a constant */
    return uselocale(c);
}

void trid_put(struct page *p, const char *format, ...) {
    va_list args;
    locale_t program = trid_plain_numbers();
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0) {
        room(p, (size_t)n);
        va_start(args, format);
        vsnprintf(p->text + p->n, (size_t)n + 1, format, args);
        va_end(args);
        p->n += (size_t)n;
    }
    uselocale(program);
}

void trid_put_json(struct page *p, const char *string) {
    size_t n;
    trid_put(p, "\"");
    for (const char *c = string, *end = c + strlen(c); c < end; c += n) {
        int32_t rune = utf8_decode(c, (size_t)(end - c), &n);
        if (rune == '"' || rune == '\\') trid_put(p, "\\%c", *c);
        else if (rune < 32 || (rune == RUNE_ERROR && n == 1)) trid_put(p, "\\u%04x", (unsigned)rune);
        else trid_put_bytes(p, c, n);
    }
    trid_put(p, "\"");
}

/* One block: metrics, histograms, counts. So the program's heap does not grow by being looked at. */
tri_metric *trid_read_metrics(size_t *n) {
    const tri_metric_description *d = tri_all_metrics(n);
    size_t each = sizeof(tri_metric) + sizeof(tri_float64_histogram) + TRI_METRIC_MOST_BUCKETS * sizeof(uint64_t);
    tri_metric *m = trid_malloc(*n * each);
    tri_float64_histogram *h = (tri_float64_histogram *)(m + *n);
    uint64_t *counts = (uint64_t *)(h + *n);
    for (size_t i = 0; i < *n; i++) {
        m[i] = (tri_metric){.name = d[i].name, .kind = d[i].kind};
        if (d[i].kind != TRI_METRIC_FLOAT64_HISTOGRAM) continue;
        h[i].counts = counts + i * TRI_METRIC_MOST_BUCKETS;
        m[i].float64_histogram = &h[i];
    }
    tri_read_metrics(m, *n);
    return m;
}
