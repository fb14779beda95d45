#!/bin/sh
# Installs the build $BUILD into $WORK/prefix, and builds and runs programs against what is there and nothing else.
# SANITIZE: the build's sanitizers, which its users must then link too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=$WORK/prefix
sanitize=${SANITIZE:+-fsanitize=$SANITIZE}

step() { echo "--- $*" && "$@"; }

if [ -z "$PKG_CONFIG" ] || [ -z "$CXX" ]; then
    echo "skipped: needs pkg-config and a C++ compiler"
    exit 77
fi

rm -rf "$WORK"
mkdir -p "$WORK"
cmake --install "$BUILD" --prefix "$prefix" >"$WORK/install.log"

# Nothing but the headers, the two libraries, the pkg-config file, the CMake package, the compiler driver and its files.
pc=$(find "$prefix" -name tricolor.pc)
test -n "$pc"
libdir=$(dirname "$(dirname "$pc")")
strangers=$(cd "$prefix" && find . -type f ! -path './include/tricolor*' ! -name 'libtricolor.*' ! -name 'libtricolor-*' ! -name 'tricolor*.pc' \
    ! -path '*/cmake/tricolor/*' ! -path './bin/tricc' ! -path '*/tricc/*' ! -path './share/man/*')
[ -z "$strangers" ] || { echo "installed, and should not be: $strangers" && exit 1; }
for page in man7/tricolor.7 man1/tricc.1; do [ -f "$prefix/share/man/$page" ] || { echo "not installed: $page" && exit 1; }; done
[ "$(readlink "$libdir/libtricolor.so")" = libtricolor.so.0 ]

# The name of the build's folder must not be in what others compile against.
if grep -rlF "$BUILD" "$prefix/include" "$libdir/pkgconfig" "$libdir/cmake"; then
    echo "these installed files name the build's folder"
    exit 1
fi

export PKG_CONFIG_PATH="$libdir/pkgconfig"
[ "$("$PKG_CONFIG" --modversion tricolor)" = "$VERSION" ]

flags="-Wall -Wextra -Wpedantic -Werror $sanitize"
cd "$WORK"
# shellcheck disable=SC2046,SC2086 # words are wanted
{
    step "$CC" -std=c11 $flags "$here/consumer.c" -o c-shared $("$PKG_CONFIG" --cflags --libs tricolor)
    LD_LIBRARY_PATH=$libdir step ./c-shared
    step "$CC" -std=c11 $flags "$here/consumer.c" -o c-static $("$PKG_CONFIG" --cflags tricolor) \
        -Wl,-Bstatic $("$PKG_CONFIG" --static --libs-only-L --libs-only-l tricolor) -Wl,-Bdynamic \
        $("$PKG_CONFIG" --static --libs-only-other tricolor)
    step ./c-static
    if [ -z "$sanitize" ]; then # sanitizers do not go with -static
        step "$CC" -std=c11 $flags -static "$here/consumer.c" -o c-fully-static $("$PKG_CONFIG" --static --cflags --libs tricolor)
        step ./c-fully-static
    fi
}
for program in c-static c-fully-static; do
    [ ! -e $program ] || ! ldd ./$program 2>/dev/null | grep libtricolor || { echo "$program is not static" && exit 1; }
done

step cmake -S "$here/cmake-user" -B "$WORK/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$CXX" \
    -DCMAKE_CXX_FLAGS="$flags" >"$WORK/cmake.log"
step cmake --build "$WORK/cmake" >>"$WORK/cmake.log" || { cat "$WORK/cmake.log" && exit 1; }
step "$WORK/cmake/cpp-shared"
step "$WORK/cmake/cpp-static"

# The compiler driver, where it was built: it finds header, library and prelude beside itself, also when all is moved elsewhere.
if [ -x "$prefix/bin/tricc" ]; then
    moved=$WORK/moved
    cp -R "$prefix" "$moved"
    for root in "$prefix" "$moved"; do
        step "$root/bin/tricc" -std=gnu11 $flags "$here/tricc.c" -o c-tricc
        step ./c-tricc
        ldd ./c-tricc | grep -qF "$root/" || { echo "c-tricc does not use the library beside $root/bin/tricc" && exit 1; }
        step "$root/bin/tricc" -std=gnu11 $flags -fmanaged-malloc -O2 "$here/tricc.c" -o c-managed
        step ./c-managed
        step "$root/bin/tricc" -static "$here/tricc.c" -o c-tricc-static
        step ./c-tricc-static
    done
fi

# The library of profiles, where it was built.
[ -e "$libdir/pkgconfig/tricolor-debug.pc" ] || exit 0
[ "$(readlink "$libdir/libtricolor-debug.so")" = libtricolor-debug.so.0 ]
# shellcheck disable=SC2046,SC2086 # words are wanted
{
    step "$CC" -std=c11 $flags "$here/consumer_debug.c" -o c-debug $("$PKG_CONFIG" --cflags --libs tricolor-debug)
    LD_LIBRARY_PATH=$libdir step ./c-debug
    step "$CC" -std=c11 $flags "$here/consumer_debug.c" -o c-debug-static $("$PKG_CONFIG" --cflags tricolor-debug) \
        "$libdir/libtricolor-debug.a" "$libdir/libtricolor.a" $("$PKG_CONFIG" --libs zlib libprotobuf-c libmicrohttpd libdw) -lm -pthread
    step ./c-debug-static
}
! ldd ./c-debug-static | grep libtricolor || { echo "c-debug-static is not static" && exit 1; }
