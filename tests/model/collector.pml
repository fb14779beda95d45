/* collector.pml - the collector's protocol between mutators, a signal handler, markers and the collector, for spin.
 *
 * A concurrent collector is right or wrong by its interleavings: which step of the program may fall between which two
 * steps of the collector. This file states the steps, and spin tries every order of them, from every small heap.
 *
 *   P1  When the phase goes off, every object reachable from a root is marked (cycle.c, I1): nothing that the program
 *       can still reach is ever freed.
 *   P2  A last stop that does not end the cycle leaves fewer white objects than the one before, so that
 *       there is a last one.
 *   P3  Every run comes to an end: there is no deadlock, and no way to go round for ever.
 *   P4  A slot is handed out once, and only while it is claimed (cache.h, I2).
 *
 * Who takes part, and where they are in the source:
 *
 *   mutator     the program: one a thread, and one for a handler that may interrupt thread 0 between any two instructions.
 *               Each has two registers, which stand for its stack as well     tricolor/abi.h, gc/barrier.c, heap/cache.c
 *   answers     a thread that was asked to scan its own stack does it         gc/stop.c
 *   collector   drives the cycle, and marks                                   gc/cycle.c
 *   helper      a second marker                                               gc/background.c, gc/mark.c, gc/work.c
 *
 * One atomic step here is one instruction there, or several of which nobody else can see the first without the last:
 *
 *   - A stop of the world is one step, "all are stopped". stop.pml shows that it may be taken for one.
 *   - A thread's barrier buffer and its run are read by others only when it is stopped.
 *   - Reading a word and marking what it points to is one step: in between, the marker holds the word, and is counted.
 *   - A buffer is a set of objects: neither order nor repetition matter to marking.
 *
 * Memory is sequentially consistent. README.md says what else is left out. Bounds and decisions are macros; a decision is
 * 1 in the source, and `run` turns one after the other to 0 and expects an error.
 */

/* ---- bounds ---- */
#ifndef OBJECTS
#define OBJECTS 3 /* slots in the heap */
#endif
#ifndef LIVE
#define LIVE 2 /* at most so many are allocated when the model begins */
#endif
#ifndef OPS
#define OPS 4 /* operations of the program, in all */
#endif
#ifndef SIGNALS
#define SIGNALS 0 /* signals for thread 0 */
#endif
#ifndef HELPERS
#define HELPERS 1 /* 0 or 1 */
#endif
#ifndef ALLOC
#define ALLOC 1 /* whether the program allocates */
#endif
#ifndef EXCHANGE
#define EXCHANGE 1 /* whether it uses tri_exchange beside tri_set */
#endif
#ifndef CYCLES
#define CYCLES 1
#endif

/* ---- decisions ---- */
#ifndef STRICT
#define STRICT 0 /* 1: stores to globals and frames have the barrier too, each stack is scanned once: not in the library yet */
#endif
#ifndef SHADE_OLD
#define SHADE_OLD 1 /* the barrier shades the pointer it overwrites */
#endif
#ifndef SHADE_NEW
#define SHADE_NEW 1 /* and the one it stores; 2: only until its thread has been scanned */
#endif
#ifndef HANDLER_SHADES
#define HANDLER_SHADES 1 /* handlers store with the barrier */
#endif
#ifndef BLACK_BIRTH
#define BLACK_BIRTH 1 /* slots claimed while marking are black */
#endif
#ifndef SWAP_RUNS
#define SWAP_RUNS 1 /* each change of phase takes the runs claimed before it away */
#endif
#ifndef STOP_FOR_FLIP
#define STOP_FOR_FLIP 1 /* 0: a thread sees the barrier's flag change when it is scanned, or never */
#endif
#ifndef REWIND_AT_STOP
#define REWIND_AT_STOP 1 /* a thread stopped in a restartable sequence begins it again */
#endif
#ifndef REWIND_AT_SIGNAL
#define REWIND_AT_SIGNAL 1 /* so does one that a handler interrupts */
#endif
#ifndef AWAIT_INSIDE
#define AWAIT_INSIDE 1 /* a stop waits until no thread is inside the gate */
#endif
#ifndef RESCAN_STACKS
#define RESCAN_STACKS !STRICT /* the last stop looks at stacks again */
#endif
#ifndef RESCAN_GLOBALS
#define RESCAN_GLOBALS !STRICT /* and at globals */
#endif
#ifndef RESCAN_IDLE
#define RESCAN_IDLE 1 /* even at those of threads that have not run since they were scanned */
#endif
#ifndef FLUSH_AT_STOP
#define FLUSH_AT_STOP 1 /* the last stop takes what the barrier buffers hold */
#endif
#ifndef COUNT_BUSY
#define COUNT_BUSY 1 /* marking is over when no marker is busy; 0: when the queue is empty */
#endif
#ifndef COUNT_FIRST
#define COUNT_FIRST 1 /* a helper is counted before it takes work; 0: after */
#endif
#ifndef AWAIT_HELPER
#define AWAIT_HELPER 1 /* a last stop that has found nothing waits for helpers; 0: it gives up */
#endif

