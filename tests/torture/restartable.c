/* restartable.c - the restartable sequences, interrupted at every instruction.
 *
 * tri__bump and tri__store (tricolor/alloc.h, barrier.h) are ranges recorded in the section tri_ras; a signal
 * inside moves the program counter back to the start. First the instructions of the ranges are found, by
 * single steps. Then each is replaced for once by a breakpoint, whose trap comes with the program counter
 * inside the range, and the trap's handler does what would spoil the sequence:
 *
 *   tri__bump    it allocates from the same run, or has the run taken away by a whole cycle. The object that
 * the interrupted allocation then returns must be nobody else's, zeroed, and alive after collections.
 *   tri__store   it lets a cycle begin, and waits until this thread has been scanned and the object that is
 * to be stored into is black. The store, gone back to the test of the flag, must tell the collector.
 *
 *   the slow path of tri__store    in a cycle in which value and box are black, it lets the cycle end, and then the same:
 * the next one begins. The store, gone back to the test of the cycle's number, must tell the collector.
 *
 * Each trap must have left the program counter at the start of its range, and the library must have counted
 * it.
 *
 * `restartable blind store`, `blind slow` and `blind bump` install the trap's handler past the library, so
 * nothing goes back, and the same checks must fail: that is how we know that they see anything.
 *
 * The library is linked as an archive, so that the count, the phase and the markers are at hand.
 */
#include "../system/hold.h"

#include "gc/mark.h"
#include "gc/modules.h"
#include "gc/work.h"

#include <dlfcn.h>
#include <ucontext.h>

#if !defined(__x86_64__)
int main(void) { skip("no single steps on this machine"); }
#else

enum { TRAP_FLAG = 0x100, MOST = 64, INT3 = 0xcc, BUMPS = 6 };

static bool blind;

/* ---- the traps of this test ---- */

static int (*libc_sigaction)(int, const struct sigaction *, struct sigaction *);

/* Steps must not go back, or they would step for ever. */
static void on_trap_directly(void (*fn)(int, siginfo_t *, void *)) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = fn;
    a.sa_flags = SA_SIGINFO;
    REQUIRE(libc_sigaction(SIGTRAP, &a, NULL) == 0, "sigaction");
}

static void on_trap_by_library(void (*fn)(int, siginfo_t *, void *)) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = fn;
    a.sa_flags = SA_SIGINFO;
    REQUIRE(sigaction(SIGTRAP, &a, NULL) == 0, "sigaction");
}

/* ---- finding the instructions ---- */

struct place {
    uintptr_t at;    /* an instruction */
    struct range in; /* lo: where to go back to */
};
static struct place places[MOST];
static unsigned nplaces;

static bool find_range(uintptr_t pc, struct range *r) {
    for (const struct tri__ras *e = __start_tri_ras; e < __stop_tri_ras; e++) {
        r->lo = (uintptr_t)&e->start + (uintptr_t)(intptr_t)e->start;
        r->hi = (uintptr_t)&e->end + (uintptr_t)(intptr_t)e->end;
        if (pc >= r->lo && pc < r->hi) return true;
    }
    return false;
}

static void note_place(uintptr_t pc) {
    struct range r;
    if (!find_range(pc, &r)) return;
    for (unsigned i = 0; i < nplaces; i++)
        if (places[i].at == pc || places[i].in.lo != r.lo) return; /* known, or a range of the slow path's */
    REQUIRE(nplaces < MOST, "more instructions than expected");
    places[nplaces++] = (struct place){pc, r};
}

static volatile bool stepping;

static void on_step(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    note_place((uintptr_t)regs[REG_RIP]);
    if (!stepping) regs[REG_EFL] &= ~TRAP_FLAG;
}

/* Runs fn a few times, noting each instruction of the first restartable range that it meets. */
static void explore(void (*fn)(void)) {
    on_trap_directly(on_step);
    nplaces = 0;
    stepping = true;
    __asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" : : "i"(TRAP_FLAG) : "cc", "memory");
    for (int i = 0; i < 5; i++) fn();
    stepping = false;
    __asm__ volatile("nop\n\tnop" : : : "memory");
}

