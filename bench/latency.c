/* bench/latency.c - a circular buffer of live data, of which the oldest is replaced by fresh data, for ever.
 *
 *     latency <messages|trees> <slots> <inserts>
 *
 * messages   a slot holds a 1 KiB buffer without pointers, filled: the classical gc-latency program.
 *            Marking is little, allocation much
 * trees      a slot holds a tree of 63 nodes of 32 bytes: 2 KB of pointers. Marking is much: 250,000 slots
 *            are 500 MB live
 *
 * Two passes of the same length. The first has no clock in it and gives `op` and `op_cpu` (the whole process)
 * an insert; the second takes the time of each insert and gives p99.99 and the worst.
 */
#include "bench.h"

struct message {
    unsigned char bytes[1024];
};
TYPE_LEAF(struct message);

struct node {
    struct node *left, *right;
    uint64_t key, value;
};
TYPE(struct node, left, right);

enum { TREE_DEPTH = 5 };

static void **ring;
static long slots;

static void message_insert(long i) {
    struct message *m = NEW(struct message);
    memset(m->bytes, (int)(i & 255), sizeof m->bytes);
    void **slot = &ring[i % slots];
    if (MANUAL) FREE(*slot);
    SET(*slot, m);
}

static uint64_t message_check(const void *object) {
    const struct message *m = object;
    return (uint64_t)m->bytes[0] + m->bytes[1023];
}

static struct node *tree_new(int depth, uint64_t key) {
    struct node *left = NULL, *right = NULL;
    if (depth) {
        left = tree_new(depth - 1, 2 * key);
        right = tree_new(depth - 1, 2 * key + 1);
    }
    struct node *n = NEW(struct node);
    if (depth) {
        SET(n->left, left);
        SET(n->right, right);
    } else {
        NIL(n->left);
        NIL(n->right);
    }
    n->key = key;
    n->value = key ^ (uint64_t)depth;
    return n;
}

static void tree_free(struct node *n) {
    if (n->left) {
        tree_free(n->left);
        tree_free(n->right);
    }
    FREE(n);
}

static void tree_insert(long i) {
    struct node *tree = tree_new(TREE_DEPTH, (uint64_t)i);
    void **slot = &ring[i % slots];
    if (MANUAL && *slot) tree_free(*slot);
    SET(*slot, tree);
}

static uint64_t tree_check(const void *object) {
    const struct node *n = object;
    return n->value + (n->left ? 3 * tree_check(n->left) + tree_check(n->right) : 0);
}

/* One loop for each form, so that the insert is inlined as in the Go program. */
#define DEFINE_PASSES(FORM)                                                                                  \
    static void FORM##_plain(long from, long to) {                                                           \
        for (long i = from; i < to; i++) FORM##_insert(i);                                                   \
    }                                                                                                        \
    static void FORM##_timed(long from, long to, struct histogram *h) {                                      \
        uint64_t before = now_ns();                                                                          \
        for (long i = from; i < to; i++) {                                                                   \
            FORM##_insert(i);                                                                                \
            uint64_t after = now_ns();                                                                       \
            histogram_add(h, after - before);                                                                \
            before = after;                                                                                  \
        }                                                                                                    \
    }
DEFINE_PASSES(message)
DEFINE_PASSES(tree)

int main(int argc, char **argv) {
    bench_start(argc, argv, "latency");
    const char *form = arg_text(0, "");
    slots = arg_number(1, 200000);
    long inserts = arg_number(2, 1000000);
    bool trees = !strcmp(form, "trees");
    if (!trees && strcmp(form, "messages")) bench_usage("<messages|trees> <slots> <inserts>");

    ring = NEW_ARRAY(void *, (size_t)slots);
    struct histogram *h = histogram_new();
    void (*plain)(long, long) = trees ? tree_plain : message_plain;
    plain(0, slots);

    uint64_t wall = now_ns(), cpu = cpu_ns();
    plain(slots, slots + inserts);
    wall = now_ns() - wall;
    cpu = cpu_ns() - cpu;
    (trees ? tree_timed : message_timed)(slots + inserts, slots + 2 * inserts, h);

    result("op", (double)wall / (double)inserts, "ns");
    result("op_cpu", (double)cpu / (double)inserts, "ns");
    result("p99.99", histogram_percentile(h, 99.99) / 1e3, "us");
    result("worst", (double)h->worst / 1e3, "us");
    free(h);

    uint64_t check = 0;
    for (long i = 0; i < slots; i++) {
        check = check * 31 + (trees ? tree_check : message_check)(ring[i]);
        if (MANUAL && trees)
            tree_free(ring[i]);
        else
            FREE(ring[i]);
    }
    FREE(ring);
    return bench_finish(check);
}
