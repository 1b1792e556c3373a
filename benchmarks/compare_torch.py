#!/usr/bin/env python3
"""Compares d2l with PyTorch on this machine: training speed, memory, time to the first step.

    python3 benchmarks/compare_torch.py [--models lenet,mlp] [--threads 2] [--batch 256] [--repeat 5]

Needs Python 3.9, PyTorch in that Python, and d2l built (cmake --build --preset release). Both sides
train the same model on random data of the same shape that is already in memory; every run is a fresh
process. PyTorch's settings (VARIANTS) are tried once each, the fastest one then alternates with d2l:
d2l, torch, d2l, torch, ... The table that is printed holds medians over the rounds.
"""
import argparse
import csv
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ("lenet", "mlp")
VARIANTS = ("eager", "eager-foreach", "eager-fused", "channels_last", "channels_last-fused",
            "compile", "compile-fused", "compile-channels_last", "compile-step")
STEPS = 200          # measured steps of a run
WARM_UP = 20         # steps before them
STEPS_PER_TIME = 10  # steps between two readings of the clock
LEARNING_RATE = 0.1


# --- the d2l side -----------------------------------------------------------------------------

def d2l_command(args, model, ranks, threads, steps, out):
    """The one place that knows d2l-train's options. --batch-size is the batch over all ranks."""
    train = [str(args.build / "bin" / "d2l-train"), "--recipe", model, "--data", "synthetic",
             "--batch-size", str(args.batch), "--threads", str(threads), "--max-steps",
             str(steps), "--log-every", str(STEPS_PER_TIME), "--out", str(out)]
    if ranks == 1:
        return train
    return ["mpirun", "-n", str(ranks), "--bind-to", "none", "--oversubscribe"] + train


