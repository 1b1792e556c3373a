"""The table of compare_torch.py: the results of all sides so far."""
import datetime
import functools
import os
import pathlib
import platform
import statistics

from processes import cpu_name, d2l_version, gpu_name

COLUMNS = ("model", "batch", "input", "parameters", "side", "runs", "examples/s", "range",
           "d2l / side", "peak memory, MB", "exec to first step, s")
ALIGNMENTS = "| --- | ---: | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"


@functools.lru_cache(maxsize=None)
def machine_of(device):
    cpu = f"{cpu_name()}, {os.cpu_count()} cores"
    return f"{gpu_name()}, {cpu}" if device == "cuda" else cpu


def median_of(runs, key):
    return statistics.median(run[key] for run in runs)


class Table:
    """Runs by model and side. With a `path`, every run rewrites the file: its former content and
    the table. The file is complete at any time, so that a kill loses no run."""

    def __init__(self, how, device, path=None):
        self.how, self.device, self.path = how, device, path
        self.jobs, self.results = {}, {}
        self.before = path.read_text() if path and path.exists() else ""

    def add(self, job, side, run):
        """Adds a run and returns the side's current row. Raises RuntimeError if the sides train
        different networks."""
        name = job["model"]
        self.jobs.setdefault(name, job)
        sides = self.results.setdefault(name, {})
        for other, runs in sides.items():
            if runs[0]["parameters"] != run["parameters"]:
                raise RuntimeError(
                    f"{name}: expected the same number of parameters on all sides, found "
                    f"{runs[0]['parameters']:,} ({other}), {run['parameters']:,} ({side})")
        sides.setdefault(side, []).append(run)
        if self.path:
            self.write()
        return self.row(name, side)

    def ratio(self, name, side):
        sides = self.results[name]
        if side == "d2l" or "d2l" not in sides:
            return ""
        return f"{median_of(sides['d2l'], 'speed') / median_of(sides[side], 'speed'):.2f} x"

    def text(self):
        """The table; empty if there was no run."""
        lines = [self.row(name, side) for name, sides in self.results.items() for side in sides]
        return "\n".join([*self.heading(), *lines, ""]) if lines else ""

    def heading(self):
        runs = [run for sides in self.results.values() for runs in sides.values() for run in runs]
        versions = ", ".join(sorted({run["version"] for run in runs if "version" in run}))
        return ["", f"{datetime.date.today()}, {machine_of(self.device)}; d2l {d2l_version()}, "
                    f"PyTorch {versions or 'not run'}, Python {platform.python_version()}; "
                    f"{self.how}, medians of alternating runs", "",
                "| " + " | ".join(COLUMNS) + " |", ALIGNMENTS]

    def row(self, name, side):
        job, runs = self.jobs[name], self.results[name][side]
        speeds = [run["speed"] for run in runs]
        cells = (name, job["batch"], "{side} x {side} x {channels}".format(**job),
                 f"{runs[0]['parameters']:,}", side, len(runs), f"{statistics.median(speeds):,.1f}",
                 f"{min(speeds):,.1f} to {max(speeds):,.1f}", self.ratio(name, side),
                 f"{median_of(runs, 'memory_mb'):,.0f}", f"{median_of(runs, 'first_step_s'):.2f}")
        return "| " + " | ".join(map(str, cells)) + " |"

    def write(self):
        beside = pathlib.Path(f"{self.path}.new")
        beside.write_text(self.before + self.text())
        beside.replace(self.path)
