/* malloc as code sees it that is not compiled by tricc: its blocks are never collected, keep what they hold, and serve many
 * threads at once, with no two blocks overlapping; before main, after a thread's end, and in the child of a fork. What such
 * blocks no longer hold is collected. */
#include "calls.h"

enum { THREADS = 4, BLOCKS = 400, ROUNDS = 15, KEPT = 3000, FORKS = 20 };

/* ---- before main ---- */

static char *early;
__attribute__((constructor(101))) static void before_anything(void) { early = strdup("early"); }

/* ---- blocks keep what they hold ---- */

static hidden where[KEPT];
static void **table; /* a foreign block of foreign blocks */

NO_INLINE static void keep_objects(void) {
    table = malloc(KEPT * sizeof *table);
    for (size_t i = 0; i < KEPT; i++) {
        size_t bytes = i % 100 ? 16 + i % 500 : 100000 + i;
        char *block = malloc(bytes);
        struct stamped *s = stamped_new(i);
        where[i] = tri_hide(s);
        memset(block, 0x11, bytes);
        memcpy(block + (bytes - 8) / 8 * 8, &s, sizeof s); /* with no barrier */
        table[i] = block;
    }
}

static unsigned alive(size_t from) {
    unsigned n = 0;
    for (size_t i = from; i < KEPT; i += 2) n += stamped_lives(where[i], i);
    return n;
}

static void kept(void) {
    step("what foreign blocks hold");
    keep_objects();
    collect();
    REQUIRE(alive(0) + alive(1) == KEPT, "%u of %u objects are left", alive(0) + alive(1), KEPT);
    for (size_t i = 0; i < KEPT; i += 2) free(table[i]);
    collect();
    REQUIRE(alive(1) == KEPT / 2, "%u objects are left of those still held", alive(1));
    REQUIRE(alive(0) < KEPT / 50, "%u objects are left that free blocks held", alive(0));
    for (size_t i = 1; i < KEPT; i += 2) table[i] = realloc(table[i], 40 + i % 2000 * 20);
    collect();
    for (size_t i = 1; i < KEPT; i += 2) free(table[i]);
    free(table);
}

/* The program may use all that malloc_usable_size says. */
NO_INLINE static char *filled_to_the_end(size_t bytes, hidden *object) {
    char *block = malloc(bytes);
    size_t n = malloc_usable_size(block);
    struct stamped *s = stamped_new(bytes);
    *object = tri_hide(s);
    REQUIRE(n >= bytes, "%zu of %zu bytes", n, bytes);
    memcpy(block + (n - 8) / 8 * 8, &s, sizeof s);
    return block;
}
static void usable(void) {
    step("usable bytes");
    for (size_t bytes = 8; bytes < 500000; bytes = bytes * 2 + 1) {
        hidden object;
        char *volatile block = filled_to_the_end(bytes, &object);
        collect();
        REQUIRE(stamped_lives(object, bytes), "what the end of %zu bytes holds is gone", bytes);
        free(block);
    }
}

/* Blocks of no bytes are blocks, however they are aligned. */
static void empty(void) {
    step("empty blocks");
    for (size_t align = 16; align <= 1 << 20; align *= 2) {
        char *before = malloc(100000), *a = aligned_alloc(align, 0), *b = memalign(align, 0), *after = malloc(100000);
        REQUIRE(a && b && a != b && a != before && b != after, "%p %p", (void *)a, (void *)b);
        REQUIRE(!((uintptr_t)a % align) && !((uintptr_t)b % align), "%p %p at %zu", (void *)a, (void *)b, align);
        REQUIRE(malloc_usable_size(before) >= 100000 && malloc_usable_size(after) >= 100000, "others at %zu", align);
        a = realloc(a, 10);
        memset(a, 1, 10);
        free(before), free(a), free(b), free(after);
    }
    REQUIRE(!memalign(SIZE_MAX / 2 + 2, 1) && errno == EINVAL, "an alignment above all");
    REQUIRE(!memalign(SIZE_MAX / 2 + 1, 1) && errno == ENOMEM, "an alignment beyond memory");
}

static int enough; /* cycles have passed; atomic */

/* ---- objects move between heap, foreign blocks and stacks while the collector marks ---- */

static void *move_about(void *arg) {
    enum { PLACES = 64 };
    struct stamped **mine = malloc(PLACES * sizeof *mine), **ours = tri__malloc(PLACES * sizeof *ours);
    uint64_t seed = (uintptr_t)arg + 1;
    for (int i = 0; i < PLACES; i++) {
        mine[i] = stamped_new((uint64_t)i);
        tri_set(ours[i], stamped_new((uint64_t)i));
    }
    for (int i = 0; i < 60000 || !posted(&enough); i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned at = seed >> 33 & (PLACES - 1);
        struct stamped *s = mine[at];
        REQUIRE(stamped_ok(s, at), "a foreign block's object was lost");
        REQUIRE(stamped_ok(ours[at], at), "an object was lost that came from a foreign block");
        mine[at] = ours[at];
        tri_set(ours[at], s);
        if (seed >> 50 & 1) mine[at] = stamped_new(at);
        if ((seed >> 44 & 63) == 0) {
            struct stamped **moved = malloc(PLACES * sizeof *mine);
            memcpy(moved, mine, PLACES * sizeof *mine);
            free(mine);
            mine = moved;
        }
    }
    free(mine);
    return NULL;
}

/* ---- many threads ---- */

struct block {
    unsigned char *p;
    size_t bytes;
    unsigned char byte;
};

static void check(const struct block *b) {
    for (size_t i = 0; i < b->bytes; i += b->bytes / 64 + 1) REQUIRE(b->p[i] == b->byte, "a block of %zu bytes was overwritten", b->bytes);
}

