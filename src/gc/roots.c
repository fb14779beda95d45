/* roots.c - see roots.h. */
#include "roots.h"
#include "barrier.h"
#include "kept.h"
#include "pins.h"
#include "thread.h"
#include "../heap/cache.h"
#include "../heap/gate.h"
#include "../heap/layout.h"
#include "../os/os.h"
#include "../../include/tricolor/control.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

extern __typeof__(dlinfo) dlinfo __attribute__((weak)); /* a static executable has none */

/* ---- growing lists of ranges ---- */

struct list {
    void *item;
    size_t n, capacity, each; /* each: bytes of an item */
};

static void *list_add(struct list *l) {
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 4096 / l->each;
        void *fresh = trix_os_map(capacity * l->each);
        if (!fresh) trix_fatal("out of memory");
        if (l->item) {
            memcpy(fresh, l->item, l->n * l->each);
            trix_os_unmap(l->item, l->capacity * l->each);
        }
        l->item = fresh;
        l->capacity = capacity;
    }
    return (char *)l->item + l->n++ * l->each;
}

const struct foreign_roots *trix_foreign_roots;

static struct {
    struct lock lock;
    struct list segments; /* writable data of objects loaded at start; collector only */
    struct list plugins;  /* and of objects opened later; collector only */
    struct list tls;      /* struct tls_module; collector only while nobody scans */
    struct list ranges;   /* tri_add_roots; lock */
    struct list stacks;   /* tri_stack_register; lock */
    uint64_t bytes;       /* looked at by the last scan; relaxed */

    uintptr_t seen_maps;   /* which objects were loaded at the last refresh; collector */
    uintptr_t *initial;    /* load addresses of the objects loaded at start; constant */
    size_t ninitial;
    bool untracked;      /* collector */
    uint64_t static_tls; /* bytes of the static area of thread-locals, at least; collector */
    uint64_t known_tls;  /* of it, what the modules there are now use; collector */
    bool tls_is_static;  /* all modules' are known to lie there; collector */
    uint32_t unmapping;  /* dlcloses under way; seq_cst */
    bool torn;           /* a child of a fork in the middle of another thread's dlopen or dlclose; collector */
    uintptr_t inherited; /* a child of a fork: which objects were loaded then, until that changes; 0: no; collector */
} roots = {
    .lock = LOCK_INIT(ROOTS),
    .segments.each = sizeof(struct range),
    .plugins.each = sizeof(struct range),
    .tls.each = sizeof(struct tls_module),
    .ranges.each = sizeof(struct range),
    .stacks.each = sizeof(struct range),
};

/* ---- the loader's list ---- */

enum { MAX_STATIC_TLS = 64 << 10, STATIC_TLS_SURPLUS = 8 << 10 /* where modules opened later may lie */ };

static bool loaded_at_start(uintptr_t base) {
    for (size_t i = 0; i < roots.ninitial; i++)
        if (roots.initial[i] == base) return true;
    return roots.ninitial == 0;
}

extern const struct no_roots __start_trix_no_roots[] __attribute__((visibility("hidden")));
extern const struct no_roots __stop_trix_no_roots[] __attribute__((visibility("hidden")));

/* Adds [lo, hi) without the library's own big tables. */
static void add_segment(struct list *list, uintptr_t lo, uintptr_t hi) {
    for (const struct no_roots *hole = __start_trix_no_roots; hole < __stop_trix_no_roots; hole++) {
        uintptr_t at = (uintptr_t)hole->at, end = at + hole->bytes;
        if (at < lo || end > hi) continue;
        add_segment(list, lo, at);
        add_segment(list, end, hi);
        return;
    }
    if (lo < hi) *(struct range *)list_add(list) = (struct range){lo, hi};
}