/* ---- pointers, sets, memory ----
 * A pointer is 0 (NULL) or the number of an object, 1..OBJECTS. A set of objects is a byte, with bit p-1 for object p.
 * Memory is word[p] for each object, which holds one pointer; then a global; then a local of thread 0 whose address the
 * other thread has. word[0] is not used. */
#define SET(p)     ((1 << (p)) >> 1)
#define EVERY      ((1 << OBJECTS) - 1)
#define GLOBAL     (OBJECTS + 1)
#define FRAME      (OBJECTS + 2)
#define MEMORY     (OBJECTS + 3)
#define HANDLER    2 /* the context of the handler */

byte word[MEMORY];
byte reg[6];          /* two a context, sorted: their names mean nothing */
byte used;            /* set: slots claimed */
byte mark;            /* set: a free slot is marked (map.h, I1) */
byte raw, grey;       /* sets: the shared queue's two kinds of buffers */
byte own[2];          /* sets: grey objects that the collector, the helper holds */
byte busy;            /* work.c's `active`: markers that hold work, or may come to hold it */
byte buf[2];          /* sets: barrier buffers */
byte cur[2];          /* the slot left in the thread's run, or 0 */
bool flag;            /* the barrier is on, phase is mark; changes only while all are stopped */
bool stopped;         /* all threads are */
bool handling;        /* the handler runs, so thread 0's own context does not */
bool seq[3];          /* the context is inside a restartable sequence, and has not been rewound */
bool inside[2];       /* the thread is in the gate */
byte ask;             /* set of threads, bit t: asked to scan itself */
byte idle;            /* set of threads: has not run since; kept only where RESCAN_IDLE is broken */
byte ops = OPS, signals = SIGNALS;
hidden byte reachable_is_marked, fewer_white, handed_out_well, nothing_is_grey; /* what the assertions say */

#define WHITE        (EVERY & ~mark)
#define COUNT(s)     (((s) & 1) + ((s) >> 1 & 1) + ((s) >> 2 & 1) + ((s) >> 3 & 1))
#define REGISTERS(c) (SET(reg[2 * (c)]) | SET(reg[2 * (c) + 1]))
#define STACK(t)     ((t) == 0 -> REGISTERS(0) | REGISTERS(HANDLER) | SET(word[FRAME]) : REGISTERS(1))
#define STOPPABLE(t) (!inside[t] || !AWAIT_INSIDE)
#define FLAG(t)      (flag && (STOP_FOR_FLIP || !(ask & 1 << (t))))

inline pick(p, s) { /* some member; s is not empty */
    p = 1;
    do
    :: (s) & SET(p) -> break
    :: (s) >> p -> p++
    od
}

/* ---- the program ---- */

/* Context c may execute an instruction. */
#define MAY   (!stopped && (c == 1 || handling == (c == HANDLER)))
#define VALUE reg[2 * c + d]
#define BASE  reg[2 * c + 1 - d]

/* trix_shade: what is marked already is not put into the buffer. */
#define SHADE (WHITE & ((SHADE_OLD -> SET(word[a]) : 0) | \
               (SHADE_NEW == 1 || (SHADE_NEW == 2 && (ask & 1 << t)) -> SET(VALUE) : 0)))

