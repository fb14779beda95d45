/* onestop - small heaps are collected by the thread that allocates, in one stop; a cycle that turns out to be long is handed over to the
 * collector's thread. What is alive is held by a stack, a global, a thread-local and the heap, by plain threads and goroutines, before
 * and after a fork; budgets of 0, stops that are refused and a loader's list that is not fresh come in between. */
#include "check.h"

#include "base/atomic.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool __real_trix_cycle_at_once(uint64_t budget_ns);
bool __wrap_trix_cycle_at_once(uint64_t budget_ns);
void __real_trix_cycle_take_over(void);
void __wrap_trix_cycle_take_over(void);
bool __real_trix_world_try_stop(void);
bool __wrap_trix_world_try_stop(void);
bool __real_trix_roots_fresh(void);
bool __wrap_trix_roots_fresh(void);

enum mode { AS_IT_IS, HANDED_OVER, MIXED, STALE };
static enum mode mode;
static uint32_t at_once, taken_over, refused, stale, turn, asking;

/* One cycle at a time. */
bool __wrap_trix_cycle_at_once(uint64_t budget_ns) {
    bool none = mode == HANDED_OVER || (mode == MIXED && turn++ % 3 == 0);
    asking = 1;
    bool done = __real_trix_cycle_at_once(none ? 0 : budget_ns);
    asking = 0;
    if (done) fetch_add_seq(&at_once, 1);
    return done;
}

void __wrap_trix_cycle_take_over(void) {
    fetch_add_seq(&taken_over, 1);
    __real_trix_cycle_take_over();
}

bool __wrap_trix_world_try_stop(void) {
    if (mode != MIXED || turn % 7 != 3) return __real_trix_world_try_stop();
    fetch_add_seq(&refused, 1);
    return false;
}

bool __wrap_trix_roots_fresh(void) {
    bool now = mode == STALE || (mode == MIXED && turn % 7 == 5);
    if (!now || !asking) return __real_trix_roots_fresh();
    fetch_add_seq(&stale, 1);
    return false;
}

struct node {
    struct node *next;
    long number;
};
TRI_TYPE(struct node, next)

enum { NODES = 300, ROUNDS = 60, GARBAGE = 40000 };

static struct node *in_global;
static _Thread_local struct node *in_thread_local;

static struct node *list(long from, bool typed) {
    struct node *first = NULL;
    for (long i = 0; i < NODES; i++) {
        struct node *n = typed ? tri_new(struct node) : (struct node *)tri_alloc(sizeof *n);
        n->number = from + i;
        tri_set(n->next, first);
        first = n;
    }
    return first;
}

static void check(const struct node *n, long from, const char *where) {
    for (long i = NODES - 1; i >= 0; i--, n = n->next) {
        REQUIRE(n, "the list in %s has ended at %ld", where, i);
        REQUIRE(n->number == from + i, "%ld is where %ld should be in %s", n->number, from + i, where);
    }
    REQUIRE(!n, "the list in %s does not end", where);
}

static void garbage(void) {
    for (int i = 0; i < GARBAGE; i++) {
        void *volatile dropped = i % 2 ? tri_alloc(48) : tri_alloc_leaf(100);
        (void)dropped;
    }
}

/* `alone`: nobody else uses the global. */
static void live(bool alone) {
    struct node **in_heap = (struct node **)tri_alloc(sizeof *in_heap);
    for (int r = 0; r < ROUNDS; r++) {
        struct node *on_stack = list(r, r % 2);
        tri_set(*in_heap, list(1000 + r, r % 2 == 0));
        in_thread_local = list(2000 + r, true);
        if (alone) tri_set(in_global, list(3000 + r, false));
        garbage();
        check(on_stack, r, "a local");
        check(*in_heap, 1000 + r, "the heap");
        check(in_thread_local, 2000 + r, "a thread-local");
        if (alone) check(in_global, 3000 + r, "a global");
    }
}

static void *on_thread(void *unused) {
    live(false);
    return unused;
}

