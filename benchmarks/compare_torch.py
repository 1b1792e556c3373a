#!/usr/bin/env python3
"""Compares d2l with PyTorch on this machine: training speed, memory, time to the first step.

    python3 benchmarks/compare_torch.py [--models lenet,mlp] [--threads 2] [--batch N] [--rounds 5]

Needs Python 3.9, PyTorch in that Python, and d2l built (cmake --build --preset release). Both sides
train the same model on random data of the same shape that is already in memory; every run is a fresh
process. PyTorch's settings are tried once each, the fastest one then alternates with d2l: d2l,
torch, d2l, torch, ... The table that is printed holds medians over the rounds.
"""
import argparse
import dataclasses
import datetime
import json
import math
import os
import pathlib
import platform
import shlex
import shutil
import signal
import statistics
import sys
import time

import d2l_side
from processes import ROOT, cpu_name, d2l_version, gpu_name, note, run_child

# How PyTorch may run: eager, channels_last (N, H, W, C in memory) or compiled, or both; then SGD's
# implementation. compile-step compiles the optimizer along.
SMALL = ("eager", "eager-foreach", "eager-fused", "channels_last", "channels_last-fused",
         "compile", "compile-fused", "compile-channels_last", "compile-step")
LARGE = ("eager", "channels_last", "channels_last-fused", "compile-fused",
         "compile-channels_last-fused")
VARIANTS = SMALL + ("compile-channels_last-fused",)
WORKER = pathlib.Path(__file__).resolve().parent / "torch_worker.py"


@dataclasses.dataclass(frozen=True)
class Model:
    side: int
    batch: int
    channels: int = 1
    width: int = 1       # --width of d2l-train
    warm_up: int = 4     # steps that do not count
    steps: int = 12      # those that do
    span: int = 1        # steps between two readings of the clock
    variants: tuple = LARGE
    on_gpu: dict = dataclasses.field(default_factory=dict)  # what is different there


MODELS = {
    "lenet": Model(28, 256, warm_up=20, steps=200, span=10, variants=SMALL,
                   on_gpu={"warm_up": 100, "steps": 1000, "span": 50}),
    "mlp": Model(28, 256, warm_up=20, steps=200, span=10,
                 variants=tuple(name for name in SMALL if "channels_last" not in name)),
    "resnet18": Model(96, 64, on_gpu={"batch": 256}),
    "googlenet": Model(96, 64, on_gpu={"batch": 128}),
    "alexnet": Model(224, 32, on_gpu={"batch": 128}),
    "vgg11": Model(224, 32, width=4),
    "nin": Model(224, 32),
    "resnet20": Model(32, 128, channels=3, warm_up=10, steps=50, span=5),
    "vit-tiny": Model(28, 128, warm_up=10, steps=50, span=5),
    # For GPUs: hours of work for a few cores.
    "tv-resnet50": Model(224, 128, channels=3),
    "tv-vgg16": Model(224, 64, channels=3),
}
GPU_SPANS = {"warm_up": 20, "steps": 100, "span": 10}
GPU_VARIANTS = ("eager", "channels_last-fused", "compile-channels_last-fused")


def job_of(args, name, ranks=1):
    """What both sides are to do, in plain numbers and words; the batch is that of all ranks."""
    model = MODELS[name]
    if args.device == "cuda":
        model = dataclasses.replace(model, **{**GPU_SPANS, **model.on_gpu})
    steps = args.steps or model.steps
    warm_up = model.warm_up if args.warm_up is None else args.warm_up
    whole = steps % model.span == 0 and warm_up % model.span == 0
    return {"model": name, "device": args.device, "side": model.side, "channels": model.channels, "width": model.width,
            "batch": args.batch or model.batch, "precision": args.precision, "lr": 0.01,
            "ranks": ranks, "threads": args.threads if ranks == 1 else 1, "steps": steps,
            "warm_up": warm_up, "span": model.span if whole else 1}


def torch_command(job, variant):
    return [sys.executable, str(WORKER), json.dumps(dict(job, variant=variant))]


def run_torch(job, variant, limit):
    ended = run_child(torch_command(job, variant), limit)
    result = json.loads(ended["output"].splitlines()[-1])
    result["first_step_s"] = result.pop("first_step_at") - ended["started_at"]
    result["memory_mb"] = ended["memory_mb"]
    return result


