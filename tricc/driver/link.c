/* link.c - what goes into a link, and which of it was not compiled by tricc.
 *
 * Each object of tricc carries an ELF note in the section .note.tricolor (compile.c); a module of bitcode, under -flto, carries the module
 * flag it is made from. What has neither stores without barriers: harmless as long as it keeps pointers to collected memory in
 * its own globals and on the stack, where the collector looks again before it ends; not so when it stores them into collected
 * objects. Under -Wtri-plain and -v each such input is named. The C library, the compiler's own objects and tricolor
 * are known, and not looked at.
 */
#include "driver.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION ".note.tricolor"

struct bytes {
    const char *at;
    size_t n;
};

enum origin { BY_TRICC, PLAIN, UNKNOWN }; /* UNKNOWN: a linker script, another machine's */

/* ---- one object ---- */

static bool within(struct bytes f, uint64_t offset, uint64_t n) { return offset <= f.n && n <= f.n - offset; }

static enum origin origin_of_elf(struct bytes f) {
    Elf64_Ehdr h;
    Elf64_Shdr names, s;
    if (f.n < sizeof h) return UNKNOWN;
    memcpy(&h, f.at, sizeof h);
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_shentsize != sizeof s || !within(f, h.e_shoff, (uint64_t)h.e_shnum * sizeof s)) return UNKNOWN;
    if (h.e_shstrndx >= h.e_shnum) return UNKNOWN;
    memcpy(&names, f.at + h.e_shoff + h.e_shstrndx * sizeof s, sizeof names);
    if (!within(f, names.sh_offset, names.sh_size)) return UNKNOWN;
    for (unsigned i = 0; i < h.e_shnum; i++) {
        memcpy(&s, f.at + h.e_shoff + i * sizeof s, sizeof s);
        if (within((struct bytes){NULL, names.sh_size}, s.sh_name, sizeof SECTION) &&
            memcmp(f.at + names.sh_offset + s.sh_name, SECTION, sizeof SECTION) == 0)
            return BY_TRICC;
    }
    return PLAIN;
}

static enum origin origin_of_bitcode(const char *path) {
    int done = passes_load()->done(path);
    return done < 0 ? UNKNOWN : done ? BY_TRICC : PLAIN;
}

static bool begins(struct bytes f, const char *magic, size_t n) { return f.n >= n && memcmp(f.at, magic, n) == 0; }

static enum origin origin_of(struct bytes f, const char *path) {
    if (begins(f, ELFMAG, SELFMAG)) return origin_of_elf(f);
    if (path && (begins(f, "BC\xc0\xde", 4) || begins(f, "\xde\xc0\x17\x0b", 4))) return origin_of_bitcode(path);
    return UNKNOWN;
}

/* ---- archives: "!<arch>\n", then members with a header of 60 bytes each ---- */

enum { HEADER = 60, NAME = 16, SIZE_AT = 48, DIGITS = 10 };

/* The member's name: behind the header, "/123" is a place in the table of long names. */
static void member_name(char *to, size_t room, const char *header, struct bytes names) {
    struct bytes from = {header, NAME};
    if (header[0] == '/' && header[1] >= '0' && header[1] <= '9') {
        size_t at = strtoul(header + 1, NULL, 10);
        from = at < names.n ? (struct bytes){names.at + at, names.n - at} : (struct bytes){"?", 1};
    }
    size_t n = 0;
    while (n < from.n && n + 1 < room && from.at[n] != '/' && from.at[n] != '\n') to[n] = from.at[n], n++;
    to[n] = 0;
}

