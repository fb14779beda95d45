/* report.h - how a program ends: deadlock, overflow, panic, and the dump of all goroutines. */
#ifndef TRIX_REPORT_H
#define TRIX_REPORT_H

#include "g.h"

/* Prints the calling goroutine's trace, as Go does behind a panic, and ends the program with status 2. */
NORETURN void trix_report_end(struct g *g);

/* Lines of such a trace: head, frames, and where it was started. */
void trix_report_goroutine(int fd, uint64_t id, const char *state, bool leaked, uint64_t waited_ns);
void trix_report_frames(int fd, const uintptr_t *pcs, uint32_t n);
void trix_report_creator(int fd, uint64_t parent, uintptr_t pc);

#endif
