/* sites.c - call sites of the heap, block and mutex profiles, and what is counted there.
 *
 * A site is a kind, a stack, and for the heap an object size, so that counts are enough and bytes follow. Sites are made
 * under a lock, never go, and their chains only grow at the front; so they are looked up and visited without it.
 *
 * The heap profile is that of the last completed mark (Go's runtime/mprof.go): what lives and what is dead is only known then.
 * So counts are kept for three cycles to come. In cycle c an object made counts for c + 2, when it will have been through a
 * whole mark, and one that sweeping finds dead for c + 1, since it was dead when that mark ended. Marking's end begins the
 * next cycle, and counts for it are published. Both happen with the world stopped or by whoever is inside, so neither
 * is ever between reading the cycle and counting while the cycle changes.
 *
 *   I1  future[cycle % 3] is zero but while it is being published, which the collector alone does.
 *   I2  Nothing here allocates from the heap, waits, or leaves the gate: hooks call it there.
 */
#include "sites.h"
#include "../base/fmt.h"
#include "../base/options.h"
#include "../base/probe.h"
#include "../gc/gc.h"
#include "../gc/thread.h"
#include "../heap/gate.h"
#include "../heap/metadata.h"
#include "../life/special.h"
#include "../os/os.h"
#include "../os/unwind.h"

#include <string.h>

enum { BUCKETS = 16384, SKIPPED = 8 /* frames of the library's own, at most */ };

struct counts {
    uint64_t allocs, frees; /* relaxed */
};

struct site {
    struct site *next; /* of the bucket; constant */
    struct site *all;  /* made before it; constant */
    uint64_t hash, bytes;
    uint32_t kind, npcs;
    struct counts published, future[3];
    struct lock lock; /* of the two below */
    double count, ns;
    uintptr_t pcs[];
};

static struct {
    struct lock lock;
    struct site **bucket; /* release; made with the first site */
    struct site *all;     /* release */
    uint64_t bytes;       /* relaxed */
    uint32_t cycle;       /* world stopped to write */
    uint32_t publishing;  /* odd while counts are being published; seq_cst */
    uint32_t published;   /* cycles published; relaxed */
    uintptr_t code_lo, code_hi; /* this library's code; constant */
} sites = {.lock = LOCK_INIT(SITES)};

/* ---- finding ---- */

static uint64_t hash_of(enum sight_kind kind, uint64_t bytes, const uintptr_t *pcs, unsigned n) {
    uint64_t h = (bytes * 4 + kind) * 0x9e3779b97f4a7c15ull;
    for (unsigned i = 0; i < n; i++) h = (h ^ pcs[i]) * 0xff51afd7ed558ccdull, h ^= h >> 32;
    return h;
}

static struct site *look(uint64_t hash, enum sight_kind kind, uint64_t bytes, const uintptr_t *pcs, unsigned n) {
    struct site **bucket = load_acquire(&sites.bucket);
    if (!bucket) return NULL;
    for (struct site *s = load_acquire(&bucket[hash % BUCKETS]); s; s = s->next)
        if (s->hash == hash && s->kind == kind && s->bytes == bytes && s->npcs == n &&
            memcmp(s->pcs, pcs, n * sizeof *pcs) == 0)
            return s;
    return NULL;
}

static void *demand(size_t bytes) {
    void *p = trix_metadata_alloc(bytes);
    if (p) fetch_add_relaxed(&sites.bytes, bytes);
    return p;
}

/* sites.lock */
static struct site *make(uint64_t hash, enum sight_kind kind, uint64_t bytes, const uintptr_t *pcs, unsigned n) {
    if (!sites.bucket) store_release(&sites.bucket, demand(BUCKETS * sizeof *sites.bucket));
    struct site *s = sites.bucket ? demand(sizeof *s + n * sizeof *pcs) : NULL;
    if (!s) return NULL;
    *s = (struct site){.next = sites.bucket[hash % BUCKETS], .all = sites.all, .hash = hash, .bytes = bytes,
                       .kind = kind, .npcs = n, .lock = LOCK_INIT(SITES)};
    memcpy(s->pcs, pcs, n * sizeof *pcs);
    store_release(&sites.bucket[hash % BUCKETS], s);
    store_release(&sites.all, s);
    return s;
}

