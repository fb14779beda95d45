/* main.c - the command line of `search`: the demonstration, or one query.
 *
 *     search [options] [folder ...]     build, serve, check, print the table
 *     search -q QUERY [folder ...]      print the lines that match, as grep does
 *     search --selftest                 for the test-suite
 *
 * The program sets nothing of the collector's; run it with GODEBUG=gctrace=1, GOGC=... to see and to steer.
 */
#include "demo.h"
#include "text.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: search [options] [folder ...]\n"
    "  A full-text index on a collected heap. Indexes the text files under the folders (default: "
    "/usr/include,\n"
    "  /usr/share/doc, /usr/share/man), then answers queries on all CPUs while it re-indexes, checks the "
    "answers\n"
    "  against a plain scan, and prints a table. Exit code 1: an answer was wrong.\n"
    "  -t N     threads that build, and that answer (default: number of CPUs)\n"
    "  -s SEC   seconds to serve (default 15)\n"
    "  -m MB    live heap to build: stops there, or indexes copies of the files up to there (default 300;\n"
    "           0: every file once)\n"
    "  -r N     documents to re-index a second (default 0: as many as go)\n"
    "  -n N     queries to check against all documents at the end (default 24)\n"
    "  -l ADDR  where to serve the search box while it runs, host:port (default 127.0.0.1:0: any port; off: nowhere)\n"
    "  --serve  go on serving it after the table, until interrupted\n"
    "  -q QUERY print the matching lines instead: a word, a prefix*, or two words on the same document.\n"
    "           Exit code 0: found, 1: nothing found\n"
    "  --selftest  fixed documents with known answers, and a short demonstration; exit code 0: passed\n";

static char *const default_folders[] = {"/usr/include", "/usr/share/doc", "/usr/share/man"};

static _Noreturn void misuse(const char *what, const char *which) {
    fprintf(stderr, "search: %s%s\nTry 'search --help'.\n", what, which);
    exit(2);
}

static double number(const char *text, double lo, double hi) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= lo && value <= hi)) misuse("not a number in range: ", text);
    return value;
}

static void on_interrupt(int signal) {
    (void)signal;
    __atomic_store_n(&interrupted, 1, __ATOMIC_RELAXED);
}

/* ---- one query ---- */

static void print_line(const struct revision *rev, uint32_t line) {
    uint32_t len;
    const char *text = text_line(rev->text, rev->len, line, &len);
    printf("%s:%u:%.*s\n", rev->doc->name, line, (int)len, text);
}

/* The lines of one posting, or of two merged. */
static void print_match(void *arg, const struct match *m) {
    const struct posting *a = m->posting, *b = m->second;
    uint32_t i = 0, k = 0, nb = b ? b->head.lines : 0;
    *(bool *)arg = true;
    while (i < a->head.lines || k < nb) {
        uint32_t in_a = i < a->head.lines ? a->line[i] : UINT32_MAX, in_b = k < nb ? b->line[k] : UINT32_MAX;
        print_line(a->rev, in_a < in_b ? in_a : in_b);
        i += in_a <= in_b;
        k += in_b <= in_a;
    }
}

static int one_query(const char *text, const struct corpus *corpus, struct options *opt) {
    struct query q;
    bool found = false;
    if (!query_parse(&q, text)) misuse("not a word, a prefix* or two words: ", text);
    opt->target = 0;
    opt->quiet = true;
    query_each(build_index(corpus, opt, false), &q, print_match, &found);
    return found ? 0 : 1;
}

/* ---- the demonstration ---- */

static int demo(const struct corpus *corpus, const struct options *opt, uint64_t start_ns) {
    printf("search: %s files, %d threads, live heap up to %s MB, on tricolor %s\n", commas(corpus->files),
           opt->threads, commas(opt->target / 1000000), tri_version());
    struct index *index = build_index(corpus, opt, true);
    if (index->docs == 0) misuse("no text files there", "");
    site_open(index, opt);
    struct served *served = serve(index, opt);
    printf("checking %u queries against all documents\n", opt->checks);
    fflush(stdout);
    struct check_count at_end = check_at_end(index, opt);
    bool sound = report(index, corpus, opt, served, &at_end, start_ns);
    site_close(opt);
    return sound && !served->checked.wrong && !at_end.wrong ? 0 : 1;
}

/* ---- options ---- */

static struct options opt = {.seconds = 15, .target = 300000000, .checks = 24, .site = "127.0.0.1:0"};
static const char *query;
static bool test;

static void read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"selftest", no_argument, NULL, 'T'}, {"serve", no_argument, NULL, 'S'}, {"help", no_argument, NULL, 'h'}, {0}};
    opt.threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (int c; (c = getopt_long(argc, argv, "t:s:m:r:n:q:l:h", names, NULL)) != -1;) switch (c) {
        case 't': opt.threads = (int)number(optarg, 1, 1024); break;
        case 's': opt.seconds = number(optarg, 0, 1e6); break;
        case 'm': opt.target = (uint64_t)(number(optarg, 0, 1e6) * 1e6); break;
        case 'r': opt.rate = (uint32_t)number(optarg, 0, 1e9); break;
        case 'n': opt.checks = (uint32_t)number(optarg, 0, 1e6); break;
        case 'q': query = optarg; break;
        case 'l': opt.site = strcmp(optarg, "off") == 0 ? NULL : optarg; break;
        case 'S': opt.stay = true; break;
        case 'T': test = true; break;
        case 'h': fputs(usage, stdout); exit(0);
        default: misuse("bad command line", "");
        }
}

static struct corpus *corpus_of(char *const *folders, int n) {
    if (n == 0) return corpus_list(default_folders, sizeof default_folders / sizeof *default_folders);
    for (int i = 0; i < n; i++)
        if (access(folders[i], R_OK) != 0) misuse("cannot read ", folders[i]);
    return corpus_list(folders, n);
}

int main(int argc, char **argv) {
    uint64_t start_ns = now_ns();
    struct sigaction interrupt = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    read_options(argc, argv);
    if (test) return selftest();
    struct corpus *corpus = corpus_of(argv + optind, argc - optind);
    if (corpus->files == 0) misuse("no text files there", "");
    sigaction(SIGINT, &interrupt, NULL);
    return query ? one_query(query, corpus, &opt) : demo(corpus, &opt, start_ns);
}
