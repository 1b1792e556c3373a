#!/usr/bin/env python3
"""Compares d2l with PyTorch on this machine: training speed, memory, time to the first step.

    python3 benchmarks/compare_torch.py [--models lenet,mlp] [--threads 2] [--batch N] [--rounds 5]

Needs Python 3.9, PyTorch in that Python, and d2l built (cmake --build --preset release). Both sides
train the same model on random data of the same shape that is already in memory; every run is a fresh
process. The first round runs d2l and each of PyTorch's settings; in those that follow d2l alternates
with the fastest setting and with plain eager. The table that is printed holds medians over all runs;
what is known of a run is said as soon as it ends, and SIGTERM has the table of what there is printed.
"""
import argparse
import dataclasses
import json
import math
import pathlib
import shlex
import shutil
import signal
import sys
import time

import d2l_side
from comparison_table import Table
from processes import ROOT, note, run_child

# PyTorch's settings: eager, channels_last (N, H, W, C in memory) or compiled, or both; then SGD's
# implementation. compile-step also compiles the optimizer.
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
    warm_up: int = 4     # steps that are not measured
    steps: int = 12      # measured steps
    span: int = 1        # steps between two clock readings
    variants: tuple = LARGE
    on_gpu: dict = dataclasses.field(default_factory=dict)  # differences on a GPU


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
    """The task of both sides, as plain numbers and words; the batch is over all ranks."""
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


class Budget:
    """The time limits of a model's runs: of all together, and of each."""

    def __init__(self, args):
        self.end = time.monotonic() + args.budget
        self.limit = args.limit

    def left(self):
        return self.end - time.monotonic()

    def is_spent(self):
        return self.left() < 1

    def run_limit(self):
        return min(self.limit, max(self.left(), 1))


def d2l_sides(args, name, budget):
    """Functions that make one run of d2l, by name."""
    job = job_of(args, name, args.threads if args.ddp else 1)
    jobs = {}
    if not args.torch_only:
        jobs["d2l"] = job
        if args.ddp:
            jobs[f"d2l, 1 rank x {args.threads} threads"] = job_of(args, name)
        for options in args.d2l_options:
            jobs[f"d2l {options}"] = dict(job, d2l_options=shlex.split(options))
    return {side: lambda job=job: d2l_side.run(args.build, job, budget.run_limit())
            for side, job in jobs.items()}


def torch_sides(args, name, budget):
    """The side's name and a function that makes one run, by setting."""
    job = job_of(args, name, args.threads if args.ddp else 1)
    torch = "PyTorch DDP" if args.ddp else "PyTorch"
    return {variant: (f"{torch}, {variant}",
                      lambda variant=variant: run_torch(job, variant, budget.run_limit()))
            for variant in variants_of(args, name)}


def first_round(args, name, table, budget):
    """Runs every side once. Returns the sides for further rounds. Raises RuntimeError if d2l fails
    or PyTorch fails in every setting."""
    job = job_of(args, name, args.threads if args.ddp else 1)
    sides = d2l_sides(args, name, budget)
    for side, run in sides.items():
        note(f"round 1: {table.add(job, side, run())}")
    speeds, settings = {}, torch_sides(args, name, budget)
    for variant, (side, run) in settings.items():
        if speeds and budget.is_spent():
            note(f"{name}: torch {variant} is not tried: --budget {args.budget:g}")
            continue
        try:
            result = run()
        except RuntimeError as error:
            note(f"{name}: torch {variant} does not work here: {error}")
            continue
        note(f"round 1: {table.add(job, side, result)}")
        speeds[variant] = result["speed"]
    if not speeds:
        raise RuntimeError("PyTorch could not train at all; see the messages above")
    kept = [max(speeds, key=speeds.get)]
    if "eager" in speeds and kept != ["eager"]:
        kept.append("eager")
    return {**sides, **{settings[variant][0]: settings[variant][1] for variant in kept}}


def compare(args, name, table):
    budget = Budget(args)
    job = job_of(args, name, args.threads if args.ddp else 1)
    sides = first_round(args, name, table, budget)
    for round_number in range(2, args.rounds + 1):
        for side, run in sides.items():
            if budget.is_spent():
                note(f"{name}: round {round_number} ends early: --budget {args.budget:g}")
                return
            note(f"round {round_number}: {table.add(job, side, run())}")


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


def how(args):
    where = "1 GPU" if args.device == "cuda" else f"{args.threads} threads"
    return f"{args.threads} ranks x 1 thread" if args.ddp else f"{where}, {args.precision}"


def parse_arguments():
    parser = argparse.ArgumentParser(description="d2l against PyTorch on this machine")
    parser.add_argument("--models", help="a list out of " + ",".join(MODELS) + "; without it "
                        "lenet,mlp, or with --ddp resnet18")
    parser.add_argument("--threads", type=int, default=2, help="of each side, in all")
    parser.add_argument("--batch", type=int, help="of all ranks; without it each model's own")
    parser.add_argument("--rounds", type=int, default=5,
                        help="the first one tries PyTorch's settings, the others alternate")
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
                        help="seconds for a model, after which its runs end")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="the folder d2l was built in")
    parser.add_argument("--d2l-options", action="append", default=[], metavar="OPTIONS",
                        help="d2l-train's, such as --d2l-options='--deterministic on': d2l with "
                        "them takes part too; may be given several times")
    parser.add_argument("--torch-only", action="store_true", help="leave d2l out")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE",
                        help="the table as it is after each run is put behind what FILE holds")
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


def end_early(*_):
    """Ends the children and prints the table at exit, even if more signals follow."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)


def main():
    parser, args = parse_arguments()
    signal.signal(signal.SIGTERM, end_early)
    if args.dry_run:
        print_commands(args, args.models)
        return
    program = args.build / "bin" / "d2l-train"
    if not args.torch_only and not program.exists():
        parser.error(f"{program} does not exist: cmake --preset release && "
                     "cmake --build --preset release, or --torch-only")
    if not args.torch_only and args.ddp and not shutil.which("mpirun"):
        parser.error("mpirun is needed for several ranks: apt-get install openmpi-bin")
    table, failed = Table(how(args), args.device, args.results), False
    try:
        for name in args.models:
            try:
                compare(args, name, table)
            except RuntimeError as error:
                note(f"{name}: {error}")
                failed = True
    finally:
        print(table.text(), end="", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
