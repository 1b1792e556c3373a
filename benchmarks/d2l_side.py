"""d2l's side of compare_torch.py: the commands and the datasets that they read."""
import csv
import pathlib
import random
import re
import statistics
import struct
import tempfile

from processes import run_child

# Per epoch: as many as on PyTorch's side. A GPU's queue runs empty at the end of an epoch, which
# would affect steps of some 50 us.
BATCHES = {"cpu": 8, "cuda": 64}
TEST_SAMPLES = 10  # so that the only evaluation, after the last step, costs nothing


def data_name(job):
    """A dataset with images of the network's input size."""
    if job["channels"] == 1:
        return "fashion-mnist"
    return "cifar10" if job["side"] == 32 else "synthetic-{side}x{side}x{channels}".format(**job)


def write_data(folder, job):
    """Random images for data_name(job), in files of the official formats."""
    if data_name(job).startswith("synthetic"):
        return
    generator = random.Random(0)
    pixels = job["side"] * job["side"] * job["channels"]

    def labels(samples):
        return bytes(generator.randrange(10) for _ in range(samples))

    def write_idx(name, samples):
        side = job["side"]
        with open(folder / f"{name}-images-idx3-ubyte", "wb") as file:
            file.write(struct.pack(">4i", 0x803, samples, side, side))
            file.write(generator.randbytes(samples * pixels))
        with open(folder / f"{name}-labels-idx1-ubyte", "wb") as file:
            file.write(struct.pack(">2i", 0x801, samples) + labels(samples))

    def write_cifar(name, samples):
        with open(folder / name, "wb") as file:
            for label in labels(samples):
                file.write(bytes([label]) + generator.randbytes(pixels))

    samples = BATCHES[job["device"]] * job["batch"]
    if job["channels"] == 1:
        write_idx("train", samples)
        write_idx("t10k", TEST_SAMPLES)
        return
    each = -(-samples // 5)
    for number in range(5):
        write_cifar(f"data_batch_{number + 1}.bin", min(each, samples - number * each))
    write_cifar("test_batch.bin", TEST_SAMPLES)


def command(build, job, data, out, steps):
    """The one place that knows d2l-train's options. --batch-size is the batch over all ranks."""
    train = [str(build / "bin" / "d2l-train"), "--model", job["model"], "--device", job["device"],
             "--data", data_name(job),
             "--data-dir", str(data), "--precision", job["precision"], "--lr", str(job["lr"]),
             "--width", str(job["width"]), "--batch-size", str(job["batch"]),
             "--threads", str(job["threads"]), "--epochs", str(steps),
             "--max-steps", str(steps), "--log-every", str(job["span"]),
             "--eval-every", str(10 ** 9), "--save-every", str(10 ** 9), "--out", str(out)]
    train += job.get("d2l_options", [])
    if job["ranks"] == 1:
        return train
    return ["mpirun", "-n", str(job["ranks"]), "--bind-to", "none", "--oversubscribe"] + train


def run(build, job, limit):
    with tempfile.TemporaryDirectory(prefix="d2l-compare-") as name:
        folder = pathlib.Path(name)
        write_data(folder, job)
        steps = job["warm_up"] + job["steps"]
        ended = run_child(command(build, job, folder, folder / "run", steps), limit)
        with open(folder / "run" / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))
    speeds = [float(row["examples_per_s"]) for row in rows if row.get("examples_per_s")]
    return {"speed": statistics.median(speeds[job["warm_up"] // job["span"]:]),
            "parameters": parameters_in(ended["output"]), "memory_mb": ended["memory_mb"],
            "first_step_s": first_step_seconds(ended["seconds"], speeds, job)}


def first_step_seconds(seconds, speeds, job):
    """An upper bound of the time from exec to the end of the first step: the time of the run without
    its other steps, but with its checkpoint."""
    spans = [job["batch"] * job["span"] / speed for speed in speeds]
    others = statistics.median(spans) / job["span"] * (job["span"] - 1)
    return seconds - sum(spans[1:]) - min(others, spans[0])


def parameters_in(output):
    found = re.search(r"([\d,]+) parameters", output)
    if not found:
        raise RuntimeError("d2l-train: expected a line with the number of parameters, found none")
    return int(found.group(1).replace(",", ""))
