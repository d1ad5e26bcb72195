"""Batches with crop and flip: a resident image set against torchvision's transforms in a DataLoader."""

import statistics
from collections.abc import Sequence

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.timing import against, in_turn, ratio
from cnncourse import data
from cnncourse.data import ImageSet
from cnncourse.training import Batches

AIM, STRETCH = 8, 20
BATCH_SIZE, CROP, COMPARED = 250, 4, 10_000


class OneByOne(Dataset):
    """The image set as torchvision's users write it: one image at a time, transformed on its own."""

    def __init__(self, image_set: ImageSet, transforms: Sequence[v2.Transform] = ()) -> None:
        self.images, self.labels = torch.tensor(image_set.images), image_set.labels
        self.transform = v2.Compose(
            [
                v2.RandomCrop(image_set.shape[1:], padding=CROP),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                *transforms,
                v2.Normalize([0.5], [0.5]),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


def measure() -> bool:
    """Print images a second and their ratio; return whether the aim is met."""
    name = data.default_name()
    image_set = data.load(name)
    print(f"Batches of {BATCH_SIZE} with crop and flip, {name}, {len(image_set):,} images")
    if name != "cifar10":
        print("  (CIFAR-10 is not on this machine: measured on its stand-in)")
    batches = Batches(image_set, BATCH_SIZE, crop=CROP, flip=True)
    some = image_set.take(min(COMPARED, len(image_set)))
    loader = DataLoader(OneByOne(some), BATCH_SIZE, shuffle=True, num_workers=2, persistent_workers=True)

    def go_through(batches) -> None:
        for x, _ in batches:
            assert x.dtype == torch.float32 and x.shape[1:] == image_set.shape

    go_through(loader)  # the workers start here, and are not timed
    seconds = in_turn({"resident": lambda: go_through(batches), "loader": lambda: go_through(loader)})
    each = {  # microseconds an image
        "resident": [1e6 * time / len(image_set) for time in seconds["resident"]],
        "loader": [1e6 * time / len(some) for time in seconds["loader"]],
    }
    for kind, title in (
        ("resident", "resident image set"),
        ("loader", "torchvision v2, DataLoader, 2 workers"),
    ):
        print(f"  {title:<40} {1e6 / statistics.median(each[kind]):>10,.0f} images/s")
    value, text = ratio(each["loader"], each["resident"])
    print(f"  resident is quicker by {text}; {against(value, AIM)}; stretch, {against(value, STRETCH)}")
    return value >= AIM
