/* unwind.c - walking a stack by .eh_frame (the DWARF tables that gcc and clang emit unless told not to), for profiles.
 *
 * Why not the compiler's own unwinder, or libunwind: a profile walks in signal handlers, at any instruction, often, and on
 * stacks it knows nothing of. This one takes no lock, allocates nothing, reads no word outside the stretch of stack it is
 * given, and goes up only; so the worst that wrong tables, hand-written code or a stack in ruins can do is to end the walk.
 * It knows only what compilers emit: the frame's address (CFA) from the stack or frame pointer, or one word in memory; the
 * caller's frame pointer and the return address at fixed places below it. Whatever else it meets ends the walk.
 *
 * What an address needs for one step fits into a word. So there is a cache, direct-mapped, and a walk costs a few
 * nanoseconds a frame. An entry's two words are written by any thread at any time: `check` is address xor rule, so
 * halves of two entries do not pass for one.
 *
 * Tables are found by _dl_find_object (glibc 2.35), which takes no lock. Without it a walk is of frame pointers alone.
 */
#include "unwind.h"
#include "../base/atomic.h"

#include <string.h>
#include <ucontext.h>

enum {
#if defined(__x86_64__)
    REG_FP = 6,
    REG_SP = 7,
    REG_RA = 16,
#else
    REG_FP = 29,
    REG_SP = 31,
    REG_RA = 30,
#endif
    CACHE = 4096,
    MOST_STEPS = 4096,   /* instructions of one table entry */
    REMEMBERED = 4
};

/* ---- a step ---- */

enum base { BASE_NONE, BASE_SP, BASE_FP, BASE_SP_WORD, BASE_FP_WORD, BASE_SIGNAL, BASE_CHAIN };

/* CFA = base + offset (…_WORD: the word there); the return address and the caller's frame pointer in words below the CFA,
 * 0: as they are. */
struct rule {
    int32_t offset;
    uint8_t base;
    uint8_t ra, fp; /* words below the CFA */
    uint8_t known;  /* 1: so that no rule is all zero */
};
_Static_assert(sizeof(struct rule) == 8, "a rule is a word");

/* ---- reading the tables ---- */

struct reader {
    const uint8_t *at, *end;
};

static uint64_t read_bytes(struct reader *r, unsigned n) {
    uint64_t v = 0;
    if ((size_t)(r->end - r->at) < n) r->at = r->end;
    else memcpy(&v, r->at, n), r->at += n;
    return v;
}

static uint64_t read_uleb(struct reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; r->at < r->end; shift += 7) {
        uint8_t b = *r->at++;
        if (shift < 64) v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) break;
    }
    return v;
}

static int64_t read_sleb(struct reader *r) {
    uint64_t v = 0;
    unsigned shift = 0;
    uint8_t b = 0;
    while (r->at < r->end) {
        b = *r->at++;
        if (shift < 64) v |= (uint64_t)(b & 0x7f) << shift;
        shift += 7;
        if (!(b & 0x80)) break;
    }
    if (shift < 64 && b & 0x40) v |= ~0ull << shift;
    return (int64_t)v;
}

/* A pointer in one of the encodings that occur (DW_EH_PE_…): 2, 4 or 8 bytes, absolute, relative to itself or to `data`. */
static uintptr_t read_encoded(struct reader *r, uint8_t encoding, uintptr_t data) {
    uintptr_t self = (uintptr_t)r->at, v;
    if (encoding == 0xff) return 0;
    switch (encoding & 0x0f) {
    case 0x00: case 0x04: case 0x0c: v = read_bytes(r, 8); break;
    case 0x02: v = read_bytes(r, 2); break;
    case 0x03: v = read_bytes(r, 4); break;
    case 0x0a: v = (uintptr_t)(int64_t)(int16_t)read_bytes(r, 2); break;
    case 0x0b: v = (uintptr_t)(int64_t)(int32_t)read_bytes(r, 4); break;
    default: r->at = r->end; return 0;
    }
    switch (encoding & 0x70) {
    case 0x10: return v + self;
    case 0x30: return v + data;
    default: return v;
    }
}

/* The table entry of a function. */
struct entry {
    struct reader common, own; /* instructions */
    uintptr_t start, length;   /* of the function */
    uint64_t code_align;
    int64_t data_align;
    bool signal; /* a signal handler's frame lies below */
};

/* Not beyond a plausible length, since the end of .eh_frame is not told. */
static struct reader record_at(uintptr_t at) {
    uint32_t length;
    memcpy(&length, (void *)at, 4);
    if (length == 0 || length > 1 << 20) return (struct reader){0};
    return (struct reader){(uint8_t *)at + 4, (uint8_t *)at + 4 + length};
}

