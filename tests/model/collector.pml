/* collector.pml - the collector's protocol between mutators, a signal handler, markers and the coordinator, for spin.
 *
 * What is checked. The collector is concurrent, so its correctness is an argument about interleavings: which step of a
 * program may fall between which two steps of the collector. This file states the steps and lets spin try all of them,
 * within small bounds, from every small heap. The property (P1) is DESIGN.md's: when sweep begins, no object reachable
 * from a root is unmarked. A root is a register or stack slot of a thread or of the handler running on it, or a global.
 *
 * Who takes part.
 *   mutator      a context of the program: one per thread, and one more for a signal handler that runs on thread 0 and
 *                may come between any two instructions of it. Each has two registers; a stack slot is a third name for
 *                the same thing (a root that only its thread writes and that a handshake reads), so there is none.
 *   marker       takes grey objects and shades what their words point to, one word at a time.
 *   collector    the coordinator: flips, handshakes, global scan, final stop, decision that marking is over, sweep.
 *
 * How it goes. Off -> flip (all stopped for an instant: flag on, runs swapped) -> marking: each thread is scanned by a
 * handshake with it alone, globals are scanned, markers drain, in any order; scans may be repeated -> final stop (all
 * stopped: buffers flushed, roots scanned again). If that finds grey objects, either the world goes on and marking with
 * it, or the markers drain while the world is stopped -> flag off, sweep.
 *
 * Invariants, besides P1:
 *   I1  A flip finds no barrier and no allocation half done: those of one store are restartable sequences (a thread
 *       stopped or interrupted inside one starts it again); longer ones are `inside` sections, which a stop waits for
 *       and a signal handler too.
 *   I2  While marking, a pointer enters a heap word only after being put in the storing thread's buffer; the pointer it
 *       overwrites too.
 *   I3  counted == 0 means: nobody holds a grey object and the queue is empty. Whoever pushes is counted while it does,
 *       and stops being counted only after having seen the queue empty; a marker is counted before it takes work.
 *   I4  The flag is off => no buffer holds anything, nothing is grey.
 *   I5  A slot is handed out once.
 *
 * Grain. One atomic step here is one instruction there, or several of which no other party can see the first without
 * the last. The mergers, and why each loses no behaviour:
 *   - A stop of all threads is one step: a thread that is already parked takes no part until it is resumed, so whatever
 *     the others did before they were parked too can be moved before its parking.
 *   - A handshake (park, scan, flush, resume) is one step for the same reason: the parked stack does not change.
 *   - A thread's own buffer is read by others only when that thread is parked, so appending is one step with the
 *     neighbouring instruction. A buffer is a set: order and duplicates do not matter to shading.
 *   - Shading is one atomic fetch-or; between it and the push, the marker holds the object, which is what I3 counts.
 *   - tri_free is one step: that nobody else uses the object is what the caller promises.
 * Memory is sequentially consistent here. README.md says what is left out.
 *
 * Bounds and decisions are macros. A decision is 1 in the design; `run` breaks them one by one and expects an error.
 */

/* ---- bounds: small, and each a -D ---- */
#ifndef OBJECTS
#define OBJECTS 3 /* slots in the heap */
#endif
#ifndef LIVE
#define LIVE 2 /* at most so many are in use when the model starts */
#endif
#ifndef WORDS
#define WORDS 1 /* pointer words in an object */
#endif
#ifndef GLOBALS
#define GLOBALS 1
#endif
#ifndef THREADS
#define THREADS 2 /* 1 or 2 */
#endif
#ifndef MARKERS
#define MARKERS 1 /* 1: its private steps are merged, since nobody is there to see them; more: see `marker` */
#endif
#ifndef OPS
#define OPS 4 /* operations of the program, over all contexts */
#endif
#ifndef SIGNALS
#define SIGNALS 0 /* signals delivered */
#endif
#ifndef CYCLES
#define CYCLES 1
#endif
#ifndef HELD
#define HELD 0 /* registers of thread 0 that may hold something when the model starts */
#endif

