/* Escape: a pointer sent through a channel may be kept by whoever receives it. */
#include <stdio.h>
#include <tricolor.h>

int main(void) {
    tri_chan *c = tri_chan_new(int *, 1);
    int x = 42;
    int *p = &x;
    tri_send(c, &p);
    int *q;
    tri_recv(c, &q);
    printf("%d\n", *q);
    return 0;
}
