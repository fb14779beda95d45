// A user's program in C++17: a tree in a namespace, a std::thread that makes garbage, collections, and the tree is whole.
#include <tricolor.h>

#include <cstdio>
#include <thread>

namespace garden {

struct Tree {
    Tree *left;
    Tree *right;
    long height;
};
TRI_TYPE(Tree, left, right)

Tree *grow(long height) {
    Tree *tree = tri_new(Tree);
    tree->height = height;
    if (height > 0) {
        tri_set(tree->left, grow(height - 1));
        tri_set(tree->right, grow(height - 1));
    }
    return tree;
}

long count(const Tree *tree, long height) {
    if (!tree || tree->height != height) return 0;
    return height == 0 ? 1 : 1 + count(tree->left, height - 1) + count(tree->right, height - 1);
}

} // namespace garden

static garden::Tree *kept;

int main() {
    constexpr long height = 14;
    kept = garden::grow(height);
    std::thread other([] {
        for (int i = 0; i < 20; i++) garden::grow(10);
    });
    tri_gc();
    other.join();
    tri_gc();
    if (garden::count(kept, height) != (2L << height) - 1) {
        std::fprintf(stderr, "the tree has lost nodes\n");
        return 1;
    }
    std::printf("C++: tricolor %s\n", tri_version());
    return 0;
}
