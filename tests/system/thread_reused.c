/* thread_reused - the pthread_t of a thread that has been joined is another one's at once, before pthread_join has returned. Here the other
 * one's creation had begun first, and it is detached in that moment: the library must not take it for the one that is joined. */
#include "check.h"

int __real_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __real_trix_libc_join(pthread_t thread, void **result);
int __wrap_trix_libc_join(pthread_t thread, void **result);

static __thread int waits_in_create; /* for that value of `go_on` */
static __thread bool waits_in_join;
static int begun, go_on, detached, over; /* atomic */
static int marks[3];
static pthread_t first, second, third;

int __wrap_trix_libc_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg) {
    if (waits_in_create) {
        post(&begun);
        await(&go_on, waits_in_create);
        waits_in_create = 0;
    }
    return __real_trix_libc_pthread_create(thread, attributes, fn, arg);
}

int __wrap_trix_libc_join(pthread_t thread, void **result) {
    int error = __real_trix_libc_join(thread, result);
    if (waits_in_join) {
        waits_in_join = false;
        post(&go_on);
        await(&detached, 1);
    }
    return error;
}

static void *at_once(void *arg) { return arg; }

static void *stays(void *arg) {
    await(&over, 1);
    return arg;
}

static void *join(pthread_t thread) {
    void *result;
    REQUIRE(pthread_join(thread, &result) == 0, "not joined");
    return result;
}

static void *create_and_detach(void *unused) {
    waits_in_create = 1;
    REQUIRE(pthread_create(&second, NULL, stays, NULL) == 0, "no thread");
    REQUIRE(pthread_detach(second) == 0, "not detached");
    post(&detached);
    return unused;
}

static void *create_and_join(void *unused) {
    waits_in_create = 2;
    REQUIRE(pthread_create(&third, NULL, at_once, &marks[1]) == 0, "no thread");
    REQUIRE(join(third) == &marks[1], "it got the argument of another thread");
    return unused;
}

int main(void) {
    pthread_t other, last;
    REQUIRE(pthread_create(&other, NULL, create_and_detach, NULL) == 0, "no thread");
    await(&begun, 1);
    step("the first is joined, and the second is there");
    REQUIRE(pthread_create(&first, NULL, at_once, &marks[0]) == 0, "no thread");
    waits_in_join = true;
    REQUIRE(join(first) == &marks[0], "another result");
    if (!pthread_equal(first, second)) {
        puts("libc has not used the stack again");
        return 77;
    }
    join(other);
    step("each thread has a record of its own");
    REQUIRE(pthread_create(&other, NULL, create_and_join, NULL) == 0, "no thread");
    await(&begun, 2);
    REQUIRE(pthread_create(&last, NULL, stays, &marks[2]) == 0, "no thread");
    post(&go_on);
    join(other);
    post(&over);
    REQUIRE(join(last) == &marks[2], "another result");
    return 0;
}
