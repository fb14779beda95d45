/* roots.c - pointers where no scan looks: memory from mmap or malloc, the kernel, hidden pointers. */
#include "expect.h"
#include <string.h>
#include <sys/mman.h>
#include <tricolor.h>

enum { SLOTS = 1024 };

int main(void) {
    /* Memory from elsewhere that holds pointers into the heap is made a root by hand. */
    char **table =
        mmap(NULL, SLOTS * sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(table != MAP_FAILED);
    tri_add_roots(table, table + SLOTS);
    for (int i = 0; i < SLOTS; i++) table[i] = tri_strdup("in the table"); /* no heap object: plain = */

    /* An object that only malloc's memory or the kernel knows is pinned. */
    struct {
        char *text;
    } *foreign = malloc(sizeof *foreign);
    foreign->text = tri_strdup("pinned");
    tri_pin(foreign->text);

    /* A block that is scanned and never collected, until it is freed. */
    char **always = tri_alloc_root(sizeof *always);
    tri_set(*always, tri_strdup("under a root"));
    uintptr_t hidden = tri_hide(always);
    always = NULL;

    for (int i = 0; i < 3; i++) tri_gc();
    for (int i = 0; i < SLOTS; i++) expect(strcmp(table[i], "in the table") == 0);
    expect(strcmp(foreign->text, "pinned") == 0);
    always = tri_reveal(hidden);
    expect(strcmp(*always, "under a root") == 0);

    tri_free(always);
    tri_unpin(foreign->text);
    free(foreign);
    tri_remove_roots(table, table + SLOTS);
    munmap(table, SLOTS * sizeof *table);
    return 0;
}
