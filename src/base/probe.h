/* probe.h - static probes for bpftrace, perf and SystemTap (USDT): a no-op instruction each, and a note in the library. Where
 * <sys/sdt.h> (Debian: systemtap-sdt-dev) is not there at build time there are none.
 *
 *   gc__start(number)    gc__mark__end(number, bytes marked, ns stopped)    gc__sweep__end(number)
 *   heap__sample(object, bytes)    heap__sample__free(object)
 *
 *     bpftrace -e 'usdt:/usr/lib/libtricolor.so:tricolor:gc__mark__end { printf("%d: %d bytes\n", arg0, arg1); }'
 */
#ifndef TRIX_PROBE_H
#define TRIX_PROBE_H

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define PROBE1(name, a)       DTRACE_PROBE1(tricolor, name, a)
#define PROBE2(name, a, b)    DTRACE_PROBE2(tricolor, name, a, b)
#define PROBE3(name, a, b, c) DTRACE_PROBE3(tricolor, name, a, b, c)
#endif
#endif
#ifndef PROBE1
#define PROBE1(name, a)       ((void)0)
#define PROBE2(name, a, b)    ((void)0)
#define PROBE3(name, a, b, c) ((void)0)
#endif

#endif