/* Adds a writable segment but for the part that is read-only once relocated. */
static void add_load(const struct dl_phdr_info *info, const ElfW(Phdr) *load) {
    uintptr_t lo = info->dlpi_addr + load->p_vaddr, hi = lo + load->p_memsz;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_GNU_RELRO) continue;
        uintptr_t relro_lo = info->dlpi_addr + p->p_vaddr;
        uintptr_t relro_hi = round_down(relro_lo + p->p_memsz, trix_os_page);
        if (relro_lo <= lo && relro_hi > lo) lo = relro_hi;
    }
    add_segment(loaded_at_start(info->dlpi_addr) ? &roots.segments : &roots.plugins, lo, hi);
}

/* Whether a block of thread-locals of the calling thread, the collector's, is in its static area. The loader puts that on top
 * of a thread's stack, in one piece with it; and what lies between a frame and the thread pointer is nothing else. (Only on
 * x86-64, where it lies below the pointer: above it there is no telling where it ends.) */
static bool is_static_here(const void *block) {
#if defined(__x86_64__)
    return (uintptr_t)block > (uintptr_t)__builtin_frame_address(0) && (uintptr_t)block < trix_os_thread_pointer();
#else
    return (void)block, false;
#endif
}

/* A module whose block lies near the calling thread's thread pointer is in the static area of every thread, for all that is
 * known. */
static void add_tls(const struct dl_phdr_info *info, const ElfW(Phdr) *p) {
    intptr_t offset = (intptr_t)info->dlpi_tls_data - (intptr_t)trix_os_thread_pointer();
    uint64_t distance = (uint64_t)(offset < 0 ? -offset : offset + (intptr_t)p->p_memsz);
    if (info->dlpi_tls_data && distance < MAX_STATIC_TLS) roots.static_tls = max_u64(roots.static_tls, distance);
    if (is_static_here(info->dlpi_tls_data)) roots.known_tls = max_u64(roots.known_tls, distance);
    else roots.tls_is_static = false;
    *(struct tls_module *)list_add(&roots.tls) = (struct tls_module){info->dlpi_tls_modid, p->p_memsz};
}

static bool is_this_library(const struct dl_phdr_info *info) {
#ifdef TRIX_SHARED
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && (uintptr_t)&roots - lo < p->p_memsz) return true;
    }
#endif
    return (void)info, false; /* linked into the program: its data and ours share a segment */
}

static int add_object(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    (void)arg;
    bool ours = is_this_library(info);
    if (!ours && trix_foreign_roots && trix_foreign_roots->lacks_barriers(info)) roots.untracked = true;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && p->p_flags & PF_W && !ours) add_load(info, p);
        if (p->p_type == PT_TLS && p->p_memsz) add_tls(info, p);
    }
    return 0;
}

static uintptr_t add_to_figure(uintptr_t sum, const struct link_map *at, uintptr_t base) {
    return (sum ^ (uintptr_t)at ^ base) * 0x9e3779b97f4a7c15ull;
}

/* A figure for which objects the loader's list holds, read without its lock; world stopped, or under the lock. (A thread may
 * have been stopped in the middle of a change: the list is whole at each instruction of it.) */
static uintptr_t list_figure(void) {
    uintptr_t sum = 1;
    for (const struct link_map *m = _r_debug.r_map; m; m = m->l_next) sum = add_to_figure(sum, m, m->l_addr);
    return sum | 1;
}

/* The same, or 0 while the loader changes it. Other threads of the program are stopped, or the answer is only used to be told
 * wrong later. */
static uintptr_t loaded_maps(void) {
    if (_r_debug.r_state == RT_CONSISTENT) roots.torn = false;
    else if (!roots.torn) return 0;
    return list_figure();
}

static int note_object(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    roots.seen_maps = loaded_maps(); /* under the loader's lock */
    if (arg) *(uintptr_t *)list_add(arg) = info->dlpi_addr;
    return arg == NULL;
}

/* The same figure, read through the kernel, since the list may change, and go, while we read. Calls visit for each object. */
static uintptr_t walk_maps(void (*visit)(const struct link_map *at, uintptr_t base)) {
    enum { MOST = 10000 };
    uintptr_t sum = 1;
    struct link_map m = {.l_next = _r_debug.r_map};
    for (int i = 0; m.l_next && i < MOST; i++) {
        const struct link_map *at = m.l_next;
        if (trix_os_read_self(&m, at, sizeof m) != sizeof m) return 0;
        sum = add_to_figure(sum, at, m.l_addr);
        if (visit) visit(at, m.l_addr);
    }
    return sum | 1;
}

