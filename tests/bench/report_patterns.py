# SPDX-License-Identifier: GPL-2.0
"""The part "patterns" of the report: orders of accesses, and who reads ahead.

Of the runs of a scan that one counts whose total time is the median, or the
shorter one of the two in the middle.
"""
import sys

from report_common import Bound, measured, ratio, raw_link

SYSTEMS = {"nvme": "NVMe-oF, readahead", "readahead": "Leap, readahead",
           "none": "Leap, none", "trend": "Leap, trend", "dram": "Leap, trend, dram"}
PATTERNS = {"1": "sequential", "10": "stride 10", "reverse": "reverse",
            "2x10": "2 streams of stride 10", "4x10": "4 streams of stride 10",
            "random": "random", "zipf": "zipf",
            "1+": "sequential, computing", "10+": "stride 10, computing"}
# What has an order that can be foreseen.
REGULAR = [pattern for pattern in PATTERNS if pattern not in ("random", "zipf")]


def with_prefetch(run):
    """Adds what was read ahead and what of it was used, by Leap's counters if Leap
    did it, else by the kernel's, whose demand reads are those not read ahead."""
    if run.get("faults"):
        used = run["prefetch_hits"] + run["prefetch_late"]
        issued, missed = run["prefetch_issued"], run["misses"]
        run["ready"] = ratio(run["prefetch_hits"], run["faults"])
    else:
        used, issued = run["swap_ra_hit"], run["swap_ra"]
        missed = max(run["pswpin"] - issued, 0)
    return run | {"round": int(run["round"]), "issued": issued, "accuracy": ratio(used, issued),
                  "coverage": ratio(used, used + missed),
                  "useless": ratio(max(issued - used, 0), run["pswpin"]),
                  "pages_s": run["pswpin"] / (run["total_ms"] / 1e3)}


