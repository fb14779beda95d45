/* bench/limit.c - allocation next to a live heap, meant to be run under a memory limit.
 *
 *     limit <live MB> <allocate MB>          with GOGC=off GOMEMLIMIT=400MiB, say
 *
 * The live heap is a table of chains, each of 32 nodes of 64 bytes. One step makes 8 such nodes in a chain
 * and a leaf of 512 bytes, 1 KB in all, which are garbage with the next step; every 64th step replaces one
 * live chain. Prints the rate of allocation; peak memory is what the runner measures. malloc runs it without
 * a limit.
 */
#include "bench.h"

struct node {
    struct node *next, *other;
    uint64_t value[6];
};
TYPE(struct node, next, other);

struct garbage {
    struct node *chain;
    unsigned char *buffer;
};

enum { LIVE_CHAIN = 32, STEP_CHAIN = 8, STEP_LEAF = 512, STEP_BYTES = 1024, REPLACE_EVERY = 64 };

static struct node **table;
static struct garbage newest; /* what the last step made */

static struct node *chain_new(int length, uint64_t value) {
    struct node *first = NULL;
    for (int i = 0; i < length; i++) {
        struct node *n = NEW(struct node);
        SET(n->next, first);
        NIL(n->other);
        for (int k = 0; k < 6; k++) n->value[k] = value;
        first = n;
    }
    return first;
}

static void chain_free(struct node *n) {
    while (n) {
        struct node *next = n->next;
        FREE(n);
        n = next;
    }
}

static uint64_t step(uint64_t i) {
    struct garbage g = {chain_new(STEP_CHAIN, i), NEW_LEAF(STEP_LEAF)};
    memset(g.buffer, (int)(i & 255), STEP_LEAF);
    if (MANUAL) {
        chain_free(newest.chain);
        FREE(newest.buffer);
    }
    newest = g;
    return g.chain->value[5] + g.buffer[i % STEP_LEAF];
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "limit");
    size_t slots = (size_t)arg_number(0, 200) * 1000000 / (LIVE_CHAIN * sizeof(struct node));
    uint64_t steps = (uint64_t)arg_number(1, 2000) * 1000000 / STEP_BYTES, replaced = 0, check = 0;

    table = NEW_ARRAY(struct node *, slots);
    for (size_t i = 0; i < slots; i++) SET(table[i], chain_new(LIVE_CHAIN, i));

    uint64_t began = now_ns(), cpu = cpu_ns();
    for (uint64_t i = 0; i < steps; i++) {
        check += step(i);
        if (i % REPLACE_EVERY == 0) {
            struct node **slot = &table[mix64(i) % slots];
            if (MANUAL) chain_free(*slot);
            SET(*slot, chain_new(LIVE_CHAIN, i));
            replaced++;
        }
    }
    double seconds = (double)(now_ns() - began) / 1e9, cpu_seconds = (double)(cpu_ns() - cpu) / 1e9;
    double mb = ((double)steps * STEP_BYTES + (double)replaced * LIVE_CHAIN * sizeof(struct node)) / 1e6;
    result("rate", mb / seconds, "MB/s");
    result("cpu_rate", mb / cpu_seconds, "MB/cpu-s");

    for (size_t i = 0; i < slots; i++) {
        check = check * 31 + table[i]->value[0];
        if (MANUAL) chain_free(table[i]);
    }
    if (MANUAL) {
        chain_free(newest.chain);
        FREE(newest.buffer);
    }
    FREE(table);
    return bench_finish(check);
}
