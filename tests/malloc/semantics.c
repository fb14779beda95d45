/* What the managed malloc and its kin promise: C's results, sizes, alignment and errors; memory that lives while it is
 * reachable whatever is passed to free; contents kept by realloc; strings and lines as libc makes them. */
#include "calls.h"

static bool all(const unsigned char *p, size_t n, int byte) {
    for (size_t i = 0; i < n; i++)
        if (p[i] != byte) return false;
    return true;
}

static void sizes_and_alignment(void) {
    step("sizes and alignment");
    for (size_t n = 0; n < 300000; n += n < 3000 ? 1 : 977) {
        unsigned char *p = tri__malloc(n);
        REQUIRE(p && (uintptr_t)p % 16 == 0, "malloc(%zu) = %p", n, (void *)p);
        size_t usable = tri__malloc_usable_size(p);
        REQUIRE(usable >= n, "malloc(%zu) has %zu bytes", n, usable);
        REQUIRE(all(p, usable, 0), "malloc(%zu) is not zero", n);
        memset(p, 0xab, usable);
        if (n % 7 == 0) tri__free(p);
    }
    for (size_t align = 8; align <= 1 << 21; align *= 2)
        for (size_t n = 0; n < 100000; n = n * 3 + 1) {
            void *p = NULL;
            REQUIRE(tri__posix_memalign(&p, align, n) == 0 && p && (uintptr_t)p % align == 0, "%zu at %zu: %p", n, align, p);
            p = tri__memalign(align, n);
            REQUIRE(p && (uintptr_t)p % align == 0, "memalign %zu at %zu: %p", n, align, p);
            memset(p, 1, n);
        }
    REQUIRE((uintptr_t)tri__memalign(48, 10) % 64 == 0, "an alignment that is no power of two");
    REQUIRE((uintptr_t)tri__valloc(10) % 4096 == 0 && (uintptr_t)tri__pvalloc(10) % 4096 == 0, "pages");
    REQUIRE(tri__malloc_usable_size(tri__pvalloc(10)) >= 4096, "pvalloc rounds up");
    void *zero = tri__malloc(0), *other = tri__malloc(0);
    REQUIRE(zero && other && zero != other, "malloc(0): %p, %p", zero, other);
}

static void errors(void) {
    step("errors");
    void *keep = tri__malloc(10), *p = keep;
    size_t absurd[] = {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2, (size_t)1 << 47, PTRDIFF_MAX};
    for (unsigned i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        errno = 0;
        REQUIRE(!tri__malloc(absurd[i]) && errno == ENOMEM, "malloc(%zx): errno %d", absurd[i], errno);
        errno = 0;
        REQUIRE(!tri__realloc(p, absurd[i]) && errno == ENOMEM, "realloc(%zx): errno %d", absurd[i], errno);
        errno = 0;
        REQUIRE(!tri__calloc(absurd[i], 3) && errno == ENOMEM, "calloc(%zx, 3): errno %d", absurd[i], errno);
        errno = 0;
        REQUIRE(!malloc(absurd[i]) && errno == ENOMEM, "libc's malloc(%zx): errno %d", absurd[i], errno);
        errno = 0;
        REQUIRE(!tri__memalign(64, absurd[i]) && errno == ENOMEM, "memalign(%zx): errno %d", absurd[i], errno);
        errno = 0;
        REQUIRE(tri__posix_memalign(&p, 64, absurd[i]) == ENOMEM && errno == 0 && p == keep, "posix_memalign(%zx)", absurd[i]);
    }
    for (int log = 47; log < 64; log++) {
        errno = 0;
        REQUIRE(!tri__memalign((size_t)1 << log, 100) && errno == ENOMEM, "an alignment of 2^%d: errno %d", log, errno);
        REQUIRE(!tri__memalign((size_t)1 << log, 1 << 20) && errno == ENOMEM, "an alignment of 2^%d: errno %d", log, errno);
    }
    errno = 0;
    REQUIRE(!tri__calloc(SIZE_MAX / 8, 16) && errno == ENOMEM, "an overflow in calloc");
    errno = 0;
    REQUIRE(!tri__reallocarray(NULL, SIZE_MAX / 8, 16) && errno == ENOMEM, "an overflow in reallocarray");
    REQUIRE(tri__posix_memalign(&p, 24, 8) == EINVAL && tri__posix_memalign(&p, 4, 8) == EINVAL && p == keep, "EINVAL");
    REQUIRE(tri__realloc(keep, 0) == NULL, "realloc to nothing frees");
}

static unsigned char pattern(size_t i) { return (unsigned char)(i * 131 + 17); }

