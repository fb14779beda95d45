#!/bin/sh
# Layers: a folder of src/ includes only itself, folders before it, and the public header's parts. A file names what it
# includes from where it stands ("../heap/map.h"), so that this can be read off.
set -eu
source=$1
layers="base os heap gc host malloc sched life data obs"
bad=0

complain() { echo "$*" && bad=1; }

folders=$(cd "$source/src" && for d in */; do echo "${d%/}"; done)
for folder in $folders; do
    case " $layers " in *" $folder "*) ;; *) complain "src/$folder is in no layer: name it in tests/house/layers.sh" ;; esac
done

below=
for layer in $layers; do
    below="$below $layer"
    for file in "$source/src/$layer"/*; do
        # file:line:path of each quoted include
        includes=$(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file")
        for path in $includes; do
            case $path in
            ../../include/*) [ -f "$source/src/$layer/$path" ] || complain "$layer/${file##*/}: no such file: $path" ;;
            ../*/*)
                to=${path#../} to=${to%%/*}
                case " $below " in
                *" $to "*) ;;
                *) complain "src/$layer/${file##*/} includes $path, which is above it" ;;
                esac
                ;;
            */*) complain "src/$layer/${file##*/} includes $path: only by ../<layer>/ or ../../include/" ;;
            *) [ -f "$source/src/$layer/$path" ] || complain "src/$layer/${file##*/}: no such file: $path" ;;
            esac
        done
    done
done

# Programs on top see the public header only.
for folder in examples bench; do
    [ -d "$source/$folder" ] || continue
    if grep -rnE '#[ \t]*include[ \t]*"[^"]*(src/|\.\./\.\./include)' "$source/$folder" --include='*.[ch]'; then
        complain "$folder/ includes something inside the library"
    fi
done
exit $bad
