/* guard.c - libraries that were not compiled by tricc, in a managed program.
 *
 * What such a library keeps in blocks of its own is no trouble (foreign.h). What it stores into the program's blocks is: a library
 * that is given an allocator by callback, or links its lists through the program's structs, moves pointers
 * with no barrier, and concurrent marking could lose what they lead to. Whether a library does this cannot be seen from
 * outside. So when one is loaded that is neither compiled by tricc nor known not to, the world stays stopped while the collector
 * marks, which needs no barriers. TRITRACK=barrier in the environment is the user's word that none does.
 *
 * Known are the C library and its own modules, whose calls of that kind the compiler maps (strings.c, outs.c), the
 * compilers' run-time libraries, and terminals: these keep to their own memory.
 */
#include "guard.h"
#include "managed.h"
#include "../base/fmt.h"
#include "../base/options.h"
#include "../gc/modules.h"

#include <string.h>

/* Beginnings of names, up to `.so`. */
static const char *const known[] = {
    "linux-vdso", "linux-gate", "ld-linux", "ld64", "libc", "libm", "libmvec", "libdl", "libpthread", "librt", "libresolv", "libutil", "libanl",
    "libnsl", "libcrypt", "libnss_*", "libthread_db", "libgcc_s", "libatomic", "libstdc++", "libtricolor", "libtricolor-debug",
    "libtinfo", "libncurses", "libncursesw", "libreadline", "libhistory", "libedit", "vgpreload_*",
};

/* name is `known`, then .so, -2.36.so, .so.6 and the like; or begins with it where it ends in a star. */
static bool is_named(const char *name, const char *known_name) {
    size_t n = strlen(known_name);
    if (known_name[n - 1] == '*') return strncmp(name, known_name, n - 1) == 0;
    if (strncmp(name, known_name, n)) return false;
    const char *rest = name + n;
    return *rest == '.' || (*rest == '-' && (strncmp(known_name, "ld", 2) == 0 || (rest[1] >= '0' && rest[1] <= '9')));
}

static bool is_known(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (strstr(path, "/gconv/")) return true; /* iconv's modules */
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (is_named(name, known[i])) return true;
    return false;
}

static bool is_compiled_by_us(const struct dl_phdr_info *object) {
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];
        uintptr_t lo = object->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && trix_modules_within(lo, lo + p->p_memsz)) return true;
    }
    return false;
}

/* Once, for who looks at the trace. */
static void say(const char *path) {
    static bool said;
    if (said || !trix_options.debug.gctrace) return;
    said = true;
    trix_print(2, "tricolor: %s was not compiled by tricc: marking with the world stopped (TRITRACK=barrier if it stores "
                  "no pointers into the program's memory)\n", path);
}

bool trix_lacks_barriers(const struct dl_phdr_info *object) {
    if (!trix_interposed || trix_options.tracking_given || trix_options.tracking != TRACK_BARRIER) return false;
    const char *path = object->dlpi_name;
    if (!path || !*path || is_known(path) || is_compiled_by_us(object)) return false; /* (the program itself has no name) */
    say(path);
    return true;
}
