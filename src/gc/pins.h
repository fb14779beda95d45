/* pins.h - objects kept alive by count: see pins.c. */
#ifndef TRIX_PINS_H
#define TRIX_PINS_H

#include "mark.h"

/* Objects that stay alive until unpinned as often as pinned; `object` is the object's start. */
void trix_pin_add(uintptr_t object);
bool trix_pin_drop(uintptr_t object, bool all); /* false: it was not pinned */
void trix_pins_scan(struct marker *m);

#endif
