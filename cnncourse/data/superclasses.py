"""The twenty super-classes of CIFAR-100, five classes each."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from cnncourse._checks import check_choice
from cnncourse.data.image_set import ImageSet

# Krizhevsky, "Learning multiple layers of features from tiny images", 2009, table 3.1 of the data set's page,
# https://www.cs.toronto.edu/~kriz/cifar.html; names as its files have them.
SUPERCLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "aquatic_mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
        "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
        "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
        "food_containers": ("bottle", "bowl", "can", "cup", "plate"),
        "fruit_and_vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
        "household_electrical_devices": ("clock", "keyboard", "lamp", "telephone", "television"),
        "household_furniture": ("bed", "chair", "couch", "table", "wardrobe"),
        "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
        "large_carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
        "large_man-made_outdoor_things": ("bridge", "castle", "house", "road", "skyscraper"),
        "large_natural_outdoor_scenes": ("cloud", "forest", "mountain", "plain", "sea"),
        "large_omnivores_and_herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
        "medium_mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
        "non-insect_invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
        "people": ("baby", "boy", "girl", "man", "woman"),
        "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
        "small_mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
        "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
        "vehicles_1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
        "vehicles_2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
    }
)
_ABOVE = {name: above for above, names in SUPERCLASSES.items() for name in names}


def superclass_of(classes: Sequence[str]) -> np.ndarray:
    """Return in which super-class each class of CIFAR-100 is.

    Parameters
    ----------
    classes : sequence of str
        Names of its classes, such as an image set's or a trained network's.

    Returns
    -------
    ndarray of int64 of shape (classes,)
        Places in `SUPERCLASSES`; indexed with labels, ``superclass_of(classes)[labels]``, it gives those of
        the images.

    Raises
    ------
    ValueError
        If a name is none of CIFAR-100's.

    Examples
    --------
    >>> superclass_of(("beaver", "tank", "dolphin"))
    array([ 0, 19,  0])
    """
    places = {name: place for place, name in enumerate(SUPERCLASSES)}
    return np.array([places[_ABOVE[check_choice("class", name, _ABOVE)]] for name in classes], np.int64)


def with_superclasses(image_set: ImageSet) -> ImageSet:
    """Return CIFAR-100's images, or some of them, with the twenty super-classes as their classes.

    Parameters
    ----------
    image_set : ImageSet
        Such as ``load("cifar100")``.

    Returns
    -------
    ImageSet
        The same images in the same order.

    Raises
    ------
    ValueError
        If it has classes that are none of CIFAR-100's.

    Examples
    --------
    >>> two = ImageSet(np.zeros((2, 3, 4, 4), np.uint8), np.array([1, 0]), ("bee", "tank"))
    >>> with_superclasses(two).labels, len(with_superclasses(two).classes)
    (array([19,  7]), 20)
    """
    labels = superclass_of(image_set.classes)[image_set.labels]
    return dataclasses.replace(image_set, labels=labels, classes=tuple(SUPERCLASSES))
