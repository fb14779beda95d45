/* symbols.c - functions, files and lines of addresses, by elfutils' libdwfl and libdw.
 *
 * An address may be in several functions at once, one inlined into the other: tri_new is in its caller. The DWARF tree tells
 * them, innermost first, each with the line it has got to. Where there is none, the symbol table names the outermost, and
 * that is all.
 *
 * Reading a program's DWARF takes tens of milliseconds, and profiles ask for the same addresses again and again. So what was
 * found is kept, until a module comes or goes; only an address that is new has the files opened again.
 */
#include "debug.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_INLINED = 32 };

struct known {
    uintptr_t address;
    struct symbol *frame; /* NULL: the place in the table is free */
    unsigned n;
};

/* All of it: whoever has opened it, and holds the lock. */
struct symbols {
    pthread_mutex_t lock;
    Dwfl *dwfl;          /* NULL: not needed yet, or not to be had */
    bool opened;
    struct known *known; /* hash table */
    size_t n, size;      /* a power of two */
    struct texts texts;  /* names and files */
    uint64_t changes;    /* of the list of modules, when that was found */
};

static struct symbols symbols = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int count_changes(struct dl_phdr_info *info, size_t size, void *changes) {
    (void)size;
    *(uint64_t *)changes = info->dlpi_adds + info->dlpi_subs;
    return 1;
}

static void forget(struct symbols *s) {
    for (size_t i = 0; i < s->size; i++) free(s->known[i].frame);
    free(s->known);
    trid_texts_free(&s->texts);
    s->known = NULL;
    s->n = s->size = 0;
}

/* What another thread was in the middle of is nobody's in the child. */
static void after_fork(void) { symbols = (struct symbols){.lock = PTHREAD_MUTEX_INITIALIZER}; }
static void watch_forks(void) { pthread_atfork(NULL, NULL, after_fork); }

struct symbols *trid_symbols_open(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct symbols *s = &symbols;
    uint64_t changes = 0;
    pthread_once(&once, watch_forks);
    dl_iterate_phdr(count_changes, &changes);
    pthread_mutex_lock(&s->lock);
    if (changes != s->changes) forget(s);
    s->changes = changes;
    return s;
}

void trid_symbols_close(struct symbols *s) {
    if (s->dwfl) dwfl_end(s->dwfl);
    s->dwfl = NULL;
    s->opened = false;
    pthread_mutex_unlock(&s->lock);
}

/* A program that has been replaced by a newer one while it runs, or removed, can still be opened. */
static int find_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, char **file, Elf **elf) {
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    if (strcmp(exe, name) == 0 && trid_cut_deleted(exe)) {
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        if (fd >= 0) return *file = strdup("/proc/self/exe"), fd;
    }
    return dwfl_linux_proc_find_elf(module, data, name, base, file, elf);
}

static void open_files(struct symbols *s) {
    static char *debug_path;
    static const Dwfl_Callbacks callbacks = {.find_elf = find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo,
                                             .debuginfo_path = &debug_path};
    s->opened = true;
    s->dwfl = dwfl_begin(&callbacks);
    if (!s->dwfl || (dwfl_linux_proc_report(s->dwfl, getpid()) == 0 && dwfl_report_end(s->dwfl, NULL, NULL) == 0)) return;
    dwfl_end(s->dwfl);
    s->dwfl = NULL;
}

/* ---- files ---- */

