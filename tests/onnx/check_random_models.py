#!/usr/bin/env python3
"""Holds random image networks (random_models.py) on the cpu backend against ONNX Runtime at batches 1 and 3:
check_random_models.py --run-onnx PROGRAM [FIRST LAST]. Exit code 77: a package is missing."""
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

BATCHES = (1, 3)
TOLERANCE = 1e-4  # of the largest magnitude of each output


def right_outputs(model, feeds):
    """None where numbers get out of hand: such a network shows nothing."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, feeds)
    sound = all(numpy.all(numpy.isfinite(one)) and 1e-3 < numpy.max(numpy.abs(one)) < 1e4 for one in outputs)
    return outputs if sound else None


def why_wrong(result, right):
    if result.verdict != "ran":
        return f"{result.verdict}: {result.reason}"
    for one, wanted in zip(result.outputs, right, strict=True):
        if one.shape != wanted.shape:
            return f"shape {wanted.shape} wanted, {one.shape} found"
        error = float(numpy.max(numpy.abs(one - wanted)) / numpy.max(numpy.abs(wanted)))
        if not error <= TOLERANCE:
            return f"error {error:.2g} of the largest output"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-onnx", required=True)
    parser.add_argument("--keep", help="a folder for the cases, which stays")
    parser.add_argument("seeds", nargs="*", type=int, default=[1, 150])
    options = parser.parse_args()
    cases, right, strange = [], {}, 0
    for seed in range(options.seeds[0], options.seeds[-1] + 1):
        model = random_models.make(seed)
        shape = random_models.Network(seed).shapes["image"]
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
    print(f"{len(cases) - len(wrong)} of {len(cases)} runs agree; {strange} whose numbers got out of hand are left out")
    if wrong:
        raise SystemExit("\n".join(f"seed {name}: {why}" for name, why in wrong.items()))


if __name__ == "__main__":
    main()
