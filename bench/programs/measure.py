"""Runs two commands in turn, N rounds, and prints one line of a Markdown table: median CPU seconds (user and system), the median
of the rounds' ratios with their range, and the peaks of memory.

    measure.py ROUNDS NAME INPUT FIRST SECOND       each is run as FIRST <INPUT
"""
import os
import statistics
import subprocess
import sys


def run(command, source):
    with open(source) as stdin:
        process = subprocess.Popen(command.split(), stdin=stdin, stdout=subprocess.DEVNULL)
        _, status, use = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"measure.py: {command}: status {status}")
    return use.ru_utime + use.ru_stime, use.ru_maxrss / 1024


def main():
    rounds, name, source, commands = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:6]
    times, peaks = ([], []), [0, 0]
    for _ in range(rounds):
        for i, command in enumerate(commands):
            seconds, peak = run(command, source)
            times[i].append(seconds)
            peaks[i] = max(peaks[i], peak)
    ratios = [b / a for a, b in zip(*times)]
    print(f"| {name} | {statistics.median(times[0]):.2f} | {statistics.median(times[1]):.2f} | "
          f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) | {peaks[0]:.0f} | {peaks[1]:.0f} |")


main()