static struct site *find(enum sight_kind kind, uint64_t bytes, const uintptr_t *pcs, unsigned n) {
    uint64_t hash = hash_of(kind, bytes, pcs, n);
    struct site *s = look(hash, kind, bytes, pcs, n);
    if (LIKELY(s)) return s;
    lock_acquire(&sites.lock);
    s = look(hash, kind, bytes, pcs, n);
    if (!s) s = make(hash, kind, bytes, pcs, n);
    lock_release(&sites.lock);
    return s;
}

/* ---- the stack ---- */

uintptr_t trix_stack_end(uintptr_t sp) {
    const struct thread *t = thread_self();
    if (t) {
        const struct fiber *f = t->fiber;
        uintptr_t alt = (uintptr_t)t->altstack;
        if (f && sp >= f->lo && sp < f->hi) return f->hi;
        if (sp >= t->stack.lo && sp < t->stack.hi) return t->stack.hi;
        if (sp - alt < ALTSTACK_BYTES) return alt + ALTSTACK_BYTES;
        if (sp >= t->program_altstack.lo && sp < t->program_altstack.hi) return t->program_altstack.hi;
    }
    return round_up(sp + 1, 4096);
}

static bool is_ours(uintptr_t pc) { return pc - sites.code_lo < sites.code_hi - sites.code_lo; }

struct site *trix_site_here(enum sight_kind kind, uint64_t bytes) {
    uintptr_t pcs[SIGHT_FRAMES + SKIPPED];
    struct unwind from = UNWIND_HERE(trix_stack_end((uintptr_t)__builtin_frame_address(0)));
    unsigned n = trix_unwind(from, pcs, ARRAY_LEN(pcs)), skip = 0;
    while (skip < n && is_ours(pcs[skip])) skip++;
    if (skip == n) skip = 0;
    if (skip == 0 && n > 1) skip = 1; /* an archive without that section: its frames are known by their names only, but this one */
    n -= skip;
    if (n > SIGHT_FRAMES) n = SIGHT_FRAMES;
    return find(kind, bytes, pcs + skip, n);
}

/* ---- the heap ---- */

/* GODEBUG=allocfreetrace=1, in the words Go had for it. */
static void trace_alloc(const void *object, const struct site *s) {
    char buffer[4096];
    struct text t = text_over(buffer, sizeof buffer);
    trix_text_add(&t, "tracealloc(%p, 0x%lx) @", object, s->bytes);
    for (uint32_t i = 0; i < s->npcs; i++) trix_text_add(&t, " 0x%lx", s->pcs[i]);
    trix_text_add(&t, "\n");
    trix_text_write(&t, 2);
}

static void on_sample(void *object, size_t bytes) {
    struct site *s = trix_site_here(SIGHT_HEAP, bytes);
    if (!s) return;
    PROBE2(heap__sample, object, bytes);
    if (UNLIKELY(trix_options.debug.allocfreetrace)) trace_alloc(object, s);
    fetch_add_relaxed(&s->future[(load_relaxed(&sites.cycle) + 2) % 3].allocs, 1);
    trix_special_sample((uintptr_t)object, s);
}

/* By hand, an object may go in the cycle it was made in: no earlier than it, then. */
static void on_freed(void *site, uintptr_t object, bool by_hand) {
    struct site *s = site;
    PROBE1(heap__sample__free, object);
    if (UNLIKELY(trix_options.debug.allocfreetrace)) trix_print(2, "tracefree(%p, 0x%lx)\n", (void *)object, s->bytes);
    fetch_add_relaxed(&s->future[(load_relaxed(&sites.cycle) + (by_hand ? 2 : 1)) % 3].frees, 1);
}

