/* bench/gcbench.c - GCBench, by John Ellis and Pete Kovac, changed by Hans Boehm.
 *
 *     gcbench <stretch depth>        18 is the classical size
 *
 * A stretch tree; a long-lived tree (two levels less) and a long-lived array of doubles; then for each depth
 * 4, 6 ... so many trees as make two stretch trees' nodes, once built from the top, once from the bottom.
 * Nodes are two pointers and two ints, 24 bytes. The trees from the top are what tests the barrier: their
 * parents are old when they get kids.
 */
#include "bench.h"

struct node {
    struct node *left, *right;
    int i, j;
};
TYPE(struct node, left, right);

enum { MIN_DEPTH = 4, ARRAY_SIZE = 500000 };

static struct node *long_lived;
static double *long_array;

static long tree_size(int depth) { return (1L << (depth + 1)) - 1; }

static struct node *node_new(struct node *left, struct node *right) {
    struct node *n = NEW(struct node);
    if (left) {
        SET(n->left, left);
        SET(n->right, right);
    } else {
        NIL(n->left);
        NIL(n->right);
    }
    n->i = n->j = 0;
    return n;
}

static void populate(int depth, struct node *n) {
    if (depth <= 0) return;
    SET(n->left, node_new(NULL, NULL));
    SET(n->right, node_new(NULL, NULL));
    n->i = depth;
    populate(depth - 1, n->left);
    populate(depth - 1, n->right);
}

static struct node *make_tree(int depth) {
    if (depth <= 0) return node_new(NULL, NULL);
    struct node *left = make_tree(depth - 1), *right = make_tree(depth - 1);
    struct node *n = node_new(left, right);
    n->i = depth;
    return n;
}

/* Follows one path only: the program measures memory management, not walking. */
static uint64_t tree_check(const struct node *n) {
    uint64_t sum = 0;
    for (int turn = 0; n; n = turn++ & 1 ? n->right : n->left) sum = sum * 3 + (uint64_t)n->i + 1;
    return sum;
}

static void tree_free(struct node *n) {
    if (n->left) {
        tree_free(n->left);
        tree_free(n->right);
    }
    FREE(n);
}

static uint64_t check_drop(struct node *tree) {
    uint64_t check = tree_check(tree);
    if (MANUAL) tree_free(tree);
    return check;
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "gcbench");
    int stretch = (int)arg_number(0, 18);
    if (stretch < 6 || stretch > 40) bench_usage("<stretch depth 6 ... 40>");
    int long_depth = stretch - 2, max_depth = stretch - 2;

    uint64_t check = check_drop(make_tree(stretch));
    long_lived = node_new(NULL, NULL);
    populate(long_depth, long_lived);
    long_array = NEW_LEAF(sizeof(double) * ARRAY_SIZE);
    for (int i = 0; i < ARRAY_SIZE; i++) long_array[i] = 1.0 / (i + 1);

    for (int depth = MIN_DEPTH; depth <= max_depth; depth += 2) {
        long trees = 2 * tree_size(stretch) / tree_size(depth);
        for (long i = 0; i < trees; i++) {
            struct node *n = node_new(NULL, NULL);
            populate(depth, n);
            check += check_drop(n);
        }
        for (long i = 0; i < trees; i++) check += check_drop(make_tree(depth));
    }

    check += check_drop(long_lived) + (uint64_t)(long_array[1000] * 1e6);
    FREE(long_array);
    return bench_finish(check);
}
