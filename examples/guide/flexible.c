/* flexible.c - structs that end in a flexible array. */
#include "expect.h"
#include <string.h>
#include <tricolor.h>

struct message { /* the array holds bytes: never scanned */
    struct message *reply_to;
    size_t length;
    char text[];
};
TRI_TYPE(struct message, reply_to)

struct tuple { /* the array holds pointers: scanned by itself, it is not listed */
    size_t n;
    void *item[];
};
TRI_TYPE_LEAF(struct tuple)

static struct message *message_new(struct message *to, const char *text) {
    size_t length = strlen(text);
    struct message *m = tri_new_flex(struct message, text, length + 1);
    tri_set(m->reply_to, to);
    m->length = length;
    memcpy(m->text, text, length + 1);
    return m;
}

static struct tuple *tuple_new(size_t n) {
    struct tuple *t = tri_new_flex(struct tuple, item, n);
    t->n = n;
    return t;
}

int main(void) {
    struct tuple *all = tuple_new(1000);
    for (size_t i = 0; i < all->n; i++) {
        char text[32];
        snprintf(text, sizeof text, "message %zu", i);
        tri_set(all->item[i], message_new(i ? all->item[i - 1] : NULL, text));
    }
    tri_gc();
    size_t i = all->n;
    for (struct message *m = all->item[all->n - 1]; m; m = m->reply_to) {
        char text[32];
        snprintf(text, sizeof text, "message %zu", --i);
        expect(strcmp(m->text, text) == 0 && m->length == strlen(text));
    }
    expect(i == 0);
    return 0;
}
