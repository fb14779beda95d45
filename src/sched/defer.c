#include "defer.h"
#include "chan.h"
#include "../base/fmt.h"
#include <unistd.h>
void trix_defers_run_all(void) {}
void trix_panic(const char *words) { trix_print(2, "panic: %s\n", words); _exit(2); }
