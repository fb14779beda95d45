/* passes.c - loads the passes, and LLVM with them, when this program itself needs them: see passes/passes.h. */
#include "driver.h"

#include <dlfcn.h>
#include <string.h>

static const char *place;

void passes_place(const char *folder) { place = folder; }

static void *find(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) fail("%s", dlerror());
    return found;
}

const struct passes *passes_load(void) {
    static struct passes passes;
    if (passes.done) return &passes;
    void *library = dlopen(text("%s/passes.so", place), RTLD_NOW | RTLD_LOCAL);
    if (!library) fail("%s", dlerror());
    void *run_file = find(library, "tricc_passes_run_file"), *done = find(library, "tricc_passes_done");
    memcpy(&passes.run_file, &run_file, sizeof run_file);
    memcpy(&passes.done, &done, sizeof done);
    return &passes;
}
