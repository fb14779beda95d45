# sed: autoconf and gnulib, regular expressions of libc; its own tests, and a long script.
packages=sed
needs=perl

build() {
    cp -r "$sources/sed/." .
    find . -name '*.m4' -exec touch {} + && touch aclocal.m4 && sleep 1 && touch configure && find . -name '*.in' -exec touch {} +
    quietly ./configure --disable-nls --without-selinux --disable-acl
    quietly make -j"$jobs"
}

check() {
    quietly make check SUBDIRS=.
    seq 50000 | ./sed/sed -n -E 'H; $ { x; s/\n//g; s/(.)(.)/\2\1/g; p }' | cksum >found
    seq 50000 | awk '{ s = s $0 } END { for (i = 1; i < length(s); i += 2) printf "%s%s", substr(s, i + 1, 1), substr(s, i, 1); if (length(s) % 2) printf "%s", substr(s, length(s)); print "" }' | cksum >wanted
    same wanted found
}
