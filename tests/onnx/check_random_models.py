#!/usr/bin/env python3
"""Holds random networks, of images (random_models.py) or rows (random_sequences.py), on the cpu backend against ONNX Runtime at
batches 1 and 3: check_random_models.py --run-onnx PROGRAM [--rows] [FIRST LAST]. Exit code 77: a package is missing."""
import argparse
import pathlib
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"SKIPPED: python3 has no package {missing.name} (pip install onnx onnxruntime numpy)")
    sys.exit(77)

import cpu_runner
import random_models
import random_sequences

BATCHES = (1, 3)
TOLERANCE = 1e-4  # of the largest magnitude of each output


def errors_of(outputs, right):
    """Of each output, of its largest magnitude."""
    return [float(numpy.max(numpy.abs(a - b)) / numpy.max(numpy.abs(b))) for a, b in zip(outputs, right, strict=True)]


def right_outputs(model, feeds):
    """None for a network that shows nothing: its numbers get out of hand, or it makes much of a last bit of its input."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, feeds)
    if not all(numpy.all(numpy.isfinite(one)) and 1e-3 < numpy.max(numpy.abs(one)) < 1e4 for one in outputs):
        return None
    rng = numpy.random.default_rng(1)
    near = {name: (value * (1 + 1e-7 * rng.standard_normal(value.shape))).astype(numpy.float32) for name, value in feeds.items()}
    return outputs if max(errors_of(session.run(None, near), outputs)) < TOLERANCE / 5 else None


def why_wrong(result, right):
    if result.verdict != "ran":
        return f"{result.verdict}: {result.reason}"
    shapes = [one.shape for one in result.outputs], [one.shape for one in right]
    if shapes[0] != shapes[1]:
        return f"shapes {shapes[1]} wanted, {shapes[0]} found"
    error = max(errors_of(result.outputs, right))
    if not error <= TOLERANCE:
        return f"error {error:.2g} of the largest output"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-onnx", required=True)
    parser.add_argument("--rows", action="store_true")
    parser.add_argument("--keep", help="a folder for the cases, which stays")
    parser.add_argument("seeds", nargs="*", type=int, default=[1, 150])
    options = parser.parse_args()
    maker = random_sequences if options.rows else random_models
    cases, right, strange = [], {}, 0
    for seed in range(options.seeds[0], options.seeds[-1] + 1):
        model = maker.make(seed)
        shape = maker.Network(seed).shapes["image"]
        for batch in BATCHES:
            feeds = {"image": numpy.random.default_rng(seed).standard_normal((batch, *shape)).astype(numpy.float32)}
            outputs = right_outputs(model, feeds)
            if outputs is None:
                strange += 1
                continue
            case = cpu_runner.Case(f"{seed}.{batch}", model, feeds, batch)
            cases.append(case)
            right[case.name] = outputs
    with tempfile.TemporaryDirectory() as folder:
        results = cpu_runner.run(options.run_onnx, cases, pathlib.Path(options.keep or folder))
    wrong = {name: why for name, result in results.items() if (why := why_wrong(result, right[name]))}
    print(f"{len(cases) - len(wrong)} of {len(cases)} runs agree; {strange} that show nothing are left out")
    if wrong:
        raise SystemExit("\n".join(f"seed {name}: {why}" for name, why in wrong.items()))


if __name__ == "__main__":
    main()