#define BARRIER ((a <= OBJECTS || STRICT) && (c != HANDLER || HANDLER_SHADES))

inline operation_done() { /* forgets d and a, sorts the registers */
    d = reg[2 * c];
    if
    :: d > reg[2 * c + 1] -> reg[2 * c] = reg[2 * c + 1]; reg[2 * c + 1] = d
    :: else
    fi;
    d = 0; a = 0
}

proctype mutator(byte c; byte t) {
    byte d; /* which register is VALUE; the other is BASE */
    byte a; /* the address: an index into word; in an allocation, the slot */

end_next: /* between two operations */
    do
    :: atomic {
        MAY && ops -> ops--;
        idle = idle & ~(1 << t);
        if :: d = 0 :: d = 1 fi;
        if
        :: BASE && word[BASE] != VALUE -> a = BASE; goto load
        :: VALUE && word[VALUE] != VALUE -> a = VALUE; goto load
        :: word[GLOBAL] != VALUE -> a = GLOBAL; goto load
        :: c != HANDLER && word[FRAME] != VALUE -> a = FRAME; goto load
        :: BASE && word[BASE] != VALUE -> a = BASE; goto store
        :: word[GLOBAL] != VALUE -> a = GLOBAL; goto store
        :: c != HANDLER && word[FRAME] != VALUE -> a = FRAME; goto store
        :: VALUE -> printf("context %d: forgets %d\n", c, VALUE); VALUE = 0
        :: ALLOC && !VALUE && (cur[t] || used != EVERY) -> goto end_alloc
        :: else
        fi;
        goto done;
    load:
        VALUE = word[a];
        printf("context %d: loads word[%d], %d\n", c, a, VALUE);
        goto done;
    store: /* stores to globals and locals have no barrier */
        if
        :: BARRIER -> goto end_test
        :: BARRIER && EXCHANGE -> goto end_slow
        :: !BARRIER -> word[a] = VALUE; printf("context %d: word[%d] = %d, plain\n", c, a, VALUE)
        fi;
    done:
        operation_done() }
    :: atomic { /* the trampoline of a handler */
        c == HANDLER && !handling && !stopped && !inside[0] && signals && ops ->
        signals--; handling = true; seq[0] = seq[0] && !REWIND_AT_SIGNAL; idle = idle & ~1;
        printf("context %d: handler begins\n", c) }
    :: atomic {
        c == HANDLER && handling && !stopped ->
        handling = false; reg[2 * c] = 0; reg[2 * c + 1] = 0;
        printf("context %d: handler returns\n", c) }
    od;

    /* tri__store, restartable: test, branch, store. */
end_test:
    atomic { MAY -> if :: FLAG(t) -> goto end_slow :: else -> seq[c] = true fi };
end_commit:
    atomic {
        MAY ->
        if
        :: seq[c] -> seq[c] = false; word[a] = VALUE
        :: else -> goto end_test
        fi;
        printf("context %d: word[%d] = %d, fast\n", c, a, VALUE);
        operation_done();
        goto end_next };

    /* tri__store_slow, tri__exchange: inside the gate. Until it has entered, the thread may be stopped and the phase
     * change, so it asks for it again. */
end_slow:
    atomic {
        MAY ->
        inside[t] = true;
        if :: flag -> buf[t] = buf[t] | SHADE :: else fi };
end_store:
    atomic {
        !stopped ->
        word[a] = VALUE;
        inside[t] = false;
        printf("context %d: word[%d] = %d, slow\n", c, a, VALUE);
        if
        :: buf[t] -> raw = raw | buf[t]; buf[t] = 0 /* full: handed over */
        :: skip
        fi;
        operation_done();
        goto end_next };

    /* tri__bump, restartable: load, add, compare, store; and tri__alloc_slow when the run is at its end. */
end_alloc:
    atomic {
        MAY ->
        if
        :: cur[t] -> a = cur[t]; seq[c] = true
        :: !cur[t] && used != EVERY -> /* claim a slot */
           pick(a, ~used & EVERY);
           used = used | SET(a);
           mark = (flag && BLACK_BIRTH -> mark : mark & ~SET(a));
           cur[t] = a; a = 0;
           goto end_alloc
        :: !cur[t] && used == EVERY -> operation_done(); goto end_next /* out of memory */
        fi };
end_bump:
    atomic {
        MAY ->
        if
        :: seq[c] ->
           handed_out_well = cur[t] == a && (used & SET(a));
           assert(handed_out_well);
           seq[c] = false; cur[t] = 0; VALUE = a;
           printf("context %d: allocates %d\n", c, a);
           operation_done();
           goto end_next
        :: else -> a = 0; goto end_alloc
        fi }
}

