/* Hazards 16 and 22. A child of a fork that comes while another thread holds the loader's lock, which it then holds for
 * ever: the child collects all the same, and sees the globals and thread-locals of modules that were opened since the last
 * collection, though nobody can ask the loader for them; calls that the library hands on to libc find their way too. */
#include "check.h"

#include <dlfcn.h>
#include <link.h>
#include <poll.h>
#include <semaphore.h>

enum { OBJECTS = 100 };

static int locked, let_go; /* atomic */

static int hold_lock(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)info, (void)size, (void)arg;
    post(&locked);
    await(&let_go, 1);
    return 1;
}
static void *lock_loader(void *arg) {
    dl_iterate_phdr(hold_lock, NULL);
    return arg;
}

static void (*keep)(int slot, void *object), (*keep_own)(int slot, void *object);
static void *(*kept)(int slot), *(*kept_own)(int slot);

NO_INLINE static void fill(void) {
    void *handle = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(handle, "%s", dlerror());
    *(void **)&keep = dlsym(handle, "keep");
    *(void **)&keep_own = dlsym(handle, "keep_own");
    *(void **)&kept = dlsym(handle, "kept");
    *(void **)&kept_own = dlsym(handle, "kept_own");
    for (int i = 0; i < OBJECTS; i++) {
        keep(i, stamped_new((uint64_t)i));
        keep_own(i, stamped_new(1000 + (uint64_t)i));
    }
}

static void look(void) {
    for (int i = 0; i < OBJECTS; i++) {
        REQUIRE(stamped_ok((struct stamped *)kept(i), (uint64_t)i), "the module's global %d is lost", i);
        REQUIRE(stamped_ok((struct stamped *)kept_own(i), 1000 + (uint64_t)i), "thread-local %d is lost", i);
    }
}

static void *call(void *arg) {
    struct timespec soon = {0, 1000};
    sem_t sem;
    sem_init(&sem, 0, 1);
    sem_wait(&sem);
    poll(NULL, 0, 1);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL);
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 1);
    pthread_barrier_wait(&barrier);
    return arg;
}

static void child_works(void) {
    pthread_t thread;
    step("a collection in the child");
    collect();
    look();
    step("calls in the child");
    call(NULL);
    REQUIRE(pthread_create(&thread, NULL, call, NULL) == 0, "no thread in the child");
    pthread_join(thread, NULL);
    step("a collection in the grandchild");
    pid_t grandchild = fork();
    if (grandchild == 0) {
        collect();
        look();
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(grandchild, &status, 0) == grandchild && status == 0, "the grandchild ends with %x", status);
}

int main(void) {
    pthread_t holder;
    tri_gc(); /* the library reads the loader's list, for the last time before the module comes */
    tri_set_gc_percent(-1);
    fill();
    clear_stack();
    REQUIRE(pthread_create(&holder, NULL, lock_loader, NULL) == 0, "no thread");
    await(&locked, 1);
    step("fork");
    pid_t child = fork();
    if (child == 0) {
        child_works();
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child && status == 0, "the child ends with %x", status);
    post(&let_go);
    pthread_join(holder, NULL);
    collect();
    look();
    return 0;
}
