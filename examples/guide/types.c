/* types.c - what a type declaration says. */
#include "expect.h"
#include <stdint.h>
#include <tricolor.h>

struct range {
    char *from, *to;
};

struct record {
    struct record *kid[4]; /* an array: all its elements */
    struct range text;     /* a struct: all its words */
    struct {
        double weight;
        void *owner;
    } more;
    uintptr_t tagged; /* an integer that holds a pointer */
    char name[24];
};
TRI_TYPE(struct record, kid, text, more.owner, tagged)

struct sample {
    uint64_t time, value; /* integers as wide as a pointer, but none of them is one */
};
TRI_TYPE_LEAF(struct sample)

union slot {
    void *pointer;
    uint64_t number;
};
TRI_TYPE_ANY(union slot) /* what an undeclared type is, too */

int main(void) {
    struct record *r = tri_new(struct record);
    tri_set(r->kid[3], tri_new(struct record));
    tri_set(r->text.from, tri_strdup("text"));
    tri_set(r->text.to, r->text.from + 4); /* just past the string's last letter is inside its block */
    tri_set(r->more.owner, r->kid[3]);
    tri_set(r->tagged,
            (uintptr_t)tri_strdup("odd") | 1); /* low bits may be used: any address inside will do */
    union slot *s = tri_new_array(union slot, 100);
    tri_set(s[42].pointer, r->text.from);
    struct sample *samples = tri_new_array(struct sample, 1000);
    tri_gc();
    expect(tri_base((void *)r->tagged) && *(char *)(r->tagged & ~(uintptr_t)1) == 'o');
    expect(s[42].pointer == r->text.from && *r->text.from == 't');
    expect(tri_is_heap(r->more.owner) && tri_is_heap(samples));
    expect(tri_size(r) == sizeof(struct record));
    return 0;
}
