/* leaks.c - to be built with the address sanitizer against the library as released: malloc'ed memory that only a collected
 * object points to is no leak, and what nothing points to is one. Prints which of the two LeakSanitizer found. */
#include <tricolor.h>

#include <sanitizer/lsan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct holder {
    char *text;
};
TRI_TYPE(struct holder, text)

static struct holder *kept;

static __attribute__((noinline)) void hold(void) {
    kept = tri_new(struct holder);
    kept->text = malloc(100);
    strcpy(kept->text, "held by a collected object only");
}

/* Deeper than what is called next, so that no copy of the pointer stays on the stack. */
static __attribute__((noinline)) void lose(int depth) {
    volatile char room[200] = {0};
    if (depth) lose(depth - 1);
    else memset(malloc(333), room[0], 333);
}

int main(void) {
    hold();
    printf("held: %s\n", __lsan_do_recoverable_leak_check() ? "a leak" : "no leak");
    lose(50);
    tri_gc();
    printf("lost: %s\n", __lsan_do_recoverable_leak_check() ? "a leak" : "no leak");
    fflush(stdout);
    _Exit(kept->text[0] != 'h');
}