/* Takes "x/../" and "./" out; what a link stands for stays as it is written in all but odd trees of folders. */
static void tidy(char *path) {
    char *to = path;
    for (const char *from = path; *from;) {
        size_t n = strcspn(from + 1, "/") + 1; /* "/part" */
        if (n == 3 && strncmp(from, "/..", 3) == 0) {
            while (to > path && *--to != '/') {}
        } else if (n > 2 || (n == 2 && from[1] != '.')) {
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    *to = 0;
}

static const char *keep(struct symbols *s, const char *text) {
    if (!text) return NULL;
    size_t i = trid_texts_index(&s->texts, text); /* first: the array may move */
    return s->texts.text[i];
}

/* Names are relative to where the compiler ran. */
static const char *full_path(struct symbols *s, const char *folder, const char *file) {
    char *path = NULL;
    if (!file || file[0] == '/' || !folder || folder[0] != '/' || asprintf(&path, "%s/%s", folder, file) < 0) return keep(s, file);
    tidy(path);
    const char *kept = keep(s, path);
    free(path);
    return kept;
}

/* ---- functions ---- */

static const char *text_of(Dwarf_Die *die, unsigned attribute) {
    Dwarf_Attribute a;
    return dwarf_formstring(dwarf_attr_integrate(die, attribute, &a));
}

static int number_of(Dwarf_Die *die, unsigned attribute) {
    Dwarf_Attribute a;
    Dwarf_Word n = 0;
    return dwarf_formudata(dwarf_attr(die, attribute, &a), &n) == 0 ? (int)n : 0;
}

static const char *call_file(Dwarf_Die *unit, Dwarf_Die *inlined) {
    Dwarf_Files *files;
    size_t n;
    int i = number_of(inlined, DW_AT_call_file);
    return i > 0 && dwarf_getsrcfiles(unit, &files, &n) == 0 && (size_t)i < n ? dwarf_filesrc(files, (size_t)i, NULL, NULL) : NULL;
}

/* All scopes around the address, innermost first, to be freed; 0: none known. */
static int scopes_of(Dwfl_Module *module, Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes) {
    Dwarf_Addr bias;
    Dwarf_Die inner, *first = NULL;
    int n = dwarf_getscopes(unit, address, &first); /* these go on where an inlined function is written, not where it is called */
    if (n <= 0) return 0;
    bool found = dwarf_offdie(dwfl_module_getdwarf(module, &bias), dwarf_dieoffset(&first[0]), &inner) != NULL;
    free(first);
    return found ? dwarf_getscopes_die(&inner, scopes) : 0;
}

/* at: the innermost line; gets name by name. */
static unsigned frames_of(struct symbols *s, Dwfl_Module *module, uintptr_t address, struct symbol at, struct symbol *frame) {
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = dwfl_module_addrdie(module, address, &bias), *scopes = NULL;
    int count = unit ? scopes_of(module, unit, address - bias, &scopes) : 0;
    const char *folder = unit ? text_of(unit, DW_AT_comp_dir) : NULL, *outermost = at.name;
    unsigned n = 0;
    bool whole = false;
    at.file = full_path(s, folder, at.file);
    for (int i = 0; i < count && !whole && n < MOST_INLINED; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
        whole = tag == DW_TAG_subprogram;
        const char *linkage = text_of(&scopes[i], DW_AT_linkage_name);
        at.name = linkage ? linkage : text_of(&scopes[i], DW_AT_name);
        at.name = keep(s, at.name ? at.name : outermost);
        frame[n++] = at;
        if (whole) break;
        at.file = full_path(s, folder, call_file(unit, &scopes[i]));
        at.line = number_of(&scopes[i], DW_AT_call_line);
    }
    free(scopes);
    if (!whole) at.name = keep(s, outermost), frame[n++] = at;
    return n;
}

static struct known find(struct symbols *s, uintptr_t address) {
    struct symbol frame[MOST_INLINED + 1], at = {0};
    struct known found = {.address = address, .n = 1};
    if (!s->opened) open_files(s);
    Dwfl_Module *module = s->dwfl ? dwfl_addrmodule(s->dwfl, address) : NULL;
    frame[0] = at;
    if (module) {
        GElf_Off offset = 0;
        GElf_Sym sym;
        at.name = dwfl_module_addrinfo(module, address, &offset, &sym, NULL, NULL, NULL);
        at.offset = offset;
        Dwfl_Line *line = dwfl_module_getsrc(module, address);
        if (line) at.file = dwfl_lineinfo(line, NULL, &at.line, NULL, NULL, NULL);
        found.n = frames_of(s, module, address, at, frame);
    }
    found.frame = trid_malloc(found.n * sizeof *frame);
    memcpy(found.frame, frame, found.n * sizeof *frame);
    return found;
}

/* ---- what is known ---- */

static struct known *place(const struct symbols *s, uintptr_t address) {
    for (uint64_t i = address * 0x9e3779b97f4a7c15ull >> 32;; i++) {
        struct known *k = &s->known[i & (s->size - 1)];
        if (!k->frame || k->address == address) return k;
    }
}

static void grow(struct symbols *s) {
    struct known *old = s->known;
    size_t size = s->size;
    if (s->n * 2 < size) return;
    s->size = size ? size * 2 : 256;
    s->known = trid_malloc(s->size * sizeof *s->known);
    for (size_t i = 0; i < size; i++)
        if (old[i].frame) *place(s, old[i].address) = old[i];
    free(old);
}

const struct symbol *trid_symbol_frames(struct symbols *s, uintptr_t address, unsigned *n) {
    grow(s);
    struct known *k = place(s, address);
    if (!k->frame) *k = find(s, address), s->n++;
    *n = k->n;
    return k->frame;
}

struct symbol trid_symbol(struct symbols *s, uintptr_t address) {
    unsigned n;
    const struct symbol *frame = trid_symbol_frames(s, address, &n);
    return frame[n - 1];
}

bool trid_symbol_internal(const struct symbol *s, uintptr_t address) {
    uintptr_t lo, hi;
    if (s->name && (strncmp(s->name, "trix_", 5) == 0 || strncmp(s->name, "tri__", 5) == 0)) return true;
    trid_core()->code(&lo, &hi);
    return address - lo < hi - lo && !(s->name && strncmp(s->name, "tri_", 4) == 0);
}
