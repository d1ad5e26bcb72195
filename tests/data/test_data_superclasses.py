"""The super-classes of CIFAR-100: the table against the coarse labels of the official files."""

import numpy as np
import pytest

from cnncourse import data
from cnncourse.data.catalog import CATALOG

# The coarse label of each class, in alphabetical order, as the pickles of the official archive pair them.
OFFICIAL = """
    4 1 14 8 0 6 7 7 18 3 3 14 9 18 7 11 3 9 7 11
    6 11 5 10 7 6 13 15 3 15 0 11 1 10 12 14 16 9 11 5
    5 19 8 8 15 13 14 17 18 10 16 4 17 4 2 0 17 4 18 17
    10 3 2 12 12 16 12 1 9 19 2 10 0 1 16 12 9 13 15 13
    16 19 2 4 6 19 5 5 8 19 18 1 2 15 6 0 17 8 14 13
"""


def test_the_table_is_that_of_the_official_files():
    found = data.superclass_of(CATALOG["cifar100"].classes)
    assert found.tolist() == [int(number) for number in OFFICIAL.split()]
    assert found.dtype == np.int64


def test_each_class_is_in_one_super_class_of_five():
    names = [name for group in data.SUPERCLASSES.values() for name in group]
    assert sorted(names) == sorted(CATALOG["cifar100"].classes)
    assert [len(group) for group in data.SUPERCLASSES.values()] == [5] * 20
    assert list(data.SUPERCLASSES) == sorted(data.SUPERCLASSES)


def test_images_keep_their_order_and_get_the_label_above_theirs():
    classes = CATALOG["cifar100"].classes
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 4, 4), dtype=np.uint8)
    labels = np.array([classes.index(name) for name in ("bee", "worm", "apple", "boy", "girl", "bee")])
    fine = data.ImageSet(images, labels, classes, "cifar100", "test")
    coarse = data.with_superclasses(fine)
    names = [coarse.classes[label] for label in coarse.labels]
    assert names == [
        "insects",
        "non-insect_invertebrates",
        "fruit_and_vegetables",
        "people",
        "people",
        "insects",
    ]
    assert np.array_equal(coarse.images, images)
    assert (coarse.name, coarse.split, len(coarse.classes)) == ("cifar100", "test", 20)


def test_other_classes_are_named():
    with pytest.raises(ValueError, match="class is unknown: 'frog'"):
        data.superclass_of(("bee", "frog"))
