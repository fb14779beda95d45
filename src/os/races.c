/* races.c - see races.h. */
#include "races.h"

#include <link.h>
#include <stdint.h>
#include <unistd.h>

#define OPTIONAL __attribute__((weak, visibility("default"))) extern
OPTIONAL void __tsan_java_init(unsigned long heap, unsigned long bytes);
OPTIONAL void __tsan_java_alloc(unsigned long at, unsigned long bytes);
OPTIONAL void __tsan_java_free(unsigned long at, unsigned long bytes);
OPTIONAL void __tsan_java_finalize(void);

bool trix_races_told;
TLS bool trix_races_here;

static struct {
    uintptr_t from, to;
} code; /* the sanitizer's, where it is a library of its own; constant once the heap has started */

/* The first object is the program, whose code the sanitizer's cannot be told from when it is linked in. */
static int find_code(struct dl_phdr_info *info, size_t size, void *first) {
    bool is_program = *(bool *)first;
    (void)size;
    *(bool *)first = false;
    for (int i = 0; i < info->dlpi_phnum && !is_program; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr;
        if (p->p_type != PT_LOAD || (uintptr_t)__tsan_java_init - from >= p->p_memsz) continue;
        code.from = from;
        code.to = from + p->p_memsz;
        return 1;
    }
    return 0;
}

void trix_races_heap(void *at, size_t bytes) {
    bool first = true;
    trix_races_here = getpid() == gettid(); /* the main thread: those that are made say it themselves */
    if (!__tsan_java_init || !__tsan_java_alloc || !__tsan_java_free || !__tsan_java_finalize) return;
    __tsan_java_init((uintptr_t)at, bytes);
    dl_iterate_phdr(find_code, &first);
    trix_races_told = true;
}

bool trix_races_inside(uintptr_t pc) { return pc - code.from < code.to - code.from; }

/* Locks and atomic variables that lay there go with the old memory. */
void trix_races_fresh(void *at, size_t bytes) {
    __tsan_java_free((uintptr_t)at, bytes);
    __tsan_java_alloc((uintptr_t)at, bytes);
}

void trix_races_after_all(void) { __tsan_java_finalize(); }
