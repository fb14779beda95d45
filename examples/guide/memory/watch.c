/* Watching cycles as they happen: a function called at each event, on the collector's thread. It notes and returns. */
#include <stdio.h>
#include <tricolor.h>

static tri_gc_event seen[100];
static int count; /* atomic */

static void note(tri_gc_event event, void *arg) {
    (void)arg;
    int i = __atomic_load_n(&count, __ATOMIC_RELAXED);
    if (i < 100) seen[i] = event;
    __atomic_store_n(&count, i + 1, __ATOMIC_RELEASE);
}

int main(void) {
    static const char *const words[] = {"cycle starts", "marking ends: the live heap is known", "sweeping ends: all garbage is back",
                                        "limit in danger"};
    tri_set_gc_percent(-1);
    tri_on_gc(note, NULL);
    tri_gc();
    tri_gc();
    while (__atomic_load_n(&count, __ATOMIC_ACQUIRE) < 6) tri_sleep(1000000);
    for (int i = 0; i < 6; i++) printf("%s\n", words[seen[i]]);
    return 0;
}
