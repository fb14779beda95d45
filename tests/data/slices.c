/* Slices: capacities as Go's, windows and their sharing, panics by exact words, and a model with collections going on. */
#include "data_test.h"

struct three {
    int64_t n[3];
};
TRI_TYPE_LEAF(struct three)
struct owner {
    struct boxed *box;
    int64_t a, b;
};
TRI_TYPE(struct owner, box)

TRI_TYPE_LEAF(int64_t)
TRI_SLICE(ints, int64_t)
TRI_SLICE(bytes, unsigned char)
TRI_SLICE(words, int32_t)
TRI_SLICE(threes, struct three)
TRI_SLICE(owners, struct owner)
TRI_SLICE(boxes, struct boxed *)

/* ---- capacities, from 32 bytes on, of Go 1.27 appending one by one ---- */

static const size_t caps_1[] = {32, 64, 128, 256, 512, 896, 1408, 2048, 3072, 4096, 5376, 6912, 9472, 12288, 16384, 21760, 0};
static const size_t caps_4[] = {8, 16, 32, 64, 128, 256, 512, 864, 1344, 2048, 3072, 4096, 5440, 7168, 10240, 14336, 18432, 24576, 0};
static const size_t caps_8[] = {4, 8, 16, 32, 64, 128, 256, 512, 848, 1280, 1792, 2560, 3408, 5120, 7168, 9216, 12288, 16384, 21504, 0};
static const size_t caps_24[] = {2, 4, 8, 16, 32, 64, 128, 256, 512, 853, 1365, 2048, 3072, 4096, 5461, 7168, 9216, 11946, 15360, 19456, 24576, 0};
static const size_t caps_pointer[] = {4, 8, 16, 32, 64, 143, 287, 607, 1023, 1535, 2303, 3071, 4095, 6144, 8192, 11264, 14336, 18432, 23552, 0};
static const size_t caps_owner[] = {2, 4, 8, 16, 37, 74, 170, 341, 682, 1135, 1706, 2389, 3413, 4778, 6485, 8533, 10922, 13994, 17749, 22528, 0};