/* `collector`: the calling thread is the collector's own, which runs on no other stack than the one it was made with. */
static void read_list(bool collector) {
    roots.segments.n = roots.plugins.n = roots.tls.n = 0;
    roots.untracked = false;
    roots.tls_is_static = collector;
    roots.known_tls = 0;
    /* First the figure, then the list: what comes in between is in the list too soon, and makes the figure stale. */
    dl_iterate_phdr(note_object, NULL);
    dl_iterate_phdr(add_object, NULL);
}

void trix_roots_refresh(void) {
    if (roots.inherited && walk_maps(NULL) == roots.inherited) return;
    roots.inherited = 0;
    read_list(!thread_self()); /* a thread of the program's does the collecting itself when it cannot make another */
}

bool trix_roots_untracked(void) { return roots.untracked; }

bool trix_roots_fresh(void) {
    if (roots.inherited && list_figure() == roots.inherited) return true;
    uintptr_t now = loaded_maps();
    return now && now == roots.seen_maps;
}

/* ---- the loader's list in the child of a fork ----
 *
 * The loader's locks may be held for ever, by a thread that is no more (libc does not free them), and its list may have
 * changed since it was read. So what was opened since the start is looked for without asking: the segments by the object's
 * own header, which the loader maps at its base, the thread-locals by dlinfo, which takes no lock. That holds until the
 * list changes: then some thread of the child has had the locks, and they are free. */

/* Bytes of its thread-locals. */
static size_t inherit_segments(uintptr_t base) {
    size_t tls = 0;
    ElfW(Ehdr) header;
    ElfW(Phdr) p;
    if (trix_os_read_self(&header, (const void *)base, sizeof header) != sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof p)
        return 0;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        uintptr_t at = base + header.e_phoff + i * sizeof p;
        if (trix_os_read_self(&p, (const void *)at, sizeof p) != sizeof p) return tls;
        uintptr_t lo = base + p.p_vaddr;
        if (p.p_type == PT_LOAD && p.p_flags & PF_W) add_segment(&roots.plugins, lo, lo + p.p_memsz);
        if (p.p_type == PT_TLS && p.p_memsz) tls = p.p_memsz;
    }
    return tls;
}

static void inherit_tls(const struct link_map *at, size_t bytes) {
    size_t id = 0;
    if (bytes) roots.tls_is_static = false;
    if (!bytes || !dlinfo || dlinfo((void *)(uintptr_t)at, RTLD_DI_TLS_MODID, &id) != 0 || !id) return;
    const struct tls_module *known = roots.tls.item;
    for (size_t i = 0; i < roots.tls.n; i++)
        if (known[i].id == id && known[i].bytes == bytes) return;
    *(struct tls_module *)list_add(&roots.tls) = (struct tls_module){id, bytes};
}

static void inherit_object(const struct link_map *at, uintptr_t base) {
    if (!loaded_at_start(base)) inherit_tls(at, inherit_segments(base));
}

void trix_roots_reset_after_fork(void) {
    if (trix_foreign_roots) trix_foreign_roots->reset_after_fork();
    roots.torn = true; /* what a thread that is no more was doing to the list stays half done until the next dlopen */
    roots.plugins.n = 0;
    roots.inherited = walk_maps(inherit_object);
}

/* Before the program has threads. */
void trix_roots_init(void) {
    struct list initial = {.each = sizeof(uintptr_t)};
    dl_iterate_phdr(note_object, &initial);
    roots.initial = initial.item;
    roots.ninitial = initial.n;
    read_list(false);
}

const struct tls_module *trix_roots_tls_modules(size_t *n) {
    *n = roots.tls.n;
    return roots.tls.item;
}

bool trix_roots_tls_is_static(void) { return roots.tls_is_static; }

uint64_t trix_roots_static_tls(void) {
    return roots.tls_is_static ? roots.known_tls : roots.static_tls + STATIC_TLS_SURPLUS;
}