def variants_of(args, name):
    chosen = MODELS[name].variants if args.device == "cpu" else GPU_VARIANTS
    if args.variants:
        chosen = args.variants.split(",")
    return [variant for variant in chosen if name != "mlp" or "channels_last" not in variant]


def best_variant(args, job):
    """Tries every setting once, or as many as half of --budget is enough for; the fastest's name."""
    speeds, begin = {}, time.monotonic()
    for variant in variants_of(args, job["model"]):
        if speeds and time.monotonic() - begin > args.budget / 2:
            note(f"{job['model']}: torch {variant} is not tried: --budget {args.budget:g}")
            continue
        try:
            speeds[variant] = run_torch(job, variant, args.limit)["speed"]
            note(f"{job['model']}: torch {variant}: {speeds[variant]:,.1f} examples/s")
        except RuntimeError as error:
            note(f"{job['model']}: torch {variant} does not work here: {error}")
    if not speeds:
        raise RuntimeError("PyTorch could not train at all; see the messages above")
    return max(speeds, key=speeds.get)


def sides_of(args, name):
    """By name, functions that make one run; the first side is what the others are compared with."""
    job = job_of(args, name, args.threads if args.ddp else 1)
    variant = best_variant(args, job)
    torch = "PyTorch DDP" if args.ddp else "PyTorch"
    sides = {}
    if not args.torch_only:
        sides["d2l"] = lambda: d2l_side.run(args.build, job, args.limit)
        if args.ddp:
            one = job_of(args, name)
            sides[f"d2l, 1 rank x {args.threads} threads"] = (
                lambda: d2l_side.run(args.build, one, args.limit))
        for options in args.d2l_options:
            other = dict(job, d2l_options=shlex.split(options))
            sides[f"d2l {options}"] = lambda job=other: d2l_side.run(args.build, job, args.limit)
    sides[f"{torch}, {variant}"] = lambda: run_torch(job, variant, args.limit)
    if variant != "eager":
        sides[f"{torch}, eager"] = lambda: run_torch(job, "eager", args.limit)
    return sides


def compare(args, name):
    begin = time.monotonic()
    sides = sides_of(args, name)
    results = {side: [] for side in sides}
    for round_number in range(args.rounds):
        if round_number > 0 and time.monotonic() - begin > args.budget:
            note(f"{name}: {round_number} of {args.rounds} rounds: --budget {args.budget:g}")
            break
        for side, run in sides.items():
            results[side].append(run())
            note(f"{name}: round {round_number + 1}: {side}: "
                 f"{results[side][-1]['speed']:,.1f} examples/s")
    counts = {side: runs[0]["parameters"] for side, runs in results.items()}
    if len(set(counts.values())) != 1:
        raise RuntimeError(f"{name}: expected the same number of parameters on all sides, found "
                           + ", ".join(f"{count:,} ({side})" for side, count in counts.items()))
    return results


def print_commands(args, models):
    for name in models:
        job = job_of(args, name, args.threads if args.ddp else 1)
        steps = job["warm_up"] + job["steps"]
        if not args.torch_only:
            for options in ["", *args.d2l_options]:
                other = dict(job, d2l_options=shlex.split(options))
                print(shlex.join(d2l_side.command(args.build, other, "DATA", "RUN", steps)))
        for variant in variants_of(args, name):
            print(shlex.join(torch_command(job, variant)))


def median_of(runs, key):
    return statistics.median(run[key] for run in runs)


def print_heading(args, runs):
    versions = ", ".join(sorted({run["version"] for run in runs if "version" in run}))
    most = "" if args.budget == math.inf else "at most "
    how = f"{args.threads} ranks x 1 thread" if args.ddp else f"{args.threads} threads"
    machine = f"{cpu_name()}, {os.cpu_count()} cores"
    if args.device == "cuda":
        how, machine = "1 GPU", f"{gpu_name()}, {machine}"
    print(f"\n{datetime.date.today()}, {machine}; d2l {d2l_version()}, "
          f"PyTorch {versions}, Python {platform.python_version()}; {how}, {args.precision}, "
          f"medians of {most}{args.rounds} alternating rounds\n")
    print("| model | batch | input | parameters | side | examples/s | range | d2l / side "
          "| peak memory, MB | exec to first step, s |")
    print("| --- | ---: | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")


