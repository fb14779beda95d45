# SQLite: the amalgamation made by its own makefile (which needs tclsh), the shell, and a long script that checks itself.
packages=sqlite3
needs=tclsh

build() {
    (mkdir -p tree && cd tree && CC=cc CFLAGS=-O0 quietly "$sources/sqlite3/configure" --disable-tcl --disable-readline && quietly make sqlite3.c shell.c)
    LIBS="-lm -lpthread -ldl"
    compile sqlite3 -Itree -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_THREADSAFE=1 -- tree/sqlite3.c tree/shell.c
}

# Runs the scripts, with options of the shell's.
run_scripts() {
    for script in "$here"/sqlite3/*.sql; do
        rm -f test.db
        quietly ./sqlite3 "$@" -batch test.db <"$script"
        grep -vxE 'ok|memory' "$log" >found || true
        [ "$(tail -n 1 found)" = "the end" ] && [ "$(wc -l <found)" = 1 ] || { head -n 20 found >&2; fail "$script"; }
    done
}

check() {
    # From its "lookaside" buffer it cuts small blocks itself, and writes strings over what was left in them: now and then half a pointer
    # becomes another one, which no barrier has seen. That is no lost object, but the check of marks cannot know.
    run_scripts -lookaside 0 0
    export GODEBUG=clobberfree=1
    run_scripts
}
