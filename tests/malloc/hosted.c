/* The same calls in a host whose malloc is another one, as a plugin's are: nothing of what libc keeps in its own blocks is looked at. */
#include "calls.h"

NO_INLINE static FILE *stream(char **text, size_t *bytes) {
    FILE *f = tri__open_memstream(text, bytes);
    clear_stack();
    return f;
}

static hidden where;
static void into_memory(void) {
    static char *text;
    static size_t bytes;
    step("a stream into memory");
    FILE *f = stream(&text, &bytes);
    for (int i = 0; i < 50; i++) {
        collect();
        fprintf(f, "%d,", i);
        fflush(f);
    }
    fclose(f);
    where = tri_hide(text);
    REQUIRE(bytes == strlen(text) && !strncmp(text, "0,1,2,3", 7), "%zu bytes", bytes);
    for (int i = 0; i < 3000; i++) fclose(stream(&text, &bytes));
    text = NULL;
}

int main(void) {
    into_memory();
    collect();
    collect();
    REQUIRE(!tri_is_heap(tri_reveal(where)) || strncmp(tri_reveal(where), "0,1", 3), "what a closed stream has left is kept");
    void *theirs = malloc(100);
    tri__free(tri__realloc(theirs, 5000)); /* the host's */
    return 0;
}