/* ---- interrupting one instruction ---- */

static struct {
    unsigned char *at, saved;
    void (*meddle)(void);
    uintptr_t secret; /* hidden: a pointer that no register shows while the handler runs; 0: none */
    uintptr_t left;   /* where the library has put the program counter */
    unsigned met;
} trap;

static unsigned interruptions;

static void on_break(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    *trap.at = trap.saved;
    trap.met++;
    if (blind) regs[REG_RIP]--; /* to the instruction itself */
    trap.left = (uintptr_t)regs[REG_RIP];
    uint32_t hides = 0;
    for (int i = 0; trap.secret && i < REG_RIP; i++)
        if (regs[i] == (greg_t)tri_reveal(trap.secret)) hides |= 1u << i, regs[i] = 0;
    trap.meddle();
    for (int i = 0; i < REG_RIP; i++)
        if (hides >> i & 1) regs[i] = (greg_t)tri_reveal(trap.secret);
}

static void make_writable(uintptr_t at) {
    uintptr_t page = at & ~(uintptr_t)4095;
    REQUIRE(mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC) == 0, "mprotect: %s",
            strerror(errno));
}

/* Runs fn, until it has been interrupted just before the instruction. */
static void interrupt(const struct place *p, void (*meddle)(void), void (*fn)(void)) {
    uint64_t before = trix_modules_rewinds;
    make_writable(p->at);
    trap.at = (unsigned char *)p->at;
    trap.saved = *trap.at;
    trap.meddle = meddle;
    trap.met = 0;
    *trap.at = INT3;
    for (int tries = 0; tries < 1000 && !trap.met; tries++) fn(); /* an empty run is not bumped to the end */
    REQUIRE(trap.met == 1, "the instruction at %p was met %u times", (void *)p->at, trap.met);
    interruptions++;
    if (blind) return;
    REQUIRE(trap.left == p->in.lo, "interrupted at +%lu of its range, left at +%ld",
            (unsigned long)(p->at - p->in.lo), (long)(trap.left - p->in.lo));
    REQUIRE(trix_modules_rewinds > before, "the rewind was not counted");
}

/* ---- allocation ---- */

struct item {
    uint64_t stamp;
    struct item *next;
    uint64_t more[2];
};
TRI_TYPE(struct item, next)

static struct item *made, *others[BUMPS]; /* roots */

NO_INLINE static void make_item(void) { made = tri_new(struct item); }

static void check_fresh(const struct item *i) {
    REQUIRE(i && !i->stamp && !i->next && !i->more[0] && !i->more[1], "a fresh object at %p is not zero",
            (const void *)i);
}

/* The ways to spoil it; all of them on the thread itself, in the trap's handler. */
static void take_from_run(void) {
    for (int i = 0; i < BUMPS; i++) {
        others[i] = tri_new(struct item);
        check_fresh(others[i]);
        others[i]->stamp = 1000 + (uint64_t)i;
    }
}
static void take_run_away(void) {
    tri_gc();
    take_from_run();
}

static void check_items(void) {
    check_fresh(made);
    made->stamp = 7;
    for (int i = 0; i < BUMPS; i++) {
        REQUIRE(others[i] != made, "the allocation interrupted and the handler's got the same object");
        REQUIRE(others[i]->stamp == 1000 + (uint64_t)i, "the handler's object %d was overwritten", i);
    }
    tri_gc();
    churn();
    REQUIRE(made->stamp == 7 && tri_base(made) == made, "the object made was freed");
    for (int i = 0; i < BUMPS; i++)
        REQUIRE(tri_base(others[i]) == others[i], "the handler's object %d was freed", i);
}

static void warm_up(void) {
    for (int i = 0; i < 100; i++) make_item(); /* past the first, rare ones: spans of their own */
}

static unsigned test_bump(void (*meddle)(void)) {
    warm_up();
    explore(make_item);
    unsigned n = nplaces;
    on_trap_by_library(on_break);
    if (blind) on_trap_directly(on_break);
    for (unsigned i = 0; i < n; i++) {
        warm_up();
        interrupt(&places[i], meddle, make_item);
        check_items();
    }
    return n;
}

