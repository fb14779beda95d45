/* thread_roots.c - the memory that is a root because of one thread: its stacks, registers and thread-locals.
 *
 * The thread is the calling one, or stands still. Its registers are in memory: in the frame that blocked (THREAD_SPILL),
 * or in the signal context, which lies above the handler's frame, vector registers included.
 *
 * Thread-locals: threads made by pthread_create have their static area inside their stack mapping, so the scan of the
 * stack up to its end covers it. The main thread's is found from the thread pointer. Blocks of modules opened later
 * are found through the thread's vector (dtv), which the loader may be moving at the very moment: both
 * are read through the kernel, so that a stale pointer costs nothing but a failed read. When no module but those of the
 * start has any, as is usual, nothing of this need be read: each such call costs a stop some microseconds.
 *
 * Under valgrind everything is read through the kernel: a stack holds words that nobody has written, and valgrind
 * would take what is marked because of them, and in the end all that is allocated, for undefined as well.
 */
#include "roots.h"
#include "specific.h"
#include "thread.h"
#include "../os/os.h"

enum { UNKNOWN_STACK_BYTES = 1 << 20, PIECE = 4096 };

static bool inside(struct range r, uintptr_t p) { return p >= r.lo && p < r.hi; }

/* Reads [lo, hi) through the kernel, up to the first page that is not there; whether that was all. */
static bool visit_unsure(uintptr_t lo, uintptr_t hi, trix_range_visitor *visit, void *arg) {
    uint64_t copy[PIECE / 8];
    lo = round_up(lo, 8);
    while (lo < hi) {
        size_t want = min_u64(PIECE - lo % PIECE, hi - lo);
        size_t got = trix_os_read_self(copy, (const void *)lo, want);
        visit(copy, (char *)copy + got, true, arg);
        if (got < want) return false;
        lo += want;
    }
    return true;
}

/* The stack that sp lies in, from sp up. True if it was the thread's own. */
static bool visit_stack(const struct thread *t, uintptr_t sp, trix_range_visitor *visit, void *arg) {
    struct range alt = {(uintptr_t)t->altstack, (uintptr_t)t->altstack + ALTSTACK_BYTES};
    uintptr_t hi;
    bool own = inside(t->stack, sp);
    if (t->fiber && sp >= t->fiber->lo && sp < t->fiber->hi) {
        visit((const void *)sp, (const void *)t->fiber->hi, true, arg);
        visit((const void *)t->system_sp, (const void *)t->stack.hi, true, arg);
        return true;
    }
    if (own) visit((const void *)sp, (const void *)t->stack.hi, true, arg);
    else if (inside(alt, sp)) visit((const void *)sp, (const void *)alt.hi, true, arg);
    else if (inside(t->program_altstack, sp)) visit((const void *)sp, (const void *)t->program_altstack.hi, true, arg);
    else if (trix_roots_find_stack(sp, &hi)) visit((const void *)sp, (const void *)hi, true, arg);
    else visit_unsure(sp, sp + UNKNOWN_STACK_BYTES, visit, arg); /* a coroutine's that nobody registered */
    return own;
}

static void visit_stacks(const struct thread *t, trix_range_visitor *visit, void *arg) {
    bool own = visit_stack(t, t->sp, visit, arg);
    if (t->frames.lo) own |= visit_stack(t, t->frames.lo, visit, arg);
    if (!own && t->handler_sp) own |= visit_stack(t, t->handler_sp, visit, arg); /* (on its own: left by siglongjmp) */
    /* The thread runs on a coroutine's stack, and where it left its own is not known: all of it that was ever used. */
    if (!own) trix_os_visit_resident(t->stack.lo, t->stack.hi, visit, arg);
}

/* ---- thread-locals ---- */

struct dtv_entry { /* glibc's dtv_t, stable since TLS came in */
    uintptr_t block;
    uintptr_t to_free;
};

static uintptr_t dtv_address(const struct thread *t) {
#if defined(__x86_64__)
    uintptr_t at = t->tp + sizeof(void *); /* tcbhead_t.dtv */
#else
    uintptr_t at = t->tp; /* tcbhead_t.dtv */
#endif
    return load_relaxed((const uintptr_t *)at);
}

