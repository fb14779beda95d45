/* fibers.h - stacks that no thread runs at the moment: what the collector asks of the scheduler, which registers
 * itself here when it starts.
 *
 * While marking, every fiber that no thread runs is scanned once, alone, while the others run. One that a thread runs
 * belongs to that thread's roots. Stores to stacks have no barrier, so a fiber that has run since it was scanned must
 * be scanned again: first in rounds while the world runs, and whoever is left in the last stop. So a stop does not
 * lengthen with the number of fibers that stand still.
 */
#ifndef TRIX_FIBERS_H
#define TRIX_FIBERS_H

#include "mark.h"

struct fiber_scanner {
    /* World stopped, the phase just on: from here on whoever leaves a fiber notes it. True: this cycle looks for fibers that can
     * never go on, and leaves those that might be such out at first. */
    bool (*begin)(void);
    /* World running: scans some, and adds to *bytes what was looked at; false when there is no more for now. By any
     * marker, several at a time. */
    bool (*some)(struct marker *m, uint64_t *bytes);
    /* World stopped: all that have run since they were scanned, or were not yet. */
    void (*rest)(struct marker *m, uint64_t *bytes);
    /* Of those left out, scans who may go on after all since what it waits for is marked; true: there were some. `last`: world
     * stopped and nothing grey; if there are none, all are scanned, and no more are left out. */
    bool (*reprieve)(struct marker *m, uint64_t *bytes, bool last);
    /* World stopped: every one, whatever has been scanned. */
    void (*all)(struct marker *m);
    /* World running: memory held for nothing may be given back; after each cycle. */
    void (*trim)(void);
    /* Bytes of stacks in use, and taken from the system. */
    void (*figures)(uint64_t *inuse, uint64_t *sys);
};

extern const struct fiber_scanner *trix_fibers; /* NULL until there are any; release */

#endif