def run_d2l(args, model, ranks=1, threads=None):
    with tempfile.TemporaryDirectory(prefix="d2l-compare-") as folder:
        out = pathlib.Path(folder) / "run"
        command = d2l_command(args, model, ranks, threads or args.threads, WARM_UP + STEPS, out)
        ended = run_child(command)
        with open(out / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        speeds = [float(row["examples_per_s"]) for row in rows if row.get("examples_per_s")]
        speeds = speeds[WARM_UP // STEPS_PER_TIME:] or speeds
        first = d2l_command(args, model, ranks, threads or args.threads, 1, out.parent / "first")
        # exec to exit of a run of one step: an upper bound of the time to the end of that step
        return {"speed": statistics.median(speeds), "memory_mb": ended["memory_mb"],
                "first_step_s": run_child(first)["seconds"]}


# --- the PyTorch side -------------------------------------------------------------------------

def run_torch(args, model, variant):
    ended = run_child([sys.executable, __file__, "--worker", variant, "--models", model,
                       "--threads", str(args.threads), "--batch", str(args.batch),
                       "--precision", args.precision])
    result = json.loads(ended["output"].splitlines()[-1])
    result["first_step_s"] = result.pop("first_step_at") - ended["started_at"]
    result["memory_mb"] = ended["memory_mb"]
    return result


def torch_model(name):
    from torch import nn
    if name == "lenet":
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def torch_worker(args):
    import torch
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    variant = args.worker
    layout = torch.channels_last if "channels_last" in variant else torch.contiguous_format
    model = torch_model(args.models).to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, fused="fused" in variant,
                                foreach="foreach" in variant)
    loss_of = torch.nn.CrossEntropyLoss()
    batches = [(torch.rand(args.batch, 1, 28, 28).contiguous(memory_format=layout),
                torch.randint(0, 10, (args.batch,))) for _ in range(8)]

    def forward(x, y):
        with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
            return loss_of(model(x), y)

    if variant.startswith("compile") and variant != "compile-step":
        forward = torch.compile(forward)

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        forward(x, y).backward()
        optimizer.step()

    if variant == "compile-step":
        step = torch.compile(step)

    step(*batches[0])
    first_step_at = time.time()
    for i in range(WARM_UP):
        step(*batches[i % len(batches)])
    times = []
    for start in range(0, STEPS, STEPS_PER_TIME):
        begin = time.perf_counter()
        for i in range(start, start + STEPS_PER_TIME):
            step(*batches[i % len(batches)])
        times.append(time.perf_counter() - begin)
    print(json.dumps({"speed": args.batch * STEPS_PER_TIME / statistics.median(times),
                      "first_step_at": first_step_at, "version": torch.__version__}))


# --- measuring --------------------------------------------------------------------------------

def run_child(command):
    """Runs it to its end; its output, wall-clock seconds and peak memory (the largest process)."""
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started_at = time.time()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                 env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.time() - started_at
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text, error_text = output.read(), errors.read()
    if child.returncode != 0:
        last = (error_text.strip() or text.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"exit code {child.returncode} from: {' '.join(command)}: {last}")
    return {"output": text, "started_at": started_at, "seconds": seconds,
            "memory_mb": usage.ru_maxrss / 1024}


def best_variant(args, model):
    """Tries every setting once; the name of the fastest, and all speeds by name."""
    speeds = {}
    for variant in VARIANTS:
        if model == "mlp" and "channels_last" in variant:
            continue  # there is nothing to lay out
        try:
            speeds[variant] = run_torch(args, model, variant)["speed"]
            note(f"{model}: torch {variant}: {speeds[variant]:,.0f} examples/s")
        except RuntimeError as error:
            note(f"{model}: torch {variant} does not work here: {error}")
    if not speeds:
        raise RuntimeError("PyTorch could not train at all; see the messages above")
    return max(speeds, key=speeds.get), speeds


def compare(args, model):
    variant, _ = best_variant(args, model)
    sides = {f"PyTorch, {variant}": lambda: run_torch(args, model, variant)}
    if variant != "eager":
        sides["PyTorch, eager"] = lambda: run_torch(args, model, "eager")
    if not args.torch_only:
        sides = {"d2l": lambda: run_d2l(args, model), **sides}
        if args.threads > 1:
            sides[f"d2l, {args.threads} ranks x 1 thread"] = (
                lambda: run_d2l(args, model, ranks=args.threads, threads=1))
    results = {name: [] for name in sides}
    for round_number in range(args.repeat):
        for name, run in sides.items():
            results[name].append(run())
            note(f"{model}: round {round_number + 1}: {name}: "
                 f"{results[name][-1]['speed']:,.0f} examples/s")
    return results


def median_of(runs, key):
    return statistics.median(run[key] for run in runs)


def print_table(args, compared):
    versions = {run["version"] for results in compared.values() for runs in results.values()
                for run in runs if "version" in run}
    print(f"\n{datetime.date.today()}, {cpu_name()}, {os.cpu_count()} cores; d2l {d2l_version()}, "
          f"PyTorch {', '.join(sorted(versions))}, Python {platform.python_version()}; "
          f"{args.threads} threads, batch {args.batch}, {args.precision}, "
          f"medians of {args.repeat} alternating rounds\n")
    print("| model | side | examples/s | range | d2l / side | peak memory, MB "
          "| exec to first step, s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for model, results in compared.items():
        ours = median_of(results["d2l"], "speed") if "d2l" in results else None
        for name, runs in results.items():
            speeds = [run["speed"] for run in runs]
            speed = statistics.median(speeds)
            ratio = "" if ours is None or name == "d2l" else f"{ours / speed:.2f} x"
            print(f"| {model} | {name} | {speed:,.0f} | {min(speeds):,.0f} to {max(speeds):,.0f} "
                  f"| {ratio} | {median_of(runs, 'memory_mb'):,.0f} "
                  f"| {median_of(runs, 'first_step_s'):.2f} |")


def cpu_name():
    try:
        lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=True,
                               env=dict(os.environ, LC_ALL="C")).stdout.splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        return fields["Model name"].strip()
    except (OSError, KeyError, subprocess.CalledProcessError):
        return platform.processor() or platform.machine()


def d2l_version():
    try:
        return subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                              capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "of unknown version"


def note(line):
    print(line, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description="d2l against PyTorch on this machine")
    parser.add_argument("--models", default=",".join(MODELS), help="a list out of " + ",".join(MODELS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeat", type=int, default=5, help="alternating rounds")
    parser.add_argument("--precision", default="f32", choices=("f32", "bf16"))
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="the folder d2l was built in")
    parser.add_argument("--torch-only", action="store_true", help="leave d2l out")
    parser.add_argument("--worker", choices=VARIANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        torch_worker(args)
        return
    models = args.models.split(",")
    unknown = [model for model in models if model not in MODELS]
    if unknown:
        parser.error(f"unknown model {unknown[0]}, known are {', '.join(MODELS)}")
    program = args.build / "bin" / "d2l-train"
    if not args.torch_only and not program.exists():
        parser.error(f"{program} does not exist: cmake --preset release && "
                     "cmake --build --preset release, or --torch-only")
    if not args.torch_only and args.threads > 1 and not shutil.which("mpirun"):
        parser.error("mpirun is needed for several ranks: apt-get install openmpi-bin")
    print_table(args, {model: compare(args, model) for model in models})


if __name__ == "__main__":
    main()