#define CHECK_CAPS(S, value, expected)                                                                          \
    do {                                                                                                        \
        S s = tri_make(S, 0, 0);                                                                                \
        size_t at = 0, seen = 0;                                                                                \
        for (int i = 0; i < 20000; i++) {                                                                       \
            s = tri_append(s, value);                                                                           \
            if (s.cap == seen || s.cap < expected[0]) continue;                                                 \
            seen = s.cap;                                                                                       \
            REQUIRE(seen == expected[at], #S ": capacity %zu, Go has %zu", seen, expected[at]);                 \
            at++;                                                                                               \
        }                                                                                                       \
        REQUIRE(!expected[at], #S ": ended at capacity %zu", seen);                                             \
    } while (0)

static void capacities(void) {
    struct three t = {{1, 2, 3}};
    struct owner o = {NULL, 1, 2};
    CHECK_CAPS(bytes, 'x', caps_1);
    CHECK_CAPS(words, 1, caps_4);
    CHECK_CAPS(ints, 1, caps_8);
    CHECK_CAPS(threes, t, caps_24);
    CHECK_CAPS(boxes, NULL, caps_pointer);
    CHECK_CAPS(owners, o, caps_owner);
    ints s = {0};
    s = tri_append(s, 1, 2);
    s = tri_append(s, 1, 2, 3);
    REQUIRE(s.len == 5 && s.cap == 6, "%zu, %zu", s.len, s.cap);
    s = tri_append(tri_make(ints, 300, 300), 1);
    REQUIRE(s.cap == 608, "%zu", s.cap);
    s = tri_append_slice(s, tri_make(ints, 1000, 1000));
    REQUIRE(s.cap == 1360 && s.len == 1301, "%zu", s.cap);
}

/* ---- sharing ---- */

static void windows(void) {
    ints s = tri_make(ints, 5, 10);
    for (size_t i = 0; i < s.len; i++) tri_at(s, i) = (int64_t)i;
    ints t = tri_slice_of(s, 1, 3);
    REQUIRE(t.len == 2 && t.cap == 9 && t.data == s.data + 1, "a window");
    t = tri_append(t, 70);
    REQUIRE(tri_at(s, 3) == 70, "an append in place is seen by who shares the array");
    t = tri_slice_of(s, 1, 3, 3);
    t = tri_append(t, 80);
    REQUIRE(tri_at(s, 3) == 70 && tri_at(t, 2) == 80, "three indices keep an append out of the array");
    t = tri_append(tri_slice_clip(tri_slice_of(s, 0, 2)), 90);
    REQUIRE(tri_at(s, 2) == 2 && tri_at(t, 2) == 90, "clip does the same");
    t = tri_slice_of(s, 0, 10);
    REQUIRE(t.len == 10 && tri_at(t, 9) == 0, "a window up to the capacity");
    t = tri_slice_of(s, 10, 10);
    REQUIRE(t.len == 0 && t.cap == 0, "an empty one at the end");
    REQUIRE(tri_copy(tri_slice_of(s, 1, 5), s) == 4 && tri_at(s, 1) == 0 && tri_at(s, 4) == 70, "copy that overlaps");
    s = tri_slice_delete(s, 1, 3);
    REQUIRE(s.len == 3 && tri_slice_of(s, 0, 5).data[4] == 0, "delete clears the end");
    t = tri_slice_clone(s);
    REQUIRE(t.data != s.data && t.len == 3 && t.cap == 3 && tri_at(t, 2) == tri_at(s, 2), "clone");
    t = tri_slice_grow(t, 100);
    REQUIRE(t.len == 3 && t.cap >= 103, "grow");
    tri_slice any = tri_slice_make(struct three, 1, 4);
    any = tri_append(any, ((struct three){{7, 8, 9}}));
    REQUIRE(any.len == 2 && tri_slice_at(any, struct three, 1).n[2] == 9, "a slice without a declared type");
    tri_slice nil = {0};
    nil = tri_append(nil, 3.5);
    REQUIRE(tri_slice_at(nil, double, 0) == 3.5, "appending to nil");
}

/* ---- panics ---- */

static ints five;
static void index_high(void *unused) { (void)unused, tri_at(five, 5) = 1; }
static void index_low(void *unused) { (void)unused, tri_at(five, -1) = 1; }
static void bound_high(void *unused) { (void)unused, five = tri_slice_of(five, 0, 11); }
static void bound_cross(void *unused) { (void)unused, five = tri_slice_of(five, 3, 2); }
static void bound_low(void *unused) { (void)unused, five = tri_slice_of(five, -1, 2); }
static void three_max(void *unused) { (void)unused, five = tri_slice_of(five, 1, 2, 11); }
static void three_high(void *unused) { (void)unused, five = tri_slice_of(five, 1, 8, 7); }
static void three_cross(void *unused) { (void)unused, five = tri_slice_of(five, 5, 4, 7); }
static void make_len(void *unused) { (void)unused, five = tri_make(ints, -1, 5); }
static void make_cap(void *unused) { (void)unused, five = tri_make(ints, 5, 4); }
static void make_huge(void *unused) { (void)unused, five = tri_make(ints, INT64_MAX / 4, INT64_MAX / 4); }

/* The words are what `go run` prints for the same mistakes. */
static void panics(void) {
    five = tri_make(ints, 5, 10);
    must_panic(index_high, NULL, "runtime error: index out of range [5] with length 5");
    must_panic(index_low, NULL, "runtime error: index out of range [-1]");
    must_panic(bound_high, NULL, "runtime error: slice bounds out of range [:11] with capacity 10");
    must_panic(bound_cross, NULL, "runtime error: slice bounds out of range [3:2]");
    must_panic(bound_low, NULL, "runtime error: slice bounds out of range [-1:]");
    must_panic(three_max, NULL, "runtime error: slice bounds out of range [::11] with capacity 10");
    must_panic(three_high, NULL, "runtime error: slice bounds out of range [:8:7]");
    must_panic(three_cross, NULL, "runtime error: slice bounds out of range [5:4:]");
    must_panic(make_len, NULL, "runtime error: makeslice: len out of range");
    must_panic(make_cap, NULL, "runtime error: makeslice: cap out of range");
    must_panic(make_huge, NULL, "runtime error: makeslice: len out of range");
}

/* ---- a model: random appends, windows, deletions and copies of slices of pointers ---- */

enum { MODEL = 3000, SLICES = 8, STEPS = 30000 };
static uint64_t model[SLICES][MODEL];
static size_t model_len[SLICES];

static void compare(boxes s, int k) {
    REQUIRE(s.len == model_len[k], "%zu elements, not %zu", s.len, model_len[k]);
    for (size_t i = 0; i < s.len; i++) REQUIRE(box_is(tri_at(s, i), model[k][i]), "slice %d, element %zu", k, i);
}

static boxes append_some(boxes s, int k, uint64_t number, size_t n) {
    for (size_t i = 0; i < n && s.len < MODEL; i++) {
        model[k][model_len[k]++] = number + i;
        s = tri_append(s, box(number + i));
    }
    return s;
}

static boxes play_step(boxes s, int k, uint64_t *random) {
    size_t lo = s.len ? random_next(random) % (s.len + 1) : 0, hi = lo + random_next(random) % (s.len - lo + 1);
    switch (random_next(random) % 8) {
    case 0: /* a window, which must not share room with the rest */
        memmove(model[k], model[k] + lo, (hi - lo) * sizeof model[k][0]);
        model_len[k] = hi - lo;
        return tri_slice_of(s, (int64_t)lo, (int64_t)hi, (int64_t)hi);
    case 1:
        if (hi - lo > s.len / 4) return s;
        memmove(model[k] + lo, model[k] + hi, (model_len[k] - hi) * sizeof model[k][0]);
        model_len[k] -= hi - lo;
        return tri_slice_delete(tri_slice_clone(s), (int64_t)lo, (int64_t)hi);
    default: return append_some(s, k, random_next(random), random_next(random) % 60);
    }
}

static void play(uint64_t random) {
    boxes *s = tri_new_array(boxes, SLICES);
    for (int k = 0; k < SLICES; k++) tri_assign(s[k], tri_make(boxes, 0, 0));
    for (int i = 0; i < STEPS; i++) {
        int k = (int)(random_next(&random) % SLICES);
        tri_assign(s[k], play_step(s[k], k, &random));
        if (i % 16 == 0) compare(s[k], k);
    }
    for (int k = 0; k < SLICES; k++) compare(s[k], k);
}

int main(int argc, char **argv) {
    capacities();
    windows();
    panics();
    play(random_seed(argc, argv));
    return 0;
}
