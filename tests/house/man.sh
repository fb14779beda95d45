#!/bin/sh
# The man pages are well formed, to groff and, where it is, to mandoc; and name what there is: each header, each variable.
#
#   man.sh SOURCE
set -eu
source=$1
bad=0

if command -v man >/dev/null && command -v groff >/dev/null; then
    for page in "$source"/man/*.[1-9]; do
        said=$(LC_ALL=C.UTF-8 man --warnings -l "$page" 2>&1 >/dev/null) || said="$said (failed)"
        [ -z "$said" ] || { echo "$page: $said" && bad=1; }
    done
    done=man
fi
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$source"/man/*.[1-9] || bad=1
    done=mandoc
fi
[ -n "${done-}" ] || { echo "neither man nor mandoc is installed" && exit 77; }

for header in "$source"/include/tricolor/*.h; do
    name=${header##*/}
    case $name in abi.h | map.h | metrics.h) continue ;; esac
    grep -qF "$name" "$source/man/tricolor.7" || { echo "tricolor.7 does not name $name" && bad=1; }
done
for variable in GOGC GOMEMLIMIT GOMAXPROCS GODEBUG TRITRACK GOTRACEBACK; do
    grep -q "Ev $variable" "$source/man/tricolor.7" || { echo "tricolor.7 does not name $variable" && bad=1; }
done
exit $bad
