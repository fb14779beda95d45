/* tricolor/metrics.h - figures by name: Go's runtime/metrics in C, the same names, kinds and units. The table of all of them
 * is in docs/profiling.md. */
#ifndef TRICOLOR_METRICS_H
#define TRICOLOR_METRICS_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

typedef enum tri_metric_kind {
    TRI_METRIC_BAD, /* there is no metric of that name */
    TRI_METRIC_UINT64,
    TRI_METRIC_FLOAT64,
    TRI_METRIC_FLOAT64_HISTOGRAM
} tri_metric_kind;

/* counts[i] is how often a value v with buckets[i] <= v < buckets[i + 1] was seen, i < n. The first bound may be minus
 * infinity, the last one infinity. */
typedef struct tri_float64_histogram {
    size_t n;
    const double *buckets; /* n + 1 bounds, rising; constant for the life of the process */
    uint64_t *counts;      /* n of them */
} tri_float64_histogram;

enum { TRI_METRIC_MOST_BUCKETS = 256 };

/* Go's metrics.Sample: the caller sets the name, tri_read_metrics the rest. */
typedef struct tri_metric {
    const char *name;
    tri_metric_kind kind;
    union {
        uint64_t uint64;
        double float64;
        tri_float64_histogram *float64_histogram;
    };
} tri_metric;

/* Fills in n metrics by their names, all read at the same time; stops nobody. A histogram is written over if kind and
 * pointer say that there is one: from an earlier call of this function, or the caller's own, whose counts have room for
 * TRI_METRIC_MOST_BUCKETS. Else it comes from the heap, and is the collector's: keep the metric where it finds pointers, or
 * let it go. Returns 0, or -1 with errno ENOENT when a name is not
 * known: that metric's kind is TRI_METRIC_BAD then, the others are filled in. */
TRI_API int tri_read_metrics(tri_metric *metrics, size_t n);

typedef struct tri_metric_description {
    const char *name, *description;
    tri_metric_kind kind;
    bool cumulative; /* only ever grows */
} tri_metric_description;

/* All metrics there are, *n of them, in order of their names. Constant. */
TRI_API const tri_metric_description *tri_all_metrics(size_t *n);

TRI__EXTERN_C_END
#endif
