/* mapped.c - tri_map_file: a file's pages in the place of a large object's.
 *
 * The object is an entry in the map of the heap like any other large leaf, so pointers into it keep it alive; its memory
 * is the page cache's, so it counts neither for the heap's goal nor for the memory limit. When it dies, by sweep or tri_free,
 * anonymous memory is mapped over it and its pages are free again (heap/large.c).
 *
 * A page of the mapping that the file does not have any more raises SIGBUS when touched. That ends the program by saying
 * so, with the file's name as /proc/self/maps has it; another SIGBUS is the program's own handler's, or the system's.
 */
#include "life.h"
#include "../base/fmt.h"
#include "../heap/large.h"
#include "../host/host.h"
#include "../os/os.h"
#include "../../include/tricolor/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert((int)TRI_MAP_READ == (int)OS_MAP_READ && (int)TRI_MAP_COPY == (int)OS_MAP_COPY &&
                   (int)TRI_MAP_SHARED == (int)OS_MAP_SHARED, "one meaning each");

/* ---- the fault ---- */

/* Looks a line of /proc/self/maps over: the path of the mapping that the address is in, or NULL. */
static const char *path_in_line(const char *line, uintptr_t at) {
    uintptr_t bound[2] = {0, 0};
    for (int i = 0; i < 2; i++, line++)
        for (; *line && *line != '-' && *line != ' '; line++)
            bound[i] = bound[i] << 4 | (uintptr_t)(*line <= '9' ? *line - '0' : (*line | 32) - 'a' + 10);
    return at >= bound[0] && at < bound[1] ? strchr(line, '/') : NULL;
}

/* In a signal handler: system calls only. `path` gets the name of the file mapped at the address, or "?". */
static void find_path(uintptr_t at, char *path, size_t size) {
    char line[4096 + 128];
    size_t n = 0;
    char c;
    int fd = trix_os_open("/proc/self/maps", O_RDONLY);
    strcpy(path, "?");
    while (fd >= 0 && syscall(SYS_read, fd, &c, 1) == 1) {
        if (c != '\n') {
            if (n < sizeof line - 1) line[n++] = c;
            continue;
        }
        line[n] = 0;
        n = 0;
        const char *found = path_in_line(line, at);
        if (!found) continue;
        strncpy(path, found, size - 1);
        path[size - 1] = 0;
        break;
    }
    if (fd >= 0) trix_os_close(fd);
}

static void on_bus_error(const siginfo_t *info, const void *context) {
    char path[512];
    uintptr_t at = (uintptr_t)info->si_addr;
    if (!map_contains(at)) return;
    uint32_t page = trix_map_span(map_page_of(at));
    if (!page || !page_is_file(page)) return;
    find_path(at, path, sizeof path);
    trix_print(2, "accessed a mapped file beyond its end: byte %lu of %s, of which %lu were mapped by tri_map_file; it was "
                  "truncated since, or cannot be read\n[signal SIGBUS: code=%d addr=%p pc=%p]\n",
               at - map_address(page), path, map_page(page)->large.bytes, info->si_code, (void *)at,
               (void *)trix_os_context_pc(context));
    trix_fatal("fault");
}

static void watch(void) {
    static uint32_t watched;
    if (LIKELY(load_acquire(&watched)) || swap_seq(&watched, 1)) return;
    trix_signals_watch_faults(SIGBUS, on_bus_error);
}

/* ---- the call ---- */

static void *map_regular(int fd, const struct stat *s, size_t *len, int how) {
    *len = (size_t)s->st_size;
    if (s->st_size == 0) return tri_alloc_leaf(16);
    struct gate *g = gate_enter();
    void *p = trix_large_map_file(g, fd, *len, how);
    if (!p && errno == ENOMEM) { /* mappings are few, as is address space: those that nobody can reach any more go */
        trix_gate_exhausted(g, *len, 0);
        p = trix_large_map_file(g, fd, *len, how);
    }
    if (p) trix_large_sample(g, p, PAGE_SIZE, PAGE_SIZE);
    gate_leave(g);
    return p;
}

static int refusal(const struct stat *s) { return S_ISREG(s->st_mode) ? 0 : S_ISDIR(s->st_mode) ? EISDIR : ENODEV; }

EXPORT void *tri_map_file(const char *path, size_t *len, int flags) {
    struct stat s;
    size_t unwanted;
    if (flags < TRI_MAP_READ || flags > TRI_MAP_SHARED) {
        errno = EINVAL;
        return NULL;
    }
    watch();
    int fd = trix_os_open(path, (flags == TRI_MAP_SHARED ? O_RDWR : O_RDONLY) | O_NONBLOCK);
    if (fd < 0) return NULL;
    int error = fstat(fd, &s) == 0 ? refusal(&s) : errno;
    void *p = error ? NULL : map_regular(fd, &s, len ? len : &unwanted, flags);
    if (!error && !p) error = errno;
    trix_os_close(fd);
    if (!p) errno = error;
    return p;
}
