/* Every use of a freed arena is caught: 10,000 random ones, each in a process of its own, reads and writes anywhere in arenas
 * of any size, the last chunk included, with other arenas made in between and cycles under way. Other faults go where
 * they would have gone. */
#include "life_test.h"

#include <errno.h>
#include <setjmp.h>
#include <sys/mman.h>

struct node {
    struct node *next;
    long value[3];
};
TRI_TYPE(struct node, next)

/* Runs fn in a child with stderr in `text`; its wait status. */
static int in_child(void (*fn)(void *), void *arg, char *text, size_t size) {
    int pipes[2], status;
    REQUIRE(pipe(pipes) == 0, "pipe");
    pid_t child = fork();
    REQUIRE(child >= 0, "fork: %s", strerror(errno));
    if (child == 0) {
        dup2(pipes[1], 2);
        close(pipes[0]);
        fn(arg);
        _exit(0);
    }
    close(pipes[1]);
    size_t n = 0;
    for (ssize_t got; n < size - 1 && (got = read(pipes[0], text + n, size - 1 - n)) > 0;) n += (size_t)got;
    text[n] = 0;
    close(pipes[0]);
    waitpid(child, &status, 0);
    return status;
}

struct use {
    char *at;
    int how;
};
static void use_freed(void *arg) {
    struct use *u = arg;
    volatile char *p = u->at;
    switch (u->how) {
    case 0: (void)*p; break;
    case 1: *p = 1; break;
    case 2: tri_memmove(u, u->at, 1); break;
    default: tri_arena_clone(u->at);
    }
}

static void caught(char *at, int how) {
    char text[4096], expected[80];
    struct use u = {at, how};
    int status = in_child(use_freed, &u, text, sizeof text);
    snprintf(expected, sizeof expected, "accessed data from freed user arena 0x%lx", (unsigned long)at);
    if (SANITIZED && how < 2) {
        REQUIRE(!(WIFEXITED(status) && WEXITSTATUS(status) == 0), "a use of freed memory at %p was not caught", (void *)at);
        return;
    }
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 2, "use %d of freed memory at %p: status %x, said: %s", how,
            (void *)at, status, text);
    if (how < 2) REQUIRE(strncmp(text, expected, strlen(expected)) == 0, "it said: %s", text);
    REQUIRE(strstr(text, "accessed data from freed user arena 0x"), "it said: %s", text);
    REQUIRE(strstr(text, "fatal error: fault"), "it said: %s", text);
}

/* ---- 10,000 uses ---- */

enum { TRIES = 10000 };

static int stop;
static void *collector(void *unused) {
    while (!count_of(&stop)) {
        tri_gc();
        usleep(2000);
    }
    return unused;
}

NO_INLINE static char *freed_pointer(uint64_t *random) {
    tri_arena *a = tri_arena_new();
    char *kept = NULL;
    int objects = 1 + (int)(random_next(random) % 300), chosen = (int)(random_next(random) % (unsigned)objects);
    if (random_next(random) % 4 == 0) chosen = objects - 1; /* the very last, often */
    for (int i = 0; i < objects; i++) {
        size_t bytes = 1 + random_next(random) % (i % 50 == 0 ? 200000 : 600);
        char *p = random_next(random) & 1 ? tri_arena_make_slice(a, char, bytes, bytes)
                                          : (char *)tri_arena_make(a, struct node);
        if (p && i == chosen) kept = p + (random_next(random) & 1 ? 0 : tri_size(p) - 1);
    }
    tri_arena_free(a);
    return kept;
}

static void random_uses(void) {
    uint64_t random = 2463534242u;
    enum { HELD = 64 };
    char **held = tri_new_array(char *, HELD);
    pthread_t gc;
    pthread_create(&gc, NULL, collector, NULL);
    for (int i = 0; i < TRIES; i++) {
        tri_set(held[i % HELD], freed_pointer(&random));
        /* at once, or after others have come and gone and cycles have run */
        char *p = held[random_next(&random) & 1 ? (unsigned)i % HELD : random_next(&random) % HELD];
        if (p) caught(p, (int)(random_next(&random) % 4));
    }
    count_up(&stop);
    pthread_join(gc, NULL);
}

/* ---- other faults ---- */

static void wild_read(void *arg) { (void)*(volatile char *)arg; }
static void raise_segv(void *arg) { (void)arg, raise(SIGSEGV); }
static void on_segv(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    dprintf(2, "own handler at %p", info->si_addr);
    _exit(7);
}
static void install(int flags) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = on_segv;
    a.sa_flags = SA_SIGINFO | flags;
    REQUIRE(sigaction(SIGSEGV, &a, NULL) == 0, "sigaction");
}

static sigjmp_buf *volatile resume;
static void jump_out(int sig) { (void)sig, siglongjmp(*resume, 1); }

static void other_faults(void) {
    char text[4096];
    char *wild = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    if (!SANITIZED) {
        REQUIRE(now.sa_handler == SIG_DFL, "the program sees a handler it did not install");
        int status = in_child(wild_read, wild, text, sizeof text);
        REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a wild read: status %x, said %s", status, text);
        status = in_child(raise_segv, NULL, text, sizeof text);
        REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "raise: status %x, said %s", status, text);
    }
    install(SA_ONSTACK);
    sigaction(SIGSEGV, NULL, &now);
    REQUIRE(now.sa_sigaction == on_segv, "the program does not see its own handler");
    int status = in_child(wild_read, wild, text, sizeof text);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 7 && strstr(text, "own handler at 0x"), "status %x, said %s", status,
            text);
    status = in_child(raise_segv, NULL, text, sizeof text);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 7, "status %x, said %s", status, text);
    uint64_t random = 1; /* and a freed arena is still caught, whatever the program's handler */
    for (int i = 0; i < 20; i++) {
        char *p = freed_pointer(&random);
        if (p) caught(p, i % 2);
    }
    signal(SIGSEGV, jump_out);
    for (int i = 0; i < 100; i++) {
        sigjmp_buf here;
        resume = &here;
        if (sigsetjmp(here, 1) == 0) {
            wild_read(wild);
            REQUIRE(false, "the program's handler was not called");
        }
    }
    signal(SIGSEGV, SIG_DFL);
}

/* ---- misuse ---- */

static void free_twice(void *arg) {
    tri_arena_free(arg);
    tri_arena_free(arg);
}
static void make_after_free(void *arg) {
    tri_arena_free(arg);
    tri_arena_make((tri_arena *)arg, struct node);
}
static void finalizer_in_arena(void *arg) {
    tri_add_cleanup(tri_arena_make((tri_arena *)arg, struct node), free_twice, NULL);
}
static void misuse(void) {
    static const struct {
        void (*fn)(void *);
        const char *words;
    } cases[] = {{free_twice, "was freed twice"}, {make_after_free, "was freed; make another"},
                 {finalizer_in_arena, "is in an arena"}};
    char text[4096];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tri_arena *a = tri_arena_new();
        tri_arena_make(a, struct node);
        int status = in_child(cases[i].fn, a, text, sizeof text);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 2 && strstr(text, cases[i].words), "case %zu: status %x, said %s",
                i, status, text);
    }
}

int main(void) {
    random_uses();
    other_faults();
    misuse();
    return 0;
}
