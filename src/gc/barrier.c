/* barrier.c - see barrier.h. Everything here runs inside the gate, so a change of phase waits for it: an operation
 * sees one phase from its test to its store. Long copies are cut into chunks, between which a stop may come. */
#include "barrier.h"
#include "gc.h"
#include "mark.h"
#include "modules.h"
#include "../heap/gate.h"
#include "../../include/tricolor/barrier.h"

#include <string.h>

enum { BULK_BYTES = 16 << 10 };

/* ---- shading ---- */

/* With no memory for a buffer the word is marked on the spot. */
static NOINLINE void shade_directly(uint64_t offset, uint64_t flags) {
    struct marker m = {0};
    uintptr_t word = trix_map.base + offset;
    trix_work_enter();
    trix_marker_scan_range(&m, &word, &word + 1, flags & RAW_ROOT);
    trix_marker_flush(&m);
    trix_work_exit();
}

/* Whether nobody need look at the word: what it points into is marked, and so is what ends there, if it may be its end. */
INLINE bool is_black(uint64_t offset, uint64_t flags) {
    return offset_is_marked(offset) && (!(flags & RAW_ROOT) || (offset && offset_is_marked(offset - 1)));
}

/* Most words are no pointers, or to what is black: what was born since the cycle began is, and in the last stop, all. */
INLINE bool needs_shade(uintptr_t word, uint64_t flags) {
    uint64_t offset = word - trix_map.base;
    return offset < load_relaxed(&trix_map.extent) && !is_black(offset, flags);
}

static NOINLINE void shade_grey(struct thread *t, uint64_t offset, uint64_t flags) {
    if (t->shades && t->shades->n == WORKBUF_ITEMS) trix_shade_flush(t);
    if (!t->shades && !(t->shades = trix_workbuf_get(WORK_KIND_RAW))) {
        shade_directly(offset, flags);
        return;
    }
    t->shades->item[t->shades->n++] = offset | flags;
}

void trix_shade(struct thread *t, uintptr_t word, uint64_t flags) {
    if (needs_shade(word, flags)) shade_grey(t, word - trix_map.base, flags);
}

void trix_shade_flush(struct thread *t) {
    if (!t->shades || !t->shades->n) return;
    struct workbuf *full = t->shades;
    t->shades = NULL;
    trix_work_push(full);
}

typedef uint64_t __attribute__((aligned(1), may_alias)) word_anywhere;

/* What of the bytes at src, of whatever alignment, fills whole words of dst: only that can be a pointer there. */
RACY_READS static NOINLINE void shade_words(struct thread *t, const void *dst, const void *src, size_t bytes, uint64_t flags) {
    for (size_t at = -(uintptr_t)dst & 7; at + 8 <= bytes; at += 8)
        trix_shade(t, *(const volatile word_anywhere *)((const char *)src + at), flags);
}

static void shade_visited(const void *lo, const void *hi, bool exact_ends, void *t) {
    shade_words(t, lo, lo, (size_t)((const char *)hi - (const char *)lo), exact_ends ? RAW_ROOT : 0);
}

void trix_shade_own_roots(struct thread *t) {
    trix_thread_ranges(t, shade_visited, t);
    trix_shade_flush(t);
}

void trix_shade_range(struct thread *t, const void *from, size_t bytes, uint64_t flags) {
    shade_words(t, from, from, bytes, flags);
}

/* ---- single words ---- */

static NOINLINE void store_inside(struct tri__module *module, tri__word *slot, uintptr_t value) {
    struct thread *t = (struct thread *)gate_enter();
    if (UNLIKELY(!module->registered)) tri__module_register(module);
    if (gate_marking()) {
        trix_shade(t, load_relaxed(slot), 0);
        trix_shade(t, value, 0);
    }
    store_relaxed(slot, value);
    gate_leave(&t->cache.gate);
}