def print_results(args, name, results, heading):
    if heading:
        print_heading(args, [run for runs in results.values() for run in runs])
    job = job_of(args, name)
    ours = median_of(results["d2l"], "speed") if "d2l" in results else None
    for side, runs in results.items():
        speeds = [run["speed"] for run in runs]
        speed = statistics.median(speeds)
        ratio = "" if ours is None or side == "d2l" else f"{ours / speed:.2f} x"
        print(f"| {name} | {job['batch']} | {job['side']} x {job['side']} x {job['channels']} "
              f"| {runs[0]['parameters']:,} | {side} | {speed:,.1f} "
              f"| {min(speeds):,.1f} to {max(speeds):,.1f} | {ratio} "
              f"| {median_of(runs, 'memory_mb'):,.0f} | {median_of(runs, 'first_step_s'):.2f} |",
              flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description="d2l against PyTorch on this machine")
    parser.add_argument("--models", help="a list out of " + ",".join(MODELS) + "; without it "
                        "lenet,mlp, or with --ddp resnet18")
    parser.add_argument("--threads", type=int, default=2, help="of each side, in all")
    parser.add_argument("--batch", type=int, help="of all ranks; without it each model's own")
    parser.add_argument("--rounds", type=int, default=5, help="alternating ones")
    parser.add_argument("--precision", default="f32", choices=("f32", "bf16", "fp16", "tf32"))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--ddp", action="store_true",
                        help="as many ranks of one thread instead: d2l over MPI against PyTorch's "
                        "DistributedDataParallel over gloo")
    parser.add_argument("--variants", help="PyTorch's settings to try, a list out of "
                        + ",".join(VARIANTS) + "; without it those that may be a model's fastest")
    parser.add_argument("--steps", type=int, help="measured steps of a run")
    parser.add_argument("--warm-up", type=int, help="steps before them")
    parser.add_argument("--limit", type=float, default=900, help="seconds that one run may take")
    parser.add_argument("--budget", type=float, default=math.inf,
                        help="seconds for a model, after which no further round begins")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="the folder d2l was built in")
    parser.add_argument("--d2l-options", action="append", default=[], metavar="OPTIONS",
                        help="d2l-train's, such as --d2l-options='--deterministic on': d2l with "
                        "them takes part too; may be given several times")
    parser.add_argument("--torch-only", action="store_true", help="leave d2l out")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    args = parser.parse_args()
    args.models = (args.models or ("resnet18" if args.ddp else "lenet,mlp")).split(",")
    check_names(parser, "model", args.models, MODELS)
    check_names(parser, "variant", args.variants.split(",") if args.variants else [], VARIANTS)
    for option in ("threads", "batch", "rounds", "steps"):
        value = getattr(args, option)
        if value is not None and value < 1:
            parser.error(f"--{option}: expected at least 1, found {value}")
    if args.precision in ("tf32", "fp16") and args.device == "cpu":
        parser.error(f"--precision {args.precision}: expected --device cuda, found cpu")
    if args.ddp and args.device == "cuda":
        parser.error("--ddp compares ranks on CPUs, found --device cuda")
    if args.torch_only and args.d2l_options:
        parser.error("--d2l-options has no effect with --torch-only")
    for options in args.d2l_options:
        try:
            shlex.split(options)
        except ValueError as error:
            parser.error(f"--d2l-options {options}: {error}")
    for name in args.models:
        if not variants_of(args, name):
            parser.error(f"--variants: {name} has none of {args.variants}")
    if args.warm_up is not None and args.warm_up < 0:
        parser.error(f"--warm-up: expected at least 0, found {args.warm_up}")
    if args.ddp and args.batch and args.batch % args.threads:
        parser.error(f"--ddp: expected a batch that {args.threads} ranks can share evenly, found "
                     f"{args.batch}")
    return parser, args


def check_names(parser, what, names, known):
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"unknown {what} {unknown[0]}, known are {', '.join(known)}")


def main():
    parser, args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the children end as well
    if args.dry_run:
        print_commands(args, args.models)
        return
    program = args.build / "bin" / "d2l-train"
    if not args.torch_only and not program.exists():
        parser.error(f"{program} does not exist: cmake --preset release && "
                     "cmake --build --preset release, or --torch-only")
    if not args.torch_only and args.ddp and not shutil.which("mpirun"):
        parser.error("mpirun is needed for several ranks: apt-get install openmpi-bin")
    done, failed = 0, False
    for name in args.models:
        try:
            results = compare(args, name)
        except RuntimeError as error:
            note(f"{name}: {error}")
            failed = True
            continue
        print_results(args, name, results, heading=done == 0)
        done += 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
