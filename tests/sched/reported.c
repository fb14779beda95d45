/* reported - what sanitizers must find, and must not, in goroutines: reported NAME. The program is instrumented, the library is not.
 *
 *   race      two goroutines add to a variable with nothing that orders them: a race, also when one thread runs both
 *   ordered   the same with a channel between them, and with a lock: none
 *   overflow  a goroutine writes behind an array on its stack, after others have run on its thread
 *   deep      the same addresses are used by one goroutine after another: nothing to be found
 */
#include "test.h"

#include <string.h>

enum { ROUNDS = 100 };

static long shared;
static tri_waitgroup group;
static tri_mutex lock;

static void add(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        shared++;
        tri_yield();
    }
}

static void race(void) {
    for (int i = 0; i < 2; i++) tri_waitgroup_go(&group, add, NULL);
    tri_waitgroup_wait(&group);
}

static void add_in_turn(void *arg) {
    tri_chan **c = arg;
    for (int i = 0; i < ROUNDS; i++) {
        tri_recv(c[0], NULL);
        shared++;
        tri_send(c[1], &(char){0});
    }
}

static void add_locked(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        tri_mutex_lock(&lock);
        shared++;
        tri_mutex_unlock(&lock);
        tri_yield();
    }
}

static void ordered(void) {
    tri_chan *a = tri_chan_new(char, 1), *b = tri_chan_new(char, 1);
    tri_chan **there = tri_new_array(tri_chan *, 2), **back = tri_new_array(tri_chan *, 2);
    tri_set(there[0], a);
    tri_set(there[1], b);
    tri_set(back[0], b);
    tri_set(back[1], a);
    tri_waitgroup_go(&group, add_in_turn, there);
    tri_waitgroup_go(&group, add_in_turn, back);
    tri_send(a, &(char){0});
    tri_waitgroup_wait(&group);
    for (int i = 0; i < 2; i++) tri_waitgroup_go(&group, add_locked, NULL);
    tri_waitgroup_wait(&group);
    EXPECT_EQ(shared, 4L * ROUNDS);
}

static void __attribute__((noinline)) fill(volatile char *at, int n) {
    for (int i = 0; i < n; i++) at[i] = (char)i;
}

static void write_behind(void *arg) {
    char array[32];
    tri_yield();
    fill(array, (int)(uintptr_t)arg);
    tri_yield();
}

static void overflow(void) {
    for (int i = 0; i < 20; i++) tri_waitgroup_go(&group, write_behind, (void *)(uintptr_t)(i == 10 ? 33 : 32));
    tri_waitgroup_wait(&group);
}

static long __attribute__((noinline)) down(long n) {
    volatile char frame[100];
    fill(frame, sizeof frame);
    if (n % 10 == 0) tri_yield();
    return n ? down(n - 1) + frame[1] : 0;
}

static void dig(void *arg) { EXPECT_EQ(down((long)(intptr_t)arg), (long)(intptr_t)arg); }

static void deep(void) {
    for (int i = 0; i < 60; i++) {
        tri_waitgroup_go(&group, dig, (void *)(intptr_t)(i * 7 % 50));
        if (i % 6 == 5) tri_waitgroup_wait(&group);
    }
    tri_waitgroup_wait(&group);
}

static struct form forms[] = {{"race", race}, {"ordered", ordered}, {"overflow", overflow}, {"deep", deep}};

int main(int argc, char **argv) { return RUN_FORM(forms, argc, argv); }
