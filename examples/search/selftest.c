/* selftest.c - the test-suite's part: everything on a small scale, with known answers, in some seconds.
 *
 *   lists      random puts and drops against a plain array
 *   answers    a small folder with fixed texts: what is found, before and after files change
 *   checker    a text altered behind the index's back must be noticed
 *   race       threads replace tiny documents out of few words, so that words die, come back and nodes close
 *              all the time; then every rule and every answer is checked
 *   demo       the demonstration itself for a second, over a generated folder
 */
#include "demo.h"
#include "text.h"

#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failures;

#define EXPECT(condition, ...)                                                                               \
    do {                                                                                                     \
        if (condition) break;                                                                                \
        failures++;                                                                                          \
        printf("FAILED %s:%d: %s: ", __FILE_NAME__, __LINE__, #condition);                                   \
        printf(__VA_ARGS__);                                                                                 \
        printf("\n");                                                                                        \
    } while (0)

#ifndef __FILE_NAME__
#define __FILE_NAME__ "selftest.c"
#endif

/* ---- lists ---- */

enum { LIST_DOCS = 64 };

/* Numbers with gaps of all sizes, so that forks of all depths come up. */
static uint32_t list_doc(uint32_t i) { return (i & 7) | (i >> 3 & 1) << 9 | (i >> 4) << 28; }

static void test_lists(void) {
    struct doc *docs = tri_new_array(struct doc, LIST_DOCS);
    struct posting **in = tri_new_array(struct posting *, LIST_DOCS);
    struct list *list = NULL;
    uint64_t rng = 1;
    int64_t grown = 0;
    for (int round = 0; round < 20000; round++) {
        uint32_t i = random_below(&rng, LIST_DOCS), n = 0;
        if (random_below(&rng, 2)) {
            struct revision *rev = tri_new(struct revision);
            struct posting *p = tri_new_flex(struct posting, line, 1);
            docs[i].id = p->doc = list_doc(i);
            tri_set(rev->doc, &docs[i]); /* into the middle of an array */
            tri_set(p->rev, rev);
            p->head = (struct list){1, 1};
            list = list_put(list, p, &grown);
            tri_set(in[i], p);
        } else {
            list = list_drop(list, list_doc(i), &grown);
            tri_set(in[i], NULL);
        }
        for (uint32_t k = 0; k < LIST_DOCS; k++) {
            EXPECT(list_find(list, list_doc(k)) == in[k], "round %d", round);
            n += in[k] != NULL;
        }
        const char *wrong = list_check(list);
        EXPECT(!wrong && (list ? list->docs : 0) == n, "round %d: %s", round, wrong ? wrong : "count");
        if (failures > 5) return;
    }
}

/* ---- files ---- */

struct file {
    const char *name, *data;
    uint32_t len; /* 0: to the terminator */
};

#define LETTERS_48 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv"

static const struct file files[] = {
    {"a/one.txt", "The quick brown fox\njumps over the lazy dog\n\nFox again, fox!\n", 0},
    {"a/two.txt", "quick silver\r\nfoxtrot fox_trot\tFOX\r\nno newline at the end: dog", 0},
    {"b/utf8.txt", "na\xc3\xafve \xc3\x9cml\nnaive na\xc3\xafve\n", 0},
    {"b/long.txt", LETTERS_48 "\n" LETTERS_48 "w\nx 42 yy\n", 0},
    {"b/binary", "fox\0dog", 7},
    {"b/packed.gz", "\x1f\x8b\x08\x08 fox", 0},
    {"b/empty", "", 0},
};

static void write_file(const char *folder, const char *name, const char *data, size_t len) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    EXPECT(fd >= 0 && write(fd, data, len) == (ssize_t)len, "cannot write %s", path);
    if (fd >= 0) close(fd);
}

static void make_folder(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    EXPECT(mkdir(path, 0700) == 0, "cannot make %s", path);
}

static void remove_folder(char *folder) {
    char *roots[] = {folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *e; walk && (e = fts_read(walk));)
        if (e->fts_info != FTS_D) remove(e->fts_accpath);
    if (walk) fts_close(walk);
}

/* ---- answers ---- */

struct expected {
    const char *query;
    uint32_t docs, lines, words;
};

static const struct expected first_answers[] = {
    {"fox", 2, 3, 0},          /* one: lines 1 and 4; two: line 2 */
    {"FoX", 2, 3, 0},          /* folded */
    {"quick", 2, 2, 0},        /* */
    {"dog", 2, 2, 0},          /* the last word, with no newline behind it */
    {"fox dog", 2, 5, 0},      /* */
    {"quick lazy", 1, 2, 0},   /* */
    {"lazy silver", 0, 0, 0},  /* both known, on no document together */
    {"fox*", 4, 5, 3},         /* fox, fox_trot, foxtrot */
    {"foxtr*", 1, 1, 1},       /* ends within an edge */
    {"foxtrots*", 0, 0, 0},    /* */
    {"fo", 0, 0, 0},           /* a prefix is not a word */
    {"na\xc3\xafve", 1, 2, 0}, /* */
    {"naive", 1, 1, 0},        /* */
    {LETTERS_48, 1, 1, 0},     /* the longest word there is */
    {"42", 1, 1, 0},           /* */
    {"nothing", 0, 0, 0},
};

