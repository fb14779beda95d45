/* bench/containers.c - the containers of the library beside Go's.
 *
 *     containers map <entries> <churns>       insert, look up and churn a map of integers to pointers
 *     containers longest <entries>            the longest single insert of as many, timed one by one by the thread's own time
 *     containers strings <entries> <churns>   the same as map with keys of 8 to 20 bytes of text
 *     containers append <elements> <rounds>   append integers one by one to an empty slice
 *     containers builder <writes> <rounds>    write short pieces to a string builder
 *
 * A record is 16 bytes without pointers, keys are mixed, so each touches a random place. One churn deletes the oldest key and
 * inserts a new one.
 */
#include "bench.h"

struct record {
    uint64_t key, count;
};
TYPE_LEAF(struct record);
TYPE_LEAF(uint64_t); /* numbers, not pointers in disguise: Go knows */
TYPE_LEAF(int64_t);
TRI_MAP(numbers, uint64_t, struct record *)
TRI_MAP(names, tri_string, struct record *)
TRI_SLICE(integers, int64_t)

/* Time of this thread alone: on a machine that others use too the clock on the wall measures them. */
static uint64_t thread_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct record *record_new(uint64_t key) {
    struct record *r = NEW(struct record);
    r->key = key;
    r->count = 1;
    return r;
}

struct lap {
    uint64_t wall, cpu;
};
static struct lap lap_begin(void) { return (struct lap){now_ns(), cpu_ns()}; }
static void lap_end(struct lap began, const char *what, uint64_t n) {
    char name[64];
    result(what, (double)(now_ns() - began.wall) / (double)n, "ns");
    snprintf(name, sizeof name, "%s_cpu", what);
    result(name, (double)(cpu_ns() - began.cpu) / (double)n, "ns");
}

/* ---- maps ---- */

static uint64_t bench_map(uint64_t entries, uint64_t churns) {
    numbers m = tri_map_new(numbers);
    uint64_t check = 0;
    struct lap l = lap_begin();
    for (uint64_t i = 0; i < entries; i++) tri_map_put(m, mix64(i), record_new(i));
    lap_end(l, "insert", entries);
    l = lap_begin();
    for (uint64_t i = 0; i < entries; i++) check += tri_map_value(m, mix64(entries - 1 - i))->count;
    lap_end(l, "lookup", entries);
    l = lap_begin();
    for (uint64_t i = 0; i < churns; i++) {
        check += tri_map_value(m, mix64(i))->key;
        tri_map_delete(m, mix64(i));
        tri_map_put(m, mix64(i + entries), record_new(i));
    }
    lap_end(l, "churn", churns);
    return check + tri_map_len(m);
}

static tri_string name_of(uint64_t i, char *room) {
    uint64_t z = mix64(i);
    size_t n = 8 + (z >> 60) % 13;
    for (size_t k = 0; k < n; k++) room[k] = (char)('a' + (z >> (k * 3 % 48)) % 16);
    memcpy(room, &i, 8);
    return (tri_string){room, n};
}

static uint64_t bench_strings(uint64_t entries, uint64_t churns) {
    names m = tri_map_new(names);
    char room[32];
    uint64_t check = 0;
    struct lap l = lap_begin();
    for (uint64_t i = 0; i < entries; i++) tri_map_put(m, tri_string_clone(name_of(i, room)), record_new(i));
    lap_end(l, "insert", entries);
    l = lap_begin();
    for (uint64_t i = 0; i < entries; i++) check += tri_map_value(m, name_of(mix64(i) % entries, room))->count;
    lap_end(l, "lookup", entries);
    l = lap_begin();
    for (uint64_t i = 0; i < churns; i++) {
        check += tri_map_value(m, name_of(i, room))->key;
        tri_map_delete(m, name_of(i, room));
        tri_map_put(m, tri_string_clone(name_of(i + entries, room)), record_new(i));
    }
    lap_end(l, "churn", churns);
    return check + tri_map_len(m);
}

/* The second of two fills is timed: the first has the memory faulted in, which costs what the system's pages cost. */
static uint64_t bench_longest(uint64_t entries) {
    numbers m = tri_map_new(numbers);
    struct histogram *h = histogram_new();
    for (uint64_t i = 0; i < entries; i++) tri_map_put(m, mix64(i), record_new(i));
    m = tri_map_new(numbers);
    COLLECT();
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t from = thread_ns();
        tri_map_put(m, mix64(i), record_new(i));
        histogram_add(h, thread_ns() - from);
    }
    result("longest_insert", (double)h->worst / 1e6, "ms");
    result("p99.999_insert", histogram_percentile(h, 99.999) / 1e6, "ms");
    free(h);
    return tri_map_len(m);
}

/* ---- slices and builders ---- */

static uint64_t bench_append(uint64_t elements, uint64_t rounds) {
    uint64_t check = 0;
    struct lap l = lap_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        integers s = tri_make(integers, 0, 0);
        for (uint64_t i = 0; i < elements; i++) s = tri_append(s, (int64_t)i);
        check += s.len + (uint64_t)tri_at(s, elements / 2) + s.cap;
    }
    lap_end(l, "append", elements * rounds);
    return check;
}

static uint64_t bench_builder(uint64_t writes, uint64_t rounds) {
    uint64_t check = 0;
    struct lap l = lap_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        tri_builder b = {0};
        for (uint64_t i = 0; i < writes; i++) {
            tri_builder_write_string(&b, TRI_STR("hello, "));
            tri_builder_write_byte(&b, (char)('a' + i % 26));
        }
        tri_string s = tri_builder_string(&b);
        check += s.len + (unsigned char)s.data[s.len - 1];
    }
    lap_end(l, "write", 2 * writes * rounds);
    return check;
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "containers");
    const char *what = arg_text(0, "map");
    uint64_t n = (uint64_t)arg_number(1, 1000000), more = (uint64_t)arg_number(2, 1);
    if (!strcmp(what, "map")) return bench_finish(bench_map(n, more));
    if (!strcmp(what, "strings")) return bench_finish(bench_strings(n, more));
    if (!strcmp(what, "longest")) return bench_finish(bench_longest(n));
    if (!strcmp(what, "append")) return bench_finish(bench_append(n, more));
    if (!strcmp(what, "builder")) return bench_finish(bench_builder(n, more));
    bench_usage("<map|strings|longest|append|builder> <number> [<number>]");
}
