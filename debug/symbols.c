/* symbols.c - names, files and lines by elfutils' libdwfl, for what is printed. Profiles for pprof carry addresses and
 * mappings, which it resolves itself, inlined calls included. */
#include "debug.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct symbols {
    Dwfl *dwfl;
};

struct symbols *trid_symbols_open(void) {
    static char *debug_path;
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo,
                                             .debuginfo_path = &debug_path};
    struct symbols *s = trid_malloc(sizeof *s);
    s->dwfl = dwfl_begin(&callbacks);
    if (s->dwfl && (dwfl_linux_proc_report(s->dwfl, getpid()) != 0 || dwfl_report_end(s->dwfl, NULL, NULL) != 0)) {
        dwfl_end(s->dwfl);
        s->dwfl = NULL;
    }
    return s;
}

void trid_symbols_close(struct symbols *s) {
    if (s->dwfl) dwfl_end(s->dwfl);
    free(s);
}

struct symbol trid_symbol(struct symbols *s, uintptr_t address) {
    struct symbol out = {0};
    Dwfl_Module *module = s->dwfl ? dwfl_addrmodule(s->dwfl, address) : NULL;
    if (!module) return out;
    GElf_Off offset = 0;
    GElf_Sym sym;
    out.name = dwfl_module_addrinfo(module, address, &offset, &sym, NULL, NULL, NULL);
    out.offset = offset;
    Dwfl_Line *line = dwfl_module_getsrc(module, address);
    if (line) out.file = dwfl_lineinfo(line, NULL, &out.line, NULL, NULL, NULL);
    return out;
}

bool trid_symbol_internal(const struct symbol *s, uintptr_t address) {
    uintptr_t lo, hi;
    if (s->name && strncmp(s->name, "trix_", 5) == 0) return true;
    trid_core()->code(&lo, &hi);
    return address - lo < hi - lo && !(s->name && strncmp(s->name, "tri_", 4) == 0);
}
