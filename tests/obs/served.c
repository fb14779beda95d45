/* A program that serves its pages until its standard input ends, for pages.py and others: it prints the port. Meanwhile it
 * allocates, has goroutines, and threads that are signalled by the collector. */
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <tricolor.h>
#include <unistd.h>

#define NO_INLINE __attribute__((noinline))
#define REQUIRE(condition, ...)                                                                                \
    do {                                                                                                       \
        if (condition) break;                                                                                  \
        fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #condition);                                \
        fprintf(stderr, __VA_ARGS__);                                                                          \
        _exit(1);                                                                                              \
    } while (0)

struct node {
    struct node *next;
    long value[5];
};
TRI_TYPE(struct node, next)

static int stop; /* atomic */
static tri_chan *gate;

NO_INLINE struct node *grow_list(int n) {
    struct node *list = NULL;
    for (int i = 0; i < n; i++) {
        struct node *x = tri_new(struct node);
        tri_set(x->next, list);
        x->value[0] = i;
        list = x;
    }
    return list;
}

/* Cycles do not end while it is set. */
static int held; /* atomic */
static void on_gc(tri_gc_event event, void *unused) {
    (void)event, (void)unused;
    while (__atomic_load_n(&held, __ATOMIC_RELAXED)) usleep(1000);
}

static void *churns(void *unused) {
    struct node *kept = grow_list(100000);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        struct node *list = grow_list(10000);
        long n = 0;
        for (struct node *x = list; x; x = x->next) n++;
        REQUIRE(n == 10000, "%ld of a list of 10000", n);
        if (!getenv("BUSY")) usleep(1000);
    }
    tri_keep_alive(kept);
    return unused;
}

static void waits(void *unused) {
    (void)unused;
    char x;
    tri_recv(gate, &x);
}

static void spawn(void *unused) {
    (void)unused;
    gate = tri_chan_new(char, 0);
    for (int i = 0; i < 20; i++) tri_go(waits, NULL);
}

int main(int argc, char **argv) {
    setlocale(LC_ALL, "");
    const char *addr = argc > 1 ? argv[1] : "0";
    REQUIRE(tri_on_gc(on_gc, NULL) == 0, "errno %d", errno);
    REQUIRE(tri_debug_serve("nonsense") == -1 && errno == EINVAL, "errno %d", errno);
    REQUIRE(tri_debug_serve("127.0.0.1:99999") == -1 && errno == EINVAL, "errno %d", errno);
    REQUIRE(tri_debug_port() == 0, "not served");
    REQUIRE(tri_debug_serve(addr) == 0, "errno %d", errno);
    REQUIRE(tri_debug_serve(addr) == -1 && errno == EBUSY, "errno %d", errno);
    tri_run(spawn, NULL);
    pthread_t t[2];
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, churns, NULL);
    printf("%d\n", tri_debug_port());
    fflush(stdout);
    char c;
    while (read(0, &c, 1) > 0)
        if (c == 'h' || c == 'r') { /* hold cycles, release them */
            __atomic_store_n(&held, c == 'h', __ATOMIC_RELAXED);
            printf("%c\n", c);
            fflush(stdout);
        } else if (c == 's') { /* stop and serve again */
            tri_debug_stop();
            REQUIRE(tri_debug_port() == 0, "stopped");
            REQUIRE(tri_debug_serve("127.0.0.1:0") == 0, "errno %d", errno);
            printf("%d\n", tri_debug_port());
            fflush(stdout);
        }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    tri_debug_stop();
    return 0;
}
