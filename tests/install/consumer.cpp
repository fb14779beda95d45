// A user's program in C++17: a tree in a namespace, a std::thread that makes garbage, collections, and the tree is whole.
#include <tricolor.h>

#include <cstdio>
#include <exception>
#include <string>
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

TRI_MAP(heights, tri_string, garden::Tree *)
TRI_SLICE(trees, garden::Tree *)

/* Containers of C++ types: whether each holds what was put in. */
static bool containers() {
    heights by_name = tri_map_new(heights);
    trees all = tri_make(trees, 0, 0);
    for (long i = 0; i < 1000; i++) {
        garden::Tree *t = garden::grow(1);
        t->height = i;
        all = tri_append(all, t);
        tri_map_put(by_name, tri_string_from_int(i), t);
    }
    tri_gc();
    tri_string name;
    garden::Tree *t;
    std::size_t seen = 0;
    tri_map_each(by_name, &name, &t) {
        int64_t i = -1;
        if (!tri_string_to_int(name, &i) || t->height != i || tri_at(all, i) != t || t->left->height != 0) return false;
        seen++;
    }
    tri_builder b = {};
    tri_builder_printf(&b, "%zu", tri_map_len(by_name));
    return seen == all.len && tri_string_equal(tri_builder_string(&b), TRI_STR("1000")) && !tri_map_get(by_name, TRI_STR("x"));
}

/* Types of one name and one size, with their pointers in different places. */
namespace first {
struct Pair {
    Pair *next;
    long number, more;
};
TRI_TYPE(Pair, next)
} // namespace first
namespace second {
struct Pair {
    long number, more;
    Pair *next;
};
TRI_TYPE(Pair, next)
} // namespace second
namespace third {
struct Pair {
    long number;
    Pair *next; // not declared: scanned word by word
    long more;
};
} // namespace third

template <class Pair> static Pair *chain(int n) {
    Pair *list = nullptr;
    for (int i = 0; i < n; i++) {
        Pair *p = tri_new(Pair);
        p->number = i;
        tri_set(p->next, list);
        list = p;
    }
    return list;
}

template <class Pair> static bool chain_holds(Pair *list, int n) {
    for (; list && list->number == n - 1; n--) list = list->next;
    return n == 0 && !list;
}

static bool namesakes() {
    static constexpr int n = 2000;
    first::Pair *a = chain<first::Pair>(n);
    second::Pair *b = chain<second::Pair>(n);
    third::Pair *c = chain<third::Pair>(n);
    tri_set(tri_new(first::Pair)->next, a); // makers within the macros that look at types
    trees grown = tri_append(trees{}, tri_new(garden::Tree), tri_new(garden::Tree));
    for (int i = 0; i < 3; i++) {
        tri_gc();
        chain<first::Pair>(n), chain<second::Pair>(n), chain<third::Pair>(n); // over what was lost
    }
    return chain_holds(a, n) && chain_holds(b, n) && chain_holds(c, n) && grown.len == 2 && tri_at(grown, 1)->left == nullptr;
}

/* Goroutines that wait while they handle exceptions, their own and nested ones, beside others that do the same. */
struct Work {
    tri_waitgroup group;
    tri_mutex mutex;
    int number, wrong;
};

static void stumble(void *arg) {
    Work *work = static_cast<Work *>(arg);
    tri_mutex_lock(&work->mutex);
    int mine = work->number++;
    tri_mutex_unlock(&work->mutex);
    bool again = false, right = std::uncaught_exceptions() == 0 && !std::current_exception();
    try {
        try {
            tri_yield();
            throw mine;
        } catch (int &caught) {
            tri_yield();
            try {
                throw std::string("inner");
            } catch (const std::string &) {
                tri_yield();
            }
            right = right && caught == mine;
            tri_yield();
            throw;
        }
    } catch (int caught) {
        tri_yield();
        again = caught == mine && std::current_exception();
    }
    tri_mutex_lock(&work->mutex);
    if (!right || !again || std::current_exception()) work->wrong++;
    tri_mutex_unlock(&work->mutex);
    tri_waitgroup_done(&work->group);
}

static void exceptions(void *arg) {
    Work *work = static_cast<Work *>(arg);
    for (int i = 0; i < 1000; i++) {
        tri_waitgroup_add(&work->group, 1);
        tri_go(stumble, work);
    }
    tri_waitgroup_wait(&work->group);
}

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
    if (!containers()) {
        std::fprintf(stderr, "the containers do not hold what was put in\n");
        return 1;
    }
    if (!namesakes()) {
        std::fprintf(stderr, "types of one name are taken for each other\n");
        return 1;
    }
    static Work work;
    tri_run(exceptions, &work);
    if (work.wrong || work.number != 1000) {
        std::fprintf(stderr, "%d goroutines have caught others' exceptions\n", work.wrong);
        return 1;
    }
    std::printf("C++: tricolor %s\n", tri_version());
    return 0;
}
