#!/usr/bin/env python3
"""Makes boxes.json, anchors.json, targets.json and mean_average_precision.json beside this file, with
PyTorch, torchvision and pycocotools. README.md says what they contain."""
import contextlib
import io
import json
import math
import os
import random

import numpy
import torch
import torchvision
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FOLDER = os.path.dirname(os.path.abspath(__file__))


def write(name, content):
    with open(os.path.join(FOLDER, name), "w") as file:
        for part in json.JSONEncoder(separators=(",", ":")).iterencode(content):
            file.write(part)
        file.write("\n")


def digits(values, count=9):
    """Rounds to `count` significant digits, which is enough for f32."""
    if isinstance(values, list):
        return [digits(value, count) for value in values]
    return float(f"{values:.{count}g}")


def random_boxes(rng, count, side=64):
    """Corners on a coarse grid, so that boxes and overlaps are often equal."""
    boxes = []
    for _ in range(count):
        left, top = rng.randrange(side // 2), rng.randrange(side // 2)
        boxes.append([left, top, left + rng.randrange(1, side // 2), top + rng.randrange(1, side // 2)])
        if rng.random() < 0.2:
            boxes[-1] = list(rng.choice(boxes))
    return boxes


def box_sets(rng):
    sets = []
    for number in range(20):
        boxes = random_boxes(rng, 5 + 3 * number)
        others = random_boxes(rng, 1 + number // 2)
        scores = [rng.randrange(1, 20) / 16 for _ in boxes]
        classes = [rng.randrange(3) for _ in boxes]
        threshold = rng.choice([0.25, 0.3, 0.5, 0.7])
        a, b = torch.tensor(boxes, dtype=torch.float32), torch.tensor(others, dtype=torch.float32)
        s = torch.tensor(scores, dtype=torch.float32)
        kept = []
        for label in range(3):
            of_class = [i for i, c in enumerate(classes) if c == label]
            found = torchvision.ops.nms(a[of_class], s[of_class], threshold)
            kept += [of_class[i] for i in found.tolist()]
        kept.sort(key=lambda i: (-scores[i], i))
        sets.append({
            "boxes": boxes, "others": others, "scores": scores, "classes": classes,
            "threshold": threshold,
            "iou": digits(torchvision.ops.box_iou(a, b).flatten().tolist()),
            "nms": torchvision.ops.nms(a, s, threshold).tolist(),
            "nms_per_class": kept})
    return sets


def anchors(height, width, sizes, ratios):
    """The formula of chapter 13.4, box by box, in double precision."""
    forms = [(size, ratios[0]) for size in sizes] + [(sizes[0], ratio) for ratio in ratios[1:]]
    boxes = []
    for i in range(height):
        for j in range(width):
            for size, ratio in forms:
                x, y = (j + 0.5) / width, (i + 0.5) / height
                w, h = size * math.sqrt(ratio) * height / width, size / math.sqrt(ratio)
                boxes += [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
    return boxes


def anchor_sets():
    sets = []
    for height, width, sizes, ratios in [
            (1, 1, [0.8], [1]), (2, 3, [0.75, 0.5, 0.25], [1, 2, 0.5]), (4, 4, [0.2, 0.272], [1, 2, 0.5]),
            (3, 2, [0.4], [2, 0.5]), (1, 5, [0.37, 0.447, 0.9], [3])]:
        sets.append({"height": height, "width": width, "sizes": sizes, "ratios": ratios,
                     "anchors": digits(anchors(height, width, sizes, ratios))})
    return sets


def target_sets(rng):
    """Assignments by repeated argmax, and offsets by torchvision's coder with the same deviations."""
    coder = torchvision.models.detection._utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
    sets = []
    while len(sets) < 20:
        a = torch.tensor(random_boxes(rng, 12 + 2 * len(sets), 24), dtype=torch.float32)
        truths = torch.tensor(random_boxes(rng, 1 + len(sets) // 4, 24), dtype=torch.float32)
        labels = [rng.randrange(4) for _ in truths]
        jaccard = torchvision.ops.box_iou(a, truths)
        best, indices = jaccard.max(dim=1)
        box_of = torch.where(best >= 0.5, indices, -1)
        left = jaccard.clone()
        overlaps = True
        for _ in truths:
            anchor, box = divmod(int(left.argmax()), len(truths))
            overlaps = overlaps and float(left[anchor, box]) > 0
            box_of[anchor] = box
            left[anchor, :] = -1
            left[:, box] = -1
        if not overlaps:
            continue  # a box that overlaps no anchor
        assigned = box_of >= 0
        offsets = torch.zeros(len(a), 4, dtype=torch.float64)
        offsets[assigned] = coder.encode_single(truths[box_of[assigned]].double(), a[assigned].double())
        sets.append({
            "anchors": a.to(torch.int64).tolist(), "boxes": truths.to(torch.int64).tolist(),
            "labels": labels, "box_of": box_of.tolist(),
            "offsets": digits(offsets.flatten().tolist())})
    return sets


def random_images(rng, number):
    """Truths and detections of some images. Some images have none of them, some have no truths."""
    classes = rng.randrange(1, 5)
    side = rng.choice([40, 160, 400])
    grid = rng.choice([1, 1, 4])
    images = []
    for _ in range(rng.randrange(1, 8)):
        truths, found = [], []
        for left, top, right, bottom in random_boxes(rng, rng.randrange(0, 9), side):
            box = [left / grid, top / grid, right / grid, bottom / grid]
            area = (box[2] - box[0]) * (box[3] - box[1])
            label = rng.randrange(classes)
            truths.append({"class": label, "box": box, "crowd": int(rng.random() < 0.15),
                           "area": area if rng.random() < 0.5 else area * 0.75})
            for _ in range(rng.choice([0, 1, 1, 2])):
                moved = [v + rng.randrange(-side // 40, side // 40 + 1) / grid for v in box]
                if moved[0] < moved[2] and moved[1] < moved[3]:
                    wrong = rng.random() < 0.1
                    found.append({"class": rng.randrange(classes) if wrong else label, "box": moved,
                                  "score": rng.randrange(1, 20) / 20})
        many = 130 if number % 10 == 3 else rng.randrange(4)
        for box in random_boxes(rng, many, side):
            found.append({"class": 0 if many > 100 else rng.randrange(classes), "box": box,
                          "score": rng.randrange(1, 20) / 20})
        rng.shuffle(found)
        if rng.random() < 0.1:
            truths = []
        if rng.random() < 0.1:
            found = []
        images.append({"truths": truths, "detections": found})
    return classes, images


def corner_to_coco(box):
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def evaluate(classes, images):
    truth = COCO()
    truth.dataset = {"images": [{"id": i} for i in range(len(images))],
                     "categories": [{"id": c} for c in range(classes)], "annotations": []}
    results = []
    for i, image in enumerate(images):
        for t in image["truths"]:
            truth.dataset["annotations"].append({
                "id": len(truth.dataset["annotations"]) + 1, "image_id": i, "category_id": t["class"],
                "bbox": corner_to_coco(t["box"]), "area": t["area"], "iscrowd": t["crowd"]})
        for d in image["detections"]:
            results.append({"image_id": i, "category_id": d["class"], "score": d["score"],
                            "bbox": corner_to_coco(d["box"])})
    truth.createIndex()
    if results:
        found = truth.loadRes(results)
    else:  # loadRes does not take an empty list
        found = COCO()
        found.dataset = dict(truth.dataset, annotations=[])
        found.createIndex()
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    per_class = []
    for c in range(classes):
        values = precision[:, :, c]
        per_class.append([float(part.mean()) if part[part > -1].size else -1.0
                          for part in (values, values[0], values[5])])
    return {"stats": digits([float(v) for v in evaluation.stats], 15), "classes": digits(per_class, 15)}


def precision_sets(rng):
    sets = []
    for number in range(50):
        classes, images = random_images(rng, number)
        with contextlib.redirect_stdout(io.StringIO()):
            expected = evaluate(classes, images)
        rows = [{"truths": [[t["class"], *t["box"], t["area"], t["crowd"]] for t in image["truths"]],
                 "detections": [[d["class"], d["score"], *d["box"]] for d in image["detections"]]}
                for image in images]
        sets.append({"classes": classes, "images": rows, "expected": expected})
    return sets


def main():
    numpy.seterr(all="ignore")
    write("boxes.json", box_sets(random.Random(1)))
    write("anchors.json", anchor_sets())
    write("targets.json", target_sets(random.Random(2)))
    write("mean_average_precision.json", precision_sets(random.Random(3)))


if __name__ == "__main__":
    main()
