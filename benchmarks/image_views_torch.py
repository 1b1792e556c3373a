"""Images/s of torchvision for decode, RandomResizedCrop, flip, to float and Normalize.

    python3 benchmarks/image_views_torch.py FOLDER [SIZE] [ROUNDS]

The other side is bench-image-views. Each round is one pass over all files, which are in memory. One
thread; PyTorch's own threads are set to 1. Prints the rate by the wall clock and that per second of
processor time, which other work on the machine disturbs less.
"""

import io
import pathlib
import statistics
import sys
import time

import PIL
import torch
import torchvision
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms import InterpolationMode, v2

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def steps(size):
    crop = v2.RandomResizedCrop(size, interpolation=InterpolationMode.BILINEAR, antialias=True)
    finish = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    flip = v2.RandomHorizontalFlip()
    return {
        "decode in full: Pillow": lambda file: Image.open(io.BytesIO(file)).convert("RGB"),
        "decode in full: torchvision.io": lambda file: decode_jpeg(
            torch.frombuffer(bytearray(file), dtype=torch.uint8), mode=ImageReadMode.RGB),
        "pipeline: Pillow": v2.Compose(
            [lambda file: Image.open(io.BytesIO(file)).convert("RGB"), crop, flip, v2.PILToTensor(),
             *finish]),
        "pipeline: torchvision.io": v2.Compose(
            [lambda file: decode_jpeg(torch.frombuffer(bytearray(file), dtype=torch.uint8),
                                      mode=ImageReadMode.RGB), crop, flip, *finish]),
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 224
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    torch.set_num_threads(1)
    torch.manual_seed(1)
    files = [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]
    print(f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}, "
          f"Pillow {PIL.__version__}; {len(files)} files, results of {size} x {size}")
    sides = steps(size)
    rates = {name: ([], []) for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            wall, processor = time.perf_counter(), time.thread_time()
            for file in files:
                side(file)
            rates[name][0].append(len(files) / (time.perf_counter() - wall))
            rates[name][1].append(len(files) / (time.thread_time() - processor))
    print(f"{'images/s':<32}{'wall clock':>12}{'processor time':>16}")
    for name, (wall, processor) in rates.items():
        print(f"{name:<32}{statistics.median(wall):>12.0f}{statistics.median(processor):>16.0f}")


if __name__ == "__main__":
    main()
