"""SpeedRecipe: everything that decides a speedrun, and what is no such thing."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any, ClassVar

from cnncourse._checks import check_bool, check_choice, check_count, check_counts, check_number, check_views
from cnncourse.training.toml_values import TomlValues

if TYPE_CHECKING:
    from cnncourse.data import ImageSet

SIDE = 32  # pixels a side of the images
SMALLEST = 9  # of SpeedNet
_LEAST = {"batch_size": 2}  # whole numbers; others from 0
_BELOW = {"label_smoothing": 1.0, "crop": SIDE, "seed": 2.0**63}  # others any finite number

_CHOICES = {"flip": ("alternating", "random", "none"), "dtype": ("auto", "float32", "bfloat16")}


@dataclasses.dataclass(frozen=True)
class SpeedRecipe(TomlValues):
    """Everything that decides a speedrun.

    In TOML its first line is ``network = "speednet"``.

    Parameters
    ----------
    epochs : float
        How often the training set is seen; a part of an epoch counts.
    batch_size : int
        Images per step.
    widths : tuple of three int
        Feature maps of the network's groups.
    sizes : tuple of (float, int)
        Up to which share of all steps images of how many pixels a side are used, in order.
    filter_rate, bias_rate, head_rate : float
        Rates of the first step: of Muon for the filters, of SGD for biases and for the head. All fall
        linearly to zero.
    label_smoothing : float
        The share of each target that is spread over all classes.
    crop : int
        Each batch is moved by up to so many pixels of a 32x32 image in each direction, mirrored pixels
        coming in.
    stem_epochs : float
        For how long the stem's biases are trained.
    whiten, identity, muon : bool
        Whether the stem is computed, filters start as the identity, and Muon trains them. Without the first
        the stem is trained like the others; without the last all filters are trained by SGD.
    flip : {"alternating", "random", "none"}
        Whether an image is mirrored in every second epoch, or by chance, or never.
    dtype : {"auto", "float32", "bfloat16"}
        The format of convolutions and matrix products; "auto" is bfloat16 where that is faster and right.
    views : {1, 2, 6}
        Over how many versions of a test image scores are averaged: see `training.evaluation.average_views`.
    seed : int
        Decides the initial head, order, crops and flips.

    Raises
    ------
    TypeError, ValueError
        If a value is of the wrong kind or out of range.

    Examples
    --------
    >>> SpeedRecipe.load("cpu94").replace(epochs=0.5).epochs
    0.5
    """

    network: ClassVar[str] = "speednet"
    epochs: float
    batch_size: int = 250
    widths: tuple[int, int, int] = (64, 128, 256)
    sizes: tuple[tuple[float, int], ...] = ((0.5, 16), (0.8, 20), (1.0, 24))
    filter_rate: float = 0.2
    bias_rate: float = 0.053
    head_rate: float = 0.1
    label_smoothing: float = 0.1
    crop: int = 2
    stem_epochs: float = 3.0
    whiten: bool = True
    identity: bool = True
    muon: bool = True
    flip: str = "alternating"
    dtype: str = "auto"
    views: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        check_recipe(self)

    @property
    def options(self) -> dict[str, Any]:
        """What of it makes the network."""
        return {"widths": list(self.widths), "identity": self.identity}

    @property
    def resolution(self) -> tuple[int, int]:
        """The size of the last images that are learned from, at which others are seen too."""
        side = self.sizes[-1][1]
        return side, side

    def size_at(self, share: float) -> int:
        """Return the pixels a side of the images after this `share` of all steps."""
        return next(size for until, size in self.sizes if share < until)


def check_recipe(recipe: SpeedRecipe) -> None:
    """Check each value by the kind of its field, and make tuples of lists.

    Raises
    ------
    TypeError, ValueError
        If a value is of another kind or out of range.
    """
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.name == "widths":
            value = check_counts("widths", value, "the feature maps of each group", length=3)
        elif field.name == "sizes":
            value = _check_sizes(value)
        elif field.name in _CHOICES:
            check_choice(field.name, value, _CHOICES[field.name])
        elif field.name == "views":
            check_views(value)
        elif field.type is bool:
            check_bool(field.name, value)
        elif field.type is int:
            value = check_count(field.name, value, _LEAST.get(field.name, 0))
            check_number(field.name, value, 0, _BELOW.get(field.name, math.inf))
        elif field.type is float:
            above = field.name == "epochs" or field.name.endswith("_rate")
            value = float(check_number(field.name, value, 0, _BELOW.get(field.name, math.inf), above))
        object.__setattr__(recipe, field.name, value)


def _check_sizes(value: Any) -> tuple[tuple[float, int], ...]:
    """Return pairs of a share of the steps and a size, the shares rising to 1."""
    form = "pairs [share of the steps, pixels a side], such as [[0.5, 16], [1.0, 24]]"
    try:
        pairs = tuple((check_number("share", share, 0, 1, True, False), size) for share, size in value)
    except (TypeError, ValueError):
        pairs = ()
    if not pairs:
        raise ValueError(f"sizes must be {form}, shares above 0 and at most 1, got {value!r}")
    for _, size in pairs:
        if not SMALLEST <= check_count("sizes", size) <= SIDE:
            raise ValueError(f"sizes must hold {SMALLEST} to {SIDE} pixels a side, got {size}")
    shares = [float(share) for share, _ in pairs]
    if shares != sorted(set(shares)) or shares[-1] != 1:
        raise ValueError(f"the shares in sizes must rise to 1.0, got {shares}; give {form}")
    return tuple((float(share), int(size)) for share, size in pairs)


def check_images(image_set: "ImageSet", recipe: SpeedRecipe) -> None:
    """Raise unless a speedrun can learn from the images.

    Raises
    ------
    ValueError
        If they are of another size, or too few for one step.
    """
    if image_set.shape[1:] != (SIDE, SIDE):
        height, width = image_set.shape[1:]
        raise ValueError(
            f"a speedrun takes images of {SIDE}x{SIDE} pixels, those of {image_set.name!r} have "
            f"{height}x{width}; load them with size=({SIDE}, {SIDE}), or train another network"
        )
    count, batch = len(image_set), recipe.batch_size
    if count < batch:
        raise ValueError(
            f"batch_size {batch} is larger than the {count} training images of {image_set.name!r}; "
            "choose a smaller one"
        )
    if not round(recipe.epochs * (count // batch)):
        raise ValueError(f"epochs {recipe.epochs:g} are no whole step of {batch} images; give more")
