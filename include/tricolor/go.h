/* tricolor/go.h - goroutines: functions that run at the same time, many on few threads. Go's `go` statement and runtime in C.
 *
 * A goroutine has a stack of its own, which grows as it is used, and runs on one of GOMAXPROCS threads at a time, not
 * always the same. So, across any call in this header, of channels, locks, sleep, and network calls: thread-local variables
 * (errno too) may be another thread's afterwards, and a compiler may even have kept their old address. Read errno right
 * after the call that set it, and keep state of your own in the heap. docs/goroutines.md says what is safe.
 */
#ifndef TRICOLOR_GO_H
#define TRICOLOR_GO_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

/* Runs fn(arg) as a new goroutine. May be called from any thread; starts the scheduler if need be. `arg` is kept alive
 * until fn has it. Ends the program when there is no memory for a stack. */
TRI_API void tri_go(void (*fn)(void *), void *arg);

/* Starts the scheduler, runs fn(arg) as the main goroutine, number 1, and returns when it has returned. Others go on in the
 * background; usually the program ends now. Not from a goroutine. */
TRI_API int tri_run(void (*fn)(void *), void *arg);

/* Lets other goroutines run. */
TRI_API void tri_yield(void);

/* Ends the calling goroutine, after its deferred calls. When the main goroutine does this the others go on; the program
 * ends with "no goroutines (main called tri_goexit) - deadlock!" when they have all ended. */
TRI_API void tri_goexit(void) __attribute__((noreturn));

/* Goroutines alive. */
TRI_API int tri_num_goroutine(void);

/* Number of the calling goroutine; 0 on a thread that is none. */
TRI_API uint64_t tri_goroutine_id(void);

/* Looks for goroutines that are blocked for ever: on a channel or lock that nobody who may still run can reach. That takes a
 * whole collection. Each, up to 1,000, is written to the descriptor with its trace, as in a dump of all goroutines but with
 * "(leaked)" behind what it waits for; nothing is when fd is -1. Returns how many there are. They stay as they are, and so does what
 * they hold. None that is reported can go on; one may be missed when a stale word looks like a pointer to its channel. */
TRI_API int tri_goroutine_leaks(int fd);

/* Sets how many goroutines run at the same time (at most 256); n < 1 only asks. Returns the old setting. */
TRI_API int tri_gomaxprocs(int n);

/* How many bytes the stacks of goroutines started from now on may grow to (rounded up to a power of two, from 1 MiB to
 * 64 GiB; 256 MiB unless set). When very many goroutines are alive the later ones get less: 1 MiB beyond 4,096, 64 KiB beyond
 * 32,768. Returns the old setting. */
TRI_API size_t tri_set_max_stack(size_t bytes);

/* Waits for at least so many nanoseconds. */
TRI_API void tri_sleep(int64_t ns);

/* With TRI_MAIN at file scope in one file, the program's entry is `int tri_main(int argc, char **argv)`, which runs as the
 * main goroutine; its result is the program's exit status. */
int tri_main(int argc, char **argv);
TRI_API int tri__run_main(int (*entry)(int, char **), int argc, char **argv);
#define TRI_MAIN                                                                                                \
    int main(int argc, char **argv) { return tri__run_main(tri_main, argc, argv); }

TRI__EXTERN_C_END
#endif
