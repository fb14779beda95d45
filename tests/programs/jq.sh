# jq: its own test cases, one process over hundreds of programs, and a large document.
packages=jq

build() {
    src=$sources/jq/src
    echo '#define JQ_VERSION "1.6"' >version.h
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$src/builtin.jq" >builtin.inc
    mkdir -p src && cp version.h builtin.inc src
    LIBS="-lm -lpthread"
    compile jq -std=gnu99 -D_GNU_SOURCE -w -I. -Isrc -I"$src" -DIEEE_8087=1 -DHAVE_MEMMEM=1 -DUSE_ISATTY=1 -DHAVE_ISATTY=1 -DHAVE_TIMEGM=1 -DHAVE_STRPTIME=1 \
        -DHAVE_STRFTIME=1 -DHAVE_GMTIME_R=1 -DHAVE_LOCALTIME_R=1 -DHAVE_TM_TM_GMT_OFF=1 -DHAVE_SETLOCALE=1 -DHAVE_PTHREAD_KEY_CREATE=1 -DHAVE_PTHREAD=1 \
        $(for f in acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf exp exp10 exp2 expm1 fabs fdim floor fma fmax fmin fmod \
            frexp gamma hypot j0 j1 ldexp lgamma lgamma_r log log10 log1p log2 logb modf nearbyint nextafter nexttoward pow remainder rint round scalb scalbln \
            significand sin sinh sqrt tan tanh tgamma trunc y0 y1; do echo "-DHAVE_$(echo $f | tr a-z A-Z)=1"; done) \
        -- $(ls "$src"/*.c | grep -vE '/inject_errors\.c$')
}

check() {
    cp -r "$sources/jq/tests" .
    for cases in jq base64; do
        quietly ./jq -L tests/modules --run-tests "tests/$cases.test"
        awk '/tests passed/ { exit !($1 == $3 && $1 > 0) }' "$log" || fail "$cases.test: $(tail -n 1 "$log")"
    done
    ./jq -cn '[range(60000) | {id: ., name: "n\(. % 97)", tags: [range(. % 5)], deep: {a: {b: .}}}]' >large.json
    ./jq -c 'group_by(.name) | map({name: .[0].name, n: length, sum: (map(.deep.a.b) | add), tags: (map(.tags | length) | add)}) | sort_by(-.n, .name) | .[0:2]' large.json >found
    ./jq -c 'map(.tags | length) | add' large.json >total
    [ "$(cat total)" = 120000 ] || fail "a sum is wrong: $(cat total)"
    [ "$(./jq length large.json)" = 60000 ] || fail "length"
    cut -c1-40 found | grep -q '^\[{"name":"n0","n":619,"sum":18' || { cat found >&2; fail "group_by"; }
    ./jq . large.json | ./jq -c . >back && same large.json back
}
