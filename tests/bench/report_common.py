# SPDX-License-Identifier: GPL-2.0
"""What the parts of the report share."""
import dataclasses
import json
import statistics
import sys
from typing import Optional


@dataclasses.dataclass
class Bound:
    """A number that is held to a limit, or to none."""
    name: str
    value: float
    least: Optional[float] = None
    most: Optional[float] = None

    def holds(self):
        """True also if there is no limit."""
        return ((self.least is None or self.value >= self.least) and
                (self.most is None or self.value <= self.most))

    def verdict(self):
        if self.least is None and self.most is None:
            return ""
        limit = (f"at least {self.least:8.2f}" if self.least is not None
                 else f"at most  {self.most:8.2f}")
        return f"{limit}  {'holds' if self.holds() else 'does not hold'}"


def print_bounds(bounds):
    print(f"{'bound':66}{'is':>9}")
    for bound in bounds:
        print(f"{bound.name:66}{bound.value:9.2f}  {bound.verdict()}".rstrip())
    print()


def perftest(path, column):
    """One column of the line for 4096 bytes of a perftest program."""
    for line in path.read_text().splitlines():
        fields = line.split()
        if fields and fields[0] == "4096":
            return float(fields[column])
    sys.exit(f"report: {path} has no result")


def raw_link(folder):
    """What the link does alone: the time of a read, and pages in a second."""
    latency = [perftest(path, 4) for path in sorted(folder.glob("read_latency.*.txt"))]
    rates = [perftest(path, 3) for path in sorted(folder.glob("read_rate.*.txt"))]
    writes = [perftest(path, 3) for path in sorted(folder.glob("write_rate.*.txt"))]
    if not latency or not rates:
        sys.exit(f"report: {folder} has no raw reads")
    # perftest's MB is 2^20 bytes.
    stores = {"stores_s": statistics.median(writes) * 256} if writes else {}
    return {"read_us": statistics.median(latency), "read_us_rounds": latency,
            "pages_s": statistics.median(rates) * 256,
            "pages_s_rounds": [rate * 256 for rate in rates], **stores}


def measured(folder):
    """The lines of JSON that the guest has written."""
    path = folder / "measured.jsonl"
    if not path.exists():
        sys.exit(f"report: {path} is missing: nothing was measured")
    return [json.loads(line) for line in path.read_text().splitlines()]


def ratio(part, whole):
    """0 if there is nothing to divide by."""
    return part / whole if whole else 0.0
