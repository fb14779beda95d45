/* The system refuses memory, or advice about memory, to what lies above the heap: the n-th call of each kind fails, once or from
 * then on, while goroutines, channels, arenas, pools, weak pointers, cleanups and mapped files are in use. The program
 * goes on with everything whole, or ends by Go's words and exit status; a file that cannot be mapped says so.
 *
 * Each case is a process of its own. */
#define TRIX_FAULTS
#include "life_test.h"
#include "../refuse.h"


enum { EXIT_OUT_OF_MEMORY = 2, GOROUTINES = 200, FILE_BYTES = 300000 };

static char path[64];

static void make_file(void) {
    static char block[FILE_BYTES];
    for (size_t i = 0; i < sizeof block; i++) block[i] = (char)(i % 101);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(fd >= 0 && write(fd, block, sizeof block) == sizeof block, "%s: %s", path, strerror(errno));
    close(fd);
}

struct node {
    struct node *next;
    long value;
};
TRI_TYPE(struct node, next)

NO_INLINE static struct node *chain(tri_arena *a, long n) {
    struct node *first = NULL;
    for (long i = 0; i < n; i++) {
        struct node *x = a ? tri_arena_make(a, struct node) : tri_new(struct node);
        x->value = i;
        tri_set(x->next, first);
        first = x;
    }
    return first;
}
static void check_chain(const struct node *x, long n) {
    for (; x; x = x->next) REQUIRE(x->value == --n, "%ld instead of %ld", x->value, n);
    REQUIRE(n == 0, "%ld are missing", n);
}

/* ---- the parts ---- */

static void files(void) {
    for (int how = TRI_MAP_READ; how <= TRI_MAP_SHARED; how++) {
        size_t len = 0;
        char *p = tri_map_file(path, &len, how);
        if (!p) {
            REQUIRE(errno == ENOMEM, "mapping: %s", strerror(errno));
            continue;
        }
        REQUIRE(len == FILE_BYTES, "%zu bytes", len);
        for (size_t i = 0; i < len; i++) REQUIRE(p[i] == (char)(i % 101), "byte %zu", i);
        if (how == TRI_MAP_COPY) p[7] = 1;
        if (how != TRI_MAP_READ) tri_free(p);
    }
}

static void arenas(void) {
    for (int i = 0; i < 6; i++) {
        tri_arena *a = tri_arena_new();
        struct node *x = chain(a, 20000), *kept = tri_arena_clone(x);
        check_chain(x, 20000);
        tri_arena_free(a);
        REQUIRE(kept->value == 19999, "the clone");
    }
}

static tri_pool pool;
static int cleaned;
static void clean(void *arg) {
    (void)arg;
    count_up(&cleaned);
}

static void hung_on(void) {
    struct node *key = chain(NULL, 1);
    tri_weak w = tri_weak_make(key);
    tri_add_cleanup(key, clean, NULL);
    for (int i = 0; i < 100; i++) tri_pool_put(&pool, chain(NULL, 3));
    tri_gc();
    REQUIRE(tri_weak_get(w) == key, "a weak pointer has lost a live object");
    for (int i = 0; i < 100; i++) {
        struct node *x = tri_pool_get(&pool);
        if (x) check_chain(x, 3);
    }
    tri_keep_alive(key);
}

static tri_chan *results;

static long __attribute__((noinline)) down(long n) {
    volatile char room[2000];
    memset((void *)(uintptr_t)room, 1, sizeof room);
    return n ? down(n - 1) + room[n] : 0;
}
static void one(void *arg) {
    struct node *mine = chain(NULL, 10);
    long number = (long)(uintptr_t)arg, depth = down(number % 20);
    check_chain(mine, 10);
    REQUIRE(depth == number % 20, "depth");
    tri_send(results, &number);
}
static void goroutines(void *arg) {
    long sum = 0, v;
    results = tri_chan_new(long, 3);
    for (long i = 0; i < GOROUTINES; i++) tri_go(one, (void *)(uintptr_t)i);
    for (long i = 0; i < GOROUTINES; i++) {
        tri_recv(results, &v);
        sum += v;
        if (i % 50 == 0) tri_gc();
    }
    REQUIRE(sum == GOROUTINES * (GOROUTINES - 1) / 2, "sum %ld", sum);
    (void)arg;
}

static void work(void) {
    struct node *x = chain(NULL, 3000);
    files();
    arenas();
    hung_on();
    tri_run(goroutines, NULL);
    tri_gc();
    check_chain(x, 3000);
}

int main(void) {
    static const uint64_t calls[] = {1, 2, 4, 9, 20};
    int refused = 0;
    snprintf(path, sizeof path, "/tmp/tricolor-refused-%d", getpid());
    make_file();
    REQUIRE(status_refusing(OS_FAULT_ADVISE, 0, false, work) == 0, "with nothing refused");
    for (int kind = 0; kind < OS_FAULT_KINDS; kind++)
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
            for (int sticky = 0; sticky < 2; sticky++) {
                int status = status_refusing((enum os_fault)kind, calls[i], sticky, work);
                bool only_advice = kind == OS_FAULT_RELEASE || kind == OS_FAULT_ADVISE;
                REQUIRE(status == 0 || (status == EXIT_OUT_OF_MEMORY && !only_advice), "kind %d, call %lu, sticky %d: status %d", kind,
                        calls[i], sticky, status);
                refused += status != 0;
            }
    REQUIRE(refused > 0, "nothing was refused");
    unlink(path);
    return 0;
}