static void *churn_blocks(void *arg) {
    static struct block all[THREADS][BLOCKS];
    struct block *mine = all[(uintptr_t)arg % THREADS];
    uint64_t seed = (uintptr_t)arg * 77 + 1;
    for (int i = 0; i < BLOCKS * ROUNDS || !posted(&enough); i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        struct block *b = &mine[(seed >> 33) % BLOCKS];
        size_t bytes = (seed >> 20 & 1023) < 1000 ? seed >> 40 & 511 : seed >> 40 & 0xfffff;
        if (b->p) check(b);
        if (b->p && seed >> 63) {
            b->p = realloc(b->p, bytes + 1);
            if (bytes + 1 > b->bytes) b->bytes = b->bytes ? b->bytes : 1;
            else b->bytes = bytes + 1;
            check(b);
        } else {
            free(b->p);
            b->p = seed >> 62 & 1 ? calloc(1, bytes + 1) : aligned_alloc(64, bytes + 1);
            if (seed >> 62 & 1) REQUIRE(b->p[0] == 0 && b->p[bytes] == 0, "calloc is not zero");
        }
        REQUIRE(b->p, "no memory");
        b->bytes = bytes + 1;
        b->byte = (unsigned char)(seed >> 55);
        memset(b->p, b->byte, b->bytes);
    }
    return NULL;
}

static void in_threads(void *(*work)(void *)) {
    pthread_t thread[THREADS];
    struct gc_loop loop;
    enough = 0;
    gc_loop_start(&loop);
    for (uintptr_t i = 0; i < THREADS; i++) REQUIRE(pthread_create(&thread[i], NULL, work, (void *)i) == 0, "no thread");
    gc_loop_await(&loop, 3);
    post(&enough);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    gc_loop_stop(&loop);
}

/* ---- forks ---- */

static int stop;

static void *churn_until_stop(void *arg) {
    while (!posted(&stop)) {
        void *p[32];
        for (int i = 0; i < 32; i++) p[i] = malloc((size_t)(i * i * 97 + 1));
        for (int i = 0; i < 32; i++) free(p[i]);
        tri__strdup("meanwhile");
    }
    return arg;
}

static void child(void) {
    for (int i = 0; i < 2000; i++) {
        char *p = malloc((size_t)i * 3), *q = strdup("in the child");
        free(p);
        REQUIRE(!strcmp(q, "in the child"), "%s", q);
        free(q);
        tri__strdup("ours");
    }
    tri_gc();
    _exit(0);
}

static void forks(void) {
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) pthread_create(&thread[i], NULL, churn_until_stop, NULL);
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) child();
        waitpid(pid, &status, 0);
        REQUIRE(status == 0, "child %d: status %x", i, status);
    }
    post(&stop);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
}

/* ---- the C library's own use ---- */

static void *last_words(void *arg) {
    char *text;
    if (asprintf(&text, "thread %p", arg) < 0) return NULL;
    return text;
}

static pthread_key_t key;
static void at_end(void *p) {
    static __thread int round;
    free(p);
    if (round++ < 3) pthread_setspecific(key, malloc(100));
}
static void *with_key(void *arg) {
    pthread_setspecific(key, malloc(10));
    return arg;
}

static void libc_uses_it(void) {
    REQUIRE(!strcmp(early, "early") && !tri_is_heap(early), "early memory");
    free(early);
    FILE *f = fopen("/proc/self/status", "r");
    char *line = NULL;
    size_t room = 0, n = 0;
    while (getline(&line, &room, f) > 0) n++;
    REQUIRE(n > 10 && !tri_is_heap(line), "%zu lines", n);
    free(line);
    fclose(f);
    /* libc's getline grows a buffer of the program's: it stays one */
    f = fopen("/proc/self/status", "r");
    line = tri__malloc(room = 4);
    while (getline(&line, &room, f) > 0) n--;
    REQUIRE(n == 0 && tri_is_heap(line) && tri__malloc_usable_size(line) >= room, "libc has resized a block");
    fclose(f);
    pthread_key_create(&key, at_end);
    for (int i = 0; i < 50; i++) {
        pthread_t a, b;
        void *text;
        pthread_create(&a, NULL, last_words, NULL);
        pthread_create(&b, NULL, with_key, NULL);
        pthread_join(a, &text);
        REQUIRE(!strncmp(text, "thread", 6), "a thread's result");
        free(text);
        pthread_join(b, NULL);
    }
    void *p;
    REQUIRE(posix_memalign(&p, 4096, 100) == 0 && (uintptr_t)p % 4096 == 0, "posix_memalign");
    REQUIRE(malloc_usable_size(p) >= 100, "its size");
    free(p);
    p = memalign(1 << 22, 5);
    REQUIRE((uintptr_t)p % (1 << 22) == 0, "%p", p);
    free(p);
    /* memory given back is used again */
    uintptr_t lowest = UINTPTR_MAX, highest = 0;
    for (int i = 0; i < 2000; i++) {
        char *big = malloc(10 << 20);
        big[0] = big[(10 << 20) - 1] = 1;
        if ((uintptr_t)big < lowest) lowest = (uintptr_t)big;
        if ((uintptr_t)big > highest) highest = (uintptr_t)big;
        free(big);
    }
    REQUIRE(highest - lowest < 100 << 20, "20 GB in turn took %zu MB", (highest - lowest) >> 20);
}

int main(void) {
    step("the C library");
    libc_uses_it();
    kept();
    usable();
    empty();
    step("blocks in threads");
    in_threads(churn_blocks);
    step("objects in threads");
    in_threads(move_about);
    step("forks");
    forks();
    return 0;
}