static bool read_common(struct entry *e, uintptr_t at, uint8_t *encoding) {
    struct reader r = record_at(at);
    if (!r.at || read_bytes(&r, 4) != 0) return false;
    uint8_t version = (uint8_t)read_bytes(&r, 1);
    if (version != 1 && version != 3) return false;
    const char *augmentation = (const char *)r.at;
    while (r.at < r.end && *r.at) r.at++;
    r.at++;
    e->code_align = read_uleb(&r);
    e->data_align = read_sleb(&r);
    if ((version == 1 ? read_bytes(&r, 1) : read_uleb(&r)) != REG_RA) return false;
    *encoding = 0;
    if (*augmentation == 'z') {
        uint64_t length = read_uleb(&r);
        const uint8_t *end = r.at + length;
        if (length > (size_t)(r.end - r.at)) return false;
        while (*++augmentation) switch (*augmentation) {
            case 'R': *encoding = (uint8_t)read_bytes(&r, 1); break;
            case 'S': e->signal = true; break;
            case 'L': read_bytes(&r, 1); break;
            case 'P': {
                uint8_t how = (uint8_t)read_bytes(&r, 1);
                read_encoded(&r, how, 0);
                break;
            }
            case 'B': break;
            default: return false;
            }
        r.at = end;
    } else if (*augmentation) {
        return false;
    }
    e->common = r;
    return true;
}

static bool read_entry(struct entry *e, uintptr_t at) {
    struct reader r = record_at(at);
    uint8_t encoding;
    if (!r.at) return false;
    uintptr_t self = (uintptr_t)r.at;
    uint32_t back = (uint32_t)read_bytes(&r, 4);
    if (back == 0 || !read_common(e, self - back, &encoding)) return false;
    e->start = read_encoded(&r, encoding, 0);
    e->length = read_encoded(&r, encoding & 0x0f, 0);
    uint64_t augmentation = read_uleb(&r);
    if (augmentation > (size_t)(r.end - r.at)) return false;
    r.at += augmentation;
    e->own = r;
    return true;
}

/* .eh_frame_hdr: a sorted table of (function, entry), both 4 bytes relative to its own start. */
static uintptr_t entry_of(const void *header, uintptr_t pc) {
    uintptr_t base = (uintptr_t)header;
    struct reader r = {header, (const uint8_t *)header + 64};
    if (read_bytes(&r, 1) != 1) return 0;
    uint8_t frame = (uint8_t)read_bytes(&r, 1), count = (uint8_t)read_bytes(&r, 1), table = (uint8_t)read_bytes(&r, 1);
    if (table != 0x3b) return 0;
    read_encoded(&r, frame, base);
    uintptr_t low = 0, high = read_encoded(&r, count, base);
    const int32_t(*rows)[2] = (const void *)r.at;
    if (high == 0 || pc < base + (uintptr_t)(intptr_t)rows[0][0]) return 0;
    while (high - low > 1) {
        uintptr_t middle = low + (high - low) / 2;
        if (base + (uintptr_t)(intptr_t)rows[middle][0] <= pc) low = middle;
        else high = middle;
    }
    return base + (uintptr_t)(intptr_t)rows[low][1];
}

/* ---- running the instructions ---- */

struct state {
    int64_t cfa_offset, ra, fp; /* ra, fp: bytes from the CFA, 0: where they were */
    uint64_t cfa_register;
    bool word;   /* the CFA is the word at register + offset */
    bool strange; /* something this walker does not know */
};

static void set_offset(struct state *s, uint64_t reg, int64_t offset) {
    if (reg == REG_FP) s->fp = offset;
    if (reg == REG_RA) s->ra = offset;
}

static void set_strange(struct state *s, uint64_t reg) {
    if (reg == REG_FP || reg == REG_RA) s->strange = true;
}

/* A CFA of the form "the word at register + offset": what gcc emits where it aligns a stack. */
static void read_expression(struct state *s, struct reader r) {
    uint8_t op = (uint8_t)read_bytes(&r, 1);
    if (op < 0x70 || op > 0x8f) {
        s->strange = true;
        return;
    }
    s->cfa_register = op - 0x70u;
    s->cfa_offset = read_sleb(&r);
    s->word = r.at < r.end && *r.at++ == 0x06;
    if (!s->word || r.at != r.end) s->strange = true;
}

static struct reader read_block(struct reader *r) {
    uint64_t n = read_uleb(r);
    if (n > (size_t)(r->end - r->at)) n = (size_t)(r->end - r->at);
    struct reader block = {r->at, r->at + n};
    r->at += n;
    return block;
}

