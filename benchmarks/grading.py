"""Grading: a class of 100, each with the three functions of the chapter on convolution, in jails."""

import json
import tempfile
import time
from pathlib import Path

from benchmarks.timing import against
from cnncourse.assignments import NoJailError, grade_course, make_assignment

STUDENTS, SECONDS = 100, 0.5
RIGHT = """
import numpy as np

def output_size(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1

def conv2d(x, weight, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    K_h, K_w = weight.shape[2:]
    y = np.zeros((len(x), len(weight), (x.shape[2] - K_h) // stride + 1, (x.shape[3] - K_w) // stride + 1))
    for n, o, i, j in np.ndindex(*y.shape):
        window = x[n, :, i * stride:i * stride + K_h, j * stride:j * stride + K_w]
        y[n, o, i, j] = (window * weight[o]).sum() + bias[o]
    return y

def conv2d_backward(grad, x, weight):
    grad_x, grad_weight = np.zeros(x.shape), np.zeros(weight.shape)
    K_h, K_w = weight.shape[2:]
    for n, o, i, j in np.ndindex(*grad.shape):
        grad_x[n, :, i:i + K_h, j:j + K_w] += grad[n, o, i, j] * weight[o]
        grad_weight[o] += grad[n, o, i, j] * x[n, :, i:i + K_h, j:j + K_w]
    return grad_x, grad_weight, grad.sum(axis=(0, 2, 3))
"""
CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": RIGHT}


def measure() -> bool:
    """Print the seconds a submission takes, start included; return whether that is little enough."""
    print("Grading")
    with tempfile.TemporaryDirectory() as name:
        make_assignment(["convolution"], name)
        for number in range(STUDENTS):
            path = Path(name) / "submitted" / f"student{number:03}" / "convolution" / "convolution.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps({"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        start = time.perf_counter()
        try:
            grades = grade_course(name)
        except NoJailError as error:
            print(f"  not measured: {error}")
            return False
        seconds = (time.perf_counter() - start) / STUDENTS
    full = sum(all(mark.kind == "right" for mark in grade.marks) for grade in grades)
    print(f"  {seconds:.2f} s a submission of 3 functions; {against(seconds, SECONDS, most=True)}")
    print(f"  {full} of {STUDENTS} got all points, as they should")
    return seconds <= SECONDS and full == STUDENTS
