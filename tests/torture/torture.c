/* torture.c - threads that change graphs at random, each object's contents and links checked against a
 * shadow.
 *
 * A plot is a graph of objects of all kinds in the collected heap, hanging from roots of all kinds. What it
 * must look like is written down in a shadow in malloc's memory, with hidden addresses, so that the shadow
 * keeps nothing alive. Workers change plots, one of their own and some that are shared, in all the ways the
 * interface offers, while signals come, threads and children come and go, and collections run. Whatever a
 * worker meets on its way it checks; from time to time it checks everything. An object that the collector has
 * lost reads as something else: each word of its contents names the object and the word.
 *
 * The test finds a lost object only when its memory has been used again, so GODEBUG=clobberfree=1 makes it
 * see more.
 */
#include "torture.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct options options = {.seconds = 10, .threads = 4, .objects = 400};
volatile bool stopping;
__thread struct worker *self;

static struct plot *plots;
static struct worker *workers;

/* ---- options ---- */

static const char *const feature_names[FEATURES] = {
#define FEATURE(name, what) #name,
#include "features.def"
#undef FEATURE
};

static const char usage[] =
    "usage: torture [options]\n"
    "  --seconds N   how long (10)\n"
    "  --threads N   workers (4)\n"
    "  --plots N     shared graphs (threads / 2 + 1)\n"
    "  --objects N   aimed at, a graph (400)\n"
    "  --seed N      of the random numbers (from the clock)\n"
    "  --only A,B    these features and no others\n"
    "  --without A,B all but these\n"
    "  --gdb[=FILE]  print where all threads are on a failure, and what gdb's script FILE says\n"
    "features:\n";

static void help(FILE *to) {
    fputs(usage, to);
#define FEATURE(name, what) fprintf(to, "  %-12s%s\n", #name, what);
#include "features.def"
#undef FEATURE
}

static void misuse(const char *what) {
    fprintf(stderr, "torture: %s\n", what);
    help(stderr);
    exit(2);
}

static void set_features(char *list, bool on) {
    for (char *save, *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        unsigned f = 0;
        while (f < FEATURES && strcmp(name, feature_names[f]) != 0) f++;
        if (f == FEATURES) misuse("there is no such feature");
        options.on[f] = on;
    }
}

static void read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"seconds", 1, 0, 's'}, {"threads", 1, 0, 't'},
        {"plots", 1, 0, 'p'},   {"objects", 1, 0, 'o'},
        {"seed", 1, 0, 'r'},    {"only", 1, 0, 'y'},
        {"without", 1, 0, 'n'}, {"gdb", 2, 0, 'g'},
        {"help", 0, 0, 'h'},    {0},
    };
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    options.seed = (uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec;
    memset(options.on, 1, sizeof options.on);
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) switch (c) {
        case 's': options.seconds = atof(optarg); break;
        case 't': options.threads = atoi(optarg); break;
        case 'p': options.plots = atoi(optarg); break;
        case 'o': options.objects = (unsigned)atoi(optarg); break;
        case 'r': options.seed = strtoull(optarg, NULL, 0); break;
        case 'y': memset(options.on, 0, sizeof options.on), set_features(optarg, true); break;
        case 'n': set_features(optarg, false); break;
        case 'g': options.gdb = true, options.gdb_script = optarg ? optarg : ""; break;
        case 'h': help(stdout), exit(0);
        default: misuse("unknown option");
        }
    if (options.threads < 1 || options.threads > 100) misuse("1 to 100 threads");
    if (options.plots < 1) options.plots = options.threads / 2 + 1;
    if (options.plots > 100) misuse("1 to 100 plots");
}

/* ---- workers ---- */

static void work_on(struct worker *w, struct plot *p) {
    struct random *r = &w->random;
    doing("waits for a plot");
    pthread_mutex_lock(&p->lock);
    doing("changes a plot");
    for (unsigned n = 1 + below(r, 100); n; n--) change_one(p, r);
    if (one_in(r, 12)) carry_one(p, r);
    pthread_mutex_unlock(&p->lock);
}

static struct plot *any_plot(struct random *r) { return &plots[below(r, (unsigned)options.plots)]; }

static void *worker_main(void *arg) {
    struct worker *w = arg;
    void *volatile frame[ROOTS] = {0};
    self = w;
    w->frame = frame;
    bells_worker_start();
    plot_init(&w->plot, options.plots + w->number, true, &w->random);
    while (!stopping) {
        struct random *r = &w->random;
        work_on(w, one_in(r, 2) ? &w->plot : any_plot(r));
        if (one_in(r, 4)) weather(r);
        if (one_in(r, 40)) guests_one(w, any_plot(r));
        if (one_in(r, 60)) bells_jump(r);
    }
    doing("verifies its plot for the last time");
    plot_verify(&w->plot, true);
    plot_drop(&w->plot);
    plot_end_thread();
    bells_worker_stop();
    __atomic_store_n(&w->progress->doing, NULL, __ATOMIC_RELAXED);
    return NULL;
}

static void start_workers(void) {
    workers = calloc((size_t)options.threads, sizeof *workers);
    for (int i = 0; i < options.threads; i++) {
        struct worker *w = &workers[i];
        w->number = i;
        w->random.s = options.seed * 1000 + (uint64_t)i;
        w->progress = report_progress(i);
        w->progress->doing = "starts";
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) fail("no thread");
    }
}

static void pass_time(void) {
    struct timespec now, until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    double end = (double)until.tv_sec + (double)until.tv_nsec / 1e9 + options.seconds;
    do {
        struct timespec t = {0, 10000000};
        nanosleep(&t, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < end);
}

static void print_figures(void) {
    const struct figures *f = figures;
    printf("seed %lu: %lu objects, %lu MB, %u cycles, %lu changes, %lu checks, %lu carried, %lu threads, %lu "
           "forks, "
           "%lu modules, %lu signals, %lu jumps\n",
           options.seed, f->objects, f->bytes >> 20, cycles_begun(), f->changes, f->checks, f->carried,
           f->threads, f->forks, f->modules, f->signals, f->jumps);
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    report_init(argc, argv);
    cycles_count();
    guests_init(argv[0]);
    weather_init();
    bells_init();
    roots_init();
    struct random r = {options.seed};
    plots = calloc((size_t)options.plots, sizeof *plots);
    for (int i = 0; i < options.plots; i++) plot_init(&plots[i], i, false, &r);
    start_workers();
    bells_start(workers, options.threads);
    pass_time();
    bells_stop();
    stopping = true;
    for (int i = 0; i < options.threads; i++) pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < options.plots; i++) plot_verify(&plots[i], true);
    report_done();
    print_figures();
    return 0;
}