/* ---- store ---- */

struct box {
    struct stamped *field;
};
TRI_TYPE(struct box, field)

static struct stamped *last; /* the only pointer to the object; a root that has not been scanned yet */
static struct box *box;
static hidden where;

NO_INLINE static void move(void) {
    tri_set(box->field, last);
    last = NULL;
}

static void blacken(void *object) {
    struct marker m;
    memset(&m, 0, sizeof m);
    struct gate *g = gate_enter();
    trix_work_enter();
    trix_marker_shade(&m, (uintptr_t)object);
    while (trix_marker_drain(&m, UINT64_MAX / 2)) {
    }
    trix_marker_flush(&m);
    trix_work_exit();
    gate_leave(g);
}

/* A cycle begins with the store on its way, and the box becomes black. The collector has this thread scanned
 * now, where it would see the value in a register; a thread that is scanned only after the store would not
 * show it any more. So the register is hidden meanwhile (trap.secret), and `move` leaves no trace of the
 * value. */
static void begin_cycle(void) {
    hold_at(HOLD_MARK);
    blacken(box);
}

NO_INLINE static void fill(void) {
    last = stamped_new(42);
    where = tri_hide(last);
    box = tri_new(struct box);
}

/* Interrupts the store at the place; a cycle is under way when the interruption is over. */
static void test_store_at(const struct place *p, void (*meddle)(void), void (*store)(void)) {
    on_trap_by_library(on_break);
    if (blind) on_trap_directly(on_break);
    fill();
    clear_stack();
    trap.secret = where;
    interrupt(p, meddle, store);
    trap.secret = 0;
    clear_stack();
    hold_release();
    churn();
    REQUIRE(box->field == tri_reveal(where) && stamped_lives(where, 42),
            "interrupted at +%lu, the store has not told the collector", (unsigned long)(p->at - p->in.lo));
}

static unsigned test_store(void) {
    fill();
    explore(move);
    unsigned n = nplaces;
    for (unsigned i = 0; i < n; i++) test_store_at(&places[i], begin_cycle, move);
    return n;
}

/* ---- the slow path of a store, while marking ---- */

NO_INLINE static void move_slowly(void) {
    tri__store_slow(&tri__this_module, &box->field, (uintptr_t)last);
    last = NULL;
}

static void begin_next_cycle(void) {
    hold_release();
    begin_cycle();
}

static unsigned test_slow(void) {
    hold_at(HOLD_MARK);
    fill();
    explore(move_slowly);
    hold_release();
    unsigned n = nplaces;
    for (unsigned i = 0; i < n; i++) {
        hold_at(HOLD_MARK); /* what is made now is black */
        test_store_at(&places[i], begin_next_cycle, move_slowly);
    }
    return n;
}

int main(int argc, char **argv) {
    blind = argc > 1 && strcmp(argv[1], "blind") == 0;
    *(void **)&libc_sigaction = dlsym(RTLD_NEXT, "sigaction");
    REQUIRE(libc_sigaction, "libc has no sigaction");
    const char *only = argc > 2 ? argv[2] : NULL;
    unsigned store = 0, slow = 0, bump = 0;
    if (!only || strcmp(only, "store") == 0) {
        step("store");
        store = test_store();
    }
    if (!only || strcmp(only, "slow") == 0) {
        step("store, slow path");
        slow = test_slow();
    }
    if (!only || strcmp(only, "bump") == 0) {
        step("bump, the handler allocates");
        bump = test_bump(take_from_run);
        step("bump, the handler collects");
        test_bump(take_run_away);
    }
    if (blind) return 0; /* the checks have seen nothing */
    REQUIRE(store >= 3 && slow >= 3 && bump >= 7, "tri__store has %u instructions, its slow path %u, tri__bump %u", store, slow,
            bump);
    printf("%u instructions of tri__store, %u of its slow path and %u of tri__bump, %u interruptions, %lu rewinds\n", store,
           slow, bump, interruptions, trix_modules_rewinds);
    return 0;
}
#endif
