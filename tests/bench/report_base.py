# SPDX-License-Identifier: GPL-2.0
"""The part "base" of the report: latencies with nothing read ahead, where the time
of a load goes, and who lived under a hard limit.

Of the rounds of a scan that one counts whose total time is the median. Some
reads of a scan find their page in memory; "swap p50" is the median of the others,
which are the slowest, as many as pages were read from swap.
"""
import json
import re
import statistics
import sys

from report_common import Bound, perftest

BACKENDS = {"nvme": "NVMe-oF RDMA", "leap_rdma": "Leap, rdma",
            "brd": "RAM disk", "leap_dram": "Leap, dram"}
PATTERNS = {"1": "sequential", "10": "stride 10", "0": "random"}
STAGES = ("fault entry -> Leap's transport",
          "transport -> device (wait)",
          "device -> completion (wire)",
          "completion -> program runs (wake-up)",
          "program runs -> its next fault")
# How a line of the kernel's trace looks: who, when, what, with which fields.
EVENT = re.compile(r"\s*(\S.*)-\d+\s+\[\d+\]\s\S+\s+([\d.]+): (\w+): (.*)")
PROGRAM = "leap-test-fault"  # as long as a name can be in the kernel


def read_round(path):
    """The numbers of one scan."""
    run = json.loads(path.read_text())
    slowest = sorted(map(int, path.with_suffix(".ns").read_text().split()))
    run["swapped_in"] = int(path.with_suffix(".pages").read_text())
    # The program's own stack and code may have been swapped in too.
    if not 0 < run["swapped_in"] <= 1.1 * len(slowest):
        sys.exit(f"report: {path}: {run['swapped_in']} pages came from swap "
                 f"in {len(slowest)} reads: it did not measure what it was to")
    run["swap_p50_ns"] = statistics.median_high(slowest[-run["swapped_in"]:])
    return run


