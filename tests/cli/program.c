/* program.c - does one thing, named by its argument, so that a test can look at what the library says to it.
 */
#include <tricolor.h>

#include <signal.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct node {
    struct node *next;
    long value[3];
};
TRI_TYPE(struct node, next)
struct large {
    struct node *first;
    char rest[100000];
};
TRI_TYPE(struct large, first)

struct node *list; /* root */
struct node **table;

/* A little of everything, and three cycles: ends with "ok". */
static void work(void) {
    for (int round = 0; round < 3; round++) {
        list = NULL;
        for (int i = 0; i < 50000; i++) {
            struct node *n = tri_new(struct node);
            n->value[0] = i;
            tri_set(n->next, list);
            list = n;
            if (i % 100 == 0) memset(tri_alloc(3000), 1, 3000);
        }
        tri_gc();
        long i = 50000;
        for (struct node *n = list; n; n = n->next)
            if (n->value[0] != --i) exit(3);
        if (i != 0) exit(3);
    }
}

/* Ordinary `=` into the heap, as only TRITRACK=none and pages allow. */
static void plain(void) {
    table = tri_new_array(struct node *, 1000);
    for (int i = 0; i < 2000000; i++) {
        struct node *n = tri_new(struct node);
        n->value[0] = i % 1000;
        n->next = table[(i * 7) % 1000];
        if (n->next) n->next->next = NULL;
        table[i % 1000] = n;
    }
    for (int i = 0; i < 1000; i++)
        if (table[i]->value[0] != i) exit(3);
}

static void give_back(void) {
    list = NULL;
    tri_free_os_memory();
}

/* What GOGC is, by what tri_set_gc_percent gives back. */
static void percent(void) { printf("%d\n", tri_set_gc_percent(100)); }

static void clobber(void) {
    tri_gc();
    volatile long *p = (volatile long *)tri_alloc_leaf(64);
    p[0] = 5;
    uintptr_t hidden = tri_hide((void *)p);
    tri_free((void *)p);
    p = (volatile long *)tri_reveal(hidden);
    printf("%lx\n", p[2]);
}

static void handler(size_t wanted) {
    char text[64];
    int n = snprintf(text, sizeof text, "handler: %zu\n", wanted);
    if (write(1, text, (size_t)n) < 0) _exit(4);
}

/* Keeps all it gets. */
static void exhaust(size_t each) {
    void **all = NULL;
    while (1) {
        void **block = (void **)tri_alloc(each);
        memset(block, 1, each < 4096 ? each : 4096);
        tri_set(block[0], all);
        all = block;
        tri_keep_alive(all);
    }
}

static void limit(__rlimit_resource_t what, const char *megabytes, char **argv) {
    struct rlimit r = {.rlim_cur = strtoull(megabytes, NULL, 10) << 20,
                       .rlim_max = strtoull(megabytes, NULL, 10) << 20};
    if (setrlimit(what, &r) != 0) exit(4);
    execv("/proc/self/exe", argv);
    exit(4);
}

static void detaches(void *arg) {
    (void)arg;
    tri_thread_detach();
}

static void exits(void *arg) { pthread_exit(arg); }

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    char on_stack[16];
    static char global[16];
    if (!strcmp(what, "limit") && argc > 3) limit(RLIMIT_AS, argv[2], argv + 2);
    if (!strcmp(what, "limit-data") && argc > 3) limit(RLIMIT_DATA, argv[2], argv + 2);
    if (!strcmp(what, "ok"))
        work();
    else if (!strcmp(what, "plain"))
        plain();
    else if (!strcmp(what, "percent"))
        percent();
    else if (!strcmp(what, "give-back"))
        work(), give_back();
    else if (!strcmp(what, "clobber"))
        clobber();
    else if (!strcmp(what, "free-foreign"))
        tri_free(global);
    else if (!strcmp(what, "free-stack"))
        tri_free(on_stack);
    else if (!strcmp(what, "free-malloc"))
        tri_free(malloc(10));
    else if (!strcmp(what, "free-inner"))
        tri_free((char *)tri_alloc(100) + 24);
    else if (!strcmp(what, "free-inner-large"))
        tri_free((char *)tri_alloc(100000) + 70000);
    else if (!strcmp(what, "free-twice")) {
        void *p = tri_alloc(100);
        tri_free(p);
        tri_free(p);
    } else if (!strcmp(what, "realloc-foreign"))
        tri_realloc(global, 10);
    else if (!strcmp(what, "realloc-inner"))
        tri_realloc((char *)tri_alloc(100) + 8, 10);
    else if (!strcmp(what, "array-overflow"))
        tri_new_array(struct node, (size_t)1 << 60);
    else if (!strcmp(what, "array-negative"))
        tri_new_array(struct node, (size_t)-1);
    else if (!strcmp(what, "alloc-array-overflow"))
        tri_alloc_array((size_t)1 << 33, (size_t)1 << 33);
    else if (!strcmp(what, "aligned"))
        (void)!tri_alloc_aligned(48, 10);
    else if (!strcmp(what, "prealloc-large"))
        tri_prealloc(tri_type_of(struct large), 3);
    else if (!strcmp(what, "prealloc-many"))
        tri_prealloc(tri_type_of(struct node), (size_t)-1);
    else if (!strcmp(what, "strdup-null"))
        tri_strdup(NULL);
    else if (!strcmp(what, "type-null"))
        tri_alloc_type(NULL, 1);
    else if (!strcmp(what, "prealloc-null"))
        tri_prealloc(NULL, 1);
    else if (!strcmp(what, "blocking-null"))
        tri_blocking_call(NULL, NULL);
    else if (!strcmp(what, "once-null"))
        tri_once_do(&(tri_once){0}, NULL, NULL);
    else if (!strcmp(what, "unpin"))
        tri_unpin(tri_alloc(10));
    else if (!strcmp(what, "pin-foreign"))
        tri_pin(global);
    else if (!strcmp(what, "remove-roots"))
        tri_remove_roots(global, global + 16);
    else if (!strcmp(what, "empty-roots"))
        tri_add_roots(global, global);
    else if (!strcmp(what, "blocking-twice")) {
        tri_blocking_begin();
        tri_blocking_begin();
    } else if (!strcmp(what, "blocking-end"))
        tri_blocking_end();
    else if (!strcmp(what, "huge"))
        (void)!tri_alloc((size_t)1 << 62);
    else if (!strcmp(what, "largest"))
        (void)!tri_alloc(SIZE_MAX);
    else if (!strcmp(what, "largest-leaf"))
        (void)!tri_alloc_leaf(SIZE_MAX - 100);
    else if (!strcmp(what, "largest-aligned"))
        (void)!tri_alloc_aligned(1 << 20, SIZE_MAX - 4096);
    else if (!strcmp(what, "largest-realloc"))
        tri_realloc(tri_alloc(10), SIZE_MAX);
    else if (!strcmp(what, "exhaust-small"))
        exhaust(1000);
    else if (!strcmp(what, "exhaust-large"))
        exhaust(1 << 20);
    else if (!strcmp(what, "detach-goroutine"))
        tri_run(detaches, NULL);
    else if (!strcmp(what, "exit-goroutine"))
        tri_run(exits, NULL);
    else if (!strcmp(what, "exhaust-handler")) {
        tri_set_oom_handler(handler);
        exhaust(1 << 20);
    } else {
        return 4;
    }
    puts("ok");
    return 0;
}
