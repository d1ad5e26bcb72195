"""Transfer: what a network learned on a million images, used for a few of yours.

`replace_head` gives a trained network a new last layer. Then there are two ways: keep the rest as it is,
compute the features of each image once (`extract`) and fit the head to them (`fit_head`, `linear_probe`); or
let all of it go on learning at small rates (`fine_tune`; `freeze`, `unfreeze`, `freeze_statistics` and
`depth_rates` say which parts, and how fast).

Examples
--------
>>> from cnncourse import data, models, transfer
>>> digits = data.load("digits", size=32).take(5, per_class=True)
>>> lenet = models.load_trained("lenet5")
>>> features = transfer.extract(lenet, digits, cache=False)
>>> head = transfer.fit_head(features, digits.labels)
>>> features.shape, head.weight.shape
((50, 84), (10, 84))
"""

from cnncourse.transfer.features import extract
from cnncourse.transfer.fine_tuning import fine_tune
from cnncourse.transfer.folds import make_folds
from cnncourse.transfer.freezing import (
    Counts,
    count_trained,
    depth_rates,
    freeze,
    freeze_statistics,
    stages,
    unfreeze,
)
from cnncourse.transfer.heads import head_name, replace_head
from cnncourse.transfer.linear import LinearHead, cross_validate, fit_head
from cnncourse.transfer.probe import linear_probe
from cnncourse.transfer.resnet50 import load_resnet50

__all__ = [
    "Counts",
    "LinearHead",
    "count_trained",
    "cross_validate",
    "depth_rates",
    "extract",
    "fine_tune",
    "fit_head",
    "freeze",
    "freeze_statistics",
    "head_name",
    "linear_probe",
    "load_resnet50",
    "make_folds",
    "replace_head",
    "stages",
    "unfreeze",
]
