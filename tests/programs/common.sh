# What the scripts of the programs share; sourced by run.sh, and by bench/programs.
#
# A program's script, NAME.sh, says
#   packages        Debian source packages it needs
#   needs           commands it needs, beyond a compiler
#   build           builds in the current folder, from $sources/PACKAGE, with $CC and $CFLAGS
#   check           runs the program's tests there; the collector's knobs are in the environment
# and may use what is below.

jobs=${JOBS:-2}

fail() { echo "$program: $*" >&2 && exit 1; }
skip() { echo "$program: skipped: $*" >&2 && exit 77; }

# Runs a command and keeps its words; prints the end of them when it fails.
quietly() {
    "$@" >"$log" 2>&1 && return
    code=$?
    tail -n 40 "$log" >&2
    fail "failed ($code): $*"
}

# Compiles the sources named after `--` into one program: compile OUTPUT OPTION... -- SOURCE...
compile() {
    output=$1 options=
    shift
    while [ "$1" != -- ]; do options="$options $1" && shift; done
    shift
    objects=
    for source; do objects="$objects $(basename "$source" .c).o"; done
    printf '%s\n' "$@" | xargs -P "$jobs" -I{} sh -c '"$@" -c "{}" -o "$(basename "{}" .c).o"' sh $CC $CFLAGS $options >"$log" 2>&1 ||
        { grep -A5 -E "error|warning: tricc" "$log" | head -n 40 >&2; fail "does not compile"; }
    quietly $CC $CFLAGS $objects -o "$output" $options $LIBS
}

# same FILE FILE: both have the same contents.
same() { cmp -s "$1" "$2" || { diff "$1" "$2" | head -n 20 >&2; fail "$1 and $2 differ"; }; }
