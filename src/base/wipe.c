/* wipe.c - see wipe.h. */
#include "wipe.h"
#include "attr.h"

#include <string.h>

NOINLINE void trix_stack_wipe(void) {
    enum { DEPTH = 768 };
    char below[DEPTH];
    memset(below, 0, sizeof below);
    __asm__ volatile("" : : "r"(below) : "memory");
}