/* Runs r until the location passes pc. */
static void run(struct state *s, const struct state *initial, const struct entry *e, struct reader r, uintptr_t pc) {
    struct state kept[REMEMBERED];
    unsigned nkept = 0;
    uintptr_t at = e->start;
    for (int steps = 0; r.at < r.end && steps < MOST_STEPS; steps++) {
        uint8_t op = *r.at++;
        uint64_t reg = op & 0x3f;
        switch (op & 0xc0) {
        case 0x40: at += reg * e->code_align; goto moved;
        case 0x80: set_offset(s, reg, (int64_t)read_uleb(&r) * e->data_align); continue;
        case 0xc0: /* restore */
            if (reg == REG_FP) s->fp = initial->fp;
            if (reg == REG_RA) s->ra = initial->ra;
            continue;
        }
        switch (op) {
        case 0x00: break;                                             /* nop */
        case 0x02: at += read_bytes(&r, 1) * e->code_align; goto moved; /* advance_loc1 */
        case 0x03: at += read_bytes(&r, 2) * e->code_align; goto moved;
        case 0x04: at += read_bytes(&r, 4) * e->code_align; goto moved;
        case 0x05: reg = read_uleb(&r), set_offset(s, reg, (int64_t)read_uleb(&r) * e->data_align); break;
        case 0x06: reg = read_uleb(&r); /* restore_extended */
            if (reg == REG_FP) s->fp = initial->fp;
            if (reg == REG_RA) s->ra = initial->ra;
            break;
        case 0x07: set_strange(s, read_uleb(&r)); break; /* undefined */
        case 0x08: set_offset(s, read_uleb(&r), 0); break; /* same_value */
        case 0x09: set_strange(s, read_uleb(&r)), read_uleb(&r); break; /* register */
        case 0x0a: if (nkept < REMEMBERED) kept[nkept++] = *s; else s->strange = true; break;
        case 0x0b: if (nkept) *s = kept[--nkept]; else s->strange = true; break;
        case 0x0c: s->cfa_register = read_uleb(&r), s->cfa_offset = (int64_t)read_uleb(&r), s->word = false; break;
        case 0x0d: s->cfa_register = read_uleb(&r), s->word = false; break;
        case 0x0e: s->cfa_offset = (int64_t)read_uleb(&r); break;
        case 0x0f: read_expression(s, read_block(&r)); break;
        case 0x10: case 0x16: set_strange(s, read_uleb(&r)), read_block(&r); break; /* expression, val_expression */
        case 0x11: reg = read_uleb(&r), set_offset(s, reg, read_sleb(&r) * e->data_align); break;
        case 0x12: s->cfa_register = read_uleb(&r), s->cfa_offset = read_sleb(&r) * e->data_align, s->word = false; break;
        case 0x13: s->cfa_offset = read_sleb(&r) * e->data_align; break;
        case 0x14: case 0x15: set_strange(s, read_uleb(&r)), read_uleb(&r); break;
        case 0x2d: break; /* aarch64: the return address is signed from here on, or no more */
        case 0x2e: read_uleb(&r); break; /* GNU_args_size */
        default: s->strange = true; return;
        }
        continue;
    moved:
        if (at > pc) return;
    }
}

/* ---- from address to rule ---- */

struct dl_find_result { /* glibc's struct dl_find_object, for where its header lacks it */
    unsigned long long flags;
    void *map_start, *map_end, *link_map, *eh_frame;
    unsigned long long reserved[7];
};
extern int _dl_find_object(void *pc, struct dl_find_result *result) __attribute__((weak));

static bool word_below(int64_t bytes, uint8_t *words) {
    if (bytes > 0 || bytes % 8 || bytes < -8 * 255) return false;
    *words = (uint8_t)(-bytes / 8);
    return true;
}

static struct rule rule_make(const struct entry *e, const struct state *s) {
    struct rule none = {.known = 1}, rule = {.known = 1, .offset = (int32_t)s->cfa_offset};
    if (e->signal) return (struct rule){.known = 1, .base = BASE_SIGNAL};
    if (s->strange || s->cfa_offset != rule.offset) return none;
    if (s->cfa_register == REG_SP) rule.base = s->word ? BASE_SP_WORD : BASE_SP;
    else if (s->cfa_register == REG_FP) rule.base = s->word ? BASE_FP_WORD : BASE_FP;
    else return none;
    return word_below(s->ra, &rule.ra) && word_below(s->fp, &rule.fp) ? rule : none;
}

static struct rule rule_find(uintptr_t pc) {
    struct dl_find_result object;
    struct rule none = {.known = 1};
    if (!_dl_find_object) return (struct rule){.known = 1, .base = BASE_CHAIN};
    if (_dl_find_object((void *)pc, &object) != 0 || !object.eh_frame) return none;
    struct entry e = {0};
    uintptr_t at = entry_of(object.eh_frame, pc);
    if (!at || !read_entry(&e, at) || pc - e.start >= e.length) return none;
    struct state s = {0}, initial;
    run(&s, &s, &e, e.common, UINTPTR_MAX);
    initial = s;
    run(&s, &initial, &e, e.own, pc);
    return rule_make(&e, &s);
}