/* World stopped. */
static void on_flip(void) { store_relaxed(&sites.cycle, sites.cycle + 1); }

static void publish(struct site *s, unsigned slot) {
    struct counts *from = &s->future[slot];
    store_relaxed(&s->published.allocs, s->published.allocs + from->allocs);
    store_relaxed(&s->published.frees, s->published.frees + from->frees);
    from->allocs = from->frees = 0;
}

/* A cycle that has been swept entirely has told of all its dead: they are published at once, without waiting for the next mark. */
void trix_sites_cycle(bool swept) {
    if (!load_relaxed(&sites.all)) return;
    unsigned slot = (load_relaxed(&sites.cycle) + swept) % 3;
    fetch_add_seq(&sites.publishing, 1);
    for (struct site *s = load_acquire(&sites.all); s; s = s->all)
        if (s->kind == SIGHT_HEAP) publish(s, slot);
    fetch_add_seq(&sites.publishing, 1);
    store_relaxed(&sites.published, sites.published + 1);
}

/* ---- contention ---- */

void trix_site_add_contention(struct site *s, double count, double ns) {
    lock_acquire(&s->lock);
    s->count += count;
    s->ns += ns;
    lock_release(&s->lock);
}

/* ---- visiting ---- */

static struct sight_site view(struct site *s) {
    struct sight_site out = {.npcs = s->npcs, .pcs = s->pcs, .bytes = s->bytes};
    out.allocs = load_relaxed(&s->published.allocs);
    out.frees = load_relaxed(&s->published.frees);
    if (load_relaxed(&sites.published) == 0) /* nothing yet: what there is, so that a short program has a profile */
        for (unsigned i = 0; i < 3; i++) out.allocs += load_relaxed(&s->future[i].allocs), out.frees += load_relaxed(&s->future[i].frees);
    if (s->kind == SIGHT_HEAP) return out;
    lock_acquire(&s->lock);
    out.count = s->count;
    out.ns = s->ns;
    lock_release(&s->lock);
    return out;
}

void trix_sites_visit(enum sight_kind kind, void (*visit)(const struct sight_site *site, void *arg), void *arg) {
    for (struct site *s = load_acquire(&sites.all); s; s = s->all) {
        if (s->kind != (uint32_t)kind) continue;
        struct gate *g = gate_enter();
        struct sight_site out = view(s);
        gate_leave(g);
        visit(&out, arg);
    }
}

uint32_t trix_sites_generation(void) { return load_seq(&sites.publishing); }

uint64_t trix_sites_bytes(void) { return load_relaxed(&sites.bytes); }

void trix_sites_code(uintptr_t *lo, uintptr_t *hi) {
    *lo = sites.code_lo;
    *hi = sites.code_hi;
}

/* ---- start ---- */

#ifdef TRIX_SHARED
#include <link.h>
static int note_code(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size, (void)arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + p->p_vaddr, here = (uintptr_t)trix_site_here;
        if (p->p_type != PT_LOAD || here - lo >= p->p_memsz) continue;
        sites.code_lo = lo;
        sites.code_hi = lo + p->p_memsz;
        return 1;
    }
    return 0;
}
static void find_code(void) { dl_iterate_phdr(note_code, NULL); }
#else
/* None where the archive was made without: src/CMakeLists.txt. */
extern const char __start_trix_code[] __attribute__((weak, visibility("hidden")));
extern const char __stop_trix_code[] __attribute__((weak, visibility("hidden")));
static void find_code(void) {
    sites.code_lo = (uintptr_t)__start_trix_code;
    sites.code_hi = (uintptr_t)__stop_trix_code;
}
#endif

void trix_sites_begin(const int *rate) {
    find_code();
    trix_special_sample_freed = on_freed;
    trix_gc_flip_hook = on_flip;
    store_release(&trix_gc_sample_hook, on_sample);
    store_release(&trix_sample_rate, rate);
}