/* ---- what the program may do besides loads, and in which mode ---- */
#ifndef STRICT
#define STRICT 0 /* 0, plain: only heap stores have a barrier. 1, strict: global stores too, and nothing is re-scanned */
#endif
#ifndef WITH_STORE
#define WITH_STORE 1 /* stores into heap objects */
#endif
#ifndef WITH_ALLOC
#define WITH_ALLOC 1 /* 2: from a run of the thread, as a restartable sequence; 1: in one step */
#endif
#ifndef WITH_COPY
#define WITH_COPY 0 /* copies of two words into a heap object, from another or from globals */
#endif
#ifndef WITH_FREE
#define WITH_FREE 0 /* tri_free */
#endif
#ifndef WITH_EXIT
#define WITH_EXIT 0 /* thread 1 may end */
#endif

/* ---- decisions ---- */
#ifndef SHADE_OLD
#define SHADE_OLD 1 /* the barrier shades the pointer it overwrites */
#endif
#ifndef SHADE_NEW
#define SHADE_NEW 1 /* the barrier shades the pointer it stores; 2: only while the thread is not scanned yet */
#endif
#ifndef SHADE_COPIED
#define SHADE_COPIED 1 /* a copy shades the very word it then stores; 0: shades the range first, then reads it again */
#endif
#ifndef SHADE_FREED
#define SHADE_FREED 1 /* tri_free shades what the object points to */
#endif
#ifndef BLACK_BIRTH
#define BLACK_BIRTH 1 /* allocation while marking is black */
#endif
#ifndef SWAP_RUNS
#define SWAP_RUNS 1 /* the flip takes the threads' white runs away */
#endif
#ifndef REWIND_AT_STOP
#define REWIND_AT_STOP 1 /* a stopped thread leaves a restartable sequence by its start */
#endif
#ifndef REWIND_AT_SIGNAL
#define REWIND_AT_SIGNAL 1 /* so does a thread on which a signal handler begins */
#endif
#ifndef AWAIT_INSIDE
#define AWAIT_INSIDE 1 /* a stop waits until no thread is inside; 0: it does not */
#endif
#ifndef DEFER_SIGNAL
#define DEFER_SIGNAL 1 /* a signal handler waits until its thread is not inside */
#endif
#ifndef RETEST
#define RETEST 1 /* the slow path tests the flag again once it is inside */
#endif
#ifndef FLUSH_AT_STOP
#define FLUSH_AT_STOP 1 /* the final stop flushes the barrier buffers */
#endif
#ifndef FLUSH_AT_EXIT
#define FLUSH_AT_EXIT 1 /* a thread that ends hands its buffer over */
#endif
#ifndef RESCAN_STACKS
#define RESCAN_STACKS !STRICT /* the final stop scans stacks again */
#endif
#ifndef RESCAN_GLOBALS
#define RESCAN_GLOBALS !STRICT /* and globals */
#endif
#ifndef COUNT_HELD
#define COUNT_HELD 1 /* marking is over when nobody is counted; 0: when the queue is empty */
#endif
#ifndef COUNT_FIRST
#define COUNT_FIRST 1 /* an idle marker is counted before it takes work; 0: after */
#endif
#ifndef COUNT_SELF
#define COUNT_SELF 1 /* the coordinator is counted while it pushes what the final stop finds */
#endif

/* ---- pointers, sets, memory ----
 * A pointer is 0 (NULL) or an object's number 1..OBJECTS; a set of objects is a byte with bit p-1 for object p, and
 * SET(0) is empty. Memory is one array: the objects' words, then the globals. */
#define SET(p)     ((1 << (p)) >> 1)
#define EVERY      ((1 << OBJECTS) - 1)
#define AT(p, i)   (((p)-1) * WORDS + (i))
#define OWNER(w)   ((w) / WORDS + 1)
#define HEAP_END   (OBJECTS * WORDS)
#define MEMORY_END (OBJECTS * WORDS + GLOBALS)
#define CONTEXTS   (THREADS + 1)
#define HANDLER    THREADS /* the context of the signal handler */
#define LAST       (THREADS - 1)

