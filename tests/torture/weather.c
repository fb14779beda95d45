/* weather.c - what goes on around the graphs: garbage, collections, blocking calls, changed controls, figures
 * read. */
#include "torture.h"

#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

struct prefab {
    uint64_t a;
    void *b[5];
};
TRI_TYPE(struct prefab, b)

static void garbage(struct random *r) {
    for (unsigned n = below(r, 300); n; n--) object_make_garbage(r);
}

void weather_cycle(struct random *r) {
    uint32_t from = cycles_begun();
    if (options.on[F_gc] && one_in(r, 12)) {
        tri_gc();
        return;
    }
    for (unsigned n = below(r, 400); n && cycles_begun() - from < 2; n--) object_make_garbage(r);
}

/* ---- blocking calls ---- */

static int tube[2]; /* a pipe that nobody writes to */
static sem_t never;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static struct timespec soon(struct random *r) { return (struct timespec){0, below(r, 400000)}; }
static struct timespec soon_absolute(struct random *r) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += below(r, 400000);
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    return t;
}

static void *sleep_a_little(void *arg) {
    struct timespec t = soon(arg);
    nanosleep(&t, NULL);
    return arg;
}

/* Bytes through a pipe into a leaf block that only the call knows. */
static void pass_bytes(struct random *r) {
    int fd[2];
    char out[64];
    if (pipe(fd) != 0) return;
    memset(out, (int)below(r, 255) + 1, sizeof out);
    char *in = tri_alloc_leaf(sizeof out);
    ssize_t n;
    do n = write(fd[1], out, sizeof out);
    while (n < 0 && errno == EINTR);
    do n = read(fd[0], in, sizeof out);
    while (n < 0 && errno == EINTR);
    if (n != sizeof out || memcmp(in, out, sizeof out) != 0) fail("bytes through a pipe have changed");
    close(fd[0]);
    close(fd[1]);
}

static void block(struct random *r) {
    void *volatile held[4]; /* in the frame of the blocked thread */
    uintptr_t hidden[4];
    for (int i = 0; i < 4; i++) {
        uint64_t *at = tri_alloc(32);
        at[0] = content(7, (size_t)i);
        held[i] = at;
        hidden[i] = tri_hide(at);
    }
    struct timespec t = soon(r), at = soon_absolute(r);
    struct pollfd poll_tube = {.fd = tube[0], .events = POLLIN};
    switch (below(r, 9)) {
    case 0: nanosleep(&t, NULL); break;
    case 1: poll(&poll_tube, 1, (int)below(r, 2)); break;
    case 2: ppoll(&poll_tube, 1, &t, NULL); break;
    case 3: pselect(0, NULL, NULL, NULL, &t, NULL); break;
    case 4: sem_timedwait(&never, &at); break;
    case 5:
        pthread_mutex_lock(&mutex);
        pthread_cond_timedwait(&condition, &mutex, &at);
        pthread_mutex_unlock(&mutex);
        break;
    case 6:
        if (tri_blocking_call(sleep_a_little, r) != r) fail("tri_blocking_call gives something else back");
        break;
    case 7: pass_bytes(r); break;
    default: clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    }
    for (int i = 0; i < 4; i++)
        if (tri_hide(held[i]) != hidden[i] || *(uint64_t *)held[i] != content(7, (size_t)i))
            fail("what a blocked thread's frame held at %p is 0x%lx", held[i], *(uint64_t *)held[i]);
}

/* ---- figures ---- */

static void read_figures(struct random *r) {
    static __thread tri_mem_stats before, now;
    (void)r;
    before = now;
    tri_read_mem_stats(&now);
    if (now.total_alloc < before.total_alloc || now.mallocs < before.mallocs || now.frees < before.frees)
        fail("figures have gone down: total_alloc %lu %lu, mallocs %lu %lu, frees %lu %lu",
             before.total_alloc, now.total_alloc, before.mallocs, now.mallocs, before.frees, now.frees);
    if (now.num_gc < before.num_gc || now.pause_total_ns < before.pause_total_ns)
        fail("figures have gone down: num_gc %u %u", before.num_gc, now.num_gc);
    if (now.heap_inuse > now.heap_sys || now.heap_released > now.heap_idle)
        fail("heap_inuse %lu, heap_sys %lu, heap_released %lu, heap_idle %lu", now.heap_inuse, now.heap_sys,
             now.heap_released, now.heap_idle);
}

/* ---- which ---- */

static void collect(struct random *r) { (void)r, tri_gc(); }
static void set_percent(struct random *r) {
    static const int percents[] = {10, 25, 50, 100, 100, 200};
    tri_set_gc_percent(percents[below(r, LEN(percents))]);
}
static void prepare(struct random *r) {
    tri_prealloc(tri_type_of(struct prefab), below(r, 500));
    for (unsigned n = below(r, 500); n; n--) {
        struct prefab *f = tri_new(struct prefab);
        if (f->a || f->b[0] || f->b[4]) fail("preallocated memory is not zero");
        tri_set(f->b[below(r, 5)], f);
        f->a = content(8, 0);
    }
}

static const struct event {
    void (*run)(struct random *);
    const char *doing;
    unsigned weight;
    int feature;
} events[] = {
    {garbage, "makes garbage", 100, -1},      {block, "blocks", 20, F_blocking},
    {collect, "collects", 2, F_gc},           {set_percent, "sets GOGC", 1, F_percent},
    {prepare, "preallocates", 2, F_prealloc}, {read_figures, "reads the figures", 2, F_stats},
};

void weather_init(void) {
    if (pipe(tube) != 0 || sem_init(&never, 0, 0) != 0) fail("pipe, sem_init: %s", strerror(errno));
}

void weather(struct random *r) {
    unsigned total = 0;
    for (size_t i = 0; i < LEN(events); i++) total += events[i].weight;
    unsigned at = below(r, total), i = 0;
    while (at >= events[i].weight) at -= events[i++].weight;
    if (events[i].feature >= 0 && !options.on[events[i].feature]) return;
    doing(events[i].doing);
    events[i].run(r);
}
