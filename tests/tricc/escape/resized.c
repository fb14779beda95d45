/* resized.c - buffers that the C library gives back or makes larger: they are on the heap, as realloc wants them. */
// FLAGS -fmanaged-malloc
#define _GNU_SOURCE
#include "test.h"

static char text[] = "a line that is longer than the four bytes there are at first, and than the sixteen of the smallest block\n"
                     "another\n";

static void lines(void) {
    size_t room = 4;
    char *line = malloc(4); // WANT "malloc(4) escapes to heap"
    FILE *f = fmemopen(text, strlen(text), "r");
    CHECK(ON_HEAP(line));
    CHECK(getline(&line, &room, f) == strchr(text, '\n') - text + 1 && strncmp(line, text, strlen(line)) == 0 && room > strlen(line));
    disturb();
    CHECK(getline(&line, &room, f) == 8 && strcmp(line, "another\n") == 0 && ON_HEAP(line));
    free(line);
    fclose(f);
}

static void records(void) {
    size_t room = 4;
    char *record = malloc(4); // WANT "malloc(4) escapes to heap"
    FILE *f = fmemopen(text, strlen(text), "r");
    CHECK(ON_HEAP(record));
    CHECK(getdelim(&record, &room, ',', f) == strchr(text, ',') - text + 1 && ON_HEAP(record));
    free(record);
    fclose(f);
}

static void grown(void) {
    char *p = malloc(4); // WANT "malloc(4) escapes to heap"
    p = realloc(p, 4000);
    CHECK(ON_HEAP(p));
    free(p);
}

/* What is only written to may stay on the stack: the old contents of the variable are not touched. */
static void written(void) {
    char *p = malloc(4), *made; // WANT "malloc(4) does not escape"
    CHECK(ON_STACK(p));
    made = p;
    CHECK(asprintf(&made, "%s", "new") == 3 && strcmp(made, "new") == 0 && ON_HEAP(made));
    free(made);
}

int main(void) {
    lines();
    records();
    grown();
    written();
    return 0;
}
