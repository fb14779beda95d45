/* symbols.h - names of functions for traces: see symbols.c. */
#ifndef TRIX_SYMBOLS_H
#define TRIX_SYMBOLS_H

#include "../base/attr.h"

#include <dlfcn.h>

/* A module's table of symbols, open while a trace is printed; all zero: none. On the stack of who prints. */
struct symbols {
    const void *module; /* its base, once it has been tried */
    const uint8_t *file;
    size_t bytes;
    uintptr_t bias; /* address of what has address 0 in the file */
    const void *table;
    size_t count;
    const char *names;
    size_t names_bytes;
};

/* The function that the address lies in, or NULL. The module is what dladdr says of it. Valid until the next call, or
 * symbols_close. Async-signal-safe. */
const char *trix_symbols_find(struct symbols *s, const Dl_info *module, uintptr_t pc);
void trix_symbols_close(struct symbols *s);

#endif
