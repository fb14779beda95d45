/* corpus.c - see corpus.h. What is read goes straight into a leaf object of the collected heap, and stays
 * there as the document's text: the stamp is written in front of it, at the end of a gap left free, so the
 * text mostly begins somewhere inside its object. The collector does not mind.
 */
#include "corpus.h"
#include "text.h"

#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAMP_LINES = 3, STAMP_GAP = 192 };

/* ---- the list ---- */

static void corpus_push(struct corpus *c, const char *path) {
    if (c->files == c->room) {
        uint32_t room = c->room ? c->room * 2 : 256;
        char **bigger = tri_new_array(char *, room);
        if (c->files) tri_memcpy(bigger, c->path, c->files * sizeof(char *));
        tri_set(c->path, bigger);
        c->room = room;
    }
    tri_set(c->path[c->files], tri_strdup(path));
    c->files++;
}

static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

static bool worth_reading(const FTSENT *e) {
    return e->fts_info == FTS_F && e->fts_statp->st_size > 0 && e->fts_statp->st_size <= FILE_MAX;
}

static void corpus_walk(struct corpus *c, char *folder) {
    char *roots[] = {folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (!walk) return;
    for (FTSENT *e; (e = fts_read(walk));)
        if (worth_reading(e)) corpus_push(c, e->fts_path);
    fts_close(walk);
}

struct corpus *corpus_list(char *const *folders, int n) {
    struct corpus *c = tri_new(struct corpus);
    for (int i = 0; i < n; i++) corpus_walk(c, folders[i]);
    return c;
}

/* ---- one file ---- */

static uint32_t read_fully(int fd, char *to, uint32_t size) {
    uint32_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, to + got, size - got);
        if (n <= 0) break;
        got += (uint32_t)n;
    }
    return got;
}

static bool is_text(const char *data, uint32_t len) {
    bool gzip = len > 1 && data[0] == '\x1f' && data[1] == '\x8b';
    return len > 0 && !gzip && !memchr(data, 0, len);
}

/* A fresh leaf object with the file's text after `gap` bytes; NULL if it cannot be read or is no text. */
static char *read_text(const char *path, uint32_t gap, uint32_t *len) {
    struct stat st;
    char *data = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_MAX) {
        data = tri_alloc_leaf(gap + (size_t)st.st_size);
        *len = read_fully(fd, data + gap, (uint32_t)st.st_size);
        if (!is_text(data + gap, *len)) data = NULL;
    }
    close(fd);
    return data;
}

/* ---- stamps ---- */

static uint32_t stamp_lines(uint32_t number) { return 1 + number % STAMP_LINES; }

/* Writes the stamp so that it ends at the end of the gap; returns where it begins. */
static char *stamp(char *gap, uint32_t doc, uint32_t number) {
    char lines[STAMP_GAP];
    int len = 0;
    for (uint32_t i = 0; i < stamp_lines(number); i++)
        len += snprintf(lines + len, sizeof lines - (size_t)len, "tricolor revision%u d%ur%ul%u\n", number,
                        doc, number, i);
    return memcpy(gap + STAMP_GAP - len, lines, (size_t)len);
}

/* Puts what was read, or nothing, in the place of the document's text. */
static bool put_text(struct writer *w, struct doc *doc, char *data, uint32_t len, bool stamped) {
    const struct revision *old = load(doc->now);
    uint32_t number = old ? old->number + 1 : 0;
    if (!stamped) return index_put(w, doc, data, len, 0);
    char *text = stamp(data, doc->id, number);
    return index_put(w, doc, text, (uint32_t)(data + STAMP_GAP - text) + len, stamp_lines(number));
}

bool corpus_index(const struct corpus *c, struct index *index, struct writer *w, uint32_t id, bool stamped) {
    const char *path = c->path[id % c->files], *name = path;
    uint32_t copy = id / c->files, len = 0;
    char *data = read_text(path, stamped ? STAMP_GAP : 0, &len);
    if (!data) return false;
    if (copy > 0) {
        size_t room = strlen(path) + 16;
        char *numbered = tri_alloc_leaf(room);
        snprintf(numbered, room, "%s#%u", path, copy + 1);
        name = numbered;
    }
    return index_add(index, id, name, path) && put_text(w, index_doc(index, id), data, len, stamped);
}

bool corpus_reindex(struct writer *w, struct doc *doc, bool stamped) {
    uint32_t gap = stamped ? STAMP_GAP : 0, len = 0;
    char *data = read_text(doc->path, gap, &len);
    if (!data) {
        data = tri_alloc_leaf(gap + 1);
        len = 0;
    }
    return put_text(w, doc, data, len, stamped);
}
