/* Slices: a window on an array. Two of them share it until one outgrows it: the third index, or clip, keeps them apart. */
#include <stdio.h>
#include <tricolor.h>

TRI_SLICE(ints, int)

static void show(const char *name, ints s) {
    printf("%s: len %zu cap %zu [", name, s.len, s.cap);
    for (size_t i = 0; i < s.len; i++) printf("%s%d", i ? " " : "", tri_at(s, i));
    printf("]\n");
}

int main(void) {
    ints s = tri_make(ints, 0, 4);
    s = tri_append(s, 1, 2, 3);
    show("s", s);
    ints t = tri_slice_of(s, 0, 2); /* s[0:2]: shares, and may grow over s[2] */
    t = tri_append(t, 30);
    show("s", s);
    ints u = tri_slice_of(s, 0, 2, 2); /* s[0:2:2]: no room, so appending copies */
    u = tri_append(u, 300);
    show("u", u);
    show("s", s);
    s = tri_append(s, 4, 5); /* outgrows the array: moves */
    tri_at(t, 0) = 9;        /* the old one's */
    show("s", s);
    show("t", t);
    printf("copied %zu\n", tri_copy(s, u));
    show("s", s);
    return 0;
}
