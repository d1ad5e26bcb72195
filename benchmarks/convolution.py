"""Convolution by loops, windows, im2col, FFT and torch: the same numbers, how long each takes."""

import statistics

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.timing import in_turn, ratio
from cnncourse.convolution import conv2d

METHODS = ("loops", "windows", "im2col", "fft")
REPEATS = {"loops": 1}  # the others are too quick for one call to be timed
CALLS = 20


def measure() -> bool:
    """Print the time of each method and its ratio to the loops; return whether the results agree."""
    random = np.random.default_rng(0)
    x = random.standard_normal((1, 16, 32, 32))
    weight = random.standard_normal((16, 16, 3, 3))
    ways = {name: lambda name=name: conv2d(x, weight, padding=1, method=name) for name in METHODS}
    x_torch, weight_torch = torch.from_numpy(x), torch.from_numpy(weight)
    ways["torch"] = lambda: F.conv2d(x_torch, weight_torch, padding=1).numpy()
    print("Convolution, 32x32 with 16 channels in and out, 3x3 kernels, float64")
    expected = ways["torch"]()
    agree = all(np.allclose(way(), expected, rtol=0, atol=1e-10) for way in ways.values())

    def repeated(name):
        return lambda: [ways[name]() for _ in range(REPEATS.get(name, CALLS))]

    seconds = in_turn({name: repeated(name) for name in ways})
    each = {name: [time / REPEATS.get(name, CALLS) for time in times] for name, times in seconds.items()}
    for name, times in each.items():
        _, text = ratio(each["loops"], times)
        print(f"  {name:<8} {1e3 * statistics.median(times):>10.3f} ms   loops take {text} as long")
    print(f"  all results agree to 1e-10: {'yes' if agree else 'NO'}")
    return agree
