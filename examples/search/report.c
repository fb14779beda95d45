/* report.c - the table at the end.
 *
 * Figures of the collector come from tri_read_mem_stats: its pause_ns holds for each cycle all its stops
 * together, so "longest stop" is an upper bound for a single one; gc_cpu_fraction counts from the start of
 * the program, from which the share while serving is worked out. "kept CPU" are the queries that were not
 * interrupted by the scheduler, see serve.c.
 */
#include "demo.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { COLUMNS = 5 };

static double us(uint64_t ns) { return (double)ns / 1000; }

static void report_latency(const struct served *s) {
    static const struct {
        const char *name;
        double part;
    } rows[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
    const struct hist *hist[] = {s->all, s->calm, s->hist[QUERY_WORD], s->hist[QUERY_AND],
                                 s->hist[QUERY_PREFIX]};
    printf("\n%-22s%14s%14s%14s%14s%14s\n%-22s", "", "all", "kept CPU", "word", "two words", "prefix",
           "queries");
    for (int i = 0; i < COLUMNS; i++) printf("%14s", commas(hist[i]->n));
    printf("\n%-22s", "queries/s");
    for (int i = 0; i < COLUMNS; i++)
        printf("%14s", commas((uint64_t)((double)hist[i]->n * 1e9 / (double)s->ns)));
    for (unsigned r = 0; r < sizeof rows / sizeof *rows; r++) {
        printf("\n%-8s%-14s", rows[r].name, "us");
        for (int i = 0; i < COLUMNS; i++) printf("%14.1f", us(hist_quantile(hist[i], rows[r].part)));
    }
    printf("\n\n");
}

static void report_load(const struct options *opt, const struct served *s) {
    double seconds = (double)s->ns / 1e9;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("load             %d workers, 1 re-indexer, 1 checker on %ld CPUs for %.1f s; %s involuntary "
           "switches\n",
           opt->threads, sysconf(_SC_NPROCESSORS_ONLN), seconds, commas((uint64_t)use.ru_nivcsw));
    printf("changes          %s documents re-indexed (%s a second)\n", commas(s->reindexed),
           commas((uint64_t)((double)s->reindexed / seconds)));
}

static void report_collector(const struct served *s, uint64_t start_ns) {
    double from = (double)(s->before_ns - start_ns), to = (double)(s->after_ns - start_ns);
    double share = (s->after.gc_cpu_fraction * to - s->before.gc_cpu_fraction * from) / (to - from);
    printf("collector        %u cycles while serving, %u in all; %s MB allocated while serving\n",
           s->after.num_gc - s->before.num_gc, s->after.num_gc,
           commas((s->after.total_alloc - s->before.total_alloc) / 1000000));
    printf("longest stop     %.3f ms (all stops of the worst cycle while serving)\n",
           (double)s->longest_stop / 1e6);
    printf("GC share of CPU  %.1f %% while serving, %.1f %% since the start\n", share * 100,
           s->after.gc_cpu_fraction * 100);
}

static void report_memory(const struct index_measure *m, const tri_mem_stats *full) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("peak memory      %s MB resident; %s MB taken from the system\n",
           commas((uint64_t)use.ru_maxrss * 1024 / 1000000), commas(full->sys / 1000000));
    printf("live heap        %s MB in %s objects by walking the index; after a full collection %s MB in %s\n",
           commas(m->bytes / 1000000), commas(m->objects), commas(full->heap_alloc / 1000000),
           commas(full->heap_objects));
    printf("retained besides %.2f %%: scratch memory, and what looked like a pointer on a stack\n",
           m->bytes ? ((double)full->heap_alloc / (double)m->bytes - 1) * 100 : 0);
}

static void report_checks(const struct index_measure *m, const struct check_count *serving,
                          const struct check_count *end) {
    uint64_t bad = serving->wrong + end->wrong;
    printf("checked          %s queries on %s documents while serving (%s of them just being replaced),\n"
           "                 %s queries on all documents at the end: %s\n",
           commas(serving->queries), commas(serving->docs), commas(serving->replaced), commas(end->queries),
           bad ? "WRONG" : "all as a plain scan of the text says");
    if (bad) printf("                 %s mismatches\n", commas(bad));
    printf("structure        %s\n", m->wrong ? m->wrong : "every rule holds");
}

/* The corpus's own objects. */
static void add_corpus(struct index_measure *m, const struct corpus *c) {
    m->objects += 2 + c->files;
    m->bytes += tri_size(c) + tri_size(c->path);
    for (uint32_t i = 0; i < c->files; i++) m->bytes += tri_size(c->path[i]);
}

bool report(struct index *index, const struct corpus *corpus, const struct options *opt,
            const struct served *s, const struct check_count *at_end, uint64_t start_ns) {
    struct index_measure m;
    tri_mem_stats full;
    tri_gc();
    tri_gc(); /* twice: what was allocated while the first cycle marked counts as live in it */
    tri_read_mem_stats(&full);
    index_measure(index, &m);
    add_corpus(&m, corpus);
    printf("\nindex            %s documents, %s MB text, %s words, %s postings, %s forks, %s trie nodes\n",
           commas(index->docs), commas(index->text / 1000000), commas(m.words), commas(m.postings),
           commas(m.forks), commas(m.nodes));
    report_load(opt, s);
    report_latency(s);
    report_collector(s, start_ns);
    report_memory(&m, &full);
    report_checks(&m, &s->checked, at_end);
    return !m.wrong;
}
