/* reverse.c - the first program of the README: prints its input backwards. */
#include <stdio.h>
#include <tricolor.h>

struct line {
    struct line *next;
    char *text;
};
TRI_TYPE(struct line, next, text)

int main(void) {
    char buffer[4096];
    struct line *last = NULL;
    while (fgets(buffer, sizeof buffer, stdin)) {
        struct line *l = tri_new(struct line);
        tri_set(l->next, last); /* into a heap object: tri_set */
        tri_set(l->text, tri_strdup(buffer));
        last = l; /* into a local or a global: plain = */
    }
    for (struct line *l = last; l; l = l->next) fputs(l->text, stdout);
    return 0;
}
