/* startup.c - the peak of resident memory of a program that does nothing, in KiB: built with and without the library. */
#include <stdio.h>

int main(void) {
    char line[256];
    long peak = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &peak);
    printf("%ld\n", peak);
    return peak < 0;
}
