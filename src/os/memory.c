/* memory.c - reserving, committing and releasing memory. */
#include "os.h"
#include "../base/atomic.h"
#include "../base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_GUARD_INSTALL /* Linux 6.13 */
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA           0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

size_t trix_os_page = 4096;

bool trix_os_valgrind;

/* valgrind gives its programs a library of its own in LD_PRELOAD, static ones too. */
static bool under_valgrind(void) {
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload_");
}

void trix_os_init(void) {
    trix_os_page = (size_t)sysconf(_SC_PAGESIZE);
    trix_os_valgrind = under_valgrind();
}

/* ---- faults ---- */

#ifdef TRIX_FAULTS
static struct {
    uint64_t left;
    bool sticky;
} faults[OS_FAULT_KINDS];

void trix_os_fault(enum os_fault kind, uint64_t nth, bool sticky) {
    faults[kind].sticky = sticky;
    store_seq(&faults[kind].left, nth);
}

static bool fault(enum os_fault kind) {
    uint64_t left = load_seq(&faults[kind].left);
    while (left) {
        if (left == 1 && faults[kind].sticky) return true;
        if (cas_seq(&faults[kind].left, &left, left - 1)) return left == 1;
    }
    return false;
}
#else
static bool fault(enum os_fault kind) { return (void)kind, false; }
#endif

/* ---- the calls; errno is the program's, so it is kept ---- */

static void *map_quietly(void *at, size_t bytes, int protection, int flags) {
    int saved = errno;
    void *p = mmap(at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    errno = saved;
    return p == MAP_FAILED ? NULL : p;
}

void *trix_os_reserve(size_t bytes, size_t align) {
    if (fault(OS_FAULT_RESERVE) || bytes + align < bytes) return NULL;
    char *raw = map_quietly(NULL, bytes + align, PROT_NONE, MAP_NORESERVE);
    if (!raw) return NULL;
    char *at = (char *)round_up((uintptr_t)raw, align);
    if (at > raw) trix_os_unmap(raw, (size_t)(at - raw));
    trix_os_unmap(at + bytes, align - (size_t)(at - raw));
    return at;
}

bool trix_os_commit(void *at, size_t bytes) {
    if (fault(OS_FAULT_COMMIT)) return false;
    int saved = errno;
    bool done = mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
    errno = saved;
    return done;
}

bool trix_os_map_anew(void *at, size_t bytes) {
    if (fault(OS_FAULT_MAP)) return false;
    return map_quietly(at, bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE | MAP_FIXED) != NULL;
}

int trix_os_map_file(void *at, size_t bytes, int fd, int how) {
    if (fault(OS_FAULT_MAP)) return ENOMEM;
    int saved = errno, protection = PROT_READ | (how == OS_MAP_READ ? 0 : PROT_WRITE);
    int flags = MAP_FIXED | (how == OS_MAP_SHARED ? MAP_SHARED : MAP_PRIVATE);
    int error = mmap(at, bytes, protection, flags, fd, 0) == MAP_FAILED ? errno : 0;
    errno = saved;
    return error;
}

void *trix_os_map(size_t bytes) {
    if (fault(OS_FAULT_MAP)) return NULL;
    return map_quietly(NULL, round_up(bytes, trix_os_page), PROT_READ | PROT_WRITE, MAP_NORESERVE);
}

bool trix_os_release(void *at, size_t bytes) {
    if (fault(OS_FAULT_RELEASE)) return false;
    int saved = errno;
    bool done = madvise(at, bytes, MADV_DONTNEED) == 0;
    errno = saved;
    return done;
}

bool trix_os_release_lazily(void *at, size_t bytes) {
    if (fault(OS_FAULT_RELEASE)) return false;
    int saved = errno;
    bool done = madvise(at, bytes, MADV_FREE) == 0;
    errno = saved;
    return done;
}

/* Guards are marked in the page tables: one call, which splits no mapping and is no business of other threads. Where the
 * kernel has none, in locked memory, and for much at once, which they would cost page tables, the protection is changed. */
static struct {
    uint32_t guards, protection; /* has been used; relaxed */
} revoked_by;

/* A kernel refuses an advice that it does not know. */
bool trix_os_takes_guards(void) {
    enum { NO_ADVICE = 0x7fff };
    static uint32_t known; /* 1: no, 2: yes; relaxed */
    if (!load_relaxed(&known)) {
        int saved = errno;
        store_relaxed(&known, madvise(NULL, 0, NO_ADVICE) == 0 ? 1 : 2);
        errno = saved;
    }
    return load_relaxed(&known) == 2;
}

/* LeakSanitizer's, where the program is built with it; the library need not be. */
extern void __lsan_register_root_region(const void *at, size_t bytes) __attribute__((weak));

/* Guards are not seen in the list of mappings, by which LeakSanitizer goes when it reads the heap. */
static bool guards_do(void) { return !trix_os_valgrind && !__lsan_register_root_region && trix_os_takes_guards(); }

bool trix_os_revoke(void *at, size_t bytes) {
    enum { MOST_GUARDED = 1 << 20 };
    if (fault(OS_FAULT_RELEASE)) return false;
    int saved = errno;
    store_relaxed(&revoked_by.guards, 1);
    bool done = bytes <= MOST_GUARDED && guards_do() && madvise(at, bytes, MADV_GUARD_INSTALL) == 0;
    if (!done) {
        store_relaxed(&revoked_by.protection, 1);
        done = mprotect(at, bytes, PROT_NONE) == 0;
        if (madvise(at, bytes, MADV_DONTNEED) != 0) { /* locked: the memory stays */
            mprotect(at, bytes, PROT_READ | PROT_WRITE);
            madvise(at, bytes, MADV_GUARD_REMOVE); /* those in front of what is locked */
            memset(at, 0, bytes);
            done = mprotect(at, bytes, PROT_NONE) == 0;
        }
    }
    errno = saved;
    return done;
}

bool trix_os_restore(void *at, size_t bytes) {
    if (load_relaxed(&revoked_by.protection) && !trix_os_commit(at, bytes)) return false;
    if (fault(OS_FAULT_COMMIT)) return false;
    int saved = errno;
    if (load_relaxed(&revoked_by.guards)) madvise(at, bytes, MADV_GUARD_REMOVE);
    errno = saved;
    return true;
}

void trix_os_unmap(void *at, size_t bytes) {
    if (!bytes) return;
    int saved = errno;
    munmap(at, bytes);
    errno = saved;
}

bool trix_os_huge(void *at, size_t bytes, bool advise) {
    if (fault(OS_FAULT_ADVISE)) return false;
    int saved = errno;
    bool done = madvise(at, bytes, advise ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0;
    errno = saved;
    return done;
}

void trix_os_populate(void *at, size_t bytes) {
    int saved = errno;
    /* Before Linux 5.14 there is no such thing, and a part that was revoked stops it: then the program's touch does it.
     * Touching it here would fault in what is revoked. */
    madvise(at, bytes, MADV_POPULATE_WRITE);
    errno = saved;
}

void trix_os_name(void *at, size_t bytes, const char *name) {
    int saved = errno;
    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, (unsigned long)at, bytes, name);
    errno = saved;
}

void trix_os_not_leaked(void *at, size_t bytes) {
    if (__lsan_register_root_region) __lsan_register_root_region(at, bytes);
}

/* The first `count` numbers of /proc/self/statm, in bytes: address space, resident, of these of files. */
static bool read_statm(size_t *bytes, int count) {
    char text[64];
    int fd = trix_os_open("/proc/self/statm", O_RDONLY);
    if (fd < 0) return false;
    long n = syscall(SYS_read, fd, text, sizeof text - 1); /* read() itself is interposed */
    trix_os_close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *p = text;
    for (int i = 0; i < count; i++, p++) {
        bytes[i] = 0;
        if (*p < '0' || *p > '9') return false;
        for (; *p >= '0' && *p <= '9'; p++) bytes[i] = bytes[i] * 10 + (size_t)(*p - '0');
        bytes[i] *= trix_os_page;
    }
    return true;
}

size_t trix_os_address_room(void) {
    struct rlimit limit;
    int saved = errno;
    size_t room = SIZE_MAX;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        size_t used = 0;
        read_statm(&used, 1);
        room = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
    }
    errno = saved;
    return room;
}

