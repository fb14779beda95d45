/* stop.pml - how one thread is stopped, held and scanned, for spin.
 *
 * collector.pml takes a stop of the world for one step, in which every thread stands still between two instructions of
 * the program. This model shows that it may: it has one thread and the collector, and all of the handshakes between them,
 * since what the collector has with one thread it has with each (thread.h).
 *
 *   S1  While the collector takes the thread to stand still, it executes nothing of the program, and does not touch its
 *       buffers (its barrier buffer, its runs, and the locks that are taken on the way).
 *   S2  The buffers are used by one at a time: neither handler comes in the middle of somebody's use of them.
 *   S3  Whatever the collector asks for comes to pass: no stop and no scan waits for ever.
 *
 * The thread has three levels, each a process. A higher one interrupts a lower one between any two steps, and
 * runs to its end, or until a still higher one interrupts it:
 *
 *   code 0      the program and what it calls of the library                   heap/gate.h, gc/gate.c, gc/thread.h
 *   code 1      a handler of the program, behind its trampoline                host/signals.c
 *   stopper     the handler of the stop signal                                 gc/stop.c
 *
 * The signal of the program is sent once, the stop signal as often as the collector likes. A decision is 1 in the source;
 * `run` undoes one after the other, and expects an error.
 */

#ifndef STEPS
#define STEPS 3 /* things the program does, in all */
#endif
#ifndef REQUESTS
#define REQUESTS 2 /* things the collector asks for, one after the other */
#endif

/* ---- decisions ---- */
#ifndef DEFER_SIGNAL
#define DEFER_SIGNAL 1 /* a handler waits until the thread has left the gate */
#endif
#ifndef SERVE_INSIDE
#define SERVE_INSIDE 1 /* what was asked for meanwhile is done on leaving, but inside the gate */
#endif
#ifndef UNBLOCK_INSIDE
#define UNBLOCK_INSIDE 1 /* a thread comes back from a blocking call inside the gate */
#endif
#ifndef REJOIN
#define REJOIN 1 /* before a parked thread scans itself, it makes sure that nobody has a hand on it */
#endif
#ifndef STORE_FIRST
#define STORE_FIRST 1 /* a thread that comes back says so before it looks whether it may */
#endif
#ifndef HANDLER_UNBLOCKS
#define HANDLER_UNBLOCKS 1 /* a blocked thread is running while it executes a handler */
#endif
#ifndef LEAVE_FIRST
#define LEAVE_FIRST 1 /* a thread leaves the gate before it looks whether something is pending */
#endif
#ifndef STOPPER_ASKS
#define STOPPER_ASKS 1 /* the stop signal's handler leaves alone a thread that is blocked */
#endif

mtype = { RUNNING, BLOCKED, STOPPED };

mtype state = RUNNING; /* as in struct thread */
bool stopping, ask, hold;
byte inside;
bool pending;
bool put_off;          /* the program's signal is blocked until the thread leaves the gate */
bool user_signal = 1;  /* pending in the kernel */
bool stop_signal;
bool level[3];         /* level 1, 2 is being executed */
bool still;            /* the collector takes the thread to stand still */
bool buffers;          /* somebody uses them */
byte steps = STEPS;
hidden byte stands_still, buffers_free; /* what the assertions say */

#define MAY (c == 2 || (!level[2] && (c == 1 || !level[1])))

/* One instruction of the program. */
inline program_step() { atomic { MAY -> stands_still = !still; assert(stands_still) } }

/* Some use of the thread's buffers and of locks, by itself. */
inline use_buffers() {
    atomic { MAY -> stands_still = !still; assert(stands_still); buffers_free = !buffers; assert(buffers_free); buffers = true };
    atomic { MAY -> buffers = false }
}

/* ---- stop.c ---- */

/* Stopping, then hold are looked at; what was seen is in s and h. */
inline look() { atomic { MAY -> s = stopping }; atomic { MAY -> h = hold } }

inline rejoin(away) {
    do
    :: true ->
       if :: STORE_FIRST -> atomic { MAY -> state = RUNNING }; look()
       :: else -> look(); atomic { MAY -> state = RUNNING }
       fi;
       if :: !s && !h -> break :: else fi;
       atomic { MAY -> state = away };
       if
       :: s -> atomic { MAY && !stopping -> s = false; h = false }
       :: else -> atomic { MAY && !hold -> s = false; h = false }
       fi
    od
}

inline serve() {
    do
    :: true ->
       if
       :: atomic { MAY && ask -> skip }; use_buffers(); atomic { MAY -> ask = false }
       :: MAY && !ask
       fi;
       if
       :: atomic { MAY && stopping -> state = STOPPED };
          atomic { MAY && !stopping -> skip };
          if :: REJOIN -> rejoin(STOPPED) :: else -> atomic { MAY -> state = RUNNING } fi
       :: MAY && !stopping -> break
       fi
    od
}

