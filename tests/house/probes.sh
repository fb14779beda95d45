#!/bin/sh
# The library has its static probes, where the header for them was there.
set -eu
library=$1 cc=$2
if ! echo '#include <sys/sdt.h>' | "$cc" -E - >/dev/null 2>&1; then
    echo "skipped: no <sys/sdt.h> (apt-get install systemtap-sdt-dev)"
    exit 77
fi
notes=$(readelf -n "$library")
for probe in gc__start gc__mark__end gc__sweep__end heap__sample heap__sample__free; do
    echo "$notes" | grep -A1 'Provider: tricolor' | grep -q "Name: $probe$" || { echo "no probe $probe" && exit 1; }
done
