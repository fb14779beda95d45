/* data.c - slices, builders and maps: what is put into them, and what only passes. */
#include "test.h"

TRI_SLICE(nodes, struct node *);
TRI_MAP(by_name, tri_string, struct node *);

static void append(void) {
    nodes s = {0};
    struct node x = {.v = 1}, y = {.v = 2}; // WANT "moved to heap: x"
    s = tri_append(s, &x);
    CHECK(ON_HEAP(&x) && ON_STACK(&y) && ON_STACK(&s));
    disturb();
    CHECK(tri_at(s, 0)->v == 1);
}

static tri_string build(void) {
    tri_builder b = {0};
    char text[] = "text";
    tri_builder_write_c(&b, text);
    tri_builder_printf(&b, "%d", 5);
    CHECK(ON_STACK(&b) && ON_STACK(text));
    return tri_builder_string(&b);
}

static void map(void) {
    by_name m = tri_map_new(by_name);
    struct node x = {.v = 3}; // WANT "moved to heap: x"
    tri_string key = tri_string_from("key");
    tri_map_put(m, key, &x);
    disturb();
    CHECK(ON_HEAP(&x) && ON_STACK(&key) && tri_map_value(m, key)->v == 3);
}

int main(void) {
    append();
    CHECK(tri_string_equal(build(), tri_string_view("text5")));
    map();
    return 0;
}
