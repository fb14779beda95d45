/* bench/mark.c - a forced collection of a large live heap in which nothing is garbage: what marking costs.
 *
 *     mark <random|tree|table|hashed|list> <MiB> <collections>
 *
 * random   nodes of 32 bytes with 3 pointers: one ring through all in shuffled order, two to random nodes
 * tree     the same nodes, a binary tree in the order in which it was built, depth first
 * table    an array of pointers to leaf objects of 32 bytes, in the order of their addresses
 * hashed   the same, shuffled: what a hash table looks like
 * list     the nodes as one linked list in shuffled order: nothing can be marked in parallel
 *
 * mark_cpu and mark_wall are the median collection's, mark_object the CPU time an object, tables what the collector's
 * own tables take, in percent of the heap; the longest stop comes from the trace. malloc has nothing to compare.
 */
#include "bench.h"

struct node {
    struct node *kid[3];
    uint64_t value;
};
TYPE(struct node, kid);

struct leaf {
    uint64_t value[4];
};
TYPE_LEAF(struct leaf);

enum { MAX_COLLECTIONS = 100, STEPS = 1000000 };

static void *root;    /* the graph, or the table */
static size_t number; /* of objects */

static struct node *node_new(uint64_t value) {
    struct node *n = NEW(struct node);
    NIL(n->kid[0]);
    NIL(n->kid[1]);
    NIL(n->kid[2]);
    n->value = value;
    return n;
}

/* A random cyclic order of 0 ... n - 1: order[i] follows i (Sattolo 1986). */
static uint32_t *cycle_new(size_t n, uint64_t *random) {
    uint32_t *order = malloc(n * sizeof *order);
    if (!order) abort();
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = random_next(random) % i;
        uint32_t other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    return order;
}

/* Nodes in the order of allocation, linked into a ring in shuffled order, and two random links each if `all`.
 * Not inlined, so that the index goes away with the frame. */
__attribute__((noinline)) static struct node *ring_new(size_t n, bool all) {
    uint64_t random = 1;
    struct node **index = NEW_ARRAY(struct node *, n);
    for (size_t i = 0; i < n; i++) SET(index[i], node_new(i));
    uint32_t *order = cycle_new(n, &random);
    for (size_t i = 0; i < n; i++) {
        SET(index[i]->kid[0], index[order[i]]);
        if (all) {
            SET(index[i]->kid[1], index[random_next(&random) % n]);
            SET(index[i]->kid[2], index[random_next(&random) % n]);
        }
    }
    free(order);
    struct node *first = index[0];
    FREE(index);
    return first;
}

static struct node *tree_new(int depth, uint64_t *value) {
    struct node *n = node_new((*value)++);
    if (depth) {
        SET(n->kid[0], tree_new(depth - 1, value));
        SET(n->kid[1], tree_new(depth - 1, value));
    }
    return n;
}

static struct leaf **table_new(size_t n, bool shuffled) {
    uint64_t random = 1;
    struct leaf **table = NEW_ARRAY(struct leaf *, n);
    uint32_t *order = shuffled ? cycle_new(n, &random) : NULL;
    for (size_t i = 0; i < n; i++) {
        struct leaf *l = NEW(struct leaf);
        l->value[0] = l->value[1] = l->value[2] = l->value[3] = i;
        SET(table[order ? order[i] : i], l);
    }
    free(order);
    return table;
}

static uint64_t ring_check(const struct node *n, bool all) {
    uint64_t sum = 0;
    for (int i = 0; i < STEPS; i++) {
        sum = sum * 31 + n->value;
        n = n->kid[all ? sum % 3 : 0];
    }
    return sum;
}

static uint64_t tree_check(const struct node *n) {
    return n ? n->value * 3 + 5 * tree_check(n->kid[0]) + tree_check(n->kid[1]) : 1;
}

static uint64_t table_check(struct leaf *const *table) {
    uint64_t sum = 0;
    for (size_t i = 0; i < number; i++) sum = sum * 31 + table[i]->value[3];
    return sum;
}

static int tree_depth(size_t bytes) {
    int depth = 0;
    while (((size_t)2 << (depth + 1)) * sizeof(struct node) <= bytes) depth++;
    return depth;
}

static uint64_t build(const char *shape, size_t bytes) {
    if (!strcmp(shape, "tree")) {
        uint64_t value = 0;
        root = tree_new(tree_depth(bytes), &value);
        number = value;
    } else if (!strcmp(shape, "random") || !strcmp(shape, "list")) {
        number = bytes / sizeof(struct node);
        root = ring_new(number, !strcmp(shape, "random"));
    } else if (!strcmp(shape, "table") || !strcmp(shape, "hashed")) {
        number = bytes / (sizeof(struct leaf) + sizeof(void *));
        root = table_new(number, !strcmp(shape, "hashed"));
    } else {
        bench_usage("<random|tree|table|hashed|list> <MiB> <collections>");
    }
    return number;
}

static uint64_t check(const char *shape) {
    switch (shape[0]) {
    case 't': return shape[1] == 'r' ? tree_check(root) : table_check(root);
    case 'h': return table_check(root);
    case 'r': return ring_check(root, true);
    default: return ring_check(root, false);
    }
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "mark");
    const char *shape = arg_text(0, "");
    size_t bytes = (size_t)arg_number(1, 1024) << 20;
    int collections = (int)arg_number(2, 5);
    if (!HAS_COLLECT || collections > MAX_COLLECTIONS) bench_usage("<shape> <MiB> <collections, up to 100>");

    static double cpu[MAX_COLLECTIONS], wall[MAX_COLLECTIONS];
    build(shape, bytes);
    COLLECT(); /* the garbage of building, and sweeping it, is not what is measured */
    for (int i = 0; i < collections; i++) {
        uint64_t cpu_began = cpu_ns(), wall_began = now_ns();
        COLLECT();
        wall[i] = (double)(now_ns() - wall_began) / 1e9;
        cpu[i] = (double)(cpu_ns() - cpu_began) / 1e9;
    }
    result("mark_cpu", median(cpu, collections), "s");
    result("mark_wall", median(wall, collections), "s");
    result("mark_object", median(cpu, collections) * 1e9 / (double)number, "ns");
    if (mem_tables() > 0) result("tables", mem_tables(), "%");
    return bench_finish(check(shape));
}
