"""What a trained network has learned, where it errs, how sure it is, and what is wrong with the data.

Predictions are judged from arrays alone: `confusion_matrix`, `worst_mistakes`, `calibration`,
`suspicious_labels`, `accuracy_interval`. The inside of a network is shown by `activation_maximization` and
`features`; `grad_cam` and `occlusion` say which places of an image speak for a class; `nearest_neighbors` and
`near_duplicates` say which images are alike, to the network or in pixels.
"""

from cnncourse.explain.confidence import Calibration, calibration, temperature
from cnncourse.explain.grad_cam import grad_cam, last_feature_maps
from cnncourse.explain.likeness import NearDuplicates, near_duplicates, nearest_neighbors
from cnncourse.explain.mistakes import accuracy_interval, confusion_matrix, suspicious_labels, worst_mistakes
from cnncourse.explain.occlusion import occlusion
from cnncourse.explain.units import activation_maximization, features

__all__ = [
    "Calibration",
    "NearDuplicates",
    "accuracy_interval",
    "activation_maximization",
    "calibration",
    "confusion_matrix",
    "features",
    "grad_cam",
    "last_feature_maps",
    "near_duplicates",
    "nearest_neighbors",
    "occlusion",
    "suspicious_labels",
    "temperature",
    "worst_mistakes",
]
