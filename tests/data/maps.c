/* Maps: what Go promises of iteration while the map changes, of nil maps, NaNs and zeroes, and that growth keeps every entry;
 * the values are heap objects, so what is lost to the collector shows. With an argument: the endings, seen by their words. */
#include "data_test.h"

#include <math.h>

TRI_MAP(numbers, uint64_t, struct boxed *)
TRI_MAP(doubles, double, int)
TRI_MAP(texts, const char *, int)
TRI_MAP(sets, uint16_t, char)
TRI_MAP(pointers, struct boxed *, struct boxed *)
struct room {
    char bytes[2000];
};
TRI_MAP(rooms, int, struct room)

static uint64_t state = 1;

static numbers filled(uint64_t n) {
    numbers m = tri_map_new(numbers);
    for (uint64_t i = 0; i < n; i++) tri_map_put(m, i, box(i));
    return m;
}

/* ---- iteration ---- */

/* Deletes, adds and overwrites while it goes round: what was there all the time comes once, what was deleted before it came does
 * not come, what was added comes once at most, and values are those of the moment. */
static void iterate_changing(uint64_t n, uint64_t changes) {
    numbers m = filled(n);
    enum { GONE = 1, CAME = 2, ADDED = 4 };
    unsigned char *mark = calloc(2 * n + n * changes + 1, 1);
    uint64_t next = n, k, came = 0, gone_before = 0;
    struct boxed *v;
    tri_map_each(m, &k, &v) {
        REQUIRE(!(mark[k] & CAME), "%llu came twice of %llu", (unsigned long long)k, (unsigned long long)n);
        REQUIRE(!(mark[k] & GONE), "%llu came though it was deleted", (unsigned long long)k);
        REQUIRE(v->self == v && v->number % 1000003 == k, "%llu has a value of another", (unsigned long long)k);
        mark[k] |= CAME;
        came += !(mark[k] & ADDED);
        for (uint64_t i = 0; i < changes && next < 2 * n; i++) {
            uint64_t victim = random_next(&state) % n, changed = random_next(&state) % n;
            bool there = tri_map_delete(m, victim);
            REQUIRE(there == !(mark[victim] & GONE), "deleting");
            if (there && !(mark[victim] & CAME)) gone_before++;
            mark[victim] |= GONE;
            if (!(mark[changed] & GONE)) tri_map_put(m, changed, box(changed + 1000003));
            mark[next] |= ADDED;
            tri_map_put(m, next, box(next));
            next++;
        }
    }
    REQUIRE(came + gone_before == n, "%llu came, %llu were deleted before, of %llu", (unsigned long long)came,
            (unsigned long long)gone_before, (unsigned long long)n);
    free(mark);
}

static void iterate_and_clear(void) {
    numbers m = filled(3000);
    uint64_t k, n = 0;
    tri_map_each(m, &k, NULL) {
        if (++n == 100) {
            tri_map_clear(m);
            for (uint64_t i = 0; i < 10; i++) tri_map_put(m, 1000000 + i, box(i));
        }
        REQUIRE(n <= 100 || k >= 1000000, "a cleared entry came");
    }
    REQUIRE(n >= 100 && tri_map_len(m) == 10, "%llu came", (unsigned long long)n);
}

/* Two hundred iterations of a map of two hundred begin at many places. */
static void iterate_anywhere(void) {
    numbers m = filled(200);
    unsigned char first[200] = {0};
    uint64_t k, different = 0;
    for (int i = 0; i < 200; i++) {
        tri_map_iter it = tri_map_iterate(m);
        REQUIRE(tri_map_next(m, &it, &k, NULL), "nothing came");
        different += !first[k];
        first[k] = 1;
    }
    REQUIRE(different > 30, "only %llu beginnings", (unsigned long long)different);
    numbers small = filled(5);
    memset(first, 0, sizeof first);
    different = 0;
    for (int i = 0; i < 200; i++) {
        tri_map_iter it = tri_map_iterate(small);
        tri_map_next(small, &it, &k, NULL);
        different += !first[k];
        first[k] = 1;
    }
    REQUIRE(different == 5, "a small map always begins alike: %llu", (unsigned long long)different);
}

static void iterate_nested(void) {
    numbers m = filled(60);
    uint64_t a, b, n = 0;
    tri_map_each(m, &a, NULL) tri_map_each(m, &b, NULL) n++;
    REQUIRE(n == 3600, "%llu", (unsigned long long)n);
}

/* ---- nil, NaN, zero ---- */

static void put_nil(void *unused) {
    numbers m = NULL;
    (void)unused;
    tri_map_put(m, 1, NULL);
}
static void nil_maps(void) {
    numbers m = NULL;
    uint64_t n = 0;
    REQUIRE(!tri_map_get(m, 5) && !tri_map_value(m, 5) && !tri_map_delete(m, 5) && !tri_map_len(m), "nil");
    tri_map_clear(m);
    tri_map_each(m, NULL, NULL) n++;
    REQUIRE(!n, "entries of nil");
    must_panic(put_nil, NULL, "assignment to entry in nil map");
}

