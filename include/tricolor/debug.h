/* tricolor/debug.h - profiles, debug pages, benchmarks: in a library of its own, libtricolor-debug (pkg-config and CMake
 * target tricolor-debug), since they need zlib, protobuf-c, libmicrohttpd and elfutils. Go's runtime/pprof, net/http/pprof and
 * testing.B in C. docs/profiling.md is the guide.
 *
 * All of this may be called from any thread or goroutine, but not from a signal handler. What fails returns -1 and sets errno.
 * The child of a fork is not served, and no CPU profile is under way in it; it may begin its own.
 */
#ifndef TRICOLOR_DEBUG_H
#define TRICOLOR_DEBUG_H

#include "abi.h"

#include <stdio.h>

TRI__EXTERN_C_BEGIN

/* ---- profiles ---- */

/* Go's runtime.MemProfileRate: one allocation in so many bytes is looked at, on average; 1: each; 0: none. 524288 unless
 * set, once, as early as possible: what was sampled at another rate is scaled wrongly. The heap profile begins when the
 * library is loaded. */
extern TRI_API int tri_mem_profile_rate;

/* Writes a profile: "heap", "allocs", "goroutine", "goroutineleak", "threadcreate", "block", "mutex". debug 0: gzip'ed
 * profile.proto, which `go tool pprof` reads; 1: text with function names; 2: for the goroutine profiles, every stack in
 * Go's words of a crash. The heap profile tells of the heap as of the last completed mark: call tri_gc() first to have it
 * up to date. Returns 0, or -1 with errno EINVAL for an unknown name, or why `to` could not be written. */
TRI_API int tri_profile_write(const char *name, FILE *to, int debug);

/* Begins to sample, 100 times a second of CPU time a thread, where the program is; stop ends that, and writes the profile to
 * the file given at the start, flushed. Returns 0, or -1 with errno EBUSY when one is under way; stop: EINVAL when
 * none is. Uses SIGPROF meanwhile; the program's own handler is back afterwards. */
TRI_API int tri_cpu_profile_start(FILE *to);
TRI_API int tri_cpu_profile_stop(void);
/* Samples a second from the next start on, 1 … 1000; 100 unless set. Where the kernel looks less often (CONFIG_HZ, 250
 * say), one stack stands for several samples. Returns the old one. */
TRI_API int tri_set_cpu_profile_rate(int hz);

/* Go's runtime.SetMutexProfileFraction: one event of contention in so many is seen; 0: none (as at the start); negative: only
 * asks. Returns the old one. */
TRI_API int tri_set_mutex_profile_fraction(int rate);
/* Go's runtime.SetBlockProfileRate: one wait in so many nanoseconds waited is seen; 1: each; 0: none (as at the start). */
TRI_API void tri_set_block_profile_rate(int ns);

/* ---- pages ---- */

/* Serves over HTTP, on threads of its own, beside the program: /debug/pprof/ (Go's net/http/pprof), /metrics (Prometheus,
 * OpenMetrics), /debug/vars, and /debug/tricolor/, a live page. `addr` is "host:port", ":port" or "port"; without a host
 * it is the loopback device, which is where it should stay: whoever can reach it can read function names and the command
 * line. Port 0: any, see tri_debug_port. Returns 0, or -1 with errno (EINVAL: not an address; EBUSY: served already;
 * EADDRINUSE …). */
TRI_API int tri_debug_serve(const char *addr);
/* The port it is served on, 0: it is not. */
TRI_API int tri_debug_port(void);
/* Ends that; requests under way are cut off. */
TRI_API void tri_debug_stop(void);
/* Whether the live page may force cycles and set GOGC and the memory limit: not, unless this says so, or the environment's
 * TRIDEBUGCONTROL=1. */
TRI_API void tri_debug_allow_control(bool allow);

/* ---- benchmarks ---- */

/* Go's testing.B. */
typedef struct tri_b {
    int64_t n; /* times to do it */
    struct tri__bench *tri__bench;
} tri_b;

/* Runs fn(b) with growing b->n until it takes -benchtime (1 s), and prints Go's line to stdout, which benchstat reads:
 *
 *     BenchmarkName-2   1000000   12.3 ns/op   16 B/op   1 allocs/op
 *
 * Time is wall time on all processors; B/op and allocs/op are what the whole program has allocated meanwhile. Returns 0,
 * also when -bench does not match the name; -1 when fn has called tri_bench_fail. */
TRI_API int tri_bench(const char *name, void (*fn)(tri_b *));

/* Takes Go's flags out of argv: -bench REGEXP (one for each level of names, with slashes between), -run REGEXP (of tests, of which there are none: benchmarks run all the
 * same), -benchtime 2s or 100x, -count N, -benchmem; each also with -test. before it, or = behind. A bad value ends the
 * program with a line that says what is accepted, status 2. */
TRI_API void tri_bench_flags(int *argc, char **argv);

/* `while (tri_bench_loop(b)) …` instead of a loop to b->n: fn is called once, what it does before and after the loop is not
 * timed, and the loop goes on as long as it takes; who leaves it before fails. Costs a call, some 2 ns. */
TRI_API bool tri_bench_loop(tri_b *b);

TRI_API void tri_bench_reset_timer(tri_b *b);
TRI_API void tri_bench_stop_timer(tri_b *b);
TRI_API void tri_bench_start_timer(tri_b *b);
TRI_API void tri_bench_set_bytes(tri_b *b, int64_t per_op);              /* adds MB/s */
TRI_API void tri_bench_report_metric(tri_b *b, double value, const char *unit); /* adds value unit, or goes before
                                                                               * Go's own figure of that unit; 0 ns/op: none */
TRI_API int tri_bench_run(tri_b *b, const char *name, void (*fn)(tri_b *)); /* a benchmark within: Outer/name */
TRI_API void tri_bench_fail(tri_b *b, const char *why);                  /* prints it, and no figures */

TRI__EXTERN_C_END
#endif