byte word[MEMORY_END];
byte reg[2 * CONTEXTS];  /* two a context; a context's are kept sorted, since their names mean nothing */
byte used;               /* set: allocated slots */
byte mark;               /* set: meaningful for used slots, so that a free slot is never shaded */
byte grey;               /* set: the shared queue */
byte own[MARKERS];       /* sets: grey objects a marker holds for itself */
byte handed;             /* set: buffers given to the markers */
byte buf[THREADS];       /* sets: the barrier buffers; written by the thread, flushed by it or while it is parked */
byte cur[THREADS];      /* the slot left in the thread's run, 0: none */
byte counted;            /* I3 */
bool flag;               /* the barrier flag; changes only while all are stopped */
bool stopped;            /* all threads are */
bool sig;                /* the handler runs, so thread 0's own context does not */
bool gone;               /* thread 1 has ended */
bool seq[CONTEXTS];      /* the context is in a restartable sequence and has not been rewound */
bool inside[THREADS];    /* the thread is in a section that is neither stopped nor interrupted */
byte scanned;            /* set: thread t is bit t, global g is bit THREADS+g */
byte ops = OPS, signals = SIGNALS;

#define WHITE(s)     ((s) & used & ~mark)
#define REGISTERS(c) (SET(reg[2 * (c)]) | SET(reg[2 * (c) + 1]))
#define STACK(t)     (REGISTERS(t) | REGISTERS(HANDLER) * ((t) == 0))
#define STACKS       (REGISTERS(0) | REGISTERS(LAST) | REGISTERS(HANDLER))
#define STATICS      (SET(word[HEAP_END]) | SET(word[MEMORY_END - 1]))
#define TAKEN        (used | SET(cur[0]) | SET(cur[LAST]))

inline shade(s) { grey = grey | WHITE(s); mark = mark | ((s) & used) }

inline pick(p, s) { /* any member; s is not empty */
    p = 1;
    do
    :: (s) & SET(p) -> break
    :: (s) >> p -> p++
    od
}

/* ---- the program ---- */

/* Context c may execute an instruction: it is neither stopped nor lies under the handler. */
#define MAY   (!stopped && (c == 0 -> !sig : (c == HANDLER -> sig : !gone)))
#define VALUE reg[2 * c + d]
#define BASE  reg[2 * c + 1 - d]
#define OLD   (SHADE_OLD -> SET(word[a]) : 0)
#define NEW   (SHADE_NEW == 1 || (SHADE_NEW == 2 && !(scanned & (1 << t))) -> SET(VALUE) : 0)

inline operands_done() { /* forgets d and a, sorts the registers */
    d = reg[2 * c];
    if
    :: d > reg[2 * c + 1] -> reg[2 * c] = reg[2 * c + 1]; reg[2 * c + 1] = d
    :: else
    fi;
    d = 0; a = 0
}

inline any_word_of(p) { a = AT(p, 0); if :: skip :: WORDS == 2 -> a++ fi }
inline any_global()   { a = HEAP_END; if :: skip :: GLOBALS == 2 -> a++ fi }

/* tri_free is for an object known dead: no other root and no word may hold it. */
inline count_others(p) {
    n = 0; a = 0;
    do
    :: a < MEMORY_END -> n = n + (word[a] == p); a++
    :: else -> break
    od;
    a = 0;
    do
    :: a < 2 * CONTEXTS -> n = n + (reg[a] == p && a != 2 * c + d); a++
    :: else -> break
    od
}