/* Calls `each` for every object in the archive. */
static void each_member(struct bytes f, const char *path, void (*each)(const char *archive, const char *member, enum origin)) {
    struct bytes names = {"", 0};
    for (size_t at = 8; at + HEADER <= f.n;) {
        const char *header = f.at + at;
        char digits[DIGITS + 1] = {0}, name[256];
        memcpy(digits, header + SIZE_AT, DIGITS);
        size_t n = strtoul(digits, NULL, 10);
        at += HEADER;
        if (n > f.n - at) break;
        struct bytes content = {f.at + at, n};
        at += n + (n & 1);
        if (header[0] == '/' && header[1] == '/') names = content;
        if (header[0] == '/' && (header[1] == ' ' || header[1] == '/' || header[1] == 'S')) continue; /* the tables */
        member_name(name, sizeof name, header, names);
        each(path, name, origin_of(content, NULL));
    }
}

static void say_plain(const char *path, const char *member, enum origin origin) {
    if (origin != PLAIN) return;
    fprintf(stderr, "tricc: note: '%s%s%s%s' was not compiled by tricc: its stores have no barriers [-Wtri-plain]\n", path,
            member ? "(" : "", member ? member : "", member ? ")" : "");
}

/* ---- inputs ---- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* libm.so.6, libm-2.36.a and -lm are the same. */
static bool is_known(const char *path) {
    static const char *const libraries[] = {"c", "m", "gcc", "gcc_s", "gcc_eh", "pthread", "rt", "dl", "util", "resolv", "tricolor", "tricolor-debug", "atomic", "c_nonshared", "anl", "mvec"};
    const char *name = base_name(path);
    if (strncmp(name, "crt", 3) == 0 || strncmp(name, "Scrt", 4) == 0 || strncmp(name, "gcrt", 4) == 0 || strncmp(name, "rcrt", 4) == 0) return true;
    if (strncmp(name, "clang_rt", 8) == 0 || strncmp(name, "libclang_rt", 11) == 0) return true;
    if (strncmp(name, "lib", 3)) return false;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        size_t n = strlen(libraries[i]);
        if (strncmp(name + 3, libraries[i], n) == 0 && (name[3 + n] == '.' || (name[3 + n] == '-' && name[4 + n] >= '0' && name[4 + n] <= '9'))) return true;
    }
    return false;
}

static void look_at(const char *path) {
    struct stat s;
    int fd = is_known(path) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    void *at = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size ? mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (at == MAP_FAILED) return;
    struct bytes f = {at, (size_t)s.st_size};
    if (begins(f, "!<arch>\n", 8)) each_member(f, path, say_plain);
    else say_plain(path, NULL, origin_of(f, path));
    munmap(at, f.n);
}

/* -lname: the first of libname.so and libname.a along -L. */
static void look_for(const char *name, const struct list *argv, bool only_static) {
    for (size_t i = 0; i < argv->n; i++) {
        if (strncmp(argv->item[i], "-L", 2) || !argv->item[i][2]) continue;
        for (int dynamic = !only_static; dynamic >= 0; dynamic--) {
            char *path = text("%s/lib%s.%s", argv->item[i] + 2, name, dynamic ? "so" : "a");
            if (access(path, R_OK) == 0) {
                look_at(path);
                return;
            }
            free(path);
        }
    }
}

static bool takes_next(const char *arg) {
    static const char *const names[] = {"-o", "-m", "-dynamic-linker", "-z", "-soname", "-h", "-rpath", "-T", "-e", "-u", "-plugin", "-y", "-Map", "--version-script", "-L", "-rpath-link"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(arg, names[i]) == 0) return true;
    return false;
}

void link_check(const struct job *j, const struct command *c) {
    if (!c->options.warn_plain && !c->verbose) return;
    bool only_static = false;
    for (size_t i = 1; i < j->argv.n; i++) {
        const char *arg = j->argv.item[i];
        if (takes_next(arg)) i++;
        else if (strcmp(arg, "-Bstatic") == 0 || strcmp(arg, "-static") == 0) only_static = true;
        else if (strcmp(arg, "-Bdynamic") == 0) only_static = false;
        else if (strncmp(arg, "-l", 2) == 0 && arg[2]) look_for(arg + 2, &j->argv, only_static);
        else if (*arg != '-') look_at(arg);
    }
}
