"""Augmentation: each transform on whole batches against torchvision's, image by image in a DataLoader."""

import statistics
from collections.abc import Callable, Iterable, Sequence

import torch
from torch.utils.data import DataLoader, default_collate
from torchvision.transforms import v2

from benchmarks.batches import BATCH_SIZE, CROP, OneByOne
from benchmarks.timing import against, in_turn, ratio
from cnncourse import data
from cnncourse.augmentation import (
    Affine,
    ColorJitter,
    CutMix,
    Erasing,
    Mixup,
    RandAugment,
    ResizedCrop,
    Rotation,
    Transform,
)
from cnncourse.data import ImageSet
from cnncourse.training import Batches

AIM, COMPARED = 5, 5_000
BILINEAR = v2.InterpolationMode.BILINEAR


def pairs(size: tuple[int, int], classes: int) -> dict[str, tuple[Sequence[Transform], list, list]]:
    """Return our transforms, and torchvision's for an image and for a batch, by what they do."""
    affine = v2.RandomAffine(0, (0.1, 0.1), (0.9, 1.1), 10, interpolation=BILINEAR, fill=None)
    jitter, mixup = v2.ColorJitter(0.4, 0.4, 0.4), v2.MixUp(alpha=0.2, num_classes=classes)
    erasing, rotation = v2.RandomErasing(), v2.RandomRotation(15, BILINEAR, fill=None)
    return {
        "rotation": ([Rotation(15)], [rotation], []),
        "affine": ([Affine(0.1, (0.9, 1.1), 10)], [affine], []),
        "resized crop": ([ResizedCrop()], [v2.RandomResizedCrop(size)], []),
        "color jitter": ([ColorJitter(0.4, 0.4, 0.4)], [jitter], []),
        "erasing": ([Erasing()], [erasing], []),
        "mixup": ([Mixup()], [], [mixup]),
        "cutmix": ([CutMix()], [], [v2.CutMix(num_classes=classes)]),
        "RandAugment": ([RandAugment()], [v2.RandAugment(interpolation=BILINEAR)], []),
        "rotation, affine, color, erasing, mixup": (
            [Rotation(15), Affine(0.1, (0.9, 1.1), 10), ColorJitter(0.4, 0.4, 0.4), Erasing(), Mixup()],
            [rotation, affine, jitter, erasing],
            [mixup],
        ),
    }


def load(image_set: ImageSet, transforms: list, on_batches: list) -> DataLoader:
    """Return the images as torchvision's users load them: transforms of a batch are part of its collation."""

    def collate(samples: list) -> tuple[torch.Tensor, torch.Tensor]:
        batch = default_collate(samples)
        for transform in on_batches:
            batch = transform(*batch)
        return batch

    return DataLoader(
        OneByOne(image_set, transforms), BATCH_SIZE, shuffle=True, num_workers=2, persistent_workers=True,
        collate_fn=collate,
    )  # fmt: skip


def go_through(batches: Iterable) -> Callable[[], None]:
    def go() -> None:
        for x, _ in batches:
            assert x.dtype == torch.float32

    return go


def measure() -> bool:
    """Print images a second and their ratio for each transform; return whether the aim is met by all."""
    name = data.default_name()
    image_set = data.load(name)
    image_set = image_set.take(min(COMPARED, len(image_set)))
    print(f"Augmentation after crop and flip, {name}, {len(image_set):,} images, batches of {BATCH_SIZE};")
    print("torchvision v2 in a DataLoader with 2 workers")
    values = []
    for title, (ours, each, on_batches) in pairs(image_set.shape[1:], len(image_set.classes)).items():
        loader = load(image_set, each, on_batches)
        batches = Batches(image_set, BATCH_SIZE, crop=CROP, flip=True, augment=ours)
        go_through(loader)()  # the workers start here, and are not timed
        seconds = in_turn({"ours": go_through(batches), "theirs": go_through(loader)})
        del loader  # and with it its workers
        value, text = ratio(seconds["theirs"], seconds["ours"])
        quick, slow = (len(image_set) / statistics.median(seconds[kind]) for kind in ("ours", "theirs"))
        print(f"  {title:<40} {quick:>8,.0f} against {slow:>7,.0f} images/s: {text}", flush=True)
        values.append(value)
    print(f"  the least is {min(values):.3g} times as quick; {against(min(values), AIM)}")
    return min(values) >= AIM
