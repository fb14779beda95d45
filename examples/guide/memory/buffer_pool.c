/* A pool of buffers: what is put back is handed out again, so a loop of requests allocates a few buffers and not a thousand. */
#include <stdio.h>
#include <tricolor.h>

enum { BUFFER = 64 << 10 };

static int made;
static void *new_buffer(void *arg) {
    (void)arg;
    made++;
    return tri_alloc_leaf(BUFFER);
}
static tri_pool buffers = {.new_fn = new_buffer};

static int handle(int request) {
    char *buffer = tri_pool_get(&buffers);
    int n = snprintf(buffer, BUFFER, "answer to request %d", request);
    tri_pool_put(&buffers, buffer); /* and not used afterwards */
    return n;
}

int main(void) {
    long bytes = 0;
    for (int i = 0; i < 1000; i++) bytes += handle(i);
    printf("1000 requests, %ld bytes answered\n", bytes);
    printf("buffers made: %s\n", made < 10 ? "fewer than 10" : "many");
    return 0;
}
