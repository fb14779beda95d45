/* Mapped files are heap objects: contents, the byte behind the end, pointers into them keep them mapped, and unreachable ones
 * are unmapped, also by tri_free; what cannot be mapped says why; a file cut short under its mapping ends the program with
 * a clear word; other SIGBUS go on to the program's handler; the system's refusals lose nothing. */
#include "life_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

static char path[64];

static void make_file(size_t bytes) {
    static char block[1 << 16];
    for (size_t i = 0; i < sizeof block; i++) block[i] = (char)(1 + i % 101);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(fd >= 0, "%s: %s", path, strerror(errno));
    for (size_t n = 0; n < bytes;) {
        ssize_t did = write(fd, block, bytes - n < sizeof block ? bytes - n : sizeof block);
        REQUIRE(did > 0, "write: %s", strerror(errno));
        n += (size_t)did;
    }
    close(fd);
}

static char at(size_t i) { return (char)(1 + i % (1 << 16) % 101); }

static int mappings(void) {
    char line[1024];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, f)) n += strstr(line, path) != NULL;
    fclose(f);
    return n;
}

/* ---- contents ---- */

static void contents(size_t bytes) {
    size_t len = 77;
    make_file(bytes);
    errno = 7;
    char *p = tri_map_file(path, &len, TRI_MAP_READ);
    REQUIRE(p && len == bytes && errno == 7, "%zu bytes: %p, %zu, %s", bytes, (void *)p, len, strerror(errno));
    REQUIRE(tri_is_heap(p) && (bytes == 0 || tri_size(p) == bytes), "size %zu of %zu", tri_size(p), bytes);
    for (size_t i = 0; i < bytes; i++) REQUIRE(p[i] == at(i), "byte %zu", i);
    REQUIRE(p[bytes] == 0, "the byte behind the end of %zu", bytes);
    if (bytes) REQUIRE(tri_base(p + bytes - 1) == p && tri_base(p + bytes / 2) == p, "base");
    if (bytes == 0) REQUIRE(tri_map_file(path, NULL, TRI_MAP_READ), "without a length");
    char *grown = tri_realloc(p, bytes + 10);
    REQUIRE(grown != p || bytes == 0, "a mapping has grown in place");
    for (size_t i = 0; i < bytes; i++) REQUIRE(grown[i] == at(i), "copied byte %zu", i);
}

static void contents_of_all_sizes(void) {
    static const size_t sizes[] = {0, 1, 15, 16, 4095, 4096, 4097, 8191, 8192, 8193, 65536, 1 << 20, 5000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) contents(sizes[i]);
}

static void copies(void) {
    make_file(10000);
    size_t len;
    char *copy = tri_map_file(path, &len, TRI_MAP_COPY), *shared = tri_map_file(path, &len, TRI_MAP_SHARED);
    copy[5] = 'x';
    REQUIRE(shared[5] == at(5), "a copy was written through");
    shared[6] = 'y';
    char *again = tri_map_file(path, &len, TRI_MAP_READ);
    REQUIRE(again[6] == 'y' && again[5] == at(5), "a shared mapping was not written through");
    tri_free(copy);
    tri_free(shared);
    tri_free(again);
}

/* ---- life ---- */

enum { FILES = 40, BYTES = 300000 };
static char **kept;

static void map_many(void) {
    kept = tri_new_array(char *, FILES);
    for (int i = 0; i < 4 * FILES; i++) {
        size_t len;
        char *p = tri_map_file(path, &len, i & 1 ? TRI_MAP_COPY : TRI_MAP_READ);
        REQUIRE(p, "mapping %d: %s", i, strerror(errno));
        if (i % 4 == 0) tri_set(kept[i / 4], p + BYTES / 2); /* an inner pointer is enough */
    }
}

static void look_and_free_half(void) {
    int before = mappings();
    for (int i = 0; i < FILES; i++)
        REQUIRE(kept[i] && kept[i][0] == at(BYTES / 2) && kept[i][BYTES / 2 - 1] == at(BYTES - 1), "file %d", i);
    for (int i = 0; i < FILES; i += 2) tri_free(tri_base(kept[i]));
    REQUIRE(mappings() <= before - FILES / 2, "tri_free does not unmap");
}

static void lives_and_dies(void) {
    tri_mem_stats before, after;
    make_file(BYTES);
    tri_gc();
    tri_gc();
    int base = mappings();
    tri_read_mem_stats(&before);
    apart(map_many);
    clear_stack();
    tri_gc();
    tri_gc();
    int now = mappings();
    REQUIRE(now - base >= FILES && now - base < FILES + 20, "%d mappings of %d kept", now - base, FILES);
    tri_read_mem_stats(&after);
    REQUIRE(after.heap_alloc < before.heap_alloc + FILES * 20000, "mappings count as heap: %lu bytes",
            (unsigned long)(after.heap_alloc - before.heap_alloc));
    apart(look_and_free_half);
    kept = NULL;
    clear_stack();
    tri_gc();
    tri_gc();
    REQUIRE(mappings() - base < FILES / 2, "%d are left", mappings() - base);
    /* Their addresses are memory again, and zero. */
    for (int i = 0; i < 4 * FILES; i++) {
        char *p = tri_alloc_leaf(BYTES);
        for (int k = 0; k < BYTES; k += 512) REQUIRE(p[k] == 0, "old contents");
        memset(p, 1, BYTES);
    }
}

