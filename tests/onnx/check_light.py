#!/usr/bin/env python3
"""Holds the cpu backend against the light models that the PyPI package onnx ships: check_light.py --run-onnx PROGRAM [--random]
[MODEL...]

Without --random the models as they are, with the input and the output that ONNX has for them. With it, the same networks with
random weights, which show values that are mixed up: batch 3 against ONNX Runtime, and against three runs of batch 1. Exit
code 77: a package is missing."""
import argparse
import copy
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
import light_models

BATCH = 3
# As ONNX's own runner holds node tests and models.
RTOL, ATOL = 1e-3, 1e-7
# Of the largest magnitude of the output; both sum in f32, in different orders. README.md has what was seen.
TOLERANCE = 1e-4


def largest_error(seen, right):
    if seen.shape != right.shape:
        raise SystemExit(f"wanted shape {right.shape}, found {seen.shape}")
    return float(numpy.max(numpy.abs(seen - right)) / max(float(numpy.max(numpy.abs(right))), 1e-30))


def outputs_of(program, cases):
    """By the cases' names; ends the test where one did not run."""
    with tempfile.TemporaryDirectory() as folder:
        results = cpu_runner.run(program, cases, folder)
    for name, result in results.items():
        if result.verdict != "ran":
            raise SystemExit(f"{name}: {result.verdict}: {result.reason}")
    return results


def check_as_shipped(program, name):
    model = light_models.load(name)
    result = outputs_of(program, [cpu_runner.Case(name, model, light_models.dummy_input(model))])[name]
    right = light_models.right_output(name)
    why = cpu_runner.difference(result.outputs, [right], RTOL, ATOL)
    print(f"{name:<14} as shipped: largest error {largest_error(result.outputs[0], right):.1e} of the largest output"
          f"{' FAILED: ' + why if why else ''}; {dict(result.operations)}")
    return not why


def right_outputs(model, feeds):
    """From ONNX Runtime, sample by sample: the file's batch is 1."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    runs = [session.run(None, {name: value[i:i + 1] for name, value in feeds.items()})[0] for i in range(BATCH)]
    return numpy.concatenate(runs)


def check_random(program, name):
    rng = numpy.random.default_rng(7)
    model = light_models.with_random_weights(light_models.load(name), rng)
    feeds = {one: rng.standard_normal([BATCH, *shape[1:]]).astype(numpy.float32)
             for one, shape in light_models.data_inputs(model).items()}
    right = right_outputs(copy.deepcopy(model), feeds)
    cases = [cpu_runner.Case("together", model, feeds, BATCH)]
    cases += [cpu_runner.Case(f"sample_{i}", model, {one: value[i:i + 1] for one, value in feeds.items()})
              for i in range(BATCH)]
    results = outputs_of(program, cases)
    together = results["together"].outputs[0]
    alone = numpy.concatenate([results[f"sample_{i}"].outputs[0] for i in range(BATCH)])
    errors = largest_error(together, right), largest_error(together, alone)
    wrong = not max(errors) <= TOLERANCE
    print(f"{name:<14} random weights, batch {BATCH}: {errors[0]:.1e} from ONNX Runtime, {errors[1]:.1e} from three runs"
          f"{' FAILED' if wrong else ''}")
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-onnx", required=True)
    parser.add_argument("--random", action="store_true")
    parser.add_argument("models", nargs="*", default=light_models.ALL)
    options = parser.parse_args()
    check = check_random if options.random else check_as_shipped
    wrong = [name for name in options.models if not check(options.run_onnx, name)]
    if wrong:
        raise SystemExit("wrong outputs: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