proctype mutator(byte c; byte t) {
    byte d; /* which register is VALUE; the other is BASE */
    byte a; /* the address: an index into word */
    byte n; /* scratch, words copied */
    byte from, v;
    bool on;

end_next: /* between two operations: choose any; those that are one instruction are done at once */
    do
    :: atomic {
        MAY && ops > 0 -> ops--;
        if :: d = 0 :: d = 1 fi;
        if
        :: if /* load */
           :: VALUE -> any_word_of(VALUE)
           :: BASE -> any_word_of(BASE)
           :: any_global()
           fi;
           VALUE = word[a];
           printf("context %d: r = word[%d], which is %d\n", c, a, VALUE)
        :: any_global(); /* store to a global */
           if
           :: STRICT -> goto end_test
           :: else -> word[a] = VALUE; printf("context %d: global word[%d] = %d\n", c, a, VALUE)
           fi
        :: VALUE -> printf("context %d: forgets %d\n", c, VALUE); VALUE = 0
        :: WITH_STORE && BASE -> any_word_of(BASE); goto end_test
        :: WITH_ALLOC == 1 && !VALUE && used != EVERY ->
           pick(a, ~used & EVERY);
           used = used | SET(a);
           mark = (flag && BLACK_BIRTH -> mark | SET(a) : mark & ~SET(a));
           VALUE = a;
           printf("context %d: allocates %d\n", c, a)
        :: WITH_ALLOC == 2 && !VALUE && (cur[t] || TAKEN != EVERY) -> goto end_alloc
        :: WITH_COPY && VALUE ->
           if
           :: BASE && BASE != VALUE -> from = AT(BASE, 0)
           :: from = HEAP_END
           fi;
           a = AT(VALUE, 0);
           goto end_copy
        :: WITH_FREE && VALUE ->
           count_others(VALUE);
           if
           :: n == 0 ->
              a = AT(VALUE, 0);
              buf[t] = (flag && SHADE_FREED -> buf[t] | SET(word[a]) | SET(word[a + WORDS - 1]) : buf[t]);
              used = used & ~SET(VALUE);
              word[a] = 0; word[a + WORDS - 1] = 0;
              printf("context %d: frees %d\n", c, VALUE);
              VALUE = 0
           :: else -> n = 0
           fi
        :: WITH_EXIT && c == 1 ->
           gone = true; reg[2] = 0; reg[3] = 0; cur[1] = 0;
           if :: FLUSH_AT_EXIT -> handed = handed | buf[1] :: else fi;
           buf[1] = 0;
           printf("context %d: ends\n", c)
        fi;
        operands_done() }
    :: atomic { /* a signal: the trampoline of all user handlers */
        c == HANDLER && !sig && !stopped && (!inside[0] || !DEFER_SIGNAL) && signals && ops ->
        signals--; sig = true; seq[0] = seq[0] && !REWIND_AT_SIGNAL;
        printf("context %d: the handler begins\n", c) }
    :: atomic { /* its return */
        c == HANDLER && sig && !stopped ->
        sig = false; reg[2 * c] = 0; reg[2 * c + 1] = 0;
        printf("context %d: the handler returns\n", c) }
    od;

    /* word[a] = VALUE, with the barrier: test, branch; store. The operands stay in their registers until it is done. */
end_test:
    atomic { MAY -> if :: flag -> goto end_slow :: else -> seq[c] = true fi };
end_commit:
    atomic {
        MAY ->
        if
        :: seq[c] -> seq[c] = false; word[a] = VALUE
        :: else -> goto end_test
        fi;
        printf("context %d: word[%d] = %d, fast\n", c, a, VALUE);
        operands_done();
        goto end_next };

end_slow: /* between the branch and entering, the thread can still be stopped, and the flag turned off */
    atomic {
        MAY ->
        inside[t] = true;
        if :: flag || !RETEST -> buf[t] = buf[t] | OLD | NEW :: else fi };
end_store:
    atomic {
        !stopped ->
        word[a] = VALUE;
        inside[t] = false;
        printf("context %d: word[%d] = %d, slow\n", c, a, VALUE);
        if
        :: MARKERS > 1 && buf[t] -> handed = handed | buf[t]; buf[t] = 0 /* full */
        :: skip
        fi;
        operands_done();
        goto end_next };

    /* VALUE = allocate: slot = cur; cur = next. VALUE is NULL until the second. */
end_alloc:
    atomic {
        MAY ->
        if
        :: cur[t] -> a = cur[t]; seq[c] = true; goto end_bump
        :: else -> inside[t] = true; on = flag /* the run ends: take another */
        fi };
end_refill:
    atomic {
        !stopped ->
        inside[t] = false;
        if
        :: TAKEN != EVERY ->
           pick(a, ~TAKEN & EVERY);
           cur[t] = a;
           mark = (on && BLACK_BIRTH -> mark | SET(a) : mark & ~SET(a));
           on = false; a = 0;
           goto end_alloc
        :: else -> on = false; operands_done(); goto end_next /* out of memory */
        fi };
end_bump:
    atomic {
        MAY ->
        if
        :: seq[c] ->
           assert(!(used & SET(a))); /* I5 */
           seq[c] = false; cur[t] = 0; used = used | SET(a); VALUE = a;
           printf("context %d: allocates %d from its run\n", c, a);
           operands_done();
           goto end_next
        :: else -> a = 0; goto end_alloc
        fi };

    /* Copy of two words from `from` to a. The flag is tested once: inside, it cannot change. */
end_copy:
    atomic { MAY -> inside[t] = true; on = flag };
    do
    :: atomic {
        !stopped && !SHADE_COPIED && on && n < 2 ->
        buf[t] = buf[t] | SET(word[a + n]) | SET(word[from + n]); n++ }
    :: atomic { !stopped && (SHADE_COPIED || !on || n == 2) -> n = 0; break }
    od;
    do
    :: atomic {
        !stopped ->
        v = word[from + n];
        if :: on && SHADE_COPIED -> buf[t] = buf[t] | SET(word[a + n]) | SET(v) :: else fi };
       atomic {
        !stopped ->
        word[a + n] = v; n++;
        printf("context %d: copies %d to word[%d]\n", c, v, a + n - 1);
        if
        :: n == 2 ->
           on = false; n = 0; v = 0; from = 0; inside[t] = false;
           operands_done();
           goto end_next
        :: else
        fi }
    od
}