def read_scan(folder, backend, pattern):
    """All rounds, and the one that counts."""
    runs = [read_round(path) for path in
            sorted(folder.glob(f"{backend}.{pattern}.[0-9]*.json"))]
    if not runs:
        sys.exit(f"report: no scan {backend}.{pattern}")
    median = sorted(runs, key=lambda run: run["total_ms"])[(len(runs) - 1) // 2]
    return {"median": median, "runs": runs}


def read_raw(folder):
    """What RDMA can do here, by perftest."""
    rounds = [perftest(path, 4) for path in folder.glob("read_latency.*.txt")]
    return {"read_us": statistics.median(rounds), "read_us_rounds": rounds,
            "read_mb_s": perftest(folder / "read_rate.txt", 3),
            "write_mb_s": perftest(folder / "write_rate.txt", 3)}


def bounds(scans, raw):
    """What Leap is held to; a bound without a limit is there to be read."""
    def get(backend, pattern, key):
        return scans[backend][pattern]["median"][key]

    # A read of a page that is in memory costs nothing, a fault more than a read.
    for key, what, most in (("p50_ns", "p50", 1.2), ("swap_p50_ns", "swap p50", None)):
        leap = get("leap_rdma", "0", key)
        yield Bound(f"random: {what} of Leap / raw RDMA read",
                    leap / 1e3 / raw["read_us"], most=most)
        yield Bound(f"random: {what} of Leap / NVMe-oF",
                    leap / get("nvme", "0", key), most=0.9)
    for pattern, name in PATTERNS.items():
        yield Bound(f"{name}: scan time of Leap / NVMe-oF",
                    get("leap_rdma", pattern, "total_ms") /
                    get("nvme", pattern, "total_ms"), most=1.0)
    for key, what in (("p50_ns", "p50"), ("swap_p50_ns", "swap p50")):
        for pattern, name in PATTERNS.items():
            yield Bound(f"{name}: {what} of Leap dram / RAM disk",
                        get("leap_dram", pattern, key) / get("brd", pattern, key), most=1.0)


def read_faults(path):
    """Of each fault that waited for a load: the time of each stage, in us."""
    times, faults = [], []
    for line in path.read_text().splitlines():
        match = EVENT.match(line)
        if not match:
            continue
        who, when, what, fields = match.groups()
        when = float(when) * 1e6
        if what == "leap_submit" and len(times) == 1:
            times.append(when)
        elif what == "leap_done" and len(times) == 2:
            wait = int(re.search(r"wait=(\d+)", fields).group(1)) / 1e3
            times += [min(times[1] + wait, when), when]
        elif what == "sched_switch" and len(times) == 4:
            times.append(when)
        elif what == "page_fault_user" and who == PROGRAM:
            if len(times) == 4:  # the load was so fast that it did not sleep
                times.append(times[-1])
            if len(times) == 5:
                times.append(when)
                faults.append([b - a for a, b in zip(times, times[1:])])
            times = [when]
    return faults


def stage_table(folder):
    """Median and mean of each stage."""
    faults = read_faults(folder / "trace")
    if not faults:
        sys.exit("report: no fault in the trace")
    whole = statistics.fmean(map(sum, faults))
    table = [{"stage": name, "median_us": statistics.median(times),
              "mean_us": statistics.fmean(times),
              "part": statistics.fmean(times) / whole}
             for name, times in zip(STAGES, zip(*faults))]
    return {"faults": len(faults), "whole_mean_us": whole, "stages": table}


def survivors(folder):
    """BACKEND: how many of how many programs lived under memory.max."""
    count = {}
    for line in (folder / "survived").read_text().splitlines():
        backend, _, status = line.split()
        lived, tries = count.get(backend, (0, 0))
        count[backend] = (lived + (status == "0"), tries + 1)
    return count


def print_scans(scans):
    print(f"{'pattern':12}{'backend':14}{'p50 us':>10}{'p90 us':>10}"
          f"{'p99 us':>10}{'swap p50':>10}{'scan s':>9}   scan s of each round")
    for pattern, pattern_name in PATTERNS.items():
        for backend, name in BACKENDS.items():
            scan = scans[backend][pattern]
            r = scan["median"]
            rounds = " ".join(f"{run['total_ms'] / 1e3:.2f}" for run in scan["runs"])
            print(f"{pattern_name:12}{name:14}{r['p50_ns'] / 1e3:10.1f}"
                  f"{r['p90_ns'] / 1e3:10.1f}{r['p99_ns'] / 1e3:10.1f}"
                  f"{r['swap_p50_ns'] / 1e3:10.1f}"
                  f"{r['total_ms'] / 1e3:9.2f}   {rounds}")
        print()


def print_stages(table):
    print(f"where {table['faults']} faults of a traced random scan on Leap, rdma "
          "spent their time\n"
          f"{'stage':44}{'median us':>11}{'mean us':>10}{'part':>7}")
    for stage in table["stages"]:
        print(f"{stage['stage']:44}{stage['median_us']:11.1f}"
              f"{stage['mean_us']:10.1f}{stage['part']:7.0%}")
    print()


def report(folder):
    """Prints the tables; returns the bounds, the lines of JSON, and what was wrong."""
    raw = read_raw(folder)
    scans = {backend: {pattern: read_scan(folder, backend, pattern)
                       for pattern in PATTERNS} for backend in BACKENDS}
    stages = stage_table(folder)
    lived = survivors(folder)

    print(f"raw RDMA, 4 KiB: read median {raw['read_us']:.0f} us, reads "
          f"{raw['read_mb_s']:.1f} MB/s, writes {raw['write_mb_s']:.1f} MB/s\n")
    print_scans(scans)
    print_stages(stages)
    for backend, (completed, tries) in lived.items():
        print(f"under memory.max: {BACKENDS[backend]} completes {completed} of {tries}")
    print()

    lines = [{"kind": "raw", **raw}, {"kind": "stages", **stages}]
    lines += [{"kind": "scan", "system": backend, "pattern": pattern, "round": i + 1, **run}
              for backend, by_pattern in scans.items()
              for pattern, scan in by_pattern.items()
              for i, run in enumerate(scan["runs"])]
    lines += [{"kind": "survived", "system": backend, "completed": completed, "tries": tries}
              for backend, (completed, tries) in lived.items()]
    wrong = [f"{line['system']} has read wrong data" for line in lines if line.get("wrong")]
    return list(bounds(scans, raw)), lines, wrong
