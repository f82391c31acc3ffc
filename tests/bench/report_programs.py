# SPDX-License-Identifier: GPL-2.0
"""The part "programs" of the report: how long real programs take with less memory
than they need."""
import sys

from report_common import Bound, measured, raw_link

SYSTEMS = {"nvme": "NVMe-oF", "readahead": "readahead", "trend": "trend"}


def group(lines):
    """{program: {percent: {system: run}}}"""
    runs = {}
    for line in lines:
        if line["kind"] == "program":
            of_percent = runs.setdefault(line["program"], {}).setdefault(line["percent"], {})
            of_percent[line["system"]] = line
    return runs


def prefetched(run):
    """Accuracy and coverage of the trend prefetcher, for people."""
    used = run["prefetch_hits"] + run["prefetch_late"]
    issued, needed = run["prefetch_issued"], used + run["misses"]
    return (f"{used / issued:.1%}" if issued else "-",
            f"{used / needed:.1%}" if needed else "-")


def print_runs(runs, free):
    print(f"{'':10}{'':>8}{'of':>6}{'no limit':>10}{'NVMe-oF':>10}{'Leap':>10}{'Leap':>10}"
          f"{'trend /':>10}{'trend /':>10}{'pages':>8}\n"
          f"{'program':10}{'memory':>8}{'MiB':>6}{'s':>10}{'s':>10}{'readahead':>10}"
          f"{'trend':>10}{'NVMe-oF':>10}{'readahead':>10}{'read':>8}{'accuracy':>10}{'coverage':>10}")
    for program, by_percent in runs.items():
        for percent, by_system in sorted(by_percent.items(), reverse=True):
            seconds = {name: run["seconds"] for name, run in by_system.items()}
            if not SYSTEMS.keys() <= seconds.keys():
                continue
            accuracy, coverage = prefetched(by_system["trend"])
            print(f"{program:10}{percent:6} %{free[program]['needs'] >> 20:6}"
                  f"{free[program]['seconds']:10.2f}{seconds['nvme']:10.2f}"
                  f"{seconds['readahead']:10.2f}{seconds['trend']:10.2f}"
                  f"{seconds['trend'] / seconds['nvme']:10.2f}"
                  f"{seconds['trend'] / seconds['readahead']:10.2f}"
                  f"{by_system['trend']['pswpin']:8}{accuracy:>10}{coverage:>10}")
        print()


def report(folder):
    """Prints the table; returns the bounds, the lines of JSON, and what was wrong."""
    lines, raw = measured(folder), raw_link(folder)
    runs = group(lines)
    free = {line["program"]: line for line in lines if line["kind"] == "free"}
    print_runs(runs, free)
    wrong = [f"{line['program']} with {line['percent']} % on {SYSTEMS[line['system']]}: "
             "another result than without a limit"
             for line in lines if not line.get("right", True)]
    bounds = []
    for program, by_percent in runs.items():
        half = by_percent.get(50, {})
        if not SYSTEMS.keys() <= half.keys():
            sys.exit(f"report: {folder} lacks runs of {program} with 50 %")
        bounds.append(Bound(f"{program} at 50 %: time on Leap, trend / NVMe-oF",
                            half["trend"]["seconds"] / half["nvme"]["seconds"], most=1.0))
    return bounds, [{"kind": "raw", **raw}, *lines], wrong