/* ---- markers ---- */

/* One of several. Each step that another marker or the coordinator could see is a step of its own. Grey objects found
 * are its own (`own`) until it gives them to the queue, which it may do at any time. */
proctype marker(byte m) {
    byte p, i, v;

work: /* counted */
    do
    :: atomic { own[m] -> pick(p, own[m]); own[m] = own[m] & ~SET(p); goto scan }
    :: d_step { own[m] -> grey = grey | own[m]; own[m] = 0 }
    :: d_step { !own[m] && handed -> own[m] = WHITE(handed); mark = mark | (handed & used); handed = 0 }
    :: atomic { !own[m] && grey -> pick(p, grey); grey = grey & ~SET(p); goto scan }
    :: !own[m] && !grey && !handed -> break /* it has seen the queue empty */
    od;
    counted--;
end_idle:
    do
    :: COUNT_FIRST && (grey || handed) -> counted++; goto work
    :: atomic { !COUNT_FIRST && grey -> pick(p, grey); grey = grey & ~SET(p) }; counted++; break
    od;
scan:
    do
    :: d_step { i < WORDS -> v = word[AT(p, i)] };
       d_step { own[m] = own[m] | WHITE(SET(v)); mark = mark | (SET(v) & used); v = 0; i++ }
    :: d_step { i == WORDS -> printf("marker %d: scanned %d\n", m, p); p = 0; i = 0 }; goto work
    od
}

/* The only one: what it does with the queue in between is its own affair. */
proctype lone_marker() {
    byte p, i;

end_idle:
    atomic { grey || handed -> counted++; shade(handed); handed = 0 };
    do
    :: atomic { !p && grey -> pick(p, grey); grey = grey & ~SET(p) }
    :: atomic {
        p -> shade(SET(word[AT(p, i)])); i++;
        if :: i == WORDS -> printf("marker: scanned %d\n", p); p = 0; i = 0 :: else fi }
    :: atomic { !p && !grey -> counted--; goto end_idle }
    od
}

/* ---- the coordinator ---- */

#define STOPPABLE(t) (!inside[t] || !AWAIT_INSIDE)
#define ALL_SCANNED  ((1 << (THREADS + GLOBALS)) - 1)

inline scan_stack(t) {
    shade(STACK(t) | buf[t]);
    buf[t] = 0;
    scanned = scanned | (1 << t);
    printf("collector: scans the stack of thread %d\n", t)
}

inline scan_global(g) {
    shade(SET(word[HEAP_END + g]));
    scanned = scanned | (1 << (THREADS + g));
    printf("collector: scans global word[%d]\n", HEAP_END + g)
}

/* The stop's own signal handler moves the interrupted instruction pointer, and no other: a context that lies under a
 * user's handler is out of its reach, which is why that handler's trampoline must have moved it (REWIND_AT_SIGNAL). */
inline rewind() {
    seq[0] = seq[0] && (sig || !REWIND_AT_STOP);
    seq[LAST] = seq[LAST] && ((sig && LAST == 0) || !REWIND_AT_STOP);
    seq[HANDLER] = seq[HANDLER] && !REWIND_AT_STOP
}

