#!/usr/bin/env python3
"""Holds XLA programs of whole ONNX files against what is right: check_onnx_models.py --run-onnx PROGRAM WHAT [NAME...], where
PROGRAM is write_onnx_programs and WHAT one of

    shipped       light models that the PyPI package onnx ships, against the outputs that it ships with them
    random        the same networks with random weights at batch 3, against ONNX Runtime; in f32 and bf16
    transformers  as exporters write them (tests/onnx/make_models.py), at batches 1 and 3; in f32 and bf16

Prints the largest error of each. Exit code 77: a package is missing."""
import argparse
import sys
import tempfile

import xla_program  # noqa: F401  first: it ends where a package is missing

try:
    import numpy
    import onnx  # noqa: F401
    import onnxruntime
except ImportError as missing:
    print(f"SKIPPED: this Python has no package {missing.name} (pip install onnx onnxruntime)")
    sys.exit(77)

import xla_runner  # finds those of tests/onnx
import check_transformers
import cpu_runner
import light_models
import make_models

# As ONNX's own runner holds models.
RTOL, ATOL = 1e-3, 1e-7
# Of the largest magnitude of the output. f32: sums in different orders. bf16 keeps 8 bits, and every tensor between is rounded
# to it. README.md has what was seen.
TOLERANCES = {"f32": 1e-4, "bf16": 6e-2}
BATCH = 3


def largest_error(seen, right):
    if [one.shape for one in seen] != [one.shape for one in right]:
        raise SystemExit(f"wanted shapes {[one.shape for one in right]}, found {[one.shape for one in seen]}")
    return max(float(numpy.max(numpy.abs(a.astype(numpy.float32) - b)) / max(float(numpy.max(numpy.abs(b))), 1e-30))
               for a, b in zip(seen, right))


def outputs_of(program, cases):
    """By the cases' names; ends the test where one did not run."""
    with tempfile.TemporaryDirectory() as folder:
        results = xla_runner.run(program, cases, folder)
    for name, result in results.items():
        if result.verdict != "ran":
            raise SystemExit(f"{name}: {result.verdict}: {result.reason}")
    return {name: result.outputs for name, result in results.items()}


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def check_shipped(program, name):
    model = light_models.load(name)
    seen = outputs_of(program, [cpu_runner.Case(name, model, light_models.dummy_input(model))])[name]
    right = [light_models.right_output(name)]
    why = cpu_runner.difference(seen, right, RTOL, ATOL)
    print(f"{name:<14} as shipped       f32   {largest_error(seen, right):.1e}{' FAILED: ' + why if why else ''}", flush=True)
    return not why


def hold(program, cases, right):
    """Whether all are near enough; prints each."""
    outputs = outputs_of(program, cases)
    fine = True
    for case in cases:
        error = largest_error(outputs[case.name], right)
        near = error <= TOLERANCES[case.dtype]
        fine &= near
        model, _, kind = case.name.partition(".")
        print(f"{model:<14} {kind:<16} {case.dtype:<5} {error:.1e}{'' if near else ' FAILED'}", flush=True)
    return fine


def check_random(program, name):
    rng = numpy.random.default_rng(7)
    model = light_models.with_random_weights(light_models.load(name), rng)
    feeds = {one: rng.standard_normal([BATCH, *shape[1:]]).astype(numpy.float32)
             for one, shape in light_models.data_inputs(model).items()}
    right = check_transformers.right_outputs(session_of(model), feeds, BATCH)
    cases = [cpu_runner.Case(f"{name}.random {dtype}", model, feeds, BATCH, dtype=dtype) for dtype in TOLERANCES]
    return hold(program, cases, right)


def check_transformers_of(program, name):
    fine = True
    for form in make_models.FORMS:
        model = make_models.make(name, form, small=True)
        session = session_of(model)
        for batch in (1, BATCH):
            feeds = check_transformers.feeds_of(name, model, batch, numpy.random.default_rng(batch))
            right = check_transformers.right_outputs(session, feeds, batch)
            cases = [cpu_runner.Case(f"{name}.{form}, batch {batch} {dtype}", model, feeds, batch, dtype=dtype)
                     for dtype in TOLERANCES]
            fine &= hold(program, cases, right)
    return fine


CHECKS = {
    "shipped": (check_shipped, light_models.ALL),
    "random": (check_random, light_models.ALL),
    "transformers": (check_transformers_of, make_models.MODELS),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-onnx", required=True)
    parser.add_argument("what", choices=CHECKS)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    check, all_names = CHECKS[options.what]
    wrong = [name for name in options.names or all_names if not check(options.run_onnx, name)]
    if wrong:
        raise SystemExit("wrong outputs: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
