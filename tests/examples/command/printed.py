#!/usr/bin/env python3
"""Prints a latency for each run, as batchtune's command backend reads them. numpy where it is installed.

  batchtune tune mlp --backend command --command 'python3 printed.py --batch {batch} --runs {n}'
"""
import argparse
import time

parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--runs", type=int, default=1)
parser.add_argument("--width", type=int, default=64)
arguments = parser.parse_args()

try:
    import numpy

    weights = numpy.ones((arguments.width, arguments.width), dtype=numpy.float32)
    sample = numpy.ones((arguments.batch, arguments.width), dtype=numpy.float32)

    def run():
        return sample @ weights
except ImportError:
    weights = [1.0] * arguments.width

    def run():
        return [sum(w * x for w in weights) for x in range(8 * arguments.batch)]

for _ in range(3):  # warm up
    run()
for _ in range(arguments.runs):
    start = time.perf_counter()
    run()
    print(f"{time.perf_counter() - start:.9f}")