static void resizing(void) {
    step("resizing");
    static const size_t path[] = {1, 15, 16, 31, 32, 33, 500, 40, 5000, 32767, 32768, 33000, 60000, 20000, 3 << 20, 3500000, 100};
    for (int foreign = 0; foreign < 2; foreign++) {
        size_t size = 0;
        unsigned char *p = foreign ? malloc(0) : NULL;
        for (unsigned k = 0; k < sizeof path / sizeof path[0]; k++) {
            size_t kept = size < path[k] ? size : path[k];
            p = tri__realloc(p, path[k]);
            REQUIRE(tri_is_heap(p) == !foreign, "whose it is has changed");
            for (size_t i = 0; i < kept; i++) REQUIRE(p[i] == pattern(i), "%zu -> %zu: byte %zu", size, path[k], i);
            size = path[k];
            for (size_t i = 0; i < size; i++) p[i] = pattern(i);
            if (k % 4 == 0) tri_gc();
        }
    }
    /* A string that becomes something else is scanned from then on. */
    void **table = (void **)tri__strdup("a string of some length");
    table = tri__realloc(table, 24);
    struct stamped *s = stamped_new(77);
    tri_set(table[1], s);
    s = NULL;
    clear_stack();
    tri_gc();
    churn();
    REQUIRE(stamped_ok(table[1], 77), "a string resized is not scanned");
    /* Growing by small steps does not copy each time. */
    char *large = tri__malloc(64 << 20);
    unsigned moves = 0;
    for (size_t n = 0; n < 1000; n++) {
        char *next = tri__realloc(large, (64 << 20) + n * 4096);
        moves += next != large;
        large = next;
    }
    REQUIRE(moves <= 3, "%u moves for 1000 steps", moves);
}

NO_INLINE static void use_after(struct stamped *s, char *inside) {
    tri__free(s);
    tri__free(s);
    tri__free(inside);
    tri_gc();
    churn();
    REQUIRE(stamped_ok(s, 5), "a freed block in use was taken back");
}

static int variable;

