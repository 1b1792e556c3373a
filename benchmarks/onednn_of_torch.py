#!/usr/bin/env python3
"""Convolutions as the oneDNN inside PyTorch computes them, next to bench-convolution-kernels.

    python3 benchmarks/onednn_of_torch.py batch threads size,in,out,kernel,stride,padding ...

For each convolution, type and pass: GFLOP/s of PyTorch's oneDNN (images as N, H, W, C; its reorders
of weights included, Python's time excluded: the times are oneDNN's own, ONEDNN_VERBOSE) and of the
kernel that d2l chooses, and the ratio. Both sides are run in turns; medians. Needs torch and
build/release."""
import argparse
import collections
import os
import re
import statistics
import subprocess
import sys

from processes import ROOT, cpu_name

PASSES = ("forward", "input gradient", "weight gradient")
ROUNDS = 3
MARK = "begin"


def torch_child(batch, threads, case):
    """Prints a line before each call; oneDNN prints its own behind it."""
    import torch

    torch.set_num_threads(threads)
    size, channels, out, kernel, stride, padding = case
    nhwc = torch.channels_last
    for name in ("float32", "bfloat16"):
        print(MARK, flush=True)  # what follows, up to the first call, is not timed
        kind = getattr(torch, name)
        x = torch.randn(batch, channels, size, size).to(kind).contiguous(memory_format=nhwc)
        w = torch.randn(out, channels, kernel, kernel).to(kind).contiguous(memory_format=nhwc)
        b = torch.randn(out).to(kind)
        y = torch.conv2d(x, w, b, stride, padding)
        gradient = torch.randn_like(y).contiguous(memory_format=nhwc)

        def backward(wanted):
            torch.ops.aten.convolution_backward(gradient, x, w, [out], [stride] * 2, [padding] * 2,
                                                [1, 1], False, [0, 0], 1, wanted)

        calls = (lambda: torch.conv2d(x, w, b, stride, padding),
                 lambda: backward([True, False, False]), lambda: backward([False, True, True]))
        for label, call in zip(PASSES, calls):
            for _ in range(12):
                print(f"{MARK} {'f32' if name == 'float32' else 'bf16'} {label}", flush=True)
                call()
    print(MARK, flush=True)


def torch_side(arguments, case):
    """Milliseconds of each (type, pass), and how oneDNN calls what it did."""
    environment = dict(os.environ, ONEDNN_VERBOSE="profile_exec")
    words = [sys.executable, __file__, "--child", arguments.batch, arguments.threads, case]
    output = subprocess.run([str(word) for word in words], check=True, env=environment,
                            capture_output=True, text=True).stdout
    times, names, current = collections.defaultdict(list), {}, None
    for line in output.splitlines():
        if line.startswith(MARK):
            current = line[len(MARK):].strip()
            if current:
                times[current].append(0.0)
        elif current and re.match(r"(one)?dnn(l)?_verbose,", line):
            fields = line.split(",")
            times[current][-1] += float(fields[-1])
            if "convolution" in fields:
                names[current] = fields[fields.index("convolution") + 1]
    return {key: statistics.median(values[2:]) for key, values in times.items()}, names


def d2l_side(arguments, case):
    """GFLOP/s of each (type, pass), and the kernel's name."""
    bench = ROOT / "build/release/bin/bench-convolution-kernels"
    output = subprocess.run([bench, str(arguments.batch), str(arguments.threads), case], check=True,
                            capture_output=True, text=True).stdout
    rates, names = {}, {}
    for line in output.splitlines():
        found = re.match(r"(f32|bf16) .*x\d+ ((?:forward|input|weight)[a-z ]*?) {2,}"
                         r"(.*?) (\d+) \(1\.00\)", line)
        rates[f"{found[1]} {found[2]}"] = float(found[4])
        names[f"{found[1]} {found[2]}"] = found[3]
    return rates, names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("batch", type=int)
    parser.add_argument("threads", type=int)
    parser.add_argument("case", nargs="+", help="size,in,out,kernel,stride,padding")
    arguments = parser.parse_args()
    if arguments.child:
        shape = [int(word) for word in arguments.case[0].split(",")]
        return torch_child(arguments.batch, arguments.threads, shape)

    import torch
    print(f"{cpu_name()}, {arguments.threads} threads, batch {arguments.batch}; PyTorch "
          f"{torch.__version__}: " + re.search(r"MKL-DNN (v[\d.]+)", torch.__config__.show())[1])
    print("| convolution | pass | d2l's kernel | GFLOP/s | oneDNN's | GFLOP/s | d2l : oneDNN |")
    print("| --- | --- | --- | ---: | --- | ---: | ---: |")
    for case in arguments.case:
        size, channels, out, kernel, stride, padding = (int(word) for word in case.split(","))
        side = (size + 2 * padding - kernel) // stride + 1
        flop = 2e-9 * arguments.batch * side * side * out * channels * kernel * kernel
        ours, theirs = collections.defaultdict(list), collections.defaultdict(list)
        for _ in range(ROUNDS):
            rates, kernels = d2l_side(arguments, case)
            times, names = torch_side(arguments, case)
            for key in rates:
                ours[key].append(rates[key])
                theirs[key].append(flop / (times[key] / 1e3))
        for key in ours:
            mine, other = statistics.median(ours[key]), statistics.median(theirs[key])
            print(f"| {channels} -> {out}, {kernel} x {kernel}, stride {stride} on {size} x {size} "
                  f"| {key} | `{kernels[key]}` | {mine:.0f} | `{names.get(key, '?')}` "
                  f"| {other:.0f} | {mine / other:.2f} |", flush=True)


if __name__ == "__main__":
    main()
