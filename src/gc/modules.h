/* modules.h - executables and shared objects that were compiled against the header: their barrier flags and their
 * restartable ranges. A module registers by its constructor or by its first slow path, whichever comes first. */
#ifndef TRIX_MODULES_H
#define TRIX_MODULES_H

#include "../base/lock.h"

/* tri__module.registered; 0 at first. */
enum { MODULE_REGISTERED = 1, MODULE_GONE /* about to be unmapped: not to be registered again */ };

/* Sets every module's barrier flag; world stopped. */
void trix_modules_set_barrier(bool on);

/* Whether a registered module's record lies in [lo, hi). */
bool trix_modules_within(uintptr_t lo, uintptr_t hi);

/* In a signal handler: if the interrupted instruction lies inside a restartable range, moves it back to the start. */
bool trix_modules_rewind(void *context);
extern uint64_t trix_modules_rewinds; /* how often; relaxed */

/* The module is about to be unmapped. Inside. */
struct tri__module;
void trix_modules_forget(struct tri__module *of);
void trix_modules_reset_after_fork(void);

#endif
