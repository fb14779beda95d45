/* report.h - how a program ends: deadlock, overflow, panic, and the dump of all goroutines. */
#ifndef TRIX_REPORT_H
#define TRIX_REPORT_H

#include "g.h"

/* Prints the calling goroutine's trace, as Go does behind a panic, and ends the program with status 2. */
NORETURN void trix_report_end(struct g *g);

#endif
