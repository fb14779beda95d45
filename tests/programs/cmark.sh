# cmark: CMake, and tests in C++ compiled by another compiler; its own tests, and a large document.
packages=cmark
needs="cmake c++ python3"

build() {
    # What the other compiler links finds the library where tricc has it.
    lib=$(dirname "$(dirname "${CC%% *}")")/lib
    quietly cmake -S "$sources/cmark" -B . -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="${CC%% *}" -DCMAKE_C_FLAGS="${CC#* } $CFLAGS" -DCMARK_SHARED=OFF \
        -DCMAKE_EXE_LINKER_FLAGS="-Wl,-rpath,$lib"
    quietly cmake --build . -j "$jobs"
}

check() {
    quietly ctest --output-on-failure -E roundtrip
    awk 'BEGIN { for (k = 0; k < 8000; k++) printf "# Part %d\n\n* a *list* of **words** [link %d](http://x/%d)\n  > quoted `code`\n\n1. one\n2. two\n\n", k, k, k }' >large.md
    ./src/cmark large.md >large.html
    [ "$(grep -c '<h1>' large.html)" = 8000 ] && [ "$(grep -c '</strong>' large.html)" = 8000 ] || fail "large.md"
    ./src/cmark -t commonmark large.md >once.md && ./src/cmark -t commonmark once.md >twice.md && same once.md twice.md
}
