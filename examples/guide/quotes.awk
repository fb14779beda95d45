# quotes.awk - checks that every fenced sample marked c in the Markdown files is, word for word, part of one of the C files.
# Usage: awk -f quotes.awk program.c ... page.md ...
FILENAME ~ /\.c$/ { programs = programs $0 "\n"; next }
FNR == 1 { fence = "" }
/^```/ && fence == "" {
    fence = $0
    sample = ""
    started = FNR
    next
}
/^```$/ {
    if (fence == "```c") {
        samples++
        if (!index(programs, sample)) {
            printf "%s:%d: this sample is in no program of the guide:\n%s", FILENAME, started, sample
            missing++
        }
    }
    fence = ""
    next
}
{ sample = sample $0 "\n" }
END {
    printf "%d samples, %d not found\n", samples, missing
    exit missing > 0 || samples == 0
}
