/* A pool of objects: clean them when they are taken, not when they are put; and a pool is no store: two collections empty it. */
#include <stdio.h>
#include <tricolor.h>

struct parser {
    tri_builder text;
    int depth;
};
TRI_TYPE(struct parser, text)

static void *new_parser(void *arg) {
    (void)arg;
    return tri_new(struct parser);
}
static tri_pool parsers = {.new_fn = new_parser};

static tri_string parse(const char *text) {
    struct parser *p = tri_pool_get(&parsers);
    tri_builder_reset(&p->text); /* somebody else's rest */
    p->depth = 0;
    for (; *text; text++) {
        p->depth += (*text == '(') - (*text == ')');
        tri_builder_printf(&p->text, "%d", p->depth);
    }
    tri_string s = tri_builder_string(&p->text);
    tri_pool_put(&parsers, p);
    return s; /* the string keeps its bytes: the next user gets new ones */
}

int main(void) {
    tri_string a = parse("(()())"), b = parse("()");
    printf(TRI_FMT " " TRI_FMT "\n", TRI_ARG(a), TRI_ARG(b));

    static tri_pool kept; /* no new_fn: NULL when there is nothing */
    tri_pool_put(&kept, tri_new(struct parser));
    tri_gc();
    tri_gc();
    printf("after two collections: %s\n", tri_pool_get(&kept) ? "still there" : "empty");
    return 0;
}
