/* demo.h - the demonstration: build an index with all cores, then ask it while it changes, then check it all.
 *
 * build.c and serve.c run the threads, report.c prints, selftest.c is the short form with known answers,
 * main.c reads the command line. Nothing here is needed to use the index in another program.
 */
#ifndef SEARCH_DEMO_H
#define SEARCH_DEMO_H

#include "check.h"
#include "corpus.h"
#include "hist.h"

#include <pthread.h>

struct options {
    int threads;     /* that build, and that answer */
    double seconds;  /* of serving */
    uint64_t target; /* bytes of live heap to build; 0: each file once */
    uint32_t rate;   /* documents re-indexed a second; 0: as fast as it goes */
    uint32_t checks; /* queries checked against all documents at the end */
    bool quiet;
    const char *site; /* where the search box is served, or NULL */
    bool stay;        /* until interrupted */
};

/* ---- time and printing ---- */

uint64_t now_ns(void);
void sleep_ns(uint64_t ns);
double seconds_since(uint64_t start_ns);
/* 1234567 as "1,234,567", in one of a few buffers of this thread. */
const char *commas(uint64_t);

/* Set from a signal handler: end early. */
extern int interrupted;

/* Runs fn(arg) on a new thread; ends the program with a message when that is refused. */
void start_thread(pthread_t *, void *(*fn)(void *), void *arg);

/* ---- building (build.c) ---- */

/* Indexes the corpus on opt->threads threads, stamped if `stamped`, until opt->target is reached. */
struct index *build_index(const struct corpus *, const struct options *, bool stamped);

/* ---- serving (serve.c) ---- */

struct served {
    uint64_t ns;
    struct hist *hist[QUERY_KINDS]; /* of latencies, ns */
    struct hist *all, *calm;        /* calm: of queries whose thread kept its CPU meanwhile */
    uint64_t reindexed, found;      /* documents; queries that found something */
    uint64_t longest_stop;          /* ns: the most stopped time of one cycle */
    struct check_count checked;     /* while serving */
    tri_mem_stats before, after;
    uint64_t before_ns, after_ns;
};
TRI_TYPE(struct served, hist, all, calm)

/* Answers random queries on opt->threads threads for opt->seconds, while one more thread re-indexes and
 * another one checks. */
struct served *serve(struct index *, const struct options *);

/* Checks opt->checks random queries over all documents, on opt->threads threads; nobody may write. */
struct check_count check_at_end(struct index *, const struct options *);

/* ---- the table (report.c) ---- */

/* Returns false if the index broke a rule. `start_ns` is when the program began. */
bool report(struct index *, const struct corpus *, const struct options *, const struct served *,
            const struct check_count *at_end, uint64_t start_ns);

/* ---- the search box (site.c) ---- */

/* Serves it over HTTP, and says where; with the debug library the live page too. A failure is said, and the rest goes on. */
void site_open(struct index *, const struct options *);
/* The end: at once, or with --serve when interrupted. */
void site_close(const struct options *);

/* ---- the self-test (selftest.c) ---- */

int selftest(void);

#endif