static void threads(void) {
    pthread_t t[3];
    for (int i = 0; i < 3; i++) REQUIRE(pthread_create(&t[i], NULL, on_thread, NULL) == 0, "no thread");
    live(true);
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
}

/* In a goroutine thread-locals are not its own. */
static void in_goroutine(void *unused) {
    struct node *mine = list(7, true);
    for (int r = 0; r < ROUNDS; r++) {
        struct node *on_stack = list(r, false);
        tri_yield();
        for (int i = 0; i < GARBAGE / 4; i++) (void)tri_alloc(48);
        check(on_stack, r, "a goroutine's local");
        check(mine, 7, "a goroutine's first local");
    }
    (void)unused;
}

static void goroutines(void *unused) {
    tri_waitgroup all = {0};
    (void)unused;
    for (int i = 0; i < 10; i++) tri_waitgroup_go(&all, in_goroutine, NULL);
    tri_waitgroup_wait(&all);
}

static void forks(void) {
    for (int i = 0; i < 5; i++) {
        struct node *before = list(i, true);
        garbage();
        pid_t child = fork();
        REQUIRE(child >= 0, "no fork");
        live(true);
        check(before, i, "a local from before the fork");
        if (child == 0) _exit(0);
        int status = -1;
        REQUIRE(waitpid(child, &status, 0) == child && status == 0, "the child has ended with %#x", status);
    }
}

/* From a small heap to a large one at a stroke, and back. */
static void growth(void) {
    for (int r = 0; r < 3; r++) {
        struct node *lists[2000];
        for (int i = 0; i < 2000; i++) lists[i] = list(i, i % 2);
        for (int i = 0; i < 2000; i++) check(lists[i], i, "an array");
        memset(lists, 0, sizeof lists);
        for (int i = 0; i < 40; i++) garbage();
    }
}

static void all_of_it(enum mode how) {
    mode = how;
    live(true);
    growth();
    threads();
    tri_run(goroutines, NULL);
    forks();
}

static uint32_t cycles(void) {
    tri_mem_stats s;
    tri_read_mem_stats(&s);
    return s.num_gc;
}

/* As after a dlopen, were nobody to read the list again: then the collector's thread makes the cycles. */
static void stays_stale(void) {
    uint32_t before = cycles(), until = stale + 3;
    mode = STALE;
    for (int i = 0; i < 1000 && (int32_t)(until - stale) > 0; i++) garbage();
    REQUIRE((int32_t)(until - stale) <= 0, "of 1000 rounds %u were refused", stale + 3 - until);
    REQUIRE(cycles() - before >= 2, "%u cycles between 3 that were refused", cycles() - before);
}

static void handler(int number) {
    (void)number;
    for (int i = 0; i < 40; i++) garbage();
}

/* A handler makes no cycle itself, so it must not be left to it either. */
static void in_handler(void) {
    uint32_t before = cycles();
    mode = AS_IT_IS;
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    REQUIRE(cycles() - before >= 5, "%u cycles while a handler allocated 100 MB", cycles() - before);
}

int main(void) {
    const char *debug = getenv("GODEBUG");
    bool never = debug && strstr(debug, "gconestop=0");
    live(true);
    in_handler();
    if (!never) stays_stale(); /* before the heap has ever been large */
    all_of_it(AS_IT_IS);
    uint32_t plain = load_seq(&at_once);
    all_of_it(HANDED_OVER);
    uint32_t over = load_seq(&taken_over);
    all_of_it(MIXED);
    fprintf(stderr, "cycles at once: %u, taken over: %u; refused %u times, stale %u times\n", at_once, taken_over, refused, stale);
    if (never) {
        REQUIRE(at_once == 0, "a cycle was made in one stop in spite of gconestop=0");
    } else {
        REQUIRE(plain > 0, "no cycle was made in one stop");
        REQUIRE(over > 0 && taken_over > over, "no cycle was handed over");
        REQUIRE(refused > 0 && stale > 0, "nothing came in between");
    }
    return 0;
}