/* The stop signal's handler, or a thread that leaves the gate: it scans its own stack and hands its buffer over. */
inline scan_stack(t) {
    raw = raw | STACK(t) | buf[t];
    buf[t] = 0;
    ask = ask & ~(1 << t);
    idle = (RESCAN_IDLE -> 0 : idle | 1 << t);
    printf("thread %d: scans its stack\n", t)
}

proctype answers() {
end_idle:
    do
    :: atomic { (ask & 1) && STOPPABLE(0) -> scan_stack(0) }
    :: atomic { (ask & 2) && STOPPABLE(1) -> scan_stack(1) }
    od
}

/* ---- marking ---- */

#define QUEUED (raw || grey)

inline shade(m, s) { own[m] = own[m] | (WHITE & (s)); mark = mark | (s) }

/* Takes buffers from the queue; to be tried when the marker holds nothing. */
inline take(m) {
    if
    :: raw -> shade(m, raw); raw = 0
    :: grey -> own[m] = grey; grey = 0
    fi
}

/* Scans a grey object that the marker holds. */
inline scan_object(m) {
    pick(p, own[m]);
    own[m] = own[m] & ~SET(p);
    shade(m, SET(word[p]));
    p = 0
}

proctype helper() {
    byte p;
    bool yielded; /* once in a run it is told to leave off */

end_idle:
    atomic { QUEUED -> if :: !COUNT_FIRST -> take(1) :: else fi };
    busy++;
    do
    :: atomic { own[1] -> scan_object(1) }
    :: atomic { !own[1] && QUEUED -> take(1) }
    :: atomic { own[1] && !yielded -> yielded = true; grey = grey | own[1]; own[1] = 0 }; break
    :: !own[1] && !QUEUED -> break
    od;
    busy--;
    goto end_idle
}

/* ---- the cycle ---- */

#define DRAINED ((!busy || !COUNT_BUSY) && !QUEUED)

/* A stop moves the program counter of what it interrupts. A context under a handler is out of its reach. */
inline rewind() {
    seq[0] = seq[0] && (handling || !REWIND_AT_STOP);
    seq[1] = seq[1] && !REWIND_AT_STOP;
    seq[HANDLER] = seq[HANDLER] && !REWIND_AT_STOP
}

/* Runs are taken away and what they still hold is given back. */
inline take_runs() {
    used = used & ~(SET(cur[0]) | SET(cur[1]));
    mark = mark | SET(cur[0]) | SET(cur[1]);
    cur[0] = 0; cur[1] = 0
}

inline reachable(s) {
    s = STACK(0) | STACK(1) | SET(word[GLOBAL]); v = 0;
    do
    :: s != v ->
       v = s; w = 0;
       do
       :: w < OBJECTS -> w++; s = s | (s & SET(w) -> SET(word[w]) : 0)
       :: else -> break
       od
    :: else -> break
    od;
    v = 0; w = 0
}

/* Any heap of up to LIVE objects, all reachable from the registers of thread 0 or the global. They are numbered as they
 * are met, so that of several heaps that differ only in names one is tried. */
inline any_word(at, met) {
    select(v : 0 .. (met < LIVE -> met + 1 : LIVE));
    at = v;
    met = (v > met -> v : met)
}
inline any_heap(met) {
    any_word(reg[1], met);
    any_word(word[GLOBAL], met);
    w = 0;
    do :: w < met -> w++; any_word(word[w], met) :: else -> break od;
    used = (1 << met) - 1;
    mark = EVERY & ~used;
    printf("heap: words %d %d, global %d, register %d\n", word[1], word[2], word[GLOBAL], reg[1]);
    met = 0; v = 0; w = 0
}

