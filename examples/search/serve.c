/* serve.c - queries and changes at once.
 *
 *   workers     draw a random query, answer it, note how long that took; no pause in between (a closed
 *               loop: a query is not asked before the last one is answered)
 *   re-indexer  takes the documents in turn: reads the file again, gives it the next stamp, replaces its
 *               postings
 *   checker     every 20 ms draws a random query and holds what the index says about some hundred documents
 *               against a plain scan of them
 *   main        prints a line a second, and watches the collector's stops
 *
 * The threads share the index and a few counters; each has histograms of its own. With more threads than CPUs
 * the latencies contain the time a thread waits for its turn, which is far longer than any stop of the
 * collector. So the queries during which the thread was never put off its CPU are counted once more for
 * themselves: "calm". (A stop by the collector does not put a thread off its CPU in this sense: the thread
 * waits by itself.)
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RUSAGE_THREAD */
#endif
#include "demo.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

enum { CHECK_DOCS = 128 };

struct shared {
    struct index *index;
    uint64_t queries, reindexed;   /* atomic */
    struct check_count checked;    /* the checker's; main reads it after joining */
    uint64_t checks, wrong, found; /* atomic */
    uint32_t cursor;               /* atomic: the document being re-indexed */
    uint32_t stop;                 /* atomic: the end */
    uint32_t rate;
};
TRI_TYPE(struct shared, index)

struct worker {
    struct shared *shared;
    struct hist *hist[QUERY_KINDS];
    struct hist *calm; /* queries that kept their CPU */
    uint64_t rng;
    pthread_t thread;
};
TRI_TYPE(struct worker, shared, hist, calm)
TRI_TYPE_LEAF(struct hist)

static bool stopped(const struct shared *s) { return __atomic_load_n(&s->stop, __ATOMIC_RELAXED) != 0; }

static void bump(uint64_t *counter, uint64_t by) { __atomic_fetch_add(counter, by, __ATOMIC_RELAXED); }

/* ---- the threads ---- */

/* How often this thread had to give its CPU to another. */
static long switches(void) {
    struct rusage use;
    getrusage(RUSAGE_THREAD, &use);
    return use.ru_nivcsw;
}

static void *worker_run(void *arg) {
    struct worker *w = arg;
    struct shared *s = w->shared;
    struct query q;
    while (!stopped(s) && query_random(s->index, &q, &w->rng)) {
        long before = switches();
        uint64_t start = now_ns();
        const struct answer *answer = query_answer(s->index, &q);
        uint64_t took = now_ns() - start;
        hist_add(w->hist[q.kind], took);
        if (switches() == before) hist_add(w->calm, took);
        bump(&s->found, answer->docs > 0);
        bump(&s->queries, 1);
    }
    return NULL;
}

/* Sleeps as long as it takes to keep to the rate. */
static void keep_rate(uint64_t start, uint64_t done, uint32_t rate) {
    uint64_t due = rate ? start + done * 1000000000u / rate : 0, now = now_ns();
    if (due > now) sleep_ns(due - now);
}

static void *reindexer_run(void *arg) {
    struct shared *s = arg;
    struct writer *writer = writer_new(s->index);
    uint64_t start = now_ns(), done = 0;
    for (uint32_t id = 0; !stopped(s); id++) {
        if (id >= __atomic_load_n(&s->index->limit, __ATOMIC_ACQUIRE)) id = 0;
        struct doc *doc = index_doc(s->index, id);
        __atomic_store_n(&s->cursor, id, __ATOMIC_RELAXED);
        if (!doc || !corpus_reindex(writer, doc, true)) continue;
        bump(&s->reindexed, 1);
        keep_rate(start, ++done, s->rate);
    }
    return NULL;
}

/* Where to check: anywhere, and as often around the document that is being re-indexed. */
static uint32_t check_from(const struct shared *s, uint32_t limit, uint64_t *rng) {
    uint32_t cursor = count_of(s->cursor);
    if (random_below(rng, 2)) return random_below(rng, limit);
    return cursor > CHECK_DOCS / 2 ? cursor - CHECK_DOCS / 2 : 0;
}

static void *checker_run(void *arg) {
    struct shared *s = arg;
    uint64_t rng = now_ns() | 1;
    struct query q;
    while (!stopped(s) && query_random(s->index, &q, &rng)) {
        uint32_t limit = __atomic_load_n(&s->index->limit, __ATOMIC_ACQUIRE), lo = check_from(s, limit, &rng);
        check_range(s->index, &q, lo, lo + CHECK_DOCS < limit ? lo + CHECK_DOCS : limit, &s->checked);
        __atomic_store_n(&s->checks, s->checked.queries, __ATOMIC_RELAXED);
        __atomic_store_n(&s->wrong, s->checked.wrong, __ATOMIC_RELAXED);
        sleep_ns(20000000);
    }
    return NULL;
}

/* ---- main's part ---- */

/* The most stopped time of one cycle since `seen` cycles, of those that are still in the ring. */
static uint64_t longest_pause(const tri_mem_stats *stats, uint32_t seen) {
    uint64_t longest = 0;
    if (stats->num_gc - seen > 256) seen = stats->num_gc - 256;
    for (; seen < stats->num_gc; seen++)
        if (stats->pause_ns[seen % 256] > longest) longest = stats->pause_ns[seen % 256];
    return longest;
}

