# libxml2: autoconf and libtool; its own tests: parsers, readers, schemas, XPath, and every function of its interface.
packages=libxml2

build() {
    cp -r "$sources/libxml2/." .
    find . -name '*.m4' -exec touch {} + && sleep 1 && touch configure config.h.in && find . -name Makefile.in -exec touch {} +
    quietly ./configure --without-python --without-zlib --without-lzma --without-icu --without-readline --disable-shared
    quietly make -j"$jobs" libxml2.la
    quietly make -j"$jobs" runtest testdict testapi testrecurse testchar xmllint
}

check() {
    # Debian's source has no test/threads: one error.
    ./runtest >"$log" 2>&1 || [ ! -d test/threads ] || fail "runtest: $(tail -n 1 "$log")"
    tail -n 1 "$log" | grep -qE '^Total [0-9]{3,} tests, [01] errors, 0 leaks$' || fail "runtest: $(tail -n 1 "$log")"
    for test in testdict testapi testrecurse testchar; do quietly ./$test; done
    awk 'BEGIN { print "<r>"; for (k = 0; k < 40000; k++) printf "<i n=\"%d\"><a%d b=\"&lt;%d\">text</a%d></i>\n", k, k % 500, k, k % 500; print "</r>" }' >large.xml
    ./xmllint --noblanks large.xml >once.xml && ./xmllint --noblanks once.xml >twice.xml && same once.xml twice.xml
    [ "$(./xmllint --xpath 'count(//i[@n mod 7 = 3]/*)' large.xml)" = 5714 ] || fail "XPath"
}