active proctype collector() {
    byte p, v, w, s;
    byte bound;  /* white objects when the last stop failed, or more */
    byte before; /* white objects when this one began */
    byte cycles;

    atomic {
        any_heap(s);
        run mutator(0, 0);
        run mutator(1, 1);
        if :: SIGNALS > 0 -> run mutator(HANDLER, 0) :: else fi;
        run answers();
        if :: HELPERS -> run helper() :: else fi };

flip:
    atomic { /* the first stop */
        STOPPABLE(0) && STOPPABLE(1) ->
        nothing_is_grey = !(buf[0] | buf[1] | raw | grey | own[0] | own[1]); /* a late helper may be busy */
        assert(nothing_is_grey);
        rewind();
        if :: SWAP_RUNS -> take_runs() :: else fi;
        flag = true;
        ask = 3;
        bound = OBJECTS + 1;
        printf("collector: phase mark\n");
        busy++ };

    atomic { shade(0, SET(word[GLOBAL])); printf("collector: scans the global\n") };

drain:
    do
    :: atomic { own[0] -> scan_object(0) }
    :: atomic { !own[0] && QUEUED -> take(0) }
    :: atomic { !own[0] && !QUEUED -> busy--; break }
    od;
    if
    :: atomic { QUEUED -> busy++; goto drain }
    :: !ask && DRAINED
    fi;

    atomic { /* the last stop: each thread scans itself as it parks */
        STOPPABLE(0) && STOPPABLE(1) ->
        stopped = true;
        rewind();
        printf("collector: last stop\n");
        before = COUNT(WHITE);
        if :: FLUSH_AT_STOP -> raw = raw | buf[0] | buf[1]; buf[0] = 0; buf[1] = 0 :: else fi;
        if :: RESCAN_STACKS && (RESCAN_IDLE || !(idle & 1)) -> raw = raw | STACK(0) :: else fi;
        if :: RESCAN_STACKS && (RESCAN_IDLE || !(idle & 2)) -> raw = raw | STACK(1) :: else fi;
        busy++ };
    atomic { if :: RESCAN_GLOBALS -> shade(0, SET(word[GLOBAL])) :: else fi };

again: /* marks on while the budget lasts */
    do
    :: atomic { own[0] -> scan_object(0) }
    :: atomic { !own[0] && QUEUED -> take(0) }
    :: atomic { COUNT(WHITE) < before -> grey = grey | own[0]; own[0] = 0; busy--; goto resume }
    :: atomic { !own[0] && !QUEUED -> busy--; break }
    od;
    if
    :: DRAINED -> goto off
    :: atomic { QUEUED -> busy++; goto again }
    :: !DRAINED && !QUEUED && (COUNT(WHITE) < before || !AWAIT_HELPER)
    fi;

resume: /* found too much: the world goes on, and marking with it */
    atomic {
        fewer_white = COUNT(WHITE) < bound;
        assert(fewer_white); /* P2 */
        bound = COUNT(WHITE); before = 0;
        stopped = false;
        busy++;
        printf("collector: goes on\n");
        goto drain };

off:
    atomic { /* phase off, sweep */
        reachable(s);
        printf("collector: sweeps; reachable %d, marked %d\n", s, mark & used);
        reachable_is_marked = !(s & ~mark);
        assert(reachable_is_marked); /* P1 */
        s = 0;
        if :: SWAP_RUNS -> take_runs() :: else fi;
        flag = false;
        used = used & mark;
        mark = EVERY & ~used;
        do
        :: w < OBJECTS -> w++; word[w] = (used & SET(w) -> word[w] : 0)
        :: else -> w = 0; break
        od;
        cycles++;
        if
        :: cycles < CYCLES -> stopped = false; goto flip
        :: else /* the program stays stopped: what it holds no longer matters */
        fi }
}
