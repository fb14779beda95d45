#include "defer.h"
void trix_defers_run_all(void) {}