static void numbers_as_keys(doubles m) {
    for (int i = 0; i < 3000; i++) tri_map_put(m, NAN, i);
    tri_map_put(m, 0.0, 1);
    tri_map_put(m, -0.0, 2);
    REQUIRE(tri_map_len(m) == 3001 && tri_map_value(m, 0.0) == 2 && !tri_map_get(m, NAN) && !tri_map_delete(m, NAN), "NaN, 0");
    double k;
    int v, n = 0;
    long sum = 0;
    tri_map_each(m, &k, &v) {
        if (isnan(k)) n++, sum += v;
        if (n == 1500 && isnan(k)) /* growing under the iterator: NaNs cannot be looked up again */
            for (int i = 0; i < 5000; i++) tri_map_put(m, i + 0.5, 0);
    }
    REQUIRE(n == 3000 && sum == 2999L * 1500, "%d NaNs came", n);
    tri_map_clear(m);
    REQUIRE(!tri_map_len(m) && !tri_map_get(m, 0.0), "clear takes NaNs out");
}

static uint64_t hash_number(const void *key, uint64_t seed) {
    static uint64_t nans; /* equal to nothing, so any hash will do */
    double d = *(const double *)key;
    return seed + (isnan(d) ? ++nans : (uint64_t)(2 * d));
}
static bool equal_number(const void *a, const void *b) { return *(const double *)a == *(const double *)b; }

static void odd_keys(void) {
    numbers_as_keys(tri_map_new(doubles));
    numbers_as_keys(tri_map_new_with(doubles, 0, hash_number, equal_number));
    texts t = tri_map_new(texts);
    char same[] = "same";
    tri_map_put(t, "same", 1);
    ++*tri_map_slot(t, same);
    tri_map_put(t, NULL, 7);
    REQUIRE(tri_map_value(t, "same") == 2 && tri_map_value(t, NULL) == 7 && tri_map_len(t) == 2, "keys by their text");
    sets s = tri_map_new_sized(sets, 100);
    for (int i = 0; i < 70000; i++) tri_map_put(s, (uint16_t)i, 1);
    REQUIRE(tri_map_len(s) == 65536, "%zu", tri_map_len(s));
}

/* ---- growing, sized, churning ---- */

static void grow_and_shrink(void) {
    enum { N = 300000 };
    numbers m = tri_map_new(numbers);
    for (uint64_t i = 0; i < N; i++) tri_map_put(m, i * 0x9e3779b97f4a7c15u, box(i));
    for (uint64_t round = 0; round < 3; round++)
        for (uint64_t i = round; i < N; i += 3) {
            struct boxed *b = tri_map_value(m, i * 0x9e3779b97f4a7c15u);
            REQUIRE(b && box_is(b, i), "entry %llu", (unsigned long long)i);
            tri_map_delete(m, i * 0x9e3779b97f4a7c15u);
        }
    REQUIRE(!tri_map_len(m), "%zu are left", tri_map_len(m));
    numbers sized = tri_map_new_sized(numbers, N);
    for (uint64_t i = 0; i < N; i++) tri_map_put(sized, i, box(i));
    for (uint64_t i = 0; i < 2 * N; i++) { /* as many leave as come: the map must not grow for ever */
        REQUIRE(tri_map_delete(sized, i), "entry %llu", (unsigned long long)i);
        tri_map_put(sized, i + N, box(i + N));
    }
    for (uint64_t i = 2 * N; i < 3 * N; i++) REQUIRE(box_is(tri_map_value(sized, i), i), "entry %llu", (unsigned long long)i);
    REQUIRE(tri_map_len(sized) == N, "%zu", tri_map_len(sized));
}

/* Entries so large that eight of them fill a table. */
static void large_entries(void) {
    for (size_t n = 0; n < 1000; n = n * 3 + 7) {
        rooms m = tri_map_new_sized(rooms, n);
        for (int i = 0; i < 300; i++) memset(tri_map_slot(m, i)->bytes, i, sizeof(struct room));
        for (int i = 0; i < 300; i++) REQUIRE(tri_map_get(m, i)->bytes[1999] == (char)i, "entry %d, of room for %zu", i, n);
    }
}

/* Keys and values only the map holds. */
static void keeps_alive(void) {
    pointers m = tri_map_new(pointers);
    struct boxed *k, *v;
    for (uint64_t i = 0; i < 20000; i++) tri_map_put(m, box(i), box(i + 1));
    tri_gc();
    tri_gc();
    uint64_t n = 0;
    tri_map_each(m, &k, &v) {
        REQUIRE(k->self == k && box_is(v, k->number + 1), "an entry's objects are dead");
        n++;
    }
    REQUIRE(n == 20000, "%llu", (unsigned long long)n);
}