/* After one.txt has become "fox terrier", and two.txt is gone. */
static const struct expected second_answers[] = {
    {"fox", 1, 1, 0},     {"quick", 0, 0, 0}, {"fox*", 1, 1, 1},
    {"terrier", 1, 1, 0}, {"dog", 0, 0, 0},   {"yy", 1, 1, 0},
};

static void test_answers(struct index *index, const struct expected *all, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct query q;
        struct check_count count = {0};
        EXPECT(query_parse(&q, all[i].query), "%s", all[i].query);
        const struct answer *a = query_answer(index, &q);
        EXPECT(a->docs == all[i].docs && a->lines == all[i].lines && a->words == all[i].words,
               "%s: %u documents, %u lines, %u words", all[i].query, (unsigned)a->docs, (unsigned)a->lines,
               a->words);
        check_whole(index, &q, &count);
        EXPECT(count.wrong == 0, "%s", all[i].query);
    }
}

static void test_sound(struct index *index) {
    struct index_measure m;
    index_measure(index, &m);
    EXPECT(!m.wrong, "%s", m.wrong);
}

static void test_parse(void) {
    struct query q;
    char text[QUERY_TEXT];
    EXPECT(!query_parse(&q, "") && !query_parse(&q, "a b c") && !query_parse(&q, "one two three"), "refused");
    EXPECT(!query_parse(&q, "one* two") && !query_parse(&q, LETTERS_48 "w"), "refused");
    EXPECT(query_parse(&q, " One  TWO ") && !strcmp(query_text(&q, text), "one two"), "%s", text);
    EXPECT(query_parse(&q, "Pre*") && !strcmp(query_text(&q, text), "pre*"), "%s", text);
}

static void test_small(char *folder) {
    const struct options opt = {.threads = 2, .quiet = true};
    make_folder(folder, "a");
    make_folder(folder, "b");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        write_file(folder, files[i].name, files[i].data, files[i].len ? files[i].len : strlen(files[i].data));
    struct corpus *corpus = corpus_list(&folder, 1);
    EXPECT(corpus->files == 6, "%u files", corpus->files); /* not the empty one */
    struct index *index = build_index(corpus, &opt, false);
    EXPECT(index->docs == 4, "%u documents", (unsigned)index->docs);
    test_answers(index, first_answers, sizeof first_answers / sizeof *first_answers);
    test_sound(index);

    struct writer *writer = writer_new(index);
    write_file(folder, "a/one.txt", "fox terrier", 11);
    write_file(folder, "a/two.txt", "", 0);
    for (uint32_t id = 0; id < index->limit; id++)
        if (index_doc(index, id))
            EXPECT(corpus_reindex(writer, index_doc(index, id), false), "document %u", id);
    test_answers(index, second_answers, sizeof second_answers / sizeof *second_answers);
    test_sound(index);
}

/* ---- the checker itself ---- */

/* Indexes "alpha beta\ngamma alpha\n", then changes the text, but not what is indexed of it. */
static uint64_t wrong_after(const char *text, const char *query) {
    struct index *index = index_new();
    struct query q;
    struct check_count count = {0};
    char *data = tri_strdup("alpha beta\ngamma alpha\n");
    index_add(index, 0, "altered", "altered");
    index_put(writer_new(index), index_doc(index, 0), data, (uint32_t)strlen(data), 0);
    memcpy(data, text, strlen(data));
    check_quiet = true;
    query_parse(&q, query);
    check_range(index, &q, 0, 1, &count);
    check_quiet = false;
    return count.wrong;
}

static void test_checker(void) {
    const char *queries[] = {"alpha", "alp*", "alpha beta"};
    for (int i = 0; i < 3; i++) {
        EXPECT(wrong_after("alpha beta\ngamma alpha\n", queries[i]) == 0, "%s", queries[i]);
        EXPECT(wrong_after("alphx beta\ngamma alpha\n", queries[i]) > 0, "%s: a line less", queries[i]);
        EXPECT(wrong_after("alpha beta\n\namma alpha\n", queries[i]) > 0, "%s: another line", queries[i]);
        EXPECT(wrong_after("alpha beta\nalpha alpha\n", queries[i]) == 0, "%s: twice on a line", queries[i]);
        EXPECT(wrong_after("alph  beta\ngamm  alph \n", queries[i]) > 0, "%s: gone", queries[i]);
    }
    EXPECT(wrong_after("alpha alp \ngamma alpha\n", "alp*") > 0, "a word more");
    EXPECT(wrong_after("alpha beta\ngamma alpha\n", "delta") == 0, "neither here nor there");
    EXPECT(wrong_after("alpha beta\ndelta alpha\n", "delta") > 0, "not indexed");
}

