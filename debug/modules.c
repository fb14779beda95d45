/* modules.c - what is mapped where, as profiles tell it: the executable mappings of files, with the build id by which pprof
 * finds the file again. */
#include "debug.h"

#include <elf.h>
#include <inttypes.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

bool trid_cut_deleted(char *file) {
    static const char suffix[] = " (deleted)";
    size_t n = strlen(file), cut = sizeof suffix - 1;
    if (n < cut || strcmp(file + n - cut, suffix) != 0) return false;
    file[n - cut] = 0;
    return true;
}

/* A line of /proc/self/maps: "start-limit perms offset dev inode file". */
static bool parse_line(char *line, struct module *m) {
    char perms[5];
    int at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &m->start, &m->limit, perms, &m->offset, &at) < 4)
        return false;
    if (perms[2] != 'x' || !at) return false;
    line[strcspn(line, "\n")] = 0;
    m->file = line + at;
    trid_cut_deleted(m->file); /* as in Go */
    return true;
}

static void set_build_id(struct module *m, const uint8_t *id, size_t n) {
    for (size_t i = 0; i < n && i < 32; i++) snprintf(m->build_id + 2 * i, 3, "%02x", id[i]);
}

/* Notes: name and description, each padded to 4 bytes. */
static void find_build_id(struct module *m, const uint8_t *at, size_t size) {
    while (size >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        size_t name = (note->n_namesz + 3u) & ~3u, all = sizeof *note + name + ((note->n_descsz + 3u) & ~3u);
        if (all > size) return;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(note + 1, "GNU", 4) == 0)
            set_build_id(m, at + sizeof *note + name, note->n_descsz);
        at += all;
        size -= all;
    }
}

static int note_object(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    struct modules *all = arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
        struct module *m = (struct module *)(uintptr_t)trid_modules_find(all, info->dlpi_addr + p->p_vaddr);
        if (!m) continue;
        for (int k = 0; k < info->dlpi_phnum; k++) {
            const ElfW(Phdr) *note = &info->dlpi_phdr[k];
            if (note->p_type == PT_NOTE) find_build_id(m, (const uint8_t *)(info->dlpi_addr + note->p_vaddr), note->p_memsz);
        }
    }
    return 0;
}

void trid_modules_read(struct modules *m) {
    *m = (struct modules){0};
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) return;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, maps) > 0) {
        struct module one = {0};
        if (!parse_line(line, &one)) continue;
        m->module = trid_grow(m->module, m->n, &m->capacity, sizeof *m->module);
        one.file = strdup(one.file);
        m->module[m->n++] = one;
    }
    free(line);
    fclose(maps);
    dl_iterate_phdr(note_object, m);
}

void trid_modules_free(struct modules *m) {
    for (size_t i = 0; i < m->n; i++) free(m->module[i].file);
    free(m->module);
}

const struct module *trid_modules_find(const struct modules *m, uint64_t address) {
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->module[middle].limit <= address) low = middle + 1;
        else high = middle;
    }
    return low < m->n && m->module[low].start <= address ? &m->module[low] : NULL;
}