/* What is deleted or cleared is garbage. */
static int gone;
static void note_gone(void *unused) { (void)unused, __atomic_fetch_add(&gone, 1, __ATOMIC_SEQ_CST); }
__attribute__((noinline)) static void fill_watched(numbers m, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        struct boxed *b = box(i);
        tri_add_cleanup(b, note_gone, NULL);
        tri_map_put(m, i, b);
    }
}
static void lets_go(void) {
    numbers m = tri_map_new(numbers);
    fill_watched(m, 4000);
    for (uint64_t i = 0; i < 2000; i++) tri_map_delete(m, i);
    for (int i = 0; i < 1000 && __atomic_load_n(&gone, __ATOMIC_SEQ_CST) < 1990; i++) tri_gc(), usleep(1000);
    REQUIRE(__atomic_load_n(&gone, __ATOMIC_SEQ_CST) >= 1990, "of 2000 deleted only %d are gone", gone);
    tri_map_clear(m);
    for (int i = 0; i < 1000 && __atomic_load_n(&gone, __ATOMIC_SEQ_CST) < 3990; i++) tri_gc(), usleep(1000);
    REQUIRE(__atomic_load_n(&gone, __ATOMIC_SEQ_CST) >= 3990, "of 4000 only %d are gone", gone);
    tri_keep_alive(m);
}

/* A hash or an equality that panics in the middle of a write leaves the map as it was, for others to write. */
static uint64_t forbidden; /* a key that is not to be hashed */
static bool unequal;       /* whether keys may be compared */
static uint64_t hash_or_panic(const void *key, uint64_t seed) {
    if (*(const uint64_t *)key == forbidden) tri_panic("this key is not hashable");
    return seed;
}
static bool equal_or_panic(const void *a, const void *b) {
    if (unequal) tri_panic("these keys are not comparable");
    return *(const uint64_t *)a == *(const uint64_t *)b;
}
static void put_again(void *map) { tri_map_put((numbers)map, 1, NULL); }
static void delete_it(void *map) { tri_map_delete((numbers)map, 1); }
static void put_more(void *map) {
    for (uint64_t i = 1; i < 100; i++) tri_map_put((numbers)map, i + 1000, box(i + 1000));
}
static void panics_in_keys(void) {
    numbers m = tri_map_new_with(numbers, 0, hash_or_panic, equal_or_panic);
    for (uint64_t i = 1; i <= 5; i++) tri_map_put(m, i, box(i));
    unequal = true;
    must_panic(put_again, m, "these keys are not comparable");
    must_panic(delete_it, m, "these keys are not comparable");
    unequal = false;
    forbidden = 3; /* hashed again when the table grows */
    must_panic(put_more, m, "this key is not hashable");
    forbidden = 0;
    size_t n = tri_map_len(m);
    put_more(m);
    REQUIRE(n >= 5 && tri_map_len(m) == 5 + 99, "%zu, then %zu entries", n, tri_map_len(m));
    for (uint64_t i = 1; i <= 5; i++) REQUIRE(box_is(tri_map_value(m, i), i), "entry %llu", (unsigned long long)i);
    for (uint64_t i = 1001; i < 1100; i++) REQUIRE(box_is(tri_map_value(m, i), i), "entry %llu", (unsigned long long)i);
}

/* ---- endings ---- */

static uint64_t write_inside(const void *key, uint64_t seed) { return *(const uint64_t *)key * 0 + seed; }
static numbers shared;
static bool write_in_equal(const void *a, const void *b) {
    tri_map_delete(shared, 99);
    return *(const uint64_t *)a == *(const uint64_t *)b;
}
static bool read_in_equal(const void *a, const void *b) {
    tri_map_get(shared, 99);
    return *(const uint64_t *)a == *(const uint64_t *)b;
}
static int end(const char *how) {
    if (!strcmp(how, "nil")) put_nil(NULL);
    if (!strcmp(how, "index")) tri_string_at(TRI_STR("abc"), 5);
    shared = tri_map_new_with(numbers, 0, write_inside, !strcmp(how, "writes") ? write_in_equal : read_in_equal);
    tri_map_put(shared, 1, NULL);
    tri_map_put(shared, 1, NULL); /* compares keys, while it writes */
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) return end(argv[1]);
    static const uint64_t sizes[] = {1, 5, 7, 8, 100, 897, 1000, 30000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (uint64_t changes = 0; changes <= 2; changes++) iterate_changing(sizes[i], changes);
    iterate_and_clear();
    iterate_anywhere();
    iterate_nested();
    nil_maps();
    panics_in_keys();
    odd_keys();
    grow_and_shrink();
    large_entries();
    keeps_alive();
    lets_go();
    return 0;
}