static struct {
    uint64_t check, rule; /* relaxed; address xor rule, rule */
} cache[CACHE];
NO_ROOTS(cache);

static struct rule rule_of(uintptr_t pc) {
    unsigned i = (unsigned)(pc * 0x9e3779b97f4a7c15ull >> 52) % CACHE;
    uint64_t word = load_relaxed(&cache[i].rule);
    struct rule rule;
    if (word && (load_relaxed(&cache[i].check) ^ word) == pc) {
        memcpy(&rule, &word, sizeof rule);
        return rule;
    }
    rule = rule_find(pc);
    memcpy(&word, &rule, sizeof word);
    store_relaxed(&cache[i].rule, word);
    store_relaxed(&cache[i].check, pc ^ word);
    return rule;
}

void trix_unwind_forget(void) {
    for (unsigned i = 0; i < CACHE; i++) store_relaxed(&cache[i].check, 0), store_relaxed(&cache[i].rule, 0);
}

/* ---- walking ---- */

RACY_READS static bool read_word(const struct unwind *u, uintptr_t at, uintptr_t *word) {
    if (at < u->sp || at >= u->hi || u->hi - at < sizeof *word || at % sizeof *word) return false;
    *word = *(const uintptr_t *)at;
    return true;
}

#if defined(__x86_64__)
/* Below a handler lies the context it interrupted. */
static bool step_signal(struct unwind *u) {
    if (u->sp >= u->hi || u->hi - u->sp < sizeof(ucontext_t)) return false;
    struct unwind next = trix_unwind_context((const void *)u->sp, u->hi);
    if (next.sp <= u->sp) return false; /* it interrupted another stack */
    *u = next;
    return true;
}
#else
static bool step_signal(struct unwind *u) { return (void)u, false; }
#endif

static bool find_cfa(const struct unwind *u, struct rule rule, uintptr_t *cfa) {
    uintptr_t base = rule.base == BASE_SP || rule.base == BASE_SP_WORD ? u->sp : u->fp;
    *cfa = base + (uintptr_t)(intptr_t)rule.offset;
    return rule.base == BASE_SP || rule.base == BASE_FP || read_word(u, *cfa, cfa);
}

static bool step_chain(struct unwind *u) {
    uintptr_t pc, fp, at = u->fp;
    if (!read_word(u, at, &fp) || !read_word(u, at + 8, &pc)) return false;
    *u = (struct unwind){.pc = pc, .sp = at + 16, .fp = fp, .hi = u->hi};
    return true;
}

/* To the caller's frame. */
static bool step(struct unwind *u) {
    struct rule rule = rule_of(u->interrupted ? u->pc : u->pc - 1);
    uintptr_t cfa, pc, fp = u->fp;
    if (rule.base == BASE_NONE) return false;
    if (rule.base == BASE_SIGNAL) return step_signal(u);
    if (rule.base == BASE_CHAIN) return step_chain(u);
    if (!find_cfa(u, rule, &cfa) || cfa > u->hi || cfa < u->sp) return false;
    if (rule.ra) {
        if (!read_word(u, cfa - rule.ra * 8u, &pc)) return false;
    } else {
        pc = u->lr; /* a leaf that keeps it in its register */
        if (!pc) return false;
    }
    if (rule.fp && !read_word(u, cfa - rule.fp * 8u, &fp)) return false;
    if (cfa == u->sp && !u->lr) return false;
    *u = (struct unwind){.pc = pc, .sp = cfa, .fp = fp, .hi = u->hi};
    return true;
}

unsigned trix_unwind(struct unwind u, uintptr_t *pcs, unsigned most) {
    unsigned n = 0;
    while (n < most && u.pc > 4096) {
        pcs[n++] = u.pc;
        if (!step(&u)) break;
    }
    return n;
}

struct unwind trix_unwind_context(const void *ucontext, uintptr_t hi) {
    const mcontext_t *m = &((const ucontext_t *)ucontext)->uc_mcontext;
#if defined(__x86_64__)
    return (struct unwind){.pc = (uintptr_t)m->gregs[REG_RIP], .sp = (uintptr_t)m->gregs[REG_RSP],
                           .fp = (uintptr_t)m->gregs[REG_RBP], .hi = hi, .interrupted = true};
#else
    return (struct unwind){.pc = m->pc, .sp = m->sp, .fp = m->regs[29], .lr = m->regs[30], .hi = hi, .interrupted = true};
#endif
}

/* ---- libgcc's ---- */

extern __attribute__((weak)) const void *_Unwind_Find_FDE(void *pc, void *bases);

bool trix_unwinder_ready(void) {
    void *bases[3];
    return !_Unwind_Find_FDE || _Unwind_Find_FDE((char *)(uintptr_t)&trix_unwinder_ready + 1, bases);
}
