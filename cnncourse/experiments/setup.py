"""Setup: what a run trains, and how its images are divided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cnncourse import data
from cnncourse._checks import check_count, check_number
from cnncourse.data import ImageSet
from cnncourse.training.presets import AnyRecipe
from cnncourse.training.speed_recipe import SpeedRecipe

VALIDATION = 0.1  # the share that is kept for validation where nothing else is said
VALIDATION_SEED = 0  # the same images for every recipe and seed, so that runs can be compared


@dataclass(frozen=True)
class Setup:
    """All that decides the numbers of a run.

    Parameters
    ----------
    model : str
        A key of `cnncourse.models.MODELS`.
    data : str
        A data set's name or path, as `cnncourse.data.load` takes it.
    recipe : Recipe or SpeedRecipe
        How to train; by a speedrun's recipe, speednet alone.
    options : mapping
        Further arguments of the network, by name.
    validation : float
        The share of each class of the training split that is kept for validation; 0 for none.
    size : int, optional
        The side, in pixels, to which images are scaled when they are loaded; by default they stay as is.
    command : str
        What the record gives as its command; by default that with the model's and the data's names.
    images : int, optional
        How many of the images that are not kept for validation are learned from, equally many of each class;
        by default all. They are drawn with the recipe's seed.

    Raises
    ------
    ValueError
        If the share is none, or the recipe is not for such a network.

    Examples
    --------
    >>> from cnncourse.training import Recipe
    >>> Setup("three_conv", "shapes10", Recipe(epochs=1)).validation
    0.1
    """

    model: str
    data: str
    recipe: AnyRecipe
    options: Mapping[str, Any] = field(default_factory=dict)
    validation: float = VALIDATION
    size: int | None = None
    command: str = ""
    images: int | None = None

    def __post_init__(self) -> None:
        check_number("validation", self.validation, 0, 1)
        for name in ("size", "images"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        if isinstance(self.recipe, SpeedRecipe):
            if self.model != SpeedRecipe.network:
                raise ValueError(
                    f"the recipe of a speedrun trains {SpeedRecipe.network}, got the network {self.model!r}; "
                    "leave the network out, or choose a recipe for any network"
                )
            if self.options:
                raise ValueError(
                    f"{SpeedRecipe.network} takes no options beside a speedrun's recipe, got "
                    f"{', '.join(self.options)}; what is to be chosen, such as widths, is in the recipe"
                )

    def load(self, split: str) -> ImageSet:
        """Return the images of a split, scaled if there is a size."""
        return data.load(self.data, split, self.size)

    def split(self, whole: ImageSet) -> tuple[ImageSet, ImageSet | None]:
        """Return what of the training split `whole` is learned from, and the share for validation.

        Raises
        ------
        ValueError
            If one of the two would be empty, or there are not so many images.
        """
        if not self.validation:
            return self._some(whole), None
        shares = (1 - self.validation, self.validation)
        train_set, validation_set = whole.partition(shares, seed=VALIDATION_SEED)
        if not train_set or not validation_set:
            raise ValueError(
                f"validation {self.validation:g} splits the {len(whole)} images of {whole.name!r} into "
                f"{len(train_set)} to learn from and {len(validation_set)}; "
                "choose another share, or 0 for none"
            )
        return self._some(train_set), validation_set

    def _some(self, image_set: ImageSet) -> ImageSet:
        """Return as many of the images as are learned from."""
        if self.images is None:
            return image_set
        classes = len(image_set.classes)
        if self.images % classes:
            raise ValueError(
                f"images {self.images} cannot be equally many of each of {classes} classes; take a multiple "
                f"of {classes}"
            )
        return image_set.take(self.images // classes, per_class=True, seed=self.recipe.seed)
