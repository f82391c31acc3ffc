# SPDX-License-Identifier: GPL-2.0
"""The part "safety" of the report: what a second copy, a checksum or a copy on the
swap disk costs. Of the rounds of a scan that one counts whose total time is the
median; nothing is held to a bound.
"""
from report_common import Bound, measured, ratio

OPTIONS = ("plain", "replicas=2", "verify=1", "backup=disk")
PATTERNS = {"1": "sequential", "10": "stride 10", "0": "random"}


def median(scans, option, pattern):
    runs = [run for run in scans if (run["system"], run["pattern"]) == (option, pattern)]
    return sorted(runs, key=lambda run: run["total_ms"])[(len(runs) - 1) // 2], runs


def report(folder):
    """Prints the table; returns the ratios, the lines of JSON, and what was wrong."""
    scans, ratios = measured(folder), []
    print(f"{'pattern':12}{'portal':14}{'p50 us':>10}{'p90 us':>10}{'p99 us':>10}"
          f"{'scan s':>9}{'of plain':>10}   scan s of each round")
    for pattern, name in PATTERNS.items():
        plain = median(scans, "plain", pattern)[0]
        for option in OPTIONS:
            run, runs = median(scans, option, pattern)
            cost = ratio(run["total_ms"], plain["total_ms"])
            rounds = " ".join(f"{one['total_ms'] / 1e3:.2f}" for one in runs)
            print(f"{name:12}{option:14}{run['p50_ns'] / 1e3:10.1f}{run['p90_ns'] / 1e3:10.1f}"
                  f"{run['p99_ns'] / 1e3:10.1f}{run['total_ms'] / 1e3:9.2f}{cost:10.2f}   {rounds}")
            if option != "plain":
                ratios.append(Bound(f"{name}: scan time with {option} / plain", cost))
        print()
    wrong = [f"{run['system']} has read wrong data" for run in scans if run["wrong"]]
    return ratios, scans, wrong
