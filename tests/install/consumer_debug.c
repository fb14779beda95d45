/* A user's program that writes a heap profile, serves its pages and runs a benchmark: it finds the library of profiles. */
#include <stdio.h>
#include <string.h>
#include <tricolor.h>

static void *kept[200];

static void alloc(tri_b *b) {
    for (int64_t i = 0; i < b->n; i++) kept[0] = tri_alloc(100);
}

int main(void) {
    char text[4096] = "";
    for (int i = 0; i < 200; i++) kept[i] = tri_alloc(100000);
    tri_gc();
    FILE *f = tmpfile();
    if (!f || tri_profile_write("heap", f, 1) != 0) return 1;
    rewind(f);
    if (fread(text, 1, sizeof text - 1, f) == 0 || strncmp(text, "heap profile: ", 14) != 0 || !strstr(text, "\tmain+0x")) {
        puts(text);
        return 2;
    }
    fclose(f);
    if (tri_debug_serve(":0") != 0 || tri_debug_port() == 0) return 3;
    tri_debug_stop();
    return tri_bench("Alloc", alloc) == 0 ? 0 : 4;
}