/* Stores the value if no cycle has begun since number `cycle`; a restartable sequence. */
#ifdef TRI__NO_INLINE_PATHS
INLINE bool store_in_cycle(tri__word *where, uintptr_t value, uint32_t cycle) { return (void)where, (void)value, (void)cycle, false; }
#else
INLINE bool store_in_cycle(tri__word *where, uintptr_t value, uint32_t cycle) {
#if defined(__x86_64__)
    __asm__ goto("771: cmpl %[cycle], %[started]\n\t"
                 "jne %l[other]\n\t"
                 "movq %[value], %[m]\n"
                 "772:\n\t" TRI__RAS_ENTRY
                 : TRI__STORE_OUT
                 : TRI__STORE_IN[cycle] "r"(cycle), [started] "m"(trix_gc.started), [value] "re"(value)
                 : "cc" TRI__STORE_CLOBBER
                 : other);
#else
    __asm__ goto("771: ldr w16, %[started]\n\t"
                 "cmp w16, %w[cycle]\n\t"
                 "b.ne %l[other]\n\t"
                 "str %x[value], %[m]\n"
                 "772:\n\t" TRI__RAS_ENTRY
                 :
                 : [m] "Q"(*where), [cycle] "r"(cycle), [started] "Q"(trix_gc.started), [value] "rZ"(value)
                 : "x16", "cc", "memory"
                 : other);
#endif
    return true;
other:
    return false;
}
#endif

/* While marking, nearly all stores put what was born in this cycle, black, into what was NULL: nobody need look at either word, and
 * the thread need not go inside for that. What is black stays so until the cycle ends, and after its end any store is right until the
 * next one begins; so it is enough that none has begun when the store is made. (In a section of blocking.h nobody would stop the
 * thread, and so rewind it, between the test and the store.) */
EXPORT void tri__store_slow(struct tri__module *module, void *where, uintptr_t value) {
    tri__word *slot = where;
    uint32_t cycle = load_relaxed(&trix_gc.started);
    signal_fence();
    bool known = module->registered && tri__this_module.registered == MODULE_REGISTERED && trix_self && !trix_self->section;
    if (LIKELY(known && gate_marking()) && LIKELY(!needs_shade(load_relaxed(slot), 0) && !needs_shade(value, 0))) {
        signal_fence();
        if (LIKELY(store_in_cycle(slot, value, cycle))) return;
    }
    store_inside(module, slot, value);
}

EXPORT bool tri__cas(void *slot, uintptr_t expected, uintptr_t desired) {
    struct thread *t = (struct thread *)gate_enter();
    uintptr_t seen = expected;
    bool done = cas_seq((tri__word *)slot, &seen, desired);
    if (done && gate_marking()) {
        trix_shade(t, expected, 0);
        trix_shade(t, desired, 0);
    }
    gate_leave(&t->cache.gate);
    return done;
}

EXPORT uintptr_t tri__exchange(void *slot, uintptr_t value) {
    struct thread *t = (struct thread *)gate_enter();
    uintptr_t old = swap_seq((tri__word *)slot, value);
    if (gate_marking()) {
        trix_shade(t, old, 0);
        trix_shade(t, value, 0);
    }
    gate_leave(&t->cache.gate);
    return old;
}

/* ---- ranges ---- */

/* Whether stores there must be shaded: into heap objects that are scanned. */
static bool is_scanned_heap(const void *at) {
    if (!map_contains((uintptr_t)at)) return false;
    uint32_t page = trix_map_span(map_page_of((uintptr_t)at));
    return page && load_relaxed(&map_page(page)->kind) == PAGE_SCAN;
}

/* Copies aligned words one by one, in either direction, so that a marker never sees half a pointer. */
static void copy_words(tri__word *to, const tri__word *from, size_t n) {
    if (to < from)
        for (size_t i = 0; i < n; i++) store_relaxed(&to[i], load_relaxed(&from[i]));
    else
        for (size_t i = n; i-- > 0;) store_relaxed(&to[i], load_relaxed(&from[i]));
}

