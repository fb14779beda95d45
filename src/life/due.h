/* due.h - finalizers, cleanups and dead handles that wait to be run: see due.c. */
#ifndef TRIX_DUE_H
#define TRIX_DUE_H

#include "special.h"

/* Queues a special that hangs on no object any more, or of a handle found dead; takes it over. Collector or inside. */
void trix_due_add(struct special *s);

/* Wakes the thread that runs them if anything was added. No locks held. */
void trix_due_wake(void);

/* Makes sure that there is such a thread, but in a signal handler. Inside, no locks held. */
void trix_due_start(struct thread *t);

/* What is due is a root. */
void trix_due_mark(struct marker *m);

/* Since start; relaxed. */
struct due_counts {
    uint64_t finalizers_queued, finalizers_run, cleanups_queued, cleanups_run, handles_queued, handles_run;
};
extern struct due_counts trix_due_counts;

#endif
