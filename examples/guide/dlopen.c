/* dlopen.c - plugins: their globals are roots from dlopen to dlclose. */
#include "expect.h"
#include <dlfcn.h>
#include <tricolor.h>

int main(int argc, char **argv) {
    expect(argc == 2);
    for (int round = 0; round < 3; round++) {
        void *plugin = dlopen(argv[1], RTLD_NOW);
        expect(plugin);
        int (*add)(void);
        *(void **)&add = dlsym(plugin, "plugin_add");
        for (int i = 1; i <= 100; i++) {
            expect(add() == i);
            if (i % 20 == 0) tri_gc();
        }
        expect(dlclose(plugin) == 0);
        tri_gc();
    }
    return 0;
}
