/* Hazard 33. A program that knows nothing of the library, and has threads already, opens it: its
 * thread-locals find room, the threads are attached when they first allocate, and collections see their
 * stacks. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void *(*alloc)(size_t);
static void (*gc)(void);
static pthread_barrier_t barrier;

static void *thread_main(void *arg) {
    int ok = 1;
    if (arg) pthread_barrier_wait(&barrier); /* until the library is there */
    for (int round = 0; round < 20; round++) {
        char *volatile block[100];
        for (int i = 0; i < 100; i++) {
            block[i] = alloc(100);
            memset(block[i], i, 100);
        }
        gc();
        for (int i = 0; i < 2000; i++) memset(alloc(100), 0xee, 100);
        for (int i = 0; i < 100; i++)
            for (int b = 0; b < 100; b++) ok &= block[i][b] == i;
    }
    return ok ? &barrier : NULL;
}

int main(void) {
    pthread_t thread[3];
    void *result;
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < 3; i++) pthread_create(&thread[i], NULL, thread_main, thread);
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&alloc = dlsym(library, "tri_alloc");
    *(void **)&gc = dlsym(library, "tri_gc");
    pthread_barrier_wait(&barrier);
    int ok = thread_main(NULL) != NULL;
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], &result);
        ok &= result != NULL;
    }
    if (!ok) fprintf(stderr, "blocks of a thread that was there before the library are lost\n");
    return !ok;
}
