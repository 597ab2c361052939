#!/usr/bin/env python3
"""Holds models whose batch was freed against the files that they came from: `batchtune export FILE -o freed.onnx` in ONNX
Runtime at batch 3 gives what three runs of the file itself give.

    check_freed.py --batchtune PROGRAM [MODEL...]

MODEL is one of the light models that the PyPI package onnx ships (all but the largest by default), whose constant
weights are replaced by random ones, or a path. Exit code 77: a package is missing.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"SKIPPED: python3 has no package {missing.name} (pip install onnx onnxruntime numpy)")
    sys.exit(77)

import light_models

DEFAULT = ("densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet")
BATCH = 3
# Of the largest magnitude of the output: the same f32 arithmetic, but in other blocks at another batch.
TOLERANCE = 1e-3


def inputs_of(session, batch, rng):
    feeds = {}
    for one in session.get_inputs():
        shape = [batch if isinstance(size, str) else size for size in one.shape]
        shape[0] = batch
        integers = "int" in one.type
        dtype = {"tensor(int64)": numpy.int64, "tensor(int32)": numpy.int32}.get(one.type, numpy.float32)
        feeds[one.name] = (rng.integers(0, 2, shape) if integers else rng.standard_normal(shape)).astype(dtype)
    return feeds


def largest_error(original, freed, rng):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    providers = ["CPUExecutionProvider"]
    single = onnxruntime.InferenceSession(str(original), options, providers=providers)
    several = onnxruntime.InferenceSession(str(freed), options, providers=providers)
    feeds = inputs_of(several, BATCH, rng)
    seen = several.run(None, feeds)
    runs = [single.run(None, {name: value[i:i + 1] for name, value in feeds.items()}) for i in range(BATCH)]
    worst = 0.0
    for index, output in enumerate(seen):
        right = numpy.concatenate([run[index].reshape(1, -1) for run in runs])
        if output.size != right.size:
            raise SystemExit(f"{original}: wanted {right.size} values at batch {BATCH}, found {output.shape}")
        spread = numpy.max(numpy.abs(right - right[:1]))
        if not 0 < spread < numpy.inf:
            raise SystemExit(f"{original}: outputs that differ by {spread} between samples show nothing")
        error = numpy.max(numpy.abs(output.reshape(BATCH, -1) - right))
        worst = max(worst, float(error / max(float(numpy.max(numpy.abs(right))), 1e-30)))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batchtune", required=True)
    parser.add_argument("models", nargs="*", default=DEFAULT)
    options = parser.parse_args()
    rng = numpy.random.default_rng(7)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name in options.models:
            original, freed = pathlib.Path(folder) / "original.onnx", pathlib.Path(folder) / "freed.onnx"
            path = pathlib.Path(name)
            light = not path.exists()
            onnx.save(light_models.with_random_weights(light_models.load(name), rng) if light else onnx.load(path), original)
            run = subprocess.run([options.batchtune, "export", str(original), "-o", str(freed)], capture_output=True, text=True,
                                 check=False)
            if run.returncode != 0:
                print(f"{name:<16} FAILED: {run.stderr.strip()}")
                failed = True
                continue
            onnx.checker.check_model(str(freed))
            error = largest_error(original, freed, rng)
            failed = failed or not error <= TOLERANCE
            print(f"{name:<16} {error:.2e}{'' if error <= TOLERANCE else ' FAILED'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
