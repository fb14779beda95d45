# tcc: another compiler, and one that runs what it compiles; its own tests, and itself.
packages=tcc

build() {
    cp -r "$sources/tcc/." .
    sed -i 's/^#define USE_TAL$//' tccpp.c # its allocator of small blocks puts pointers at odd addresses
    quietly ./configure --cc="$CC" --extra-cflags="$CFLAGS"
    quietly make -j"$jobs" tcc libtcc1.a
}

check() {
    quietly make -C tests/tests2 -j"$jobs"
    quietly ./tcc -B. -Iinclude -I. -DCONFIG_TRIPLET='"x86_64-linux-gnu"' -DONE_SOURCE=1 tcc.c -o tcc2 -ldl -lm -lpthread
    quietly ./tcc2 -B. -Iinclude -I. -DCONFIG_TRIPLET='"x86_64-linux-gnu"' -DONE_SOURCE=1 tcc.c -o tcc3 -ldl -lm -lpthread
    same tcc2 tcc3
    echo 'int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); } int main(void) { return fib(20) != 6765; }' >fib.c
    quietly ./tcc -B. -Iinclude -run fib.c
}
