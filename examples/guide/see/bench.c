/* A benchmark as Go's: lines that benchstat reads, with bytes and allocations per operation. Try -bench Concat -benchtime 100x. */
#include <tricolor.h>

static tri_string kept;

static void concat(tri_b *b) {
    for (int64_t i = 0; i < b->n; i++) kept = tri_string_concat(TRI_STR("hello, "), TRI_STR("gopher, how are you today?"));
}

static void nothing(tri_b *b) {
    for (int64_t i = 0; i < b->n; i++) tri_keep_alive(&i);
}

int main(int argc, char **argv) {
    tri_bench_flags(&argc, argv);
    tri_bench("BenchmarkConcat", concat);
    tri_bench("BenchmarkNothing", nothing);
    return 0;
}
