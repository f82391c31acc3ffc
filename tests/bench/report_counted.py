# SPDX-License-Identifier: GPL-2.0
"""The part "counted" of the report: scans of local memory with the latency of
NVMe-oF, whose time is that of so many instructions.
"""
from report_common import Bound, measured, ratio

SYSTEMS = {"none": "nothing", "readahead": "the kernel's readahead", "trend": "Leap's trend"}
PATTERNS = {"1": "sequential", "1+": "sequential, computing", "10": "stride 10",
            "10+": "stride 10, computing", "random": "random", "zipf": "zipf"}


def waited(run):
    return run["misses"] + run["prefetch_late"]


def ready(run):
    """Which part of the faults found its page there, prefetched or not gone yet."""
    return 1 - ratio(waited(run), run["faults"])


def print_scans(scans):
    print(f"{'pattern':24}{'read ahead by':24}{'p50 us':>10}{'p90 us':>10}{'p99 us':>10}"
          f"{'p99.9 us':>10}{'scan s':>9}{'ready':>8}{'waited':>8}")
    for pattern, name in PATTERNS.items():
        for run in (run for run in scans if run["pattern"] == pattern):
            seen = run["system"] == "trend"
            part, nr = (f"{ready(run):.1%}", f"{waited(run)}") if seen else ("-", "-")
            print(f"{name:24}{SYSTEMS[run['system']]:24}{run['p50_ns'] / 1e3:10.1f}"
                  f"{run['p90_ns'] / 1e3:10.1f}{run['p99_ns'] / 1e3:10.1f}"
                  f"{run['p999_ns'] / 1e3:10.1f}{run['total_ms'] / 1e3:9.2f}{part:>8}{nr:>8}")
        print()


def bounds(scans):
    """Of several scans of one kind, their sum or the worst."""
    def of(pattern, system):
        return [run for run in scans if (run["pattern"], run["system"]) == (pattern, system)]

    def total(pattern, system, key):
        return sum(run[key] for run in of(pattern, system))

    for pattern, least in (("1+", None), ("10+", 22)):
        yield Bound(f"{PATTERNS[pattern]}: p99 of the kernel's readahead / Leap's trend",
                    ratio(total(pattern, "readahead", "p99_ns"), total(pattern, "trend", "p99_ns")),
                    least=least)
    yield Bound("stride 10, computing: faults with the page ready, %",
                100 * min(ready(run) for run in of("10+", "trend")), least=95)
    yield Bound("sequential, computing: faults that waited",
                max(waited(run) for run in of("1+", "trend")), most=100)
    for pattern in ("random", "zipf"):
        yield Bound(f"{pattern}: scan time with / without prefetching",
                    ratio(total(pattern, "trend", "total_ms"), total(pattern, "none", "total_ms")),
                    most=1.03)
        yield Bound(f"{pattern}: useless pages of those read, %",
                    100 * ratio(total(pattern, "trend", "prefetch_unused"),
                                total(pattern, "trend", "loaded_pages")), most=2)


def report(folder):
    """Prints the table; returns the bounds, the lines of JSON, and what was wrong."""
    scans = measured(folder)
    print(f"latency of a load or store: {scans[0]['latency_us']} us\n")
    print_scans(scans)
    wrong = [f"{run['system']} has read wrong data" for run in scans if run["wrong"]]
    return list(bounds(scans)), scans, wrong
