/* work_test.c - the grey set: what is pushed is popped once, by whichever thread; the end is seen when it is there. */
#include "unit.h"

#include "heap/gate.h"
#include "gc/init.h"
#include "gc/work.h"
#include "base/atomic.h"
#include "os/os.h"

#include <pthread.h>
#include <string.h>

static struct workbuf *buffer(enum workbuf_kind kind, uint64_t item) {
    struct workbuf *buf = trix_workbuf_get(kind);
    assert_non_null(buf);
    assert_int_equal(buf->n, 0);
    assert_int_equal(buf->kind, kind);
    buf->item[buf->n++] = item;
    return buf;
}

static void test_items(void **state) {
    (void)state;
    uint64_t item = WORK_GREY(0x12345678f8u, 0xabc);
    assert_int_equal(WORK_OFFSET(item), 0x12345678f8);
    assert_int_equal(WORK_LAYOUT(item), 0xabc);
    assert_int_equal(WORK_OFFSET(RAW_ROOT | 0xfff8), 0xfff8);
}

static void test_push_and_pop(void **state) {
    (void)state;
    enum { N = 1000 };
    bool seen[N] = {false};
    assert_null(trix_work_pop());
    assert_true(trix_work_drained());
    for (uint64_t i = 0; i < N; i++) trix_work_push(buffer(i % 2 ? WORK_KIND_RAW : WORK_KIND_GREY, i));
    assert_int_equal(trix_work_queued(), N);
    assert_false(trix_work_drained());
    for (int i = 0; i < N; i++) {
        struct workbuf *buf = trix_work_pop();
        assert_non_null(buf);
        assert_int_equal(buf->kind, buf->item[0] % 2 ? WORK_KIND_RAW : WORK_KIND_GREY);
        assert_false(seen[buf->item[0]]);
        seen[buf->item[0]] = true;
        trix_workbuf_put(buf);
    }
    assert_null(trix_work_pop());
    assert_int_equal(trix_work_queued(), 0);
    assert_true(trix_work_drained());
}

static void test_drained(void **state) {
    (void)state;
    trix_work_enter();
    trix_work_enter();
    assert_false(trix_work_drained()); /* somebody may still have work in private */
    trix_work_exit();
    assert_false(trix_work_drained());
    trix_work_push(buffer(WORK_KIND_GREY, 1));
    trix_work_exit();
    assert_false(trix_work_drained());
    trix_workbuf_put(trix_work_pop());
    assert_true(trix_work_drained());
}

static void test_trim(void **state) {
    (void)state;
    enum { N = 3000 };
    static struct workbuf *kept[N];
    for (int i = 0; i < N; i++) kept[i] = buffer(WORK_KIND_GREY, (uint64_t)i);
    uint64_t most = trix_work_bytes();
    assert_true(most >= N * sizeof(struct workbuf));
    trix_work_trim();
    assert_int_equal(trix_work_bytes(), most); /* all in use */
    for (int i = 1; i < N; i++) trix_workbuf_put(kept[i]);
    trix_work_trim();
    assert_true(trix_work_bytes() < most / 2 || most <= 1 << 20);
    assert_int_equal(kept[0]->item[0], 0);
    for (int i = 1; i < N; i++) kept[i] = buffer(WORK_KIND_RAW, (uint64_t)i);
    for (int i = 0; i < N; i++) trix_workbuf_put(kept[i]);
    trix_work_trim();
}

/* ---- threads: each item is worth a number; what comes out adds up ---- */

enum { THREADS = 4, ROUNDS = 20000 };
static uint64_t put_in, taken_out;

static void *worker(void *arg) {
    uint64_t random = (uintptr_t)arg * 77777, in = 0, out = 0;
    struct gate *gate = gate_enter();
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct workbuf *buf = random >> 63 ? trix_work_pop() : trix_workbuf_get(WORK_KIND_GREY);
        if (!buf) continue;
        if (buf->n) {
            for (uint32_t k = 0; k < buf->n; k++) out += buf->item[k];
            trix_workbuf_put(buf);
        } else {
            while (buf->n < WORKBUF_ITEMS && buf->n < 9) in += buf->item[buf->n] = random >> 40, buf->n++;
            trix_work_push(buf);
        }
    }
    gate_leave(gate);
    fetch_add_seq(&put_in, in);
    fetch_add_seq(&taken_out, out);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, worker, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    for (struct workbuf *buf; (buf = trix_work_pop()); trix_workbuf_put(buf))
        for (uint32_t k = 0; k < buf->n; k++) taken_out += buf->item[k];
    assert_true(put_in > 0);
    assert_int_equal(put_in, taken_out);
    assert_true(trix_work_drained());
}

/* Without memory there is no buffer; with it there is one again. */
static void test_refused(void **state) {
    (void)state;
    enum { N = 5000 };
    static struct workbuf *kept[N];
    static const enum os_fault faults[] = {OS_FAULT_RESERVE, OS_FAULT_COMMIT};
    for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
        int n = 0;
        trix_os_fault(faults[f], 1, true);
        while (n < N && (kept[n] = trix_workbuf_get(WORK_KIND_GREY))) n++;
        trix_os_fault(faults[f], 0, false);
        assert_true(n < N);
        struct workbuf *more = trix_workbuf_get(WORK_KIND_GREY);
        assert_non_null(more);
        trix_workbuf_put(more);
        while (n > 0) trix_workbuf_put(kept[--n]);
    }
}

int main(void) {
    trix_init();
    gate_enter(); /* what is called here is called inside only */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items), cmocka_unit_test(test_push_and_pop), cmocka_unit_test(test_drained),
        cmocka_unit_test(test_trim),  cmocka_unit_test(test_threads),      cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
