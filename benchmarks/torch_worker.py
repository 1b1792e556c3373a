"""One training run of PyTorch in a separate process; compare_torch.py starts it.

    python3 torch_worker.py '{"model": ..., "variant": ..., ...}'

The last line of the output is JSON: speed (examples/s over all ranks), parameters, version and
first_step_at (seconds since the epoch).
"""
import json
import os
import statistics
import sys
import tempfile
import time

import torch
from torch import distributed, multiprocessing, nn

from torch_models import build

BATCHES = 8  # different ones, in memory before the first step


def make_step(job, ranks):
    """Returns a function of (images, labels) that runs one step, and the number of parameters."""
    variant, optimizer_kind = job["variant"], job["variant"].rpartition("-")[2]
    model = build(job["model"]).to(job["device"])
    if "channels_last" in variant:
        model = model.to(memory_format=torch.channels_last)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if ranks > 1:
        model = nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=job["lr"], fused=optimizer_kind == "fused",
                                foreach=optimizer_kind == "foreach")
    loss_of = nn.CrossEntropyLoss()
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(job["precision"])
    scaler = torch.amp.GradScaler(job["device"]) if job["precision"] == "fp16" else None

    def forward(x, y):
        with torch.autocast(job["device"], kind or torch.bfloat16, enabled=kind is not None):
            return loss_of(model(x), y)

    if variant.startswith("compile") and variant != "compile-step":
        forward = torch.compile(forward)

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        if scaler is None:
            forward(x, y).backward()
            optimizer.step()
            return
        scaler.scale(forward(x, y)).backward()
        scaler.step(optimizer)
        scaler.update()

    return torch.compile(step) if variant == "compile-step" else step, parameters


def use_gpu(job):
    """PyTorch's fastest options: convolutions chosen by measurement, f32 products as in the job."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = job["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = job["precision"] == "tf32"


class Clock:
    """Seconds between two marks, measured by the GPU if there is one."""

    def __init__(self, device):
        self.on_gpu = device == "cuda"

    def mark(self):
        if not self.on_gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self, begin, end):
        if not self.on_gpu:
            return end - begin
        end.synchronize()
        return begin.elapsed_time(end) / 1000


def train(rank, job, meeting_place):
    ranks = job["ranks"]
    if job["device"] == "cuda":
        use_gpu(job)
    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    if ranks > 1:
        distributed.init_process_group("gloo", init_method=f"file://{meeting_place}", rank=rank,
                                       world_size=ranks)
    step, parameters = make_step(job, ranks)
    layout = torch.channels_last if "channels_last" in job["variant"] else torch.contiguous_format
    batch, shape = job["batch"] // ranks, (job["channels"], job["side"], job["side"])
    batches = [(torch.rand(batch, *shape).contiguous(memory_format=layout).to(job["device"]),
                torch.randint(0, 10, (batch,)).to(job["device"])) for _ in range(BATCHES)]

    step(*batches[0])
    if job["device"] == "cuda":
        torch.cuda.synchronize()
    first_step_at = time.time()
    for i in range(job["warm_up"]):
        step(*batches[i % BATCHES])
    clock = Clock(job["device"])
    marks = [clock.mark()]
    for start in range(0, job["steps"], job["span"]):
        for i in range(start, start + job["span"]):
            step(*batches[i % BATCHES])
        marks.append(clock.mark())
    times = [clock.seconds(*pair) for pair in zip(marks, marks[1:])]
    if rank == 0:
        speed = batch * ranks * job["span"] / statistics.median(times)
        print(json.dumps({"speed": speed, "parameters": parameters, "version": torch.__version__,
                          "first_step_at": first_step_at}), flush=True)
    if ranks > 1:
        distributed.destroy_process_group()


def main():
    job = json.loads(sys.argv[1])
    if job["ranks"] == 1:
        train(0, job, None)
        return
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all ranks are on this host
    with tempfile.TemporaryDirectory(prefix="d2l-compare-") as folder:
        multiprocessing.spawn(train, (job, os.path.join(folder, "meeting")), job["ranks"])


if __name__ == "__main__":
    main()
