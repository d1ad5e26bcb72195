"""A progress bar where somebody can see it, and silence elsewhere."""

from types import TracebackType
from typing import Any

from tqdm import tqdm

from cnncourse._progress import wants_progress


class Progress:
    """A bar over all steps of a training, with the epoch, loss and accuracy beside it.

    Parameters
    ----------
    total_steps : int
        The steps of all epochs together.
    show : bool, optional
        Whether to show it; by default, where it would be seen.
    done : int
        The steps that an earlier part of the training has taken.
    """

    def __init__(self, total_steps: int, show: bool | None = None, done: int = 0) -> None:
        shown = wants_progress() if show is None else show
        self._bar: tqdm[Any] = tqdm(
            total=total_steps,
            initial=done,
            disable=not shown,
            unit="step",
            dynamic_ncols=True,
            mininterval=0.3,
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def step(self, loss: float, accuracy: float) -> None:
        """Move on by one step; `loss` and `accuracy` are those of the epoch so far."""
        self._bar.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.1%}", refresh=False)
        self._bar.update()


def describe_epoch(row: dict[str, Any], epochs: int) -> str:
    """Return one line about an epoch.

    Examples
    --------
    >>> row = {"epoch": 1, "train_loss": 1.5, "train_accuracy": 0.45, "validation_loss": None}
    >>> describe_epoch(row | {"validation_accuracy": None, "seconds": 12.0}, 5)
    'epoch 1/5: train loss 1.500, accuracy 45.0%, 12.0 s'
    """
    text = f"epoch {row['epoch']}/{epochs}: train loss {row['train_loss']:.3f}"
    text += f", accuracy {row['train_accuracy']:.1%}"
    if row["validation_accuracy"] is not None:
        text += f"; validation loss {row['validation_loss']:.3f}"
        text += f", accuracy {row['validation_accuracy']:.1%}"
    return f"{text}, {row['seconds']:.1f} s"
