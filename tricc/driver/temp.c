/* temp.c - the run's temporary folder. Clang is told to put its own temporary files there too (TMPDIR), so that
 * removing the folder removes everything, at the end of the run or at a signal that ends it.
 */
#include "driver.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[4096];
static unsigned serial;

/* By the system's own calls: it also runs where a signal has interrupted an allocation. */
void temp_end(void) {
    _Alignas(struct dirent64) char some[4096];
    if (!*dir) return;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (ssize_t n; fd >= 0 && (n = getdents64(fd, some, sizeof some)) > 0;)
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *e = (const struct dirent64 *)(some + at);
            if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) unlinkat(fd, e->d_name, 0);
            at += e->d_reclen;
        }
    if (fd >= 0) close(fd);
    rmdir(dir);
    *dir = 0;
}

void temp_start(void) {
    const char *base = getenv("TMPDIR");
    if (!base || !*base) base = "/tmp";
    if (strlen(base) > sizeof dir - 32) fail("TMPDIR is too long");
    strcpy(dir, base);
    strcat(dir, "/tricc-XXXXXX");
    if (!mkdtemp(dir)) {
        *dir = 0;
        fail("cannot make a temporary folder in '%s' (TMPDIR says where)", base);
    }
    setenv("TMPDIR", dir, true);
    atexit(temp_end);
}

const char *temp_dir(void) { return dir; }

char *temp_name(const char *suffix) { return text("%s/tricc%u%s", dir, serial++, suffix); }
