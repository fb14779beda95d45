/* bench/binary_trees.c - the binary-trees program of the Computer Language Benchmarks Game.
 *
 *     binary_trees <depth> <threads>
 *
 * A stretch tree of depth + 1, one long-lived tree, and for each depth 4, 6 ... so many trees that each depth
 * makes about the same number of nodes; each tree is built bottom up, counted and dropped. Nodes are two
 * pointers, 16 bytes. The trees of every depth are dealt out to the threads in 16 portions.
 */
#include "bench.h"

struct node {
    struct node *left, *right;
};
TYPE(struct node, left, right);

enum { MIN_DEPTH = 4, PORTIONS = 16 };

static int depth_max;
static struct node *long_lived;
static atomic_int next_job;
static atomic_ullong checks[64]; /* by depth */

static struct node *tree_new(int depth) {
    struct node *left = NULL, *right = NULL;
    if (depth) {
        left = tree_new(depth - 1);
        right = tree_new(depth - 1);
    }
    struct node *n = NEW(struct node);
    if (depth) {
        SET(n->left, left);
        SET(n->right, right);
    } else {
        NIL(n->left);
        NIL(n->right);
    }
    return n;
}

static uint64_t tree_count(const struct node *n) {
    return n->left ? 1 + tree_count(n->left) + tree_count(n->right) : 1;
}

static void tree_free(struct node *n) {
    if (n->left) {
        tree_free(n->left);
        tree_free(n->right);
    }
    FREE(n);
}

static uint64_t make_count_drop(int depth) {
    struct node *tree = tree_new(depth);
    uint64_t count = tree_count(tree);
    if (MANUAL) tree_free(tree);
    return count;
}

static void work(int id) {
    (void)id;
    int jobs = ((depth_max - MIN_DEPTH) / 2 + 1) * PORTIONS;
    for (int job; (job = atomic_fetch_add(&next_job, 1)) < jobs;) {
        int depth = MIN_DEPTH + job / PORTIONS * 2;
        long trees = (1L << (depth_max - depth + MIN_DEPTH)) / PORTIONS;
        uint64_t count = 0;
        for (long i = 0; i < trees; i++) count += make_count_drop(depth);
        atomic_fetch_add(&checks[depth], count);
    }
}

int main(int argc, char **argv) {
    bench_start(argc, argv, "binary_trees");
    depth_max = (int)arg_number(0, 16);
    int threads = arg_threads(1);
    if (depth_max < MIN_DEPTH + 2 || depth_max > 40) bench_usage("<depth 6 ... 40> <threads>");

    uint64_t check = make_count_drop(depth_max + 1);
    long_lived = tree_new(depth_max);
    run_threads(threads, work);
    for (int depth = MIN_DEPTH; depth <= depth_max; depth += 2)
        check = check * 31 + atomic_load(&checks[depth]);
    check = check * 31 + tree_count(long_lived);
    if (MANUAL) tree_free(long_lived);
    return bench_finish(check);
}
