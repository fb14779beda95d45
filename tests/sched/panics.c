/* panics - random programs of deferred calls, panics, recoveries and goexits, which say what they do: panics SEED N. The Go program
 * in panics.py says the same.
 *
 * A program is a table of functions, each a list of steps; a function calls and defers only those behind it. Only a deferred one
 * recovers. Each program runs in a goroutine of its own, whose first function recovers what is left.
 */
#include "test.h"

enum { FUNCTIONS = 18, STEPS = 6, BUDGET = 300 };
enum what { DEFER, CALL, PANIC, RECOVER, GOEXIT, NOTE };

struct function {
    int number, n, step[STEPS], of[STEPS];
};

static struct function table[FUNCTIONS];
static uint64_t state;
static int calls;
static tri_waitgroup group;

static int below(int n) {
    state += 0x9e3779b97f4a7c15ull;
    uint64_t x = state;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return (int)((x ^ x >> 31) % (uint64_t)n);
}

/* Even numbers are called, odd ones deferred. */
static int one_behind(int i, int odd) {
    int first = i / 2 + 1;
    return 2 * (first + below(FUNCTIONS / 2 - first)) + odd;
}

static void make(void) {
    for (int i = 0; i < FUNCTIONS; i++) {
        struct function *f = &table[i];
        bool last = i / 2 + 1 == FUNCTIONS / 2;
        f->number = i;
        f->n = 1 + below(STEPS);
        for (int k = 0; k < f->n; k++) {
            int chance = below(100);
            f->of[k] = below(100);
            f->step[k] = NOTE;
            if (chance < 40 && !last) f->step[k] = DEFER, f->of[k] = one_behind(i, 1);
            else if (chance < 55 && !last) f->step[k] = CALL, f->of[k] = one_behind(i, 0);
            else if (chance < 66) f->step[k] = PANIC;
            else if (chance < 88 && i % 2) f->step[k] = RECOVER;
            else if (chance < 90) f->step[k] = GOEXIT;
        }
    }
}

static const char *words(int number, int of) {
    char *text = tri_alloc_leaf(32);
    snprintf(text, 32, "%d.%d", number, of);
    return text;
}

static void say_recovered(const char *who, const char *what) { printf("%s %s\n", who, what ? what : "nothing"); }

static void run(void *arg) {
    TRI_FUNC;
    const struct function *f = arg;
    if (++calls > BUDGET) return;
    printf("enter %d\n", f->number);
    for (int k = 0; k < f->n; k++) {
        int of = f->of[k];
        switch (f->step[k]) {
        case DEFER: tri_defer(run, &table[of]); break;
        case CALL: run(&table[of]); break;
        case PANIC: tri_panic(words(f->number, of)); break;
        case RECOVER: say_recovered("recovered", tri_recover()); break;
        case GOEXIT: tri_goexit(); break;
        default: printf("note %d\n", of);
        }
    }
    printf("leave %d\n", f->number);
}

static void end(void *arg) {
    (void)arg;
    say_recovered("left", tri_recover());
    tri_waitgroup_done(&group);
}

static void first(void *arg) {
    TRI_FUNC;
    tri_defer(end, arg);
    run(&table[0]);
    puts("over");
}

static int count;
static void all(void *arg) {
    for (int i = 0; i < count; i++) {
        printf("program %d\n", i);
        make();
        calls = 0;
        tri_waitgroup_add(&group, 1);
        tri_go(first, arg);
        tri_waitgroup_wait(&group);
    }
}

int main(int argc, char **argv) {
    state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    count = argc > 2 ? atoi(argv[2]) : 1000;
    tri_run(all, NULL);
}