static void serve_status(const struct shared *s, struct served *result, uint64_t queries, double seconds) {
    printf("serving %6.1f s  %9s queries/s  %8s re-indexed  heap %" PRIu64
           " MB  gc %u  longest stop %.3f ms  %s checked, %s wrong\n",
           seconds, commas(queries), commas(count_of(s->reindexed)), result->after.heap_alloc / 1000000,
           result->after.num_gc, (double)result->longest_stop / 1e6, commas(count_of(s->checks)),
           commas(count_of(s->wrong)));
    fflush(stdout);
}

/* One look at the collector; often enough that no stop leaves the ring of 256 unseen. */
static void serve_look(struct served *result) {
    uint32_t seen = result->after.num_gc;
    tri_read_mem_stats(&result->after);
    uint64_t longest = longest_pause(&result->after, seen);
    if (longest > result->longest_stop) result->longest_stop = longest;
}

static void serve_watch(struct shared *s, struct served *result, const struct options *opt) {
    uint64_t start = now_ns(), line = start + 1000000000u, queries = 0;
    uint64_t end = start + (uint64_t)(opt->seconds * 1e9);
    while (now_ns() < end && !__atomic_load_n(&interrupted, __ATOMIC_RELAXED)) {
        uint64_t left = end - now_ns();
        sleep_ns(left < 50000000 ? left : 50000000);
        serve_look(result);
        if (opt->quiet || now_ns() < line) continue;
        serve_status(s, result, count_of(s->queries) - queries, seconds_since(start));
        queries = count_of(s->queries);
        line += 1000000000u;
    }
    result->ns = now_ns() - start;
}

static struct worker *worker_new(struct shared *s, int number) {
    struct worker *w = tri_new(struct worker);
    tri_set(w->shared, s);
    for (int k = 0; k < QUERY_KINDS; k++) tri_set(w->hist[k], tri_new(struct hist));
    tri_set(w->calm, tri_new(struct hist));
    w->rng = 0x9e3779b97f4a7c15u * (uint64_t)(number + 1);
    return w;
}

static void collect(struct served *result, const struct worker *w) {
    for (int k = 0; k < QUERY_KINDS; k++) {
        hist_merge(result->hist[k], w->hist[k]);
        hist_merge(result->all, w->hist[k]);
    }
    hist_merge(result->calm, w->calm);
}

static struct served *served_new(void) {
    struct served *result = tri_new(struct served);
    for (int k = 0; k < QUERY_KINDS; k++) tri_set(result->hist[k], tri_new(struct hist));
    tri_set(result->all, tri_new(struct hist));
    tri_set(result->calm, tri_new(struct hist));
    tri_read_mem_stats(&result->before);
    result->before_ns = now_ns();
    result->after = result->before;
    return result;
}

struct served *serve(struct index *index, const struct options *opt) {
    pthread_t reindexer, checker;
    struct worker *workers[opt->threads];
    struct shared *s = tri_new(struct shared);
    struct served *result = served_new();
    tri_set(s->index, index);
    s->rate = opt->rate;
    s->stop = opt->seconds <= 0; /* no time to do anything in */
    for (int i = 0; i < opt->threads; i++) {
        workers[i] = worker_new(s, i);
        start_thread(&workers[i]->thread, worker_run, workers[i]);
    }
    start_thread(&reindexer, reindexer_run, s);
    start_thread(&checker, checker_run, s);
    serve_watch(s, result, opt);
    __atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < opt->threads; i++) {
        pthread_join(workers[i]->thread, NULL);
        collect(result, workers[i]);
    }
    pthread_join(reindexer, NULL);
    pthread_join(checker, NULL);
    serve_look(result);
    result->after_ns = now_ns();
    result->reindexed = s->reindexed;
    result->found = s->found;
    result->checked = s->checked;
    return result;
}

/* ---- the check at the end ---- */

struct final {
    struct index *index;
    struct check_count *count; /* one for each thread, on main's stack */
    uint32_t next, checks;     /* next: atomic */
    uint32_t threads;          /* atomic: how many have begun */
};
TRI_TYPE(struct final, index)

static void *final_run(void *arg) {
    struct final *f = arg;
    struct check_count *count = &f->count[__atomic_fetch_add(&f->threads, 1, __ATOMIC_RELAXED)];
    struct query q;
    for (uint32_t i; (i = __atomic_fetch_add(&f->next, 1, __ATOMIC_RELAXED)) < f->checks;) {
        uint64_t rng = i + 1;
        for (int warm = 0; warm < 8; warm++) random_below(&rng, 2);
        if (!query_random(f->index, &q, &rng)) break;
        check_whole(f->index, &q, count);
    }
    return NULL;
}

struct check_count check_at_end(struct index *index, const struct options *opt) {
    pthread_t threads[opt->threads];
    struct check_count counts[opt->threads], sum = {0};
    struct final *f = tri_new(struct final);
    __builtin_memset(counts, 0, sizeof counts);
    tri_set(f->index, index);
    f->count = counts;
    f->checks = opt->checks;
    for (int i = 0; i < opt->threads; i++) start_thread(&threads[i], final_run, f);
    for (int i = 0; i < opt->threads; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < opt->threads; i++) check_add(&sum, &counts[i]); /* in no order of the threads */
    return sum;
}
