/* build.c - reading and indexing on all cores.
 *
 * The threads take document numbers from a counter, so which document has which number does not depend on
 * them. They stop at the end of the files, or, with a target, when the index has grown to it: then the copies
 * of the files go on as long as is needed. Also here: the demonstration's clock and threads.
 */
#include "demo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int interrupted;

/* ---- time, threads, printing ---- */

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void sleep_ns(uint64_t ns) {
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    nanosleep(&t, NULL); /* a signal may end it early */
}

double seconds_since(uint64_t start_ns) { return (double)(now_ns() - start_ns) / 1e9; }

const char *commas(uint64_t value) {
    static __thread char buffers[8][32];
    static __thread unsigned next;
    char *at = buffers[next++ % 8] + 31;
    *at = 0;
    for (int digits = 0;; digits++) {
        if (digits && digits % 3 == 0) *--at = ',';
        *--at = (char)('0' + value % 10);
        if ((value /= 10) == 0) return at;
    }
}

void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg) {
    int error = pthread_create(thread, NULL, fn, arg);
    if (!error) return;
    fprintf(stderr, "search: cannot start a thread: %s\n", strerror(error));
    exit(2);
}

/* ---- building ---- */

struct build {
    const struct corpus *corpus;
    struct index *index;
    uint64_t target, start_ns;
    uint32_t next;    /* atomic: the next document number */
    uint32_t running; /* atomic: threads at work */
    bool stamped;
};
TRI_TYPE(struct build, corpus, index)

/* Whether document `id` shall still be read. */
static bool build_wants(const struct build *b, uint32_t id) {
    if (__atomic_load_n(&interrupted, __ATOMIC_RELAXED) || id >= DOC_CHUNK * DOC_CHUNKS) return false;
    if (b->target && (uint64_t)__atomic_load_n(&b->index->bytes, __ATOMIC_RELAXED) >= b->target) return false;
    return id < b->corpus->files || (b->target && count_of(b->index->docs) > 0);
}

static void *build_thread(void *arg) {
    struct build *b = arg;
    struct writer *writer = writer_new(b->index);
    for (;;) {
        uint32_t id = __atomic_fetch_add(&b->next, 1, __ATOMIC_RELAXED);
        if (!build_wants(b, id)) break;
        corpus_index(b->corpus, b->index, writer, id, b->stamped);
    }
    __atomic_fetch_sub(&b->running, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void build_status(const struct build *b) {
    tri_mem_stats stats;
    uint32_t read = count_of(b->next);
    tri_read_mem_stats(&stats);
    printf("indexing %5.1f s  %s of %s files  %s documents  %" PRIu64 " MB text  %s postings  heap %" PRIu64
           " MB (index %" PRIi64 " MB)  gc %u\n",
           seconds_since(b->start_ns), commas(read < b->corpus->files ? read : b->corpus->files),
           commas(b->corpus->files), commas(count_of(b->index->docs)), count_of(b->index->text) / 1000000,
           commas(count_of(b->index->postings)), stats.heap_alloc / 1000000,
           count_of(b->index->bytes) / 1000000, stats.num_gc);
    fflush(stdout);
}

/* Waits for the threads; a line a second. */
static void build_watch(const struct build *b, bool quiet) {
    uint64_t line = b->start_ns + 1000000000u;
    while (__atomic_load_n(&b->running, __ATOMIC_ACQUIRE)) {
        sleep_ns(10000000);
        if (quiet || now_ns() < line) continue;
        build_status(b);
        line += 1000000000u;
    }
    if (!quiet) build_status(b);
}

struct index *build_index(const struct corpus *corpus, const struct options *opt, bool stamped) {
    pthread_t threads[opt->threads];
    struct build *b = tri_new(struct build);
    tri_set(b->corpus, corpus);
    tri_set(b->index, index_new());
    b->target = opt->target;
    b->start_ns = now_ns();
    b->stamped = stamped;
    b->running = (uint32_t)opt->threads;
    for (int i = 0; i < opt->threads; i++) start_thread(&threads[i], build_thread, b);
    build_watch(b, opt->quiet);
    for (int i = 0; i < opt->threads; i++) pthread_join(threads[i], NULL);
    return b->index;
}