/* ---- race ---- */

enum { RACE_THREADS = 4, RACE_DOCS = 16, RACE_ROUNDS = 20000 };

struct race {
    struct index *index;
    uint64_t rng;
    pthread_t thread;
};
TRI_TYPE(struct race, index)

static void *race_run(void *arg) {
    struct race *race = arg;
    struct writer *writer = writer_new(race->index);
    for (int round = 0; round < RACE_ROUNDS; round++) {
        char *text = tri_alloc_leaf(64);
        uint32_t len = 0, words = random_below(&race->rng, 4);
        for (uint32_t i = 0; i < words; i++) {
            uint32_t letters = 2 + random_below(&race->rng, 4);
            for (uint32_t k = 0; k < letters; k++) text[len++] = "ab"[random_below(&race->rng, 2)];
            text[len++] = random_below(&race->rng, 2) ? ' ' : '\n';
        }
        index_put(writer, index_doc(race->index, random_below(&race->rng, RACE_DOCS)), text, len, 0);
    }
    return NULL;
}

/* Reads and checks while the threads write. */
static void race_check(struct index *index, uint64_t *rng, struct check_count *count) {
    struct query q;
    char text[8];
    snprintf(text, sizeof text, "%c%c%s", "ab"[random_below(rng, 2)], "ab"[random_below(rng, 2)],
             random_below(rng, 2) ? "*" : "");
    query_parse(&q, text);
    check_range(index, &q, 0, RACE_DOCS, count);
}

static void test_race(void) {
    struct index *index = index_new();
    struct race *races[RACE_THREADS];
    struct check_count count = {0};
    uint64_t rng = 1;
    for (uint32_t id = 0; id < RACE_DOCS; id++) index_add(index, id, "race", "race");
    for (int i = 0; i < RACE_THREADS; i++) {
        races[i] = tri_new(struct race);
        tri_set(races[i]->index, index);
        races[i]->rng = (uint64_t)i + 7;
        start_thread(&races[i]->thread, race_run, races[i]);
    }
    for (int i = 0; i < 3000; i++) race_check(index, &rng, &count);
    for (int i = 0; i < RACE_THREADS; i++) pthread_join(races[i]->thread, NULL);
    for (int i = 0; i < 100; i++) race_check(index, &rng, &count);
    EXPECT(count.wrong == 0, "%u mismatches", (unsigned)count.wrong);
    test_sound(index);
}

/* ---- the demonstration ---- */

/* Some hundred files out of a thousand words, the first ones often and the last ones seldom. */
static void write_generated(const char *folder) {
    uint64_t rng = 3;
    for (int file = 0; file < 200; file++) {
        char name[32], text[8192];
        size_t len = 0;
        snprintf(name, sizeof name, "generated-%d.txt", file);
        while (len < sizeof text - 32) {
            uint32_t word = random_below(&rng, 1 + random_below(&rng, 1000));
            len += (size_t)snprintf(text + len, 32, "w%xo%ud%c", word % 16, word, word % 9 ? ' ' : '\n');
        }
        write_file(folder, name, text, len);
    }
}

static void test_demo(char *folder) {
    const struct options opt = {.threads = 3, .seconds = 1, .target = 24000000, .checks = 12, .quiet = true};
    make_folder(folder, "c");
    char generated[512];
    snprintf(generated, sizeof generated, "%s/c", folder);
    write_generated(generated);
    struct corpus *corpus = corpus_list((char *[]){generated}, 1);
    struct index *index = build_index(corpus, &opt, true);
    EXPECT((uint64_t)index->bytes >= opt.target && index->docs > 200, "%u documents", (unsigned)index->docs);
    struct served *served = serve(index, &opt);
    struct check_count at_end = check_at_end(index, &opt);
    EXPECT(served->all->n > 0 && served->reindexed > 0, "no work done");
    /* a few may ask for the stamp of a revision that is gone by then */
    EXPECT(served->found * 100 >= served->all->n * 99, "queries for words of a document found nothing");
    EXPECT(served->checked.queries > 0 && served->checked.wrong == 0, "wrong while serving");
    EXPECT(at_end.queries == opt.checks && at_end.wrong == 0, "%u of %u queries, %u wrong",
           (unsigned)at_end.queries, opt.checks, (unsigned)at_end.wrong);
    test_sound(index);
}

int selftest(void) {
    const char *base = getenv("TMPDIR");
    char folder[256];
    snprintf(folder, sizeof folder, "%s/search-XXXXXX", base && strlen(base) < 200 ? base : "/tmp");
    if (!mkdtemp(folder)) {
        perror("search: cannot make a temporary folder");
        return 2;
    }
    test_parse();
    test_lists();
    test_small(folder);
    test_checker();
    test_race();
    test_demo(folder);
    remove_folder(folder);
    printf("search: self-test %s\n", failures ? "FAILED" : "passed");
    return failures ? 1 : 0;
}
