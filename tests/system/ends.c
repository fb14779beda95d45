/* Hazard 4. Pointers anywhere into an object keep it alive, and so does one just past its end: of blocks,
 * arrays and flexible structs from anywhere, of a single typed object from stacks, registers and
 * thread-locals. But from the heap a pointer to an object's start does not keep the typed object before it.
 */
#include "check.h"

struct flex {
    struct stamped *first;
    char text[];
};
TRI_TYPE(struct flex, first)

static const size_t sizes[] = {8,   16,   24,   32,    48,    64,    100,   128,
                               512, 1024, 8192, 32760, 32768, 40960, 65536, 1 << 20};
enum { SIZES = sizeof sizes / sizeof sizes[0], KINDS = 5, PLACES = 7, ALL = SIZES * KINDS * PLACES };

static void *make(int kind, size_t *size) {
    size_t n = *size / sizeof(struct stamped) + 1;
    switch (kind) {
    case 0: return tri_alloc(*size);
    case 1: return tri_alloc_leaf(*size);
    case 2: *size = n * sizeof(struct stamped); return tri_new_array(struct stamped, n);
    case 3: *size += sizeof(struct flex); return tri_new_flex(struct flex, text, *size - sizeof(struct flex));
    default: return tri_alloc_aligned(64, *size);
    }
}

/* The seven places in an object of `size` bytes. */
static size_t place(int k, size_t size) {
    const size_t at[PLACES] = {0, 1, size / 3, size / 2, size - 1, size, size & ~(size_t)7};
    return at[k];
}

static hidden where[ALL]; /* the objects' starts */
char *in_global[ALL];
char **in_heap; /* not static: the compiler must not think that nobody looks */
__thread char *in_thread;

NO_INLINE static void make_all(char **pointer) {
    int i = 0;
    for (int kind = 0; kind < KINDS; kind++)
        for (int s = 0; s < SIZES; s++)
            for (int k = 0; k < PLACES; k++, i++) {
                size_t size = sizes[s];
                char *p = (char *)make(kind, &size);
                where[i] = tri_hide(p);
                tri_set(pointer[i], p + place(k, size));
            }
}

static void check_all(const char *from) {
    for (int i = 0; i < ALL; i++)
        REQUIRE(tri_base(tri_reveal(where[i])) == tri_reveal(where[i]),
                "from %s: kind %d, %zu bytes, place %d is lost", from, i / PLACES / SIZES,
                sizes[i / PLACES % SIZES], i % PLACES);
}

/* ---- single typed objects, which are packed ---- */

enum { TYPED = 2000 };
static hidden typed[TYPED];

NO_INLINE static void make_typed(struct stamped **ends, int past) {
    for (int i = 0; i < TYPED; i++) {
        struct stamped *s = stamped_new((uint64_t)i);
        typed[i] = tri_hide(s);
        if (i % 2 == 0) ends[i] = s + past; /* the end of one is the start of the next */
    }
}

static int typed_live(int first, int pace) {
    int n = 0;
    for (int i = first; i < TYPED; i += pace) n += stamped_lives(typed[i], (uint64_t)i);
    return n;
}

NO_INLINE static void from_stack(void) {
    struct stamped *volatile ends[TYPED] = {NULL};
    make_typed((struct stamped **)ends, 1);
    collect();
    REQUIRE(typed_live(0, 2) == TYPED / 2, "%d of %d objects live by their ends on the stack",
            typed_live(0, 2), TYPED / 2);
    memset((void *)ends, 0, sizeof ends);
}

/* The same on the stack of a thread that runs, which scans itself. */
static int ready, go; /* atomic */
static void *running(void *arg) {
    struct stamped *volatile ends[TYPED] = {NULL};
    make_typed((struct stamped **)ends, 1);
    post(&ready);
    while (!posted(&go)) {
    }
    memset((void *)ends, 0, sizeof ends);
    return arg;
}
static void from_running_stack(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, running, NULL);
    await(&ready, 1);
    collect();
    REQUIRE(typed_live(0, 2) == TYPED / 2, "%d of %d objects live by their ends on a running stack",
            typed_live(0, 2), TYPED / 2);
    post(&go);
    pthread_join(thread, NULL);
}

NO_INLINE static void make_one(void) {
    struct stamped *s = stamped_new(1);
    typed[0] = tri_hide(s);
    in_thread = (char *)(s + 1);
}

struct stamped **starts;

NO_INLINE static void make_every_second(void) {
    starts = tri_new_array(struct stamped *, TYPED);
    for (int i = 0; i < TYPED; i++) {
        struct stamped *s = stamped_new((uint64_t)i);
        typed[i] = tri_hide(s);
        if (i & 1) tri_set(starts[i], s);
    }
}

int main(void) {
    step("from globals");
    make_all(in_global);
    collect();
    check_all("a global");
    memset(in_global, 0, sizeof in_global);
    step("from the heap");
    in_heap = tri_new_array(char *, ALL);
    make_all(in_heap);
    collect();
    check_all("the heap");
    in_heap = NULL;
    step("ends of typed objects");
    from_stack();
    from_running_stack();
    make_one();
    collect();
    REQUIRE(stamped_lives(typed[0], 1), "an object whose end a thread-local holds is lost");
    step("starts of typed objects");
    make_every_second();
    collect();
    REQUIRE(typed_live(1, 2) == TYPED / 2, "objects are lost");
    REQUIRE(typed_live(0, 2) < TYPED / 20, "%d of %d objects live by the start of the next one",
            typed_live(0, 2), TYPED / 2);
    return 0;
}
