/* Benchmarks whose figures are known, for bench.py to read. */
#include <tricolor.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void *volatile sink;

static void alloc(tri_b *b) {
    for (int64_t i = 0; i < b->n; i++) sink = tri_alloc(100), sink = tri_alloc_leaf(1000);
}
static void nothing(tri_b *b) {
    for (int64_t i = 0; i < b->n; i++) __asm__ volatile("" : : : "memory");
}
static void unseen(tri_b *b) {
    for (int i = 0; i < 1000; i++) sink = tri_alloc(100);
    tri_bench_reset_timer(b);
    for (int64_t i = 0; i < b->n; i++) {
        tri_bench_stop_timer(b);
        sink = tri_alloc(100);
        tri_bench_start_timer(b);
    }
}
static void bytes(tri_b *b) {
    tri_bench_set_bytes(b, 1000);
    for (int64_t i = 0; i < b->n; i++) sink = tri_alloc_leaf(900);
    tri_bench_report_metric(b, 2.5, "widgets/op");
}
static void inner(tri_b *b) { nothing(b); }
static void outer(tri_b *b) {
    tri_bench_run(b, "one inside", inner);
    tri_bench_run(b, "two", inner);
}
static void looped(tri_b *b) {
    static int calls;
    for (int i = 0; i < 1000; i++) sink = tri_alloc(100);
    int64_t times = 0;
    while (tri_bench_loop(b)) sink = tri_alloc(100), times++;
    for (int i = 0; i < 1000; i++) sink = tri_alloc(100);
    if (times != b->n) tri_bench_fail(b, "the loop has run another number of times");
    tri_bench_report_metric(b, ++calls, "calls");
}
static void fails(tri_b *b) { tri_bench_fail(b, "it must"); }
static void leaves(tri_b *b) {
    while (tri_bench_loop(b)) break;
}
static void reports(tri_b *b) {
    char unit[16] = "zebras";
    for (int64_t i = 0; i < b->n; i++) sink = tri_alloc(100);
    tri_bench_report_metric(b, 0.05, unit);
    strcpy(unit, "apes");
    tri_bench_report_metric(b, 1e-6, unit);
    tri_bench_report_metric(b, 0, "ns/op");
    tri_bench_report_metric(b, 12.5, "MB/s");
    tri_bench_report_metric(b, 7, "allocs/op");
    tri_bench_report_metric(b, 8, "B/op");
    memset(unit, 0, sizeof unit);
}

int main(int argc, char **argv) {
    setlocale(LC_ALL, ""); /* figures have a point all the same */
    tri_bench_flags(&argc, argv);
    if (argc > 1 && argv[1][0] != 'f') return 3;
    tri_bench("Alloc", alloc);
    tri_bench("BenchmarkNothing", nothing);
    tri_bench("Unseen", unseen);
    tri_bench("Bytes", bytes);
    tri_bench("Outer", outer);
    tri_bench("Looped", looped);
    tri_bench("Reports", reports);
    if (argc > 1) tri_bench("Leaves", leaves);
    return argc > 1 ? tri_bench("Fails", fails) == -1 ? 0 : 1 : 0;
}
