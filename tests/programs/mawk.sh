# mawk: autoconf's configure; its own tests, and a program over many lines.
packages=mawk

build() {
    cp -r "$sources/mawk/." .
    quietly ./configure
    touch parse.h parse.c # made by yacc already
    quietly make -j"$jobs"
}

check() {
    quietly make check
    seq 200000 | ./mawk '{ n[$1 % 5000] = n[$1 % 5000] " " $1; s += length($0) }
        END { for (k in n) { c = split(n[k], a, " "); t += c; u += a[c] }; print t, s, u; print substr(n[17], 1, 20), toupper("done") }' >found
    printf '200000 1088895 987502500\n 17 5017 10017 15017 DONE\n' >wanted
    same wanted found
}
