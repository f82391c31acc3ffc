# SPDX-License-Identifier: GPL-2.0
"""The part "tail" of the report: how slow the slowest accesses of a steady stream
are, and who had the processor during the slowest hundredth of them. The guest has
one, so whoever had it kept the program waiting. And what prefetching costs accesses
in no order.
"""
import collections
import json
import re
import sys

from report_common import Bound, measured, ratio, raw_link

SYSTEMS = {"nvme": "NVMe-oF, readahead", "trend": "Leap, trend", "dram": "Leap, trend, dram"}
EVENT = re.compile(r"\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+([\d.]+): (\w+): (.*)")
MARK = re.compile(r"read took (\d+) ns")
PROGRAM = "leap-test-fault"
IDLE = "nobody: all wait for the page"

# By the start of what the trace calls it.
OWNERS = {
    "softirq NET": "network stack and rxe, in softirqs",
    "softirq": "other softirqs, timers among them",
    "work do_work [rdma_rxe]": "rxe's work items",
    "work poll_work [leap]": "Leap: completions",
    "work work [leap]": "Leap: prefetches, and the reclaim for them",
    PROGRAM: "the program: its fault and what that reclaims",
    "swapper": IDLE,
}


def owner_of(name):
    """What people call it."""
    for start, text in OWNERS.items():
        if name.startswith(start):
            return text
    return "other kernel threads and work items"


class Processor:
    """Who has it, going by the events of a trace so far."""

    def __init__(self):
        self.task, self.pid = PROGRAM, 0
        self.work = {}       # of each kworker, the work item that it is in
        self.softirqs = []   # "softirq NAME", or the work item in it

    def has(self):
        if self.softirqs:
            return self.softirqs[-1]
        return self.work.get(self.pid, self.task)

    def event(self, name, text):
        if name == "sched_switch":
            match = re.search(r"next_comm=(\S+) next_pid=(\d+)", text)
            self.task, self.pid = match.group(1), match.group(2)
            self.softirqs.clear()
        elif name == "softirq_entry":
            self.softirqs.append("softirq " + re.search(r"action=(\w+)", text).group(1))
        elif name == "softirq_exit":
            self.softirqs.clear()
        elif name == "workqueue_execute_start":
            work = "work " + re.search(r"function (.*)", text).group(1)
            if self.softirqs:
                self.softirqs.append(work)
            else:
                self.work[self.pid] = work
        elif name == "workqueue_execute_end":
            if len(self.softirqs) > 1:
                self.softirqs.pop()
            else:
                self.work.pop(self.pid, None)


def read_trace(path):
    """The times that somebody had the processor, [(from, to, who)], and the accesses
    that were marked, [(from, to, how the fault found its page)], in us."""
    times, accesses, processor, last, kind = [], [], Processor(), None, "no fault"
    for line in path.read_text(errors="replace").splitlines():
        match = EVENT.match(line)
        if not match:
            continue
        when, name, text = float(match.group(3)) * 1e6, match.group(4), match.group(5)
        if last is not None:
            times.append((last, when, processor.has()))
        last = when
        processor.event(name, text)
        if name == "leap_fault":
            kind = text.split()[0]
        mark = MARK.search(text)
        if mark:
            accesses.append((when - int(mark.group(1)) / 1e3, when, kind))
            kind = "no fault"
    return times, accesses


def shares(times, accesses):
    """{who: us} within these accesses, which do not overlap and are in order."""
    sums, i = collections.Counter(), 0
    for begin, end, _ in accesses:
        while i < len(times) and times[i][1] <= begin:
            i += 1
        j = i
        while j < len(times) and times[j][0] < end:
            part = min(times[j][1], end) - max(times[j][0], begin)
            sums[owner_of(times[j][2])] += part
            j += 1
    return sums


def slowest(path, count):
    """Who had the processor during the @count slowest accesses."""
    times, accesses = read_trace(path)
    accesses = sorted(sorted(accesses, key=lambda a: a[0] - a[1])[:count])
    if len(accesses) < count:
        sys.exit(f"report: only {len(accesses)} of {count} accesses are in {path}")
    return {"accesses": count,
            "mean_us": sum(end - begin for begin, end, _ in accesses) / count,
            "kinds": collections.Counter(kind for _, _, kind in accesses),
            "us": shares(times, accesses)}


def print_slowest(name, table):
    kinds = ", ".join(f"{count} {kind}" for kind, count in table["kinds"].most_common())
    print(f"{name}: the slowest {table['accesses']} accesses, {table['mean_us']:.0f} us each "
          f"({kinds})\n{'who had the processor':48}{'mean us':>10}{'part':>7}")
    whole = sum(table["us"].values())
    for who, us in table["us"].most_common():
        print(f"{who:48}{us / table['accesses']:10.1f}{us / whole:7.0%}")
    print()


def print_steady(scans):
    print(f"{'system':20}{'round':>6}{'p50 us':>10}{'p90 us':>10}{'p99 us':>10}"
          f"{'p99.9 us':>10}{'ready':>8}")
    for run in scans:
        ready = f"{ratio(run['prefetch_hits'], run['faults']):.1%}" if "faults" in run else "-"
        print(f"{SYSTEMS[run['system']]:20}{run['round']:>6}{run['p50_ns'] / 1e3:10.1f}"
              f"{run['p90_ns'] / 1e3:10.1f}{run['p99_ns'] / 1e3:10.1f}"
              f"{run['p999_ns'] / 1e3:10.1f}{ready:>8}")
    print()


def bounds(scans):
    """The ratio of the p99 of each round, by the middle one, or the worse of two."""
    def p99(system):
        return [run["p99_ns"] for run in scans if run["system"] == system]

    for system, least in (("trend", None), ("dram", 22)):
        ratios = sorted(a / b for a, b in zip(p99("nvme"), p99(system)))
        yield Bound(f"stride 10, computing: p99 of NVMe-oF / {SYSTEMS[system]}",
                    ratios[(len(ratios) - 1) // 2], least=least)


def report(folder):
    """Prints the tables; returns the bounds, the lines of JSON, and what was wrong."""
    raw, scans = raw_link(folder), measured(folder)
    lines, runs = [], list(scans)
    print(f"raw RDMA, 4 KiB: read median {raw['read_us']:.0f} us\n")
    print_steady(scans)
    for system in ("trend", "dram"):
        path = folder / f"{system}.json"
        if not path.exists():
            sys.exit(f"report: {path} is missing: nothing was traced")
        run = json.loads(path.read_text())
        runs.append({"system": system, **run})
        table = slowest(folder / f"{system}.trace", run["pages"] // 100)
        print_slowest(SYSTEMS[system], table)
        lines.append({"kind": "slowest", "system": system, **run, **table})
    found = list(bounds(scans))
    wrong = [f"{run['system']} has read wrong data" for run in runs if run["wrong"]]
    return found, [{"kind": "raw", **raw}, *scans, *lines], wrong