size_t trix_os_read_self(void *to, const void *from, size_t bytes) {
    int saved = errno;
    struct iovec local = {to, bytes}, remote = {(void *)(uintptr_t)from, bytes};
    ssize_t n = syscall(SYS_process_vm_readv, getpid(), &local, 1L, &remote, 1L, 0L); /* not libc's, which sanitizers look at */
    errno = saved;
    return n > 0 ? (size_t)n : 0;
}

/* /proc/self/pagemap: bit 63 present, bit 62 swapped. Where it cannot be read, everything counts as resident. */
void trix_os_visit_resident(uintptr_t lo, uintptr_t hi,
                            void (*visit)(const void *lo, const void *hi, bool exact_ends, void *arg), void *arg) {
    enum { BATCH = 64 };
    uint64_t entry[BATCH];
    int saved = errno;
    int fd = trix_os_open("/proc/self/pagemap", O_RDONLY);
    lo = round_down(lo, trix_os_page);
    while (lo < hi) {
        size_t pages = min_u64(BATCH, (hi - lo + trix_os_page - 1) / trix_os_page);
        long got = fd < 0 ? -1 : syscall(SYS_pread64, fd, entry, pages * 8, lo / trix_os_page * 8);
        for (size_t i = 0; i < pages; i++, lo += trix_os_page)
            if (got < (long)(8 * (i + 1)) || entry[i] >> 62) visit((void *)lo, (void *)(lo + trix_os_page), true, arg);
    }
    if (fd >= 0) trix_os_close(fd);
    errno = saved;
}

bool trix_os_untouched(const void *at, size_t bytes) {
    uint64_t entry[1024];
    size_t pages = bytes / trix_os_page, n = pages * sizeof entry[0], used = 0;
    if (pages > ARRAY_LEN(entry)) return false;
    int saved = errno, fd = trix_os_open("/proc/self/pagemap", O_RDONLY);
    long got = fd < 0 ? -1 : syscall(SYS_pread64, fd, entry, n, (uintptr_t)at / trix_os_page * sizeof entry[0]);
    if (fd >= 0) trix_os_close(fd);
    errno = saved;
    for (size_t i = 0; got == (long)n && i < pages; i++) used += entry[i] >> 62 != 0;
    return got == (long)n && !used;
}

uint64_t trix_os_peak_rss(void) {
    struct rusage usage;
    int saved = errno;
    uint64_t peak = getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss << 10 : 0;
    errno = saved;
    return peak;
}

uint64_t trix_os_anonymous_rss(void) {
    int saved = errno;
    size_t bytes[3];
    uint64_t rss = read_statm(bytes, 3) && bytes[1] > bytes[2] ? bytes[1] - bytes[2] : 0;
    errno = saved;
    return rss;
}
