# zlib: a configure script of its own, plain make, a static and a shared library, examples that test themselves.
packages=zlib

build() {
    cp -r "$sources/zlib/." .
    quietly ./configure
    quietly make -j"$jobs" all
}

check() {
    quietly make test
    grep -q 'zlib test OK' "$log" && grep -q 'zlib shared test OK' "$log" || fail "its tests have not all run"
    seq 400000 >numbers
    ./minigzip <numbers >numbers.gz
    gzip -dc <numbers.gz >back && same numbers back
    ./minigzip -d <numbers.gz >back && same numbers back
}