/* Returns what of it can be read, up to the end. (Which modules lie there is not asked: "near the thread pointer" would be no
 * proof, since malloc's arenas often begin where a stack ends.) */
static struct range visit_static_tls(const struct thread *t, trix_range_visitor *visit, void *arg) {
    if (inside(t->stack, t->tp)) return (struct range){0}; /* scanned with the stack, whatever sp */
#if defined(__x86_64__)
    uintptr_t lo = t->tp - trix_roots_static_tls(), hi = t->tp;
#else
    uintptr_t lo = t->tp, hi = t->tp + trix_roots_static_tls();
#endif
    struct range known = {lo, hi};
    if (trix_roots_tls_is_static()) {
        visit((const void *)lo, (const void *)hi, true, arg);
        return known;
    }
    for (uintptr_t page; lo < hi; lo = page) { /* the first pages may not exist */
        page = min_u64(round_up(lo + 1, trix_os_page), hi);
        if (!visit_unsure(lo, page, visit, arg)) known.lo = page;
    }
    return known;
}

/* The first entries of the vector, and the word before them that says how many there are, are read by one call: each
 * costs a microsecond of a stop. */
enum { FIRST_ENTRIES = 31 };

struct dtv {
    uintptr_t at;
    size_t slots;      /* 0: none */
    size_t read;       /* entries in `entry`, the one before the first included */
    struct dtv_entry entry[1 + FIRST_ENTRIES];
};

static void dtv_read(struct dtv *d, const struct thread *t) {
    d->at = dtv_address(t);
    size_t got = d->at ? trix_os_read_self(d->entry, (const void *)(d->at - sizeof d->entry[0]), sizeof d->entry) : 0;
    d->read = got / sizeof d->entry[0];
    d->slots = d->read ? d->entry[0].block : 0;
}

/* Where a module's thread-locals are, or 0. */
static uintptr_t dtv_block(const struct dtv *d, size_t id) {
    struct dtv_entry e;
    if (id > d->slots) return 0;
    if (1 + id < d->read) e = d->entry[1 + id];
    else if (trix_os_read_self(&e, (const void *)(d->at + id * sizeof e), sizeof e) != sizeof e) return 0;
    return e.block == UINTPTR_MAX ? 0 : e.block; /* not made yet */
}

/* But for those in `known`, which have been visited. */
static void visit_dynamic_tls(const struct thread *t, struct range known, trix_range_visitor *visit, void *arg) {
    size_t n;
    struct dtv d;
    const struct tls_module *module = trix_roots_tls_modules(&n);
    if (!n || trix_roots_tls_is_static()) return;
    dtv_read(&d, t);
    for (size_t i = 0; i < n; i++) {
        uintptr_t block = dtv_block(&d, module[i].id), end = block + module[i].bytes;
        if (!block || inside(t->stack, block) || (inside(known, block) && end <= known.hi)) continue;
        visit_unsure(block, end, visit, arg);
    }
}

struct visitor {
    trix_range_visitor *visit;
    void *arg;
};

static void visit_copy(const void *lo, const void *hi, bool exact_ends UNUSED, void *visitor) {
    const struct visitor *v = visitor;
    visit_unsure((uintptr_t)lo, (uintptr_t)hi, v->visit, v->arg);
}

static void visit_all(struct thread *t, trix_range_visitor *visit, void *arg) {
    visit_stacks(t, visit, arg);
    visit_dynamic_tls(t, visit_static_tls(t, visit, arg), visit, arg);
    visit(&t->start_arg, &t->start_arg + 1, true, arg);
    visit(t->registers, t->registers + ARRAY_LEN(t->registers), true, arg);
    trix_specific_ranges(t->specifics, visit, arg);
}

void trix_thread_ranges(struct thread *t, trix_range_visitor *visit, void *arg) {
    struct visitor plain = {visit, arg};
    if (t->gone) return;
    if (trix_os_valgrind) visit_all(t, visit_copy, &plain);
    else visit_all(t, visit, arg);
}
