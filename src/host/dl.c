/* dl.c - dlclose: a module that goes takes its barrier flag and its restartable ranges with it. Its destructor, from the
 * public header, asks to be forgotten; at the end of the process, where threads may still run its code, it is not. */
#include "host.h"
#include "../gc/modules.h"
#include "../heap/gate.h"
#include "../../include/tricolor/abi.h"

#include <dlfcn.h>

#ifdef TRIX_SHARED
static TLS uint32_t closing; /* this thread is in dlclose */

EXPORT int dlclose(void *handle) {
    closing++;
    int r = NEXT(dlclose)(handle);
    closing--;
    return r;
}
#else
static const uint32_t closing = 0; /* an archive cannot be told whether its program's dlclose is libc's */
#endif

/* No handler may be looking through the list of modules: the world is stopped for a moment. */
EXPORT void tri__module_unregister(struct tri__module *of) {
    if (!closing || !of->registered) return;
    struct gate *g = gate_enter();
    gate_leave(g);
    trix_world_stop(false);
    trix_modules_forget(of);
    trix_world_resume();
}