def group(lines):
    """{pattern: {system: {"median": run, "runs": runs}}}"""
    scans = {}
    for run in map(with_prefetch, (line for line in lines if line["kind"] == "scan")):
        of_pattern = scans.setdefault(run["pattern"], {})
        of_pattern.setdefault(run["system"], {"runs": []})["runs"].append(run)
    for of_pattern in scans.values():
        for scan in of_pattern.values():
            by_time = sorted(scan["runs"], key=lambda run: run["total_ms"])
            scan["median"] = by_time[(len(by_time) - 1) // 2]
    return scans


def print_scans(scans):
    print(f"{'pattern':24}{'system':20}{'p50 us':>9}{'p90 us':>9}{'p99 us':>9}{'scan s':>8}"
          f"{'pages/s':>9}{'ahead':>7}{'accuracy':>9}{'coverage':>9}{'ready':>7}"
          "   scan s of each run")
    for pattern, name in PATTERNS.items():
        for system, system_name in SYSTEMS.items():
            scan = scans.get(pattern, {}).get(system)
            if not scan:
                continue
            r = scan["median"]
            part = [f"{r[key]:.1%}" if r["issued"] and key in r else "-"
                    for key in ("accuracy", "coverage", "ready")]
            rounds = " ".join(f"{run['total_ms'] / 1e3:.2f}" for run in scan["runs"])
            print(f"{name:24}{system_name:20}{r['p50_ns'] / 1e3:9.1f}{r['p90_ns'] / 1e3:9.1f}"
                  f"{r['p99_ns'] / 1e3:9.1f}{r['total_ms'] / 1e3:8.2f}{r['pages_s']:9.0f}"
                  f"{r['issued']:7d}{part[0]:>9}{part[1]:>9}{part[2]:>7}   {rounds}")
        print()


def link_time(run, raw):
    """What part of a scan's time the link alone needs for all that went over it: a
    scan takes the place of what was written before it, which has to be stored."""
    seconds = run["swapped_in"] / raw["pages_s"] + run["swapped_out"] / raw["stores_s"]
    return seconds / (run["total_ms"] / 1e3)


def speed_bounds(scans, raw):
    """Stride 10 and sequential, on RDMA and, without its link's limit, in memory."""
    def get(pattern, system, key):
        return scans[pattern][system]["median"][key]

    for pattern in ("1", "10"):
        yield Bound(f"{PATTERNS[pattern]}: time of the raw link for its loads and stores / scan, %",
                    100 * link_time(scans[pattern]["trend"]["median"], raw))
    for system, where in (("trend", ""), ("dram", " (dram)")):
        yield Bound(f"stride 10{where}: p50 of NVMe-oF / Leap",
                    get("10", "nvme", "p50_ns") / get("10", system, "p50_ns"), least=104)
        yield Bound(f"stride 10{where}: pages/s of Leap / raw link, %",
                    100 * get("10", system, "pages_s") / raw["pages_s"], least=80)
        yield Bound(f"stride 10, computing{where}: p50 of NVMe-oF / Leap",
                    get("10+", "nvme", "p50_ns") / get("10+", system, "p50_ns"))
        yield Bound(f"stride 10, computing{where}: p99 of NVMe-oF / Leap",
                    get("10+", "nvme", "p99_ns") / get("10+", system, "p99_ns"), least=22)
        yield Bound(f"stride 10, computing{where}: faults with the page ready, %",
                    100 * get("10+", system, "ready"), least=95)
        yield Bound(f"sequential{where}: pages/s of Leap / raw link, %",
                    100 * get("1", system, "pages_s") / raw["pages_s"], least=80)
        yield Bound(f"sequential{where}: scan time of NVMe-oF / Leap",
                    get("1", "nvme", "total_ms") / get("1", system, "total_ms"), least=1.5)
        yield Bound(f"sequential, computing{where}: faults that waited",
                    get("1+", system, "misses") + get("1+", system, "prefetch_late"), most=100)


def prefetch_bounds(scans):
    """What was right to read ahead, and what it costs where nothing can be foreseen."""
    for pattern in REGULAR:
        run = scans[pattern]["trend"]["median"]
        for key in ("accuracy", "coverage"):
            yield Bound(f"{PATTERNS[pattern]}: {key}, %", 100 * run[key], least=95)
    for pattern in ("random", "zipf"):
        # All runs, which took turns so that a slow while of the machine meets both.
        times = [sum(run["total_ms"] for run in scans[pattern][system]["runs"])
                 for system in ("trend", "none")]
        yield Bound(f"{pattern}: scan time of Leap with / without prefetching",
                    times[0] / times[1], most=1.03)
        yield Bound(f"{pattern}: useless pages of those read, %",
                    100 * scans[pattern]["trend"]["median"]["useless"], most=2)


def beside_bounds(lines, scans):
    """Two programs at the same time. For accesses at random there is hardly
    anything to be right about; they must stay as harmless as alone."""
    for line in lines:
        if line["kind"] != "beside":
            continue
        used = line["prefetch_hits"] + line["prefetch_late"]
        name = " and ".join(PATTERNS[pattern] for pattern in line["both"].split())
        if line["pattern"] in REGULAR:
            alone = scans[line["pattern"]]["trend"]["median"]["accuracy"]
            yield Bound(f"{name}: points of accuracy lost by the {PATTERNS[line['pattern']]}",
                        100 * (alone - ratio(used, line["prefetch_issued"])), most=2)
        else:
            yield Bound(f"{name}: useless pages of the {PATTERNS[line['pattern']]}, %",
                        100 * ratio(line["prefetch_issued"] - used,
                                    line["prefetch_issued"] + line["misses"]), most=2)


def report(folder):
    """Prints the tables; returns the bounds, the lines of JSON, and what was wrong."""
    lines, raw = measured(folder), raw_link(folder)
    scans = group(lines)
    missing = [f"{SYSTEMS[system]}" for system in ("nvme", "readahead", "trend")
               if any(system not in scans.get(pattern, {}) for pattern in PATTERNS)]
    print(f"raw RDMA, 4 KiB: read median {raw['read_us']:.0f} us, "
          f"{raw['pages_s']:.0f} pages/s read and {raw['stores_s']:.0f} written "
          "with several under way\n")
    print_scans(scans)
    if missing:
        sys.exit(f"report: {folder} lacks scans of {', '.join(missing)}")
    bounds = [*speed_bounds(scans, raw), *prefetch_bounds(scans), *beside_bounds(lines, scans)]
    wrong = [f"{line['system']} has read wrong data, pattern {line['pattern']}"
             for line in lines if line.get("wrong")]
    runs = [run for of_pattern in scans.values() for scan in of_pattern.values()
            for run in scan["runs"]]
    others = [line for line in lines if line["kind"] != "scan"]
    return bounds, [{"kind": "raw", **raw}, *runs, *others], wrong
