/* arena_fault.c - a fault in a freed arena ends the program with Go's words and a trace; any other is the program's own
 * handler's, or the system's. */
#include "arena.h"
#include "../base/fmt.h"
#include "../host/host.h"
#include "../os/unwind.h"

#include <execinfo.h>

enum { FRAMES = 64 };

static void on_fault(const siginfo_t *info, const void *context) {
    void *frame[FRAMES];
    uintptr_t at = (uintptr_t)info->si_addr;
    if (!trix_arena_is_freed(at)) return;
    trix_print(2, "accessed data from freed user arena %p\n"
                  "[signal SIGSEGV: segmentation violation code=%d addr=%p pc=%p]\n\n", (void *)at, info->si_code,
               (void *)at, (void *)trix_os_context_pc(context));
    if (trix_unwinder_ready()) backtrace_symbols_fd(frame, backtrace(frame, FRAMES), 2);
    trix_print(2, "\n");
    trix_fatal("fault");
}

void trix_arena_watch(void) {
    static uint32_t watched;
    void *frame[1];
    if (LIKELY(load_acquire(&watched)) || swap_seq(&watched, 1)) return;
    if (trix_unwinder_ready()) backtrace(frame, 1); /* loads what it needs now, not in the handler */
    trix_signals_watch_faults(SIGSEGV, on_fault);
}
