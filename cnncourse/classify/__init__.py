"""Your photos: from folders of them to a classifier in one file.

`make` is what ``cnncourse classify make`` calls; `read_photos` and `examine` are its first two steps.

Examples
--------
>>> import numpy as np, tempfile
>>> from pathlib import Path
>>> from PIL import Image
>>> with tempfile.TemporaryDirectory() as folder:
...     for name, gray in (("dark", 40), ("light", 200)):
...         Path(folder, name).mkdir()
...         for number in range(3):
...             noise = np.random.default_rng(number).integers(gray - 40, gray + 40, (32, 32), np.uint8)
...             Image.fromarray(noise).save(Path(folder, name, f"{number}.png"))
...     made = make(folder, network="speednet", cache=False)
>>> made.photos.classes, made.accuracy.total
(('dark', 'light'), 6)
"""

from cnncourse.classify.checks import Findings, examine
from cnncourse.classify.making import Accuracy, Made, make
from cnncourse.classify.photos import LeftOut, Photos, read_photos
from cnncourse.classify.report import write_report

__all__ = [
    "Accuracy",
    "Findings",
    "LeftOut",
    "Made",
    "Photos",
    "examine",
    "make",
    "read_photos",
    "write_report",
]
