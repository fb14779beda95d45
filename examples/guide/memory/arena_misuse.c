/* Use after free, caught: a pointer into a freed arena ends the program at the first access, not with somebody else's data. */
#include <stdio.h>
#include <tricolor.h>

int main(void) {
    tri_arena *arena = tri_arena_new();
    int *n = tri_arena_make(arena, int);
    *n = 42;
    tri_arena_free(arena);
    printf("%d\n", *n); /* accessed data from freed user arena */
    return 0;
}