inline gate_serve() {
    do
    :: true ->
       atomic { MAY -> inside = inside + SERVE_INSIDE };
       atomic { MAY -> pending = false };
       serve();
       atomic { MAY -> inside = inside - SERVE_INSIDE };
       if :: MAY && !pending -> break :: MAY && pending fi
    od;
    atomic { MAY -> put_off = false }
}

inline gate_leave() {
    if
    :: LEAVE_FIRST -> atomic { MAY -> inside-- };
       if :: atomic { MAY && !inside && pending -> skip }; gate_serve() :: MAY && (inside || !pending) fi
    :: else ->
       if
       :: atomic { MAY && inside == 1 && pending -> inside-- }; gate_serve()
       :: atomic { MAY && (inside != 1 || !pending) -> skip }; atomic { MAY -> inside-- }
       fi
    fi
}

inline unblock() {
    atomic { MAY -> inside = inside + UNBLOCK_INSIDE };
    rejoin(BLOCKED);
    if
    :: atomic { MAY && ask -> skip }; serve()
    :: MAY && !ask
    fi;
    if :: UNBLOCK_INSIDE -> gate_leave() :: else fi
}

proctype stopper() {
    byte c = 2;
    bool s, h;

end_idle:
    atomic { stop_signal && !level[2] -> stop_signal = false; level[2] = true };
    if
    :: !stopping && !ask
    :: atomic { (stopping || ask) && inside -> pending = true }
    :: (stopping || ask) && !inside && state != RUNNING && STOPPER_ASKS
    :: atomic { (stopping || ask) && !inside && (state == RUNNING || !STOPPER_ASKS) -> skip }; serve()
    fi;
    atomic { level[2] = false; goto end_idle }
}

/* ---- the program ---- */

inline do_something() {
    if
    :: program_step()
    :: atomic { MAY -> inside++ }; use_buffers(); gate_leave()
    :: atomic { MAY && state == RUNNING -> state = BLOCKED }; atomic { MAY -> skip }; unblock()
    fi
}

proctype code(byte c) {
    bool s, h, was_blocked;

end_idle:
    if
    :: atomic { c == 0 && MAY && steps -> steps-- }; do_something()
    :: atomic { /* a signal of the program, and its trampoline */
        c == 1 && user_signal && !put_off && !level[1] && !level[2] ->
        if
        :: inside && DEFER_SIGNAL -> put_off = true; pending = true; goto end_idle
        :: else -> level[1] = true; user_signal = false
        fi };
       atomic { MAY -> was_blocked = state == BLOCKED && HANDLER_UNBLOCKS };
       if :: was_blocked -> unblock() :: else fi;
       program_step();
       if :: atomic { MAY && steps -> steps-- }; do_something() :: MAY && !steps fi;
       if :: was_blocked -> atomic { MAY -> state = BLOCKED } :: else fi;
       atomic { MAY -> was_blocked = false; level[1] = false }
    fi;
    goto end_idle
}

/* ---- the collector ---- */

/* The collector uses the thread's buffers: it scans it in place, or flushes it, or swaps its runs. */
inline work_in_place() {
    atomic { buffers_free = !buffers; assert(buffers_free); buffers = true };
    atomic { buffers = false; ask = false }
}

/* At most once for each request; a signal that is pending already is not queued twice. */
inline remind() { if :: atomic { state == RUNNING && !reminded -> reminded = true; stop_signal = true } :: skip fi }

inline stop(scan) {
    stopping = true;
    ask = ask || scan;
    if :: atomic { state == RUNNING -> stop_signal = true } :: state != RUNNING fi;
    remind();
    atomic { state != RUNNING -> still = true };
    work_in_place();
    still = false;
    stopping = false
}

inline handshake() {
    ask = true;
    if :: atomic { state == RUNNING -> stop_signal = true } :: state != RUNNING fi;
    do
    :: !ask -> break
    :: ask ->
       hold = true;
       if
       :: atomic { state != RUNNING -> still = true };
          if :: ask -> work_in_place() :: !ask fi;
          still = false;
          hold = false
       :: state == RUNNING -> hold = false; remind(); (!ask || state != RUNNING)
       fi
    od
}

active proctype collector() {
    byte requests;
    bool reminded;

    atomic { run code(0); run code(1); run stopper() };
    do
    :: requests < REQUESTS ->
       requests++; reminded = false;
       if
       :: stop(0)
       :: stop(1)
       :: handshake()
       fi
    :: requests == REQUESTS -> break
    od
}