inline reachable(s) {
    s = STACKS | STATICS; v = 0;
    do
    :: s != v ->
       v = s; w = 0;
       do
       :: w < HEAP_END -> s = s | (s & SET(OWNER(w)) -> SET(word[w]) : 0); w++
       :: else -> break
       od
    :: else -> break
    od;
    v = 0; w = 0
}

/* Any heap of up to LIVE objects, all reachable. They are numbered in the order in which they are met, so of several
 * heaps that differ in the names of their objects only one is tried. */
inline any_word(at, met) {
    select(v : 0 .. (met < LIVE -> met + 1 : LIVE));
    at = v;
    met = (v > met -> v : met)
}
inline any_heap(met) {
    w = 0;
    do :: w < HELD -> any_word(reg[1 - w], met); w++ :: else -> break od;
    if :: reg[0] > reg[1] -> v = reg[0]; reg[0] = reg[1]; reg[1] = v :: else fi;
    w = HEAP_END;
    do :: w < MEMORY_END -> any_word(word[w], met); w++ :: else -> break od;
    w = 0;
    do :: w < met * WORDS -> any_word(word[w], met); w++ :: else -> break od;
    used = (1 << met) - 1;
    printf("heap: words %d %d %d, global %d, registers %d %d\n", word[0], word[1], word[2], word[HEAP_END], reg[0], reg[1]);
    v = 0; w = 0
}

active proctype collector() {
    byte v, w, s, cycles;

    atomic {
        any_heap(s);
        s = 0;
        run mutator(0, 0);
        if :: THREADS == 2 -> run mutator(1, 1) :: else fi;
        if :: SIGNALS > 0 -> run mutator(HANDLER, 0) :: else fi;
        if
        :: MARKERS == 1 -> run lone_marker()
        :: else -> counted = 2; run marker(0); run marker(1)
        fi };

off:
    atomic { /* the flip */
        STOPPABLE(0) && STOPPABLE(LAST) ->
        assert(!(buf[0] | buf[LAST] | handed | grey)); /* I4 */
        rewind();
        flag = true; mark = 0; scanned = 0;
        if :: SWAP_RUNS -> cur[0] = 0; cur[LAST] = 0 :: else fi;
        printf("collector: flag on\n") };

marking:
    do
    :: atomic { STOPPABLE(0) -> scan_stack(0) }
    :: atomic { THREADS == 2 && STOPPABLE(LAST) -> scan_stack(LAST) }
    :: atomic { true -> scan_global(0) }
    :: atomic { GLOBALS == 2 -> scan_global(1) }
    :: atomic { /* the final stop; that nobody is counted is only a hint here, since the program pushes uncounted */
        scanned == ALL_SCANNED && !counted && STOPPABLE(0) && STOPPABLE(LAST) ->
        stopped = true;
        rewind();
        printf("collector: final stop\n");
        counted = counted + COUNT_SELF;
        if :: FLUSH_AT_STOP -> shade(buf[0] | buf[LAST]); buf[0] = 0; buf[LAST] = 0 :: else fi;
        if :: RESCAN_STACKS -> shade(STACKS) :: else fi;
        if :: RESCAN_GLOBALS -> shade(STATICS) :: else fi;
        break }
    od;

    if
    :: atomic { grey -> stopped = false; counted = counted - COUNT_SELF; printf("collector: goes on\n"); goto marking }
    :: COUNT_SELF && !grey && !handed -> counted--; (!counted || !COUNT_HELD)
    :: !COUNT_SELF && !counted
    fi;

    atomic { /* flag off, sweep */
        reachable(s);
        printf("collector: sweeps; marked %d, reachable %d\n", mark & used, s);
        assert(!(s & ~mark)); /* P1 */
        assert(!(s & ~used));
        s = 0;
        flag = false;
        cycles++;
        used = used & mark;
        w = 0;
        do
        :: w < HEAP_END -> word[w] = (used & SET(OWNER(w)) -> word[w] : 0); w++
        :: else -> w = 0; break
        od;
        if
        :: cycles < CYCLES -> stopped = false; goto off
        :: else /* the program stays stopped: what it holds no longer matters */
        fi }
}
