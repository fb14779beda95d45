/* main.c - parses one document many times, on the heap and in an arena, and prints what each costs. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct cost {
    double seconds, cpu;
    unsigned cycles;
    unsigned long long peak; /* bytes of the heap in use, at its highest after a parse */
    unsigned long digest;
};

static double seconds_on(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void note_peak(struct cost *c) {
    tri_mem_stats now;
    tri_read_mem_stats(&now);
    if (now.heap_alloc > c->peak) c->peak = now.heap_alloc;
}

static void parse_once(const char *text, size_t bytes, bool in_arena, struct cost *c) {
    const char *error;
    tri_arena *arena = in_arena ? tri_arena_new() : NULL;
    struct json *tree = json_parse(text, bytes, arena, &error);
    if (!tree) {
        fprintf(stderr, "json: no JSON at byte %td\n", error - text);
        exit(1);
    }
    note_peak(c);
    if (!c->digest) c->digest = json_digest(tree);
    tri_arena_free(arena);
}

static struct cost parse_times(const char *text, size_t bytes, bool in_arena, int times) {
    tri_mem_stats before, now;
    struct cost c = {0};
    tri_gc();
    tri_read_mem_stats(&before);
    double begin = seconds_on(CLOCK_MONOTONIC), cpu = seconds_on(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < times; i++) parse_once(text, bytes, in_arena, &c);
    c.seconds = seconds_on(CLOCK_MONOTONIC) - begin;
    c.cpu = seconds_on(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    tri_read_mem_stats(&now);
    c.cycles = now.num_gc - before.num_gc;
    return c;
}

static char *read_file(const char *path, size_t *bytes) {
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    if (f && fseek(f, 0, SEEK_END) == 0) {
        long size = ftell(f);
        rewind(f);
        text = size >= 0 ? malloc((size_t)size + 1) : NULL;
        *bytes = text ? fread(text, 1, (size_t)size, f) : 0;
    }
    if (!text) perror(path);
    if (f) fclose(f);
    return text;
}

static void print_cost(const char *where, const struct cost *c, size_t bytes, int times) {
    printf("%-6s %9.2f ms a parse  %7.1f MB/s  %8.2f ms CPU  %5u cycles  %6.1f MB heap at its highest\n", where,
           c->seconds * 1e3 / times, (double)bytes * times / c->seconds / 1e6, c->cpu * 1e3 / times, c->cycles,
           (double)c->peak / 1e6);
}

int main(int argc, char **argv) {
    bool sample = argc >= 3 && strcmp(argv[1], "--sample") == 0;
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: json file.json [times]\n       json --sample MiB [times]\n");
        return 2;
    }
    const char *count = argc > 2 + sample ? argv[2 + sample] : "20";
    int times = atoi(count) > 0 ? atoi(count) : 1;
    size_t bytes = 0;
    char *text = sample ? json_sample((size_t)atoi(argv[2]) << 20, &bytes) : read_file(argv[1], &bytes);
    if (!text) return 1;
    struct cost heap = parse_times(text, bytes, false, times), arena = parse_times(text, bytes, true, times);
    printf("%.1f MB, parsed %d times\n", (double)bytes / 1e6, times);
    print_cost("heap", &heap, bytes, times);
    print_cost("arena", &arena, bytes, times);
    printf("%s\n", heap.digest == arena.digest ? "both gave the same tree" : "the trees DIFFER");
    free(text);
    return heap.digest != arena.digest;
}
