#!/bin/sh
# Gets the sources of Debian source packages, patched as Debian builds them, for the tests and benchmarks of whole programs.
#
#   fetch.sh FOLDER PACKAGE...      each goes to FOLDER/PACKAGE, once; prints nothing when all is there
#
# The mirror and the keys are those of this machine's own apt configuration; apt's lists and the downloads are kept in
# FOLDER/.apt, nothing of the system is changed. Exits 77, with a word why, when sources cannot be had.
set -eu
folder=$1
shift
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

skip() { echo "fetch.sh: $*" >&2 && exit 77; }

missing=
for package in "$@"; do [ -f "$folder/$package/.complete" ] || missing="$missing $package"; done
[ -n "$missing" ] || exit 0
for tool in apt-get dpkg-source xz patch; do
    command -v $tool >/dev/null || skip "$tool is not there: sources come from Debian's source packages (apt install dpkg-dev)"
done

# One fetch at a time: tests run in parallel.
exec 9>"$folder/.lock"
flock 9

apt=$folder/.apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/parts"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
write_sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk -v keyring="$keyring" '$4 == "Debian" && $2 !~ /backports|security/ && !seen[$0]++ {
            printf "Types: deb-src\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n\n", $1, $2, $3, keyring }'
}
ours() {
    apt-get -qq -o Dir::Etc::sourcelist="$apt/tricolor.sources" -o Dir::Etc::sourceparts="$apt/parts" \
        -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt" -o Dir::Cache::archives="$apt/archives" \
        -o Acquire::Retries=3 -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root "$@"
}
write_sources >"$apt/tricolor.sources"
[ -s "$apt/tricolor.sources" ] || skip "apt knows no mirror of Debian's; run apt-get update"
[ -f "$apt/updated" ] || { ours update >"$apt/log" 2>&1 && touch "$apt/updated"; } ||
    skip "no network: $(tail -n 1 "$apt/log")"

for package in $missing; do
    [ -f "$folder/$package/.complete" ] && continue
    work=$(mktemp -d "$folder/.fetch-XXXXXX")
    (cd "$work" && ours source --download-only "$package" >"$apt/log" 2>&1 && dpkg-source --no-check -x ./*.dsc tree >"$apt/log" 2>&1) || {
        rm -rf "$work"
        skip "the sources of $package cannot be had: $(tail -n 1 "$apt/log")"
    }
    rm -rf "${folder:?}/$package"
    mv "$work/tree" "$folder/$package"
    rm -rf "$work"
    touch "$folder/$package/.complete"
done
