#!/bin/sh
# Every source file says at its top what it is; none is longer than a reader can bear; none names a folder of the machine
# it was written on.
#
#   files.sh SOURCE CC
set -eu
source=$1 cc=$2
limit=600 # lines of code: neither blank nor comment
bad=0
cd "$source"

complain() { echo "$*" && bad=1; }

list() { find . \( -path ./build -o -path ./.git -o -path ./bench/results \) -prune -o -type f "$@" -print | sort; }

for file in $(list \( -name '*.c' -o -name '*.h' -o -name '*.cpp' \)); do
    head -n 1 "$file" | grep -qE '^(/\*|//) *[[:alnum:]"`]' || complain "$file: no comment at its top says what it is"
    lines=$("$cc" -fpreprocessed -dD -E -P -x c "$file" 2>/dev/null | grep -c . || true)
    [ "$lines" -le "$limit" ] || complain "$file: $lines lines of code, more than $limit"
done
for file in $(list \( -name '*.sh' -o -name '*.def' -o -name CMakeLists.txt -o -path './tools/*' -o -path ./Makefile \)); do
    head -n 2 "$file" | grep -qE '^(/\*|#) ?[[:alnum:]`]|^/\* ' || complain "$file: no comment at its top says what it is"
done

# The folder around this one, if that says something, and home folders.
around=$(dirname "$source")
case $around in / | /tmp | /var/tmp | /src | /usr/src | /opt | /srv) around= ;; esac
for file in $(list); do
    if grep -nIE '(^|[^[:alnum:]_.})-])/(home|root|Users)/[a-z]' "$file" || { [ -n "$around" ] && grep -nIF "$around/" "$file"; }; then
        complain "$file: names a folder of a machine"
    fi
done
exit $bad