static void odd_frees(void) {
    step("frees that would be errors");
    int local = 4;
    void **block = tri__malloc(sizeof(void *) * 8);
    struct stamped *s = stamped_new(5);
    tri_set(block[3], s);
    use_after(s, (char *)s + 5);
    tri__free(&local);
    tri__free(&variable);
    tri__free((void *)"text");
    tri__free(block + 1);
    tri__free((void *)16);
    free(&local); /* libc's free, as foreign code calls it */
    free(block);
    REQUIRE(stamped_ok(block[3], 5) && local == 4, "a wrong free did harm");
    char *theirs = strdup("libc's"), *again = theirs;
    REQUIRE(!tri_is_heap(theirs), "libc's block is in the heap");
    tri__free(theirs);
    tri__free(again);
    free(again);
    char *a = malloc(6), *b = malloc(6);
    REQUIRE(a != b, "a block freed twice was given out twice");
    tri__free(a + 1);
    strcpy(a, "still");
    char *c = malloc(6);
    REQUIRE(c != a && !strcmp(a, "still"), "an inner pointer freed a block");
    tri__free(NULL);
    free(NULL);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void strings(void) {
    step("strings");
    char *d = tri__strdup("a copy"), *n = tri__strndup("abcdef", 3), *m = tri__strndup("ab", 5);
    REQUIRE(!strcmp(d, "a copy") && !strcmp(n, "abc") && !strcmp(m, "ab"), "%s %s %s", d, n, m);
    REQUIRE(tri_is_heap(d) && !wcscmp(tri__wcsdup(L"wide"), L"wide"), "copies");
    char **text = tri__malloc(sizeof *text);
    REQUIRE(tri__asprintf(text, "%d %s", 42, "things") == 9 && !strcmp(*text, "42 things"), "%s", *text);
    REQUIRE(tri_is_heap(*text), "asprintf's text is not in the heap");
    char folder[PATH_MAX], *cwd = tri__getcwd(NULL, 0);
    REQUIRE(cwd && tri_is_heap(cwd) && !strcmp(cwd, getcwd(folder, sizeof folder)), "%s", cwd);
    REQUIRE(tri__getcwd(folder, sizeof folder) == folder, "getcwd into an array");
    REQUIRE(!strcmp(tri__realpath(".", NULL), tri__realpath(".", folder)), "realpath");
    errno = 0;
    REQUIRE(!tri__realpath("/no/such/place", NULL) && errno == ENOENT, "realpath of nothing: %d", errno);
    struct dirent **entries;
    int count = tri__scandir("/proc/self", &entries, NULL, by_name);
    REQUIRE(count > 10 && tri_is_heap(entries) && tri_is_heap(entries[3]), "%d entries", count);
    for (int i = 1; i < count; i++) REQUIRE(by_name((const struct dirent **)&entries[i - 1], (const struct dirent **)&entries[i]) <= 0, "order");
    REQUIRE(tri__scandir("/no/such/place", &entries, NULL, NULL) == -1, "scandir of nothing");
}

static void lines(void) {
    step("lines");
    FILE *f = tmpfile();
    for (int i = 0; i < 200; i++) fprintf(f, "%*d\n", i * i, i);
    fputs("last", f);
    rewind(f);
    struct {
        char *text;
        size_t room;
    } *line = tri__calloc(1, sizeof *line);
    for (int i = 0; i < 200; i++) {
        ssize_t n = tri__getline(&line->text, &line->room, f);
        REQUIRE(n == (i * i > snprintf(NULL, 0, "%d", i) ? i * i : snprintf(NULL, 0, "%d", i)) + 1 && line->text[n - 1] == '\n' && atoi(line->text) == i,
                "line %d has %zd bytes", i, n);
        REQUIRE(tri_is_heap(line->text) && line->room > (size_t)n, "a line's room");
    }
    REQUIRE(tri__getline(&line->text, &line->room, f) == 4 && !strcmp(line->text, "last"), "%s", line->text);
    REQUIRE(tri__getline(&line->text, &line->room, f) == -1 && feof(f), "the end");
    fclose(f);
    char *text;
    size_t bytes;
    f = tri__open_memstream(&text, &bytes);
    REQUIRE(f && bytes == 0, "a stream into memory");
    for (int i = 0; i < 5000; i++) fprintf(f, "%d,", i);
    fflush(f);
    REQUIRE(bytes == strlen(text) && !strncmp(text, "0,1,2,3", 7), "%zu bytes", bytes);
    fseek(f, 2, SEEK_SET);
    fputc('X', f);
    fflush(f);
    REQUIRE(bytes == 3 && text[2] == 'X', "%zu bytes after a seek", bytes);
    fseek(f, 0, SEEK_END);
    fputs("end", f);
    fclose(f);
    REQUIRE(bytes == strlen(text) && !strcmp(text + bytes - 3, "end") && tri_is_heap(text), "%zu bytes at the end", bytes);
}

struct element {
    struct element *next, *previous;
    int n;
};

static int same(const void *a, const void *b) { return *(void *const *)a != *(void *const *)b; }

static void on_the_side(void) {
    step("pointers stored on the side");
    char **place = tri__malloc(sizeof *place), *text = tri__strdup("12 3.5x a:b:c");
    REQUIRE(tri__strtol(text, place, 10) == 12 && *place == text + 2, "strtol");
    REQUIRE(tri__strtod(*place, place) == 3.5 && **place == 'x', "strtod");
    REQUIRE(tri__strtol("7", NULL, 10) == 7, "strtol and no place");
    REQUIRE(!strcmp(tri__strtok_r(text + 8, ":", place), "a") && !strcmp(tri__strtok_r(NULL, ":", place), "b"), "strtok_r");
    *place = tri__strdup("p,q");
    REQUIRE(!strcmp(tri__strsep(place, ","), "p") && !strcmp(*place, "q"), "strsep");
    struct element *a = tri__calloc(1, sizeof *a), *b = tri__calloc(1, sizeof *b), *c = tri__calloc(1, sizeof *c);
    tri__insque(a, NULL);
    tri__insque(c, a);
    tri__insque(b, a);
    REQUIRE(a->next == b && b->next == c && c->previous == b && b->previous == a, "insque");
    tri__remque(b);
    REQUIRE(a->next == c && c->previous == a, "remque");
    void **table = tri__calloc(4, sizeof *table);
    size_t n = 0;
    REQUIRE(tri__lsearch(&a, table, &n, sizeof *table, same) == table && n == 1 && table[0] == a, "lsearch");
    REQUIRE(tri__lsearch(&b, table, &n, sizeof *table, same) == table + 1 && n == 2, "lsearch");
    REQUIRE(tri__lsearch(&a, table, &n, sizeof *table, same) == table && n == 2, "lsearch finds");
    struct obstack *stack = tri__malloc(sizeof *stack);
    tri__obstack_begin(stack, 0, 0, (void *(*)(long))(void *)tri__malloc, tri__free);
    for (int i = 0; i < 10000; i++) {
        void *object = obstack_alloc(stack, 24);
        REQUIRE(!tri_is_heap(object), "an obstack's chunk is collected");
        *(struct stamped **)object = i == 5000 ? stamped_new(6) : NULL;
        if (i == 5000) *place = object;
    }
    clear_stack();
    tri_gc();
    churn();
    REQUIRE(stamped_ok(*(struct stamped **)*place, 6), "what an obstack holds is lost");
    obstack_free(stack, NULL);
}

int main(void) {
    sizes_and_alignment();
    errors();
    resizing();
    odd_frees();
    strings();
    lines();
    on_the_side();
    return 0;
}
