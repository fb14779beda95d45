# zstd: plain Makefiles, assembly, threads; its own fuzzer of round trips, and the program with dictionaries and several threads.
packages=libzstd

build() {
    cp -r "$sources/libzstd/." .
    quietly make -C programs -j"$jobs" zstd CC="$CC" CFLAGS="$CFLAGS" HAVE_ZLIB=0 HAVE_LZMA=0 HAVE_LZ4=0
    quietly make -C tests -j"$jobs" fuzzer zstreamtest CC="$CC" CFLAGS="$CFLAGS" MOREFLAGS=
}

check() {
    quietly tests/fuzzer -s7 -i300 -v
    quietly tests/zstreamtest -s7 -i100 -v
    for k in 1 2 3 4 5 6 7 8 9; do seq "$k" 7 20000 >"part$k"; done
    seq 300000 >numbers
    for options in -1 -9 "-15 --long" "-3 -T2" "-19 -T2"; do
        ./programs/zstd -q -f $options numbers -o numbers.zst
        ./programs/zstd -q -dc numbers.zst >back && same numbers back
    done
    quietly ./programs/zstd -q --train part? -o dictionary
    for k in 1 5 9; do
        ./programs/zstd -q -f -D dictionary "part$k" -o part.zst
        ./programs/zstd -q -dc -D dictionary part.zst >back && same "part$k" back
    done
}
