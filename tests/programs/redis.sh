# redis: a server with threads, fork and a Lua of its own; some of its own tests.
packages=redis
needs=tclsh

build() {
    cp -r "$sources/redis/." .
    quietly make -C src -j"$jobs" MALLOC=libc USE_SYSTEMD=no BUILD_TLS=no CC="$CC" OPTIMIZATION="$CFLAGS" redis-server redis-cli redis-benchmark
}

check() {
    quietly ./runtest --single unit/type/list --single unit/scripting --single unit/expire
}
