# gawk: autoconf's configure, unions of pointers and numbers; its own tests, and arrays that come and go.
packages=gawk

build() {
    cp -r "$sources/gawk/." .
    find . -name '*.in' -exec touch {} + && touch aclocal.m4 && sleep 1 && touch configure configh.in && find . -name Makefile.in -exec touch {} +
    touch awkgram.c awkgram.h command.c
    quietly ./configure --disable-nls --disable-mpfr --disable-extensions --without-readline
    quietly make -C support -j"$jobs"
    quietly make -j"$jobs" gawk
}

check() {
    (cd test && quietly make srcdir=. basic unix-tests gawk-extensions) || exit 1
    # (These want the locale en_US.UTF-8.)
    failed=$(cd test && ls _* 2>/dev/null | grep -vxE '_(commas|mbstr1|mbstr2)' | tr '\n' ' ')
    [ -z "$failed" ] || fail "tests failed: $failed"
    seq 200000 | ./gawk '{ n[$1 % 5000] = n[$1 % 5000] " " $1; s += length($0) }
        END { for (k in n) { c = split(n[k], a, " "); t += c; u += a[c] }; print t, s, u; print substr(n[17], 1, 20), toupper("done") }' >found
    printf '200000 1088895 987502500\n 17 5017 10017 15017 DONE\n' >wanted
    same wanted found
}
