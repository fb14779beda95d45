# duktape: an engine of JavaScript, with counts and a collector of its own; a program of many kinds of objects.
packages=duktape

build() {
    LIBS=-lm
    compile duk -std=gnu99 -w -I"$sources/duktape/src" -I"$sources/duktape/examples/cmdline" -I"$sources/duktape/extras/print-alert" -I"$sources/duktape/extras/console" \
        -I"$sources/duktape/extras/logging" -I"$sources/duktape/extras/module-duktape" -DDUK_CMDLINE_PRINTALERT_SUPPORT \
        -- "$sources/duktape/src/duktape.c" "$sources/duktape/examples/cmdline/duk_cmdline.c" "$sources/duktape/extras/print-alert/duk_print_alert.c"
}

check() {
    quietly ./duk "$here/duktape/objects.js"
    grep -q '^ok$' "$log" || fail "objects.js did not reach its end"
}
