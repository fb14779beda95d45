# Lua 5.4: the interpreter, a garbage collected language on top of a garbage collected malloc. Debian's package has no tests;
# those in lua/ go through the library and the language (and its own collector, both kinds).
packages=lua5.4

build() {
    src=$sources/lua5.4/src
    LIBS="-Wl,-E -lm -ldl"
    echo '#define DEB_HOST_MULTIARCH "none"' >lua5.4-deb-multiarch.h
    compile lua -std=gnu99 -DLUA_USE_LINUX -DLUA_COMPAT_5_3 -I. -- $(ls "$src"/*.c | grep -vE '/(luac|onelua)\.c$')
}

check() {
    for script in "$here"/lua/*.lua; do
        quietly ./lua "$script"
        grep -q '^ok$' "$log" || fail "$script did not reach its end"
    done
}
