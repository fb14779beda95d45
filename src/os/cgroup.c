/* cgroup.c - the memory limit of the container this process is in: the lowest of its control group and all groups around it.
 *
 * Two files say where to look. /proc/self/cgroup names the group, one line for each hierarchy:
 *
 *     0::/user.slice/app                   version 2, one hierarchy for all
 *     4:memory:/docker/2f1a                version 1, the hierarchy with the memory controller
 *
 * /proc/self/mountinfo says where a hierarchy is mounted, and which group is seen at the mount point (field 4; in a
 * container often not the topmost):
 *
 *     35 32 0:32 /docker/2f1a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
 *
 * From there the limits are read upwards, memory.max or memory.limit_in_bytes, to the mount point; what is beyond it cannot
 * be seen. Version 1 has its sum in memory.stat as well, which sees beyond: hierarchical_memory_limit.
 */
#include "os.h"
#include "../base/fmt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TEXT = 64 << 10, PATH = 4096 };
#define NO_LIMIT UINT64_MAX
#define V1_NONE  ((uint64_t)1 << 60) /* and above: version 1 says "none" by a number near 2^63 */

/* The file's beginning as a string; false when it cannot be read. */
static bool read_text(const char *path, char *text, size_t size) {
    int fd = trix_os_open(path, O_RDONLY);
    size_t used = 0;
    if (fd < 0) return false;
    for (long n; used < size - 1 && (n = syscall(SYS_read, fd, text + used, size - 1 - used)) > 0;) used += (size_t)n;
    trix_os_close(fd);
    text[used] = 0;
    return used > 0;
}

/* The next line of *text, cut off; NULL at the end. */
static char *next_line(char **text) {
    char *line = *text;
    if (!line || !*line) return NULL;
    char *end = strchr(line, '\n');
    *text = end ? end + 1 : NULL;
    if (end) *end = 0;
    return line;
}

static uint64_t number(const char *p) {
    uint64_t n = 0;
    if (*p < '0' || *p > '9') return NO_LIMIT; /* "max" */
    for (; *p >= '0' && *p <= '9' && n < V1_NONE; p++) n = n * 10 + (uint64_t)(*p - '0');
    return n >= V1_NONE ? NO_LIMIT : n;
}

/* Whether `word` is one of those in the list, separated by commas. */
static bool listed(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == 0)) return true;
    return false;
}

/* The group's path in the hierarchy, cut out of /proc/self/cgroup's text; NULL: not there. */
static char *group_of(char *text, bool v2) {
    for (char *line; (line = next_line(&text));) {
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) continue;
        *path++ = 0;
        if (v2 ? controllers[1] == 0 : listed(controllers + 1, "memory")) return path;
    }
    return NULL;
}

struct mount {
    char *root, *at; /* the group seen at the mount point; the mount point */
};

/* The hierarchy's mount, cut out of the text of /proc/self/mountinfo. */
static bool mount_of(char *text, bool v2, struct mount *m) {
    for (char *line; (line = next_line(&text));) {
        char *field[6], *rest = strstr(line, " - "), *save = NULL;
        int n = 0;
        if (!rest) continue;
        *rest = 0;
        for (char *f = strtok_r(line, " ", &save); f && n < 6; f = strtok_r(NULL, " ", &save)) field[n++] = f;
        char *type = strtok_r(rest + 3, " ", &save), *source = strtok_r(NULL, " ", &save);
        char *options = source ? strtok_r(NULL, " ", &save) : NULL;
        if (n < 5 || !type || !options) continue;
        if (v2 ? strcmp(type, "cgroup2") != 0 : strcmp(type, "cgroup") != 0 || !listed(options, "memory")) continue;
        *m = (struct mount){field[3], field[4]};
        return true;
    }
    return false;
}

/* The group's path below the mount point: without what the mount point stands for; a group above it is seen as it. */
static const char *below_mount(const char *group, const struct mount *m) {
    size_t n = strlen(m->root);
    if (n == 1) return strncmp(group, "/..", 3) == 0 ? "" : group;
    if (strncmp(group, m->root, n) == 0 && (group[n] == '/' || group[n] == 0)) return group + n;
    return "";
}

static uint64_t read_number(const char *directory, const char *file) {
    char path[PATH], text[64];
    struct text t = text_over(path, sizeof path - 1);
    trix_text_add(&t, "%s/%s", directory, file);
    *t.at = 0;
    return read_text(path, text, sizeof text) ? number(text) : NO_LIMIT;
}

static uint64_t read_stat(const char *directory, char *text) {
    static const char word[] = "hierarchical_memory_limit ";
    char path[PATH];
    struct text t = text_over(path, sizeof path - 1);
    trix_text_add(&t, "%s/memory.stat", directory);
    *t.at = 0;
    if (!read_text(path, text, TEXT)) return NO_LIMIT;
    const char *at = strstr(text, word);
    return at ? number(at + sizeof word - 1) : NO_LIMIT;
}

/* The lowest limit from the group's directory up to the mount point, of `top` characters. */
static uint64_t lowest(char *directory, size_t top, const char *file) {
    uint64_t limit = NO_LIMIT;
    for (;;) {
        limit = min_u64(limit, read_number(directory, file));
        char *slash = strrchr(directory, '/');
        if (strlen(directory) <= top || !slash) return limit;
        *slash = 0;
    }
}

static uint64_t hierarchy_limit(const char *root, bool v2, char *text) {
    char group[PATH], directory[PATH], path[PATH];
    struct mount m;
    struct text t = text_over(path, sizeof path - 1);
    trix_text_add(&t, "%s/proc/self/cgroup", root);
    *t.at = 0;
    char *found = read_text(path, text, TEXT) ? group_of(text, v2) : NULL;
    if (!found || strlen(found) >= sizeof group) return NO_LIMIT;
    strcpy(group, found);
    t = text_over(path, sizeof path - 1);
    trix_text_add(&t, "%s/proc/self/mountinfo", root);
    *t.at = 0;
    if (!read_text(path, text, TEXT) || !mount_of(text, v2, &m)) return NO_LIMIT;
    t = text_over(directory, sizeof directory - 1);
    trix_text_add(&t, "%s%s", root, m.at);
    size_t top = (size_t)(t.at - t.begin);
    trix_text_add(&t, "%s", below_mount(group, &m));
    while (t.at > t.begin + top && t.at[-1] == '/') t.at--;
    *t.at = 0;
    uint64_t stat = v2 ? NO_LIMIT : read_stat(directory, text);
    return min_u64(stat, lowest(directory, top, v2 ? "memory.max" : "memory.limit_in_bytes"));
}

uint64_t trix_os_cgroup_limit(const char *root) {
    int saved = errno;
    char *text = trix_os_map(TEXT);
    uint64_t limit = NO_LIMIT;
    if (text) {
        limit = min_u64(hierarchy_limit(root, true, text), hierarchy_limit(root, false, text));
        trix_os_unmap(text, TEXT);
    }
    errno = saved;
    return limit;
}
