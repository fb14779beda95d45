/* symbols.c - names of functions that dladdr does not know: those that are not exported, static ones above all.
 *
 * The loader keeps only the symbols that other modules may ask for. The others, unless the program has been stripped, are in
 * its file: sections .symtab and .strtab, which are not part of the image. So the file is mapped while a trace is printed.
 * It may be gone, or be another one by now (a program rebuilt while it runs): it counts only when its program headers are those in
 * memory. Nothing in it is trusted: each offset is checked against its size.
 */
#include "symbols.h"
#include "../os/os.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

static bool has(const struct symbols *s, uint64_t offset, uint64_t bytes) { return offset <= s->bytes && bytes <= s->bytes - offset; }

static const ElfW(Ehdr) *header(const struct symbols *s) { return (const void *)s->file; }

static bool map_file(struct symbols *s, const char *path) {
    struct stat about;
    int fd = trix_os_open(path, O_RDONLY);
    if (fd < 0) return false;
    bool readable = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && (size_t)about.st_size > sizeof(ElfW(Ehdr));
    void *file = readable ? mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    trix_os_close(fd);
    if (file == MAP_FAILED) return false;
    s->file = file;
    s->bytes = (size_t)about.st_size;
    return true;
}

/* Whether the headers are those that were loaded at the base. */
static bool is_loaded(const struct symbols *s, const void *base) {
    uint8_t loaded[4096];
    const ElfW(Ehdr) *h = header(s);
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_phentsize != sizeof(ElfW(Phdr)) || h->e_phoff < sizeof *h ||
        h->e_phoff > sizeof loaded)
        return false;
    size_t end = h->e_phoff + h->e_phnum * sizeof(ElfW(Phdr));
    if (end > sizeof loaded || !has(s, 0, end)) return false;
    return trix_os_read_self(loaded, base, end) == end && memcmp(loaded, s->file, end) == 0;
}

static uintptr_t bias_of(const struct symbols *s, uintptr_t base) {
    const ElfW(Phdr) *p = (const void *)(s->file + header(s)->e_phoff);
    for (int i = 0; i < header(s)->e_phnum; i++)
        if (p[i].p_type == PT_LOAD) return base - round_down(p[i].p_vaddr, trix_os_page);
    return base;
}

static bool find_table(struct symbols *s) {
    const ElfW(Ehdr) *h = header(s);
    const ElfW(Shdr) *section = (const void *)(s->file + h->e_shoff);
    if (h->e_shentsize != sizeof *section || h->e_shoff % 8 || !has(s, h->e_shoff, h->e_shnum * sizeof *section)) return false;
    for (int i = 0; i < h->e_shnum; i++) {
        if (section[i].sh_type != SHT_SYMTAB || section[i].sh_link >= h->e_shnum) continue;
        const ElfW(Shdr) *names = &section[section[i].sh_link];
        if (section[i].sh_offset % 8 || !has(s, section[i].sh_offset, section[i].sh_size) || !names->sh_size ||
            !has(s, names->sh_offset, names->sh_size))
            return false;
        s->table = s->file + section[i].sh_offset;
        s->count = section[i].sh_size / sizeof(ElfW(Sym));
        s->names = (const char *)s->file + names->sh_offset;
        s->names_bytes = names->sh_size;
        return s->names[s->names_bytes - 1] == 0;
    }
    return false;
}

void trix_symbols_close(struct symbols *s) {
    if (s->file) munmap((void *)(uintptr_t)s->file, s->bytes);
    *s = (struct symbols){0};
}

/* The program's own name may be relative to a folder it has left. */
static const char *path_of(const Dl_info *module) {
    Dl_info program;
    bool is_program = dladdr((void *)getauxval(AT_PHDR), &program) && program.dli_fbase == module->dli_fbase;
    return is_program ? "/proc/self/exe" : module->dli_fname;
}

static void open_module(struct symbols *s, const Dl_info *module) {
    trix_symbols_close(s);
    bool good = map_file(s, path_of(module)) && is_loaded(s, module->dli_fbase) && find_table(s);
    if (!good) trix_symbols_close(s);
    else s->bias = bias_of(s, (uintptr_t)module->dli_fbase);
    s->module = module->dli_fbase;
}

/* ---- looking ---- */

const char *trix_symbols_find(struct symbols *s, const Dl_info *module, uintptr_t pc) {
    if (s->module != module->dli_fbase) open_module(s, module);
    const ElfW(Sym) *sym = s->table;
    for (size_t i = 0; i < s->count; i++) {
        if (ELF64_ST_TYPE(sym[i].st_info) != STT_FUNC || pc - s->bias - sym[i].st_value >= sym[i].st_size) continue;
        return sym[i].st_name < s->names_bytes ? s->names + sym[i].st_name : NULL;
    }
    return NULL;
}
