/* passes.h - what tricc does to a module, as a shared object of its own, lib/tricc/passes.so.
 *
 * It is loaded by clang itself, as a plugin, in the one start of clang that an ordinary compilation takes (driver/direct.c); and by
 * tricc, for everything else (driver/compile.c). tricc's program by itself does not load LLVM, which takes as long as
 * compiling a small file.
 */
#ifndef TRICC_PASSES_H
#define TRICC_PASSES_H

#include "../tricc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- for tricc, which finds these by name ---- */

/* Reads bitcode, runs the passes, writes bitcode. False: an error has been printed. */
bool tricc_passes_run_file(const char *source, const char *in, const char *out, const struct tricc_options *);

/* Whether a file of bitcode has been through the passes: 1, 0; -1 when it is none. */
int tricc_passes_done(const char *path);

/* ---- for the plugin ---- */

/* Options reach the plugin in this variable of the environment: letters, a space, the preludes' folder. */
#define TRICC_PASSES_ENVIRONMENT "TRICC_PASSES"

/* Runs the passes on a module of clang's. False: an error has been printed. */
bool tricc_passes_run_module(LLVMModuleRef, unsigned opt_level, bool *keep_debug);

#ifdef __cplusplus
}
#endif

#endif
