/* dl.c - dlclose: a module that goes takes its barrier flag and its restartable ranges with it. Its destructor, from the
 * public header, asks to be forgotten. At the end of the process, where threads may still run its code, it is not: what
 * is registered with atexit runs before any destructor. */
#include "host.h"
#include "../gc/modules.h"
#include "../heap/gate.h"
#include "../../include/tricolor/abi.h"

#include <stdlib.h>

static uint32_t ending; /* the process is; relaxed */

static void note_end(void) { store_relaxed(&ending, 1); }

void trix_dl_init(void) { atexit(note_end); }

EXPORT void tri__module_unregister(struct tri__module *of) {
    if (load_relaxed(&ending) || !of->registered) return;
    struct gate *g = gate_enter();
    trix_modules_forget(of);
    gate_leave(g);
}
