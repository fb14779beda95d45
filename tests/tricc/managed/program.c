/* An ordinary C program: malloc by every name and by address, frees that are errors elsewhere, leaks, and data that only the
 * collector keeps. Compiled with tricc -fmanaged-malloc it runs in little memory and loses nothing. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUIRE(condition) ((condition) ? (void)0 : (fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition), _exit(1)))

/* ---- addresses taken ---- */

static const struct allocator {
    void *(*alloc)(size_t);
    void *(*resize)(void *, size_t);
    void (*give_back)(void *);
    char *(*copy)(const char *);
} libc = {malloc, realloc, free, strdup};

/* a function of the program's own, of the name of one of libc's, and another type */
static int scandir_calls;
int scandir(char *to, int limit);

struct tree {
    struct tree *left, *right;
    char *label;
    uintptr_t disguised; /* as an integer */
};

static struct tree *make(int depth, const struct allocator *a) {
    struct tree *t = a->alloc(sizeof *t);
    char text[32];
    snprintf(text, sizeof text, "depth %d", depth);
    t->label = a->copy(text);
    t->left = depth ? make(depth - 1, a) : NULL;
    t->right = depth ? make(depth - 1, a) : NULL;
    t->disguised = (uintptr_t)a->copy("integer");
    return t;
}

static unsigned check(const struct tree *t, int depth) {
    char text[32];
    snprintf(text, sizeof text, "depth %d", depth);
    REQUIRE(!strcmp(t->label, text) && !strcmp((char *)t->disguised, "integer"));
    return depth ? 1 + check(t->left, depth - 1) + check(t->right, depth - 1) : 1;
}

/* frees from the bottom, and everything twice */
static void drop(struct tree *t) {
    if (!t) return;
    free(t->label);
    free(t->label);
    drop(t->left);
    drop(t->right);
    free(t);
    free(t);
}

/* ---- what libc keeps and moves ---- */

static int by_label(const void *a, const void *b) {
    return strcmp((*(struct tree *const *)a)->label, (*(struct tree *const *)b)->label);
}

static void sorting(void) {
    enum { N = 3000 };
    struct tree **all = malloc(N * sizeof *all);
    for (int i = 0; i < N; i++) {
        all[i] = calloc(1, sizeof **all);
        REQUIRE(asprintf(&all[i]->label, "%07d", i * 7919 % N) == 7);
    }
    qsort(all, N, sizeof *all, by_label);
    all = realloc(all, 2 * N * sizeof *all);
    memmove(all + N, all, N * sizeof *all);
    for (int i = 0; i < N; i++) REQUIRE(atoi(all[i]->label) == i && all[N + i] == all[i]);
}

static void *root;
static int compare_words(const void *a, const void *b) { return strcmp(a, b); }

static void searching(void) { /* tsearch's nodes are libc's: they keep the words */
    for (int i = 0; i < 2000; i++) {
        char *word;
        REQUIRE(asprintf(&word, "word %d", i) > 0);
        tsearch(word, &root, compare_words);
    }
    for (int i = 0; i < 50; i++) make(6, &libc);
    for (int i = 0; i < 2000; i++) {
        char word[20];
        snprintf(word, sizeof word, "word %d", i);
        char ***found = tfind(word, &root, compare_words);
        REQUIRE(found && !strcmp((char *)*found, word));
    }
}

static void streams(void) {
    char *text = NULL, *line = NULL;
    size_t bytes, room = 0;
    FILE *f = open_memstream(&text, &bytes);
    for (int i = 0; i < 20000; i++) fprintf(f, "line %d\n", i);
    fclose(f);
    f = fmemopen(text, bytes, "r");
    for (int i = 0; i < 20000; i++) {
        REQUIRE(getdelim(&line, &room, '\n', f) > 0 && atoi(line + 5) == i);
        if (i % 100 == 0) free(line), line = NULL, room = 0;
    }
    fclose(f);
}

static void *in_thread(void *arg) {
    struct tree *t = make(8, arg);
    for (int i = 0; i < 20; i++) make(7, arg);
    return t;
}

static void threads(void) {
    pthread_t thread[4];
    for (int i = 0; i < 4; i++) REQUIRE(pthread_create(&thread[i], NULL, in_thread, (void *)&libc) == 0);
    for (int i = 0; i < 4; i++) {
        void *t;
        pthread_join(thread[i], &t);
        REQUIRE(check(t, 8) == 511);
    }
}

static void forking(void) {
    struct tree *t = make(8, &libc);
    for (int i = 0; i < 5; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            for (int k = 0; k < 20; k++) drop(make(7, &libc));
            _exit(check(t, 8) != 511);
        }
        REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    }
}

int scandir(char *to, int limit) { return scandir_calls += (to != NULL) + limit; }

int main(void) {
    struct tree *kept = make(10, &libc), *dropped = make(10, &libc);
    drop(dropped);
    for (int i = 0; i < 400; i++) { /* 100 MB leaked */
        struct tree *t = make(9, &libc);
        if (i % 50 == 0) REQUIRE(check(t, 9) == 1023);
    }
    REQUIRE(check(kept, 10) == 2047);
    REQUIRE(check(dropped, 10) == 2047); /* used after it was freed */
    sorting();
    searching();
    streams();
    threads();
    forking();
    char place[4];
    REQUIRE(scandir(place, 5) == 6 && libc.alloc != NULL && malloc_usable_size(kept) >= sizeof *kept);
    void (*volatile give_back)(void *) = free;
    give_back(place);
    libc.give_back(kept->label + 1);
    REQUIRE(check(kept, 10) == 2047);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    REQUIRE(use.ru_maxrss < 64 << 10); /* kB */
    return 0;
}