/* ---- scanning ---- */

/* A range that may vanish under us: read through the kernel, piece by piece. */
static void scan_unmappable(struct marker *m, uintptr_t lo, uintptr_t hi) {
    static uint64_t copy[4096 / 8]; /* collector only */
    while (lo < hi) {
        size_t want = min_u64(sizeof copy - lo % sizeof copy, hi - lo);
        size_t got = trix_os_read_self(copy, (const void *)lo, want);
        trix_marker_scan_range(m, copy, (char *)copy + got, false);
        lo += want;
    }
}

static uint64_t scan_list(struct marker *m, const struct list *l, bool exact_ends, bool unmappable) {
    uint64_t bytes = 0;
    const struct range *r = l->item;
    for (size_t i = 0; i < l->n; i++) {
        if (unmappable) scan_unmappable(m, r[i].lo, r[i].hi);
        else trix_marker_scan_range(m, (const void *)r[i].lo, (const void *)r[i].hi, exact_ends);
        bytes += r[i].hi - r[i].lo;
    }
    return bytes;
}

uint64_t trix_roots_scan(struct marker *m) {
    uint64_t bytes = scan_list(m, &roots.segments, false, false) + scan_list(m, &roots.plugins, false, true);
    lock_acquire(&roots.lock);
    bytes += scan_list(m, &roots.ranges, false, false);
    bytes += scan_list(m, &roots.stacks, true, false);
    lock_release(&roots.lock);
    if (trix_foreign_roots) bytes += trix_foreign_roots->scan(m);
    trix_pins_scan(m);
    trix_kept_scan(m);
    store_relaxed(&roots.bytes, bytes);
    return bytes;
}

uint64_t trix_roots_bytes(void) { return load_relaxed(&roots.bytes); }

bool trix_roots_find_stack(uintptr_t sp, uintptr_t *hi) {
    bool found = false;
    lock_acquire(&roots.lock);
    const struct range *r = roots.stacks.item;
    for (size_t i = 0; i < roots.stacks.n && !found; i++)
        if (sp >= r[i].lo && sp < r[i].hi) {
            *hi = r[i].hi;
            found = true;
        }
    lock_release(&roots.lock);
    return found;
}

/* ---- the public calls ---- */

static void add_range(struct list *l, const char *call, void *lo, void *hi) {
    if ((uintptr_t)lo >= (uintptr_t)hi) trix_misuse(call, "the range %p-%p is empty; pass its two ends", lo, hi);
    struct gate *g = gate_enter();
    lock_acquire(&roots.lock);
    *(struct range *)list_add(l) = (struct range){(uintptr_t)lo, (uintptr_t)hi};
    lock_release(&roots.lock);
    gate_leave(g);
}

static void remove_range(struct list *l, const char *call, void *lo, void *hi) {
    struct thread *t = (struct thread *)gate_enter();
    if (gate_marking()) trix_shade_range(t, lo, (size_t)((char *)hi - (char *)lo), 0);
    lock_acquire(&roots.lock);
    struct range *r = l->item;
    size_t i = 0;
    while (i < l->n && (r[i].lo != (uintptr_t)lo || r[i].hi != (uintptr_t)hi)) i++;
    bool found = i < l->n;
    if (found) r[i] = r[--l->n];
    lock_release(&roots.lock);
    if (!found) trix_misuse(call, "the range %p-%p is not registered; pass the bounds it was added with", lo, hi);
    gate_leave(&t->cache.gate);
}

EXPORT void tri_add_roots(void *lo, void *hi) { add_range(&roots.ranges, "tri_add_roots", lo, hi); }
EXPORT void tri_remove_roots(void *lo, void *hi) { remove_range(&roots.ranges, "tri_remove_roots", lo, hi); }
EXPORT void tri_stack_register(void *lo, void *hi) { add_range(&roots.stacks, "tri_stack_register", lo, hi); }
EXPORT void tri_stack_unregister(void *lo, void *hi) { remove_range(&roots.stacks, "tri_stack_unregister", lo, hi); }
