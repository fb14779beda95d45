# dash: a shell, with a stack allocator of its own, setjmp and fork; it runs another program's configure and scripts.
packages="dash zlib"

build() {
    cp -r "$sources/dash/." .
    find . -name '*.m4' -exec touch {} + && sleep 1 && touch configure config.h.in && find . -name Makefile.in -exec touch {} +
    sed -i 's/ options\.c / options.c priv.c /; s/ options\.$(OBJEXT) / options.$(OBJEXT) priv.$(OBJEXT) /' src/Makefile.in # Debian's patch has a file more
    quietly ./configure
    quietly make -j"$jobs"
}

check() {
    # Strings are written, with bytes of 0x81 to 0x88 in them, over what was left in its blocks: now and then half a pointer becomes another
    # one, which no barrier has seen. That is no lost object, but the check of marks cannot know.
    export GODEBUG=clobberfree=1
    cat >script <<'END'
fib() { if [ $1 -lt 2 ]; then echo $1; else echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); fi; }
[ $(fib 8) = 21 ] || exit 1
i=0 all=
while [ $i -lt 20000 ]; do i=$((i + 1)); all="$i ${all%% 1*}"; case $all in *99*) n=$((n + 1)) ;; esac; eval "v$((i % 100))=\$i"; done
[ "$v7" = 19907 ] || exit 2
f() { local x=$1; shift; set -- "$@" "$x"; trap 'echo left' EXIT; (exit 3) || echo "$# $*"; }
[ "$(f a b c)" = "3 b c a
left" ] || exit 3
x=$(cat <<EOF
$(seq 3000)
EOF
)
[ "${#x}" = 13892 ] || exit 5
for k in $x; do y=$k; done
[ $y = 3000 ] || exit 6
echo "$x" | while read a; do [ $a = 1500 ] && exit 9; done
[ $? = 9 ] || exit 7
END
    quietly ./src/dash script
    cp -r "$sources/zlib" zlib
    (cd zlib && CC=cc CFLAGS=-O0 quietly ../src/dash ./configure) || exit 1
    cp -r zlib/Makefile wanted && (cd zlib && CC=cc CFLAGS=-O0 quietly sh ./configure) && same wanted zlib/Makefile
}
