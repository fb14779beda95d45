/* strings.c - calls of the C library that hand out memory for the program to free: the copies the program gets are
 * collected. See managed.h.
 *
 * Where libc makes the block itself, its own is copied and given back, so that a leak, a second free or a use after it is as
 * harmless here as anywhere. What libc stores through a pointer (a line and its size) is stored here instead, with the
 * barrier: the place may be in the heap.
 */
#include "managed.h"
#include "../../include/tricolor/barrier.h"
#include "../../include/tricolor/control.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* ---- copies ---- */

static void *copy(const void *from, size_t bytes) {
    void *p = tri__malloc_leaf(bytes);
    return p ? memcpy(p, from, bytes) : NULL;
}

HIDDEN char *tri__strdup(const char *s) { return copy(s, strlen(s) + 1); }
HIDDEN wchar_t *tri__wcsdup(const wchar_t *s) { return copy(s, (wcslen(s) + 1) * sizeof *s); }

HIDDEN char *tri__strndup(const char *s, size_t most) {
    size_t n = strnlen(s, most);
    char *p = tri__malloc_leaf(n + 1); /* zeroed */
    return p ? memcpy(p, s, n) : NULL;
}

/* A string of libc's becomes one of ours. */
static char *adopt(char *theirs) {
    if (!theirs) return NULL;
    char *ours = tri__strdup(theirs);
    int saved = errno;
    free(theirs);
    errno = saved;
    return ours;
}

HIDDEN char *tri__getcwd(char *to, size_t bytes) {
    if (to) return getcwd(to, bytes);
    char *theirs = getcwd(NULL, bytes);
    char *ours = theirs ? tri__malloc_leaf(bytes > strlen(theirs) ? bytes : strlen(theirs) + 1) : NULL;
    if (ours) strcpy(ours, theirs);
    free(theirs);
    return ours;
}
HIDDEN char *tri__realpath(const char *path, char *to) { return to ? realpath(path, to) : adopt(realpath(path, NULL)); }
HIDDEN char *tri__canonicalize_file_name(const char *path) { return adopt(realpath(path, NULL)); }
HIDDEN char *tri__get_current_dir_name(void) { return adopt(get_current_dir_name()); }

/* ---- formatting ---- */

static int format(char **where, char *theirs, int n) {
    char *ours = n >= 0 ? copy(theirs, (size_t)n + 1) : NULL;
    if (n >= 0) free(theirs);
    tri_set(*where, ours);
    return ours ? n : -1;
}

HIDDEN int tri__vasprintf(char **where, const char *text, va_list args) {
    char *theirs;
    int n = vasprintf(&theirs, text, args);
    return format(where, theirs, n);
}

HIDDEN int tri__asprintf(char **where, const char *text, ...) {
    va_list args;
    va_start(args, text);
    int n = tri__vasprintf(where, text, args);
    va_end(args);
    return n;
}

extern int __vasprintf_chk(char **, int, const char *, va_list);

HIDDEN int tri__vasprintf_chk(char **where, int flag, const char *text, va_list args) {
    char *theirs;
    int n = __vasprintf_chk(&theirs, flag, text, args);
    return format(where, theirs, n);
}

HIDDEN int tri__asprintf_chk(char **where, int flag, const char *text, ...) {
    va_list args;
    va_start(args, text);
    int n = tri__vasprintf_chk(where, flag, text, args);
    va_end(args);
    return n;
}

/* ---- lines ---- */

/* Room for `need` bytes in the program's buffer. */
static char *line_room(char **line, size_t *room, size_t need) {
    if (*line && *room >= need) return *line;
    size_t more = need < 120 ? 120 : need;
    if (*line && more < *room * 2) more = *room * 2;
    char *to = *line ? tri__realloc(*line, more) : tri__malloc_leaf(more);
    if (!to) return NULL;
    tri_set(*line, to);
    *room = more;
    return to;
}

