/* tree.c - a binary search tree of strings. */
#include "expect.h"
#include <string.h>
#include <tricolor.h>

struct node {
    struct node *kid[2];
    const char *key;
    long count;
};
TRI_TYPE(struct node, kid, key)

static struct node *root; /* a global is a root */

/* The place where the key's node hangs, or would hang. */
static struct node **tree_place(const char *key) {
    struct node **place = &root;
    for (int side; *place && (side = strcmp(key, (*place)->key)) != 0;) place = &(*place)->kid[side > 0];
    return place;
}

static void tree_count(const char *key) {
    struct node **place = tree_place(key);
    if (!*place) {
        struct node *n = tri_new(struct node);
        tri_set(n->key, tri_strdup(key));
        tri_set(*place, n); /* a global the first time, a node's field later: tri_set is right for both */
    }
    (*place)->count++;
}

static void tree_drop(const char *key) {
    struct node **place = tree_place(key), *n = *place;
    if (!n) return;
    struct node **next = &n->kid[1];
    if (n->kid[0] && n->kid[1]) {
        while ((*next)->kid[0]) next = &(*next)->kid[0];
        struct node *heir = *next;
        tri_set(*next, heir->kid[1]);
        tri_set(heir->kid[0], n->kid[0]);
        tri_set(heir->kid[1], n->kid[1]);
        tri_set(*place, heir);
    } else {
        tri_set(*place, n->kid[0] ? n->kid[0] : n->kid[1]);
    }
}

int main(void) {
    char key[16];
    for (int i = 0; i < 60000; i++) {
        snprintf(key, sizeof key, "%d", i * 7919 % 20000);
        tree_count(key);
    }
    for (int i = 0; i < 20000; i += 2) {
        snprintf(key, sizeof key, "%d", i);
        tree_drop(key);
    }
    tri_gc();
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "%d", i);
        struct node *n = *tree_place(key);
        expect(i % 2 ? n && n->count == 3 : !n);
    }
    return 0;
}
