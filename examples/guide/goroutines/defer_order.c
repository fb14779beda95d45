/* Deferred calls run last in first out when the function ends, by return or by a panic; one of them may recover. */
#include <stdio.h>
#include <tricolor.h>

static void say(void *words) { printf("  deferred: %s\n", (const char *)words); }
static void rescue(void *unused) {
    (void)unused;
    const char *words = tri_recover();
    if (words) printf("  recovered: %s\n", words);
}

static int work(int how) {
    TRI_FUNC;
    tri_defer(rescue, NULL);
    tri_defer(say, "first");
    tri_defer(say, "second");
    if (how == 1) return 1;
    if (how == 2) tri_panic("that was too much");
    printf("  at the end\n");
    return 3;
}

int main(void) {
    for (int how = 1; how <= 3; how++) {
        printf("work(%d)\n", how);
        printf("  returned %d\n", work(how));
    }
    return 0;
}