/* ---- what cannot be mapped ---- */

static void refused(const char *name, int flags, int error) {
    size_t len = 5;
    errno = 0;
    void *p = tri_map_file(name, &len, flags);
    REQUIRE(!p && errno == error, "%s: %p, %s instead of %s", name, p, strerror(errno), strerror(error));
}

static void refusals(void) {
    make_file(100);
    refused("/no/such/file", TRI_MAP_READ, ENOENT);
    refused("", TRI_MAP_READ, ENOENT);
    refused("/tmp", TRI_MAP_READ, EISDIR);
    refused("/dev/null", TRI_MAP_READ, ENODEV);
    refused(path, 3, EINVAL);
    refused(path, -1, EINVAL);
    REQUIRE(truncate(path, 1ll << 42) == 0, "truncate");
    refused(path, TRI_MAP_READ, ENOMEM); /* more than the heap has room for */
    make_file(100);
}

/* ---- faults ---- */

static void child_touches(void (*fn)(char *), char *p, char *text, size_t size, int *status) {
    int pipes[2];
    REQUIRE(pipe(pipes) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 2);
        close(pipes[0]);
        fn(p);
        _exit(0);
    }
    close(pipes[1]);
    size_t n = 0;
    for (ssize_t got; n < size - 1 && (got = read(pipes[0], text + n, size - 1 - n)) > 0;) n += (size_t)got;
    text[n] = 0;
    close(pipes[0]);
    waitpid(child, status, 0);
}

static void touch(char *p) { (void)*(volatile char *)p; }
static void copy_out(char *p) {
    char *to = tri_alloc_leaf(8);
    tri_memcpy(to, p, 8);
}
static void on_bus(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    dprintf(2, "own handler at %p", info->si_addr);
    _exit(7);
}
static void touch_with_handler(char *p) {
    struct sigaction a = {.sa_flags = SA_SIGINFO};
    a.sa_sigaction = on_bus;
    sigaction(SIGBUS, &a, NULL);
    (void)*(volatile char *)p;
}

HELPER void truncated(void) { /* not under sanitizers, which take the signal */
    char text[4096], expected[128];
    int status;
    size_t len;
    make_file(100000);
    char *p = tri_map_file(path, &len, TRI_MAP_READ);
    REQUIRE(truncate(path, 10) == 0, "truncate");
    REQUIRE(p[0] == at(0) && p[4000] == 0, "the first page is there");
    for (int how = 0; how < 3; how++) {
        child_touches(how == 0 ? touch : how == 1 ? copy_out : touch_with_handler, p + 50000, text, sizeof text, &status);
        snprintf(expected, sizeof expected, "accessed a mapped file beyond its end: byte 50000 of %s", path);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 2, "status %x, said: %s", status, text);
        REQUIRE(strstr(text, expected) && strstr(text, "fatal error: fault"), "said: %s", text);
    }
    /* A mapping of the program's own is the program's business. */
    make_file(100000);
    int fd = open(path, O_RDONLY);
    char *own = mmap(NULL, 100000, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    REQUIRE(truncate(path, 10) == 0, "truncate");
    child_touches(touch, own + 50000, text, sizeof text, &status);
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "status %x, said: %s", status, text);
    child_touches(touch_with_handler, own + 50000, text, sizeof text, &status);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 7 && strstr(text, "own handler"), "status %x, said: %s", status, text);
    munmap(own, 100000);
}

/* ---- nobody frees them ---- */

/* Files mapped and dropped make a cycle due, by their number or when the address space is at its end. */
static void dropped(off_t bytes, int times) {
    tri_mem_stats s;
    REQUIRE(truncate(path, bytes) == 0, "truncate: %s", strerror(errno));
    for (int i = 0; i < times; i++) {
        const char *volatile p = tri_map_file(path, NULL, TRI_MAP_READ);
        REQUIRE(p && p[0] == at(0), "mapping %d of %ld bytes: %s", i, (long)bytes, strerror(errno));
    }
    tri_read_mem_stats(&s);
    REQUIRE(s.num_gc > 0, "no cycle");
}
static void small_dropped(void) { dropped(5000, 3000); }
__attribute__((unused)) static void huge_dropped(void) { dropped((off_t)300 << 30, 8); }

int main(void) {
    strcpy(path, "/tmp/tricolor-mapped-XXXXXX");
    close(mkstemp(path));
    apart(contents_of_all_sizes);
    apart(copies);
    apart(small_dropped);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    apart(huge_dropped); /* LeakSanitizer would read all that is mapped */
#endif
    lives_and_dies();
    refusals();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    truncated();
#endif
    unlink(path);
    return 0;
}