HIDDEN ssize_t tri__getdelim(char **line, size_t *room, int delimiter, FILE *from) {
    char *theirs = NULL, *to = NULL;
    size_t got = 0;
    if (!line || !room) {
        errno = EINVAL;
        return -1;
    }
    ssize_t n = getdelim(&theirs, &got, delimiter, from);
    int saved = errno;
    if (n >= 0 && (to = line_room(line, room, (size_t)n + 1))) memcpy(to, theirs, (size_t)n + 1);
    else if (n >= 0) saved = ENOMEM;
    free(theirs);
    errno = saved;
    return to ? n : -1;
}

HIDDEN ssize_t tri__getline(char **line, size_t *room, FILE *from) { return tri__getdelim(line, room, '\n', from); }

/* ---- folders ---- */

static struct dirent **adopt_entries(struct dirent **theirs, int n) {
    struct dirent **ours = tri__malloc((size_t)(n ? n : 1) * sizeof *ours);
    for (int i = 0; i < n; i++) {
        struct dirent *entry = ours ? copy(theirs[i], theirs[i]->d_reclen) : NULL;
        if (entry) tri_set(ours[i], entry);
        else ours = NULL;
        free(theirs[i]);
    }
    free(theirs);
    return ours;
}

HIDDEN int tri__scandirat(int folder, const char *path, struct dirent ***where, int (*filter)(const struct dirent *),
                          int (*compare)(const struct dirent **, const struct dirent **)) {
    struct dirent **theirs;
    int n = scandirat(folder, path, &theirs, filter, compare);
    if (n < 0) return n;
    struct dirent **ours = adopt_entries(theirs, n);
    if (!ours) return -1;
    tri_set(*where, ours);
    return n;
}

HIDDEN int tri__scandir(const char *path, struct dirent ***where, int (*filter)(const struct dirent *),
                        int (*compare)(const struct dirent **, const struct dirent **)) {
    return tri__scandirat(-100 /* AT_FDCWD */, path, where, filter, compare);
}

/* ---- a stream into memory ---- */

struct memory_stream {
    char **where;
    size_t *bytes;
    char *buffer;
    size_t room, end, at;
};

/* What the program sees after fflush and fclose: up to the place of writing, but no further than the end. */
static void stream_publish(struct memory_stream *s) {
    tri_set(*s->where, s->buffer);
    *s->bytes = s->at < s->end ? s->at : s->end;
}

/* Room for `need` bytes and the zero behind them. */
static bool stream_grow(struct memory_stream *s, size_t need) {
    if (need < s->room) return true;
    size_t room = need + need / 2 + 128;
    char *buffer = tri__malloc_leaf(room);
    if (!buffer) return false;
    if (s->end) memcpy(buffer, s->buffer, s->end);
    tri_set(s->buffer, buffer);
    s->room = room;
    return true;
}

static ssize_t stream_write(void *cookie, const char *from, size_t bytes) {
    struct memory_stream *s = cookie;
    if (!stream_grow(s, s->at + bytes)) return 0;
    memcpy(s->buffer + s->at, from, bytes);
    s->at += bytes;
    if (s->at > s->end) s->end = s->at;
    stream_publish(s);
    return (ssize_t)bytes;
}

static int stream_seek(void *cookie, off64_t *offset, int whence) {
    struct memory_stream *s = cookie;
    size_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->end;
    if (*offset < 0 ? (size_t)-*offset > from : !stream_grow(s, from + (size_t)*offset)) return -1;
    s->at = from + (size_t)*offset;
    *offset = (off64_t)s->at;
    stream_publish(s);
    return 0;
}

static int stream_close(void *cookie) {
    stream_publish(cookie);
    tri_unpin(cookie);
    return 0;
}

HIDDEN FILE *tri__open_memstream(char **where, size_t *bytes) {
    struct memory_stream *s = tri__malloc(sizeof *s);
    if (!s) return NULL;
    tri_set(s->where, where);
    tri_set(s->bytes, bytes);
    if (!stream_grow(s, 0)) return NULL;
    FILE *f = fopencookie(s, "w", (cookie_io_functions_t){.write = stream_write, .seek = stream_seek, .close = stream_close});
    if (!f) return NULL;
    tri_pin(s); /* libc has it in a block that is not looked at, in a plugin whose host has malloc from elsewhere */
    stream_publish(s);
    return f;
}
