/* A program that calls the library and nothing that it interposes: see interposed.sh. */
#include <tricolor.h>

int main(void) { return !tri_alloc(1); }
