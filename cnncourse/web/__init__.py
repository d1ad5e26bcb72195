"""Networks that run where you read: in a page, without Python, a server or a network connection.

`for_web` turns a trained network into steps that the engine in JavaScript (``engine/``) runs, with weights in
8 bits; `to_web` writes it into a folder with a page that shows each of its maps for an image of yours.

Examples
--------
>>> from cnncourse.models import load_trained
>>> network = for_web(load_trained("lenet5"))
>>> network.precision
'int8'
"""

from cnncourse.web.graph import Step
from cnncourse.web.network import WebNetwork, for_web
from cnncourse.web.page import Written, to_web

__all__ = ["Step", "WebNetwork", "Written", "for_web", "to_web"]