static void copy_bytes(char *to, const char *from, size_t bytes, bool scanned) {
    bool aligned = (((uintptr_t)to | (uintptr_t)from) & 7) == 0;
    if (!scanned || !aligned || !gate_marking()) { /* nobody scans */
        memmove(to, from, bytes);
        return;
    }
    size_t whole = bytes & ~(size_t)7;
    if (to > from) memmove(to + whole, from + whole, bytes - whole);
    copy_words((tri__word *)to, (const tri__word *)from, whole / 8);
    if (to <= from) memmove(to + whole, from + whole, bytes - whole);
}

/* One chunk; inside. */
static void copy_chunk(struct thread *t, char *to, const char *from, size_t bytes) {
    if (LIKELY(!gate_marking())) { /* inside, so it stays off: nobody reads the words meanwhile */
        memmove(to, from, bytes);
        return;
    }
    bool scanned = is_scanned_heap(to);
    if (scanned) {
        trix_shade_range(t, to, bytes, 0);
        shade_words(t, to, from, bytes, 0);
    }
    copy_bytes(to, from, bytes, scanned);
}

void trix_gate_copy(struct gate *g, void *to, const void *from, size_t bytes) {
    bool upwards = (uintptr_t)to - (uintptr_t)from >= bytes; /* no byte is overwritten before it is read */
    for (size_t done = 0; done < bytes;) {
        uintptr_t edge = (uintptr_t)to + done;
        if (!upwards) edge = done - (uintptr_t)to - bytes;
        size_t n = min_u64(bytes - done, BULK_BYTES - (edge & 7)); /* no word is in two chunks */
        size_t at = upwards ? done : bytes - done - n;
        copy_chunk((struct thread *)g, (char *)to + at, (const char *)from + at, n);
        done += n;
        if (done < bytes) trix_gate_pass(g);
    }
}

void trix_gate_zero(struct gate *g, void *at, size_t bytes) {
    if (gate_marking() && is_scanned_heap(at)) trix_shade_range((struct thread *)g, at, bytes, 0);
    memset(at, 0, bytes);
}

EXPORT void tri__copied(struct tri__module *module, const void *dst, const void *src, size_t bytes) {
    struct gate *g = gate_enter();
    if (UNLIKELY(!module->registered)) tri__module_register(module);
    if (dst && !is_scanned_heap(dst)) bytes = 0;
    for (size_t done = 0, n; done < bytes && gate_marking(); done += n) {
        if (done) trix_gate_pass(g);
        const char *to = (const char *)dst + done;
        n = min_u64(bytes - done, BULK_BYTES - ((uintptr_t)to & 7));
        shade_words((struct thread *)g, to, (const char *)src + done, n, 0);
    }
    gate_leave(g);
}

EXPORT void *tri_memmove(void *dst, const void *src, size_t bytes) {
    if (!map_contains((uintptr_t)dst)) return memmove(dst, src, bytes);
    struct gate *g = gate_enter();
    trix_gate_copy(g, dst, src, bytes);
    gate_leave(g);
    return dst;
}

EXPORT void *tri_memcpy(void *restrict dst, const void *restrict src, size_t bytes) {
    return tri_memmove(dst, src, bytes);
}

static void set_chunk(struct thread *t, char *at, int byte, size_t bytes, bool scanned) {
    if (scanned && gate_marking()) trix_shade_range(t, at, bytes, 0);
    memset(at, byte, bytes);
}

EXPORT void *tri_memset(void *dst, int byte, size_t bytes) {
    bool scanned = is_scanned_heap(dst);
    for (size_t done = 0; done < bytes;) {
        struct gate *g = gate_enter();
        size_t n = min_u64(bytes - done, BULK_BYTES);
        set_chunk((struct thread *)g, (char *)dst + done, byte, n, scanned);
        gate_leave(g);
        done += n;
    }
    return dst;
}

void trix_gate_shade_range(struct gate *g, const void *from, size_t bytes) {
    trix_shade_range((struct thread *)g, from, bytes, 0);
}

void trix_gate_shade_root(struct gate *g, uintptr_t word) { trix_shade((struct thread *)g, word, RAW_ROOT); }
