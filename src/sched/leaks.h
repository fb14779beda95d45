/* leaks.h - finding goroutines that are blocked for ever: see leaks.c. Used by scan.c. */
#ifndef TRIX_LEAKS_H
#define TRIX_LEAKS_H

#include "g.h"

/* World stopped, a cycle begins; true when it looks for leaks. */
bool trix_leaks_begin(void);

/* Whether the goroutine, held, becomes a suspect, whose stack is not scanned for now. */
bool trix_leaks_suspect(struct g *g);
/* It is scanned; held. */
void trix_leaks_clear(struct g *g);

/* Scans the suspects that may go on after all, now that more is marked; true: there were some. `last`: world stopped, nothing
 * grey; then those that are left are found leaked, and scanned too. By the collector, nothing else of which runs. */
typedef void trix_leak_scan(struct g *g, void *arg);
bool trix_leaks_reprieve(trix_leak_scan *scan, void *arg, bool last);

/* Whether a select that waits has a case whose channel the predicate holds for. */
struct select;
bool trix_select_any(const struct select *s, bool (*holds)(const void *chan));

#endif
