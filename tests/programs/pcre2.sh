# pcre2: autoconf and libtool; regular expressions in three widths of character, their own tests.
packages=pcre2

build() {
    cp -r "$sources/pcre2/." .
    find . -name '*.m4' -exec touch {} + && touch aclocal.m4 && sleep 1 && touch configure && find . -name '*.in' -exec touch {} +
    quietly ./configure --disable-shared --enable-pcre2-16 --enable-pcre2-32 --disable-jit
    quietly make -j"$jobs"
}

check() {
    # A block of frames is used for frames of another size, and bytes are then written into what was a pointer: half of one becomes
    # another, which no barrier has seen. That is no lost object, but the check of marks cannot know.
    export GODEBUG=clobberfree=1
    # (Not RunGrepTest: pcre2grep flushes its output after fork, in a race with what the child prints.)
    quietly env srcdir=. ./RunTest
    seq 100000 >numbers
    [ "$(./pcre2grep -c '(?<!1)(7|9)(?=[^3]*$)' numbers)" = "$(grep -cP '(?<!1)(7|9)(?=[^3]*$)' numbers 2>/dev/null || echo none)" ] || fail "pcre2grep counts otherwise than grep -P"
}
