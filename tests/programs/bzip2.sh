# bzip2: a plain Makefile; its own comparisons, and megabytes there and back.
packages=bzip2

build() {
    cp -r "$sources/bzip2/." .
    quietly make -j"$jobs" CC="$CC" CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64" bzip2 bzip2recover
}

check() {
    quietly make CC="$CC" test
    seq 300000 >numbers
    for level in 1 9; do
        quietly ./bzip2 -k -f -$level numbers
        ./bzip2 -dc <numbers.bz2 >back && same numbers back
        ./bzip2 -dsc <numbers.bz2 >back && same numbers back
    done
    quietly ./bzip2recover numbers.bz2
}
