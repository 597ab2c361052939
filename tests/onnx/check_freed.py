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
    from onnx import helper, numpy_helper
except ImportError as missing:
    print(f"SKIPPED: python3 has no package {missing.name} (pip install onnx onnxruntime numpy)")
    sys.exit(77)

LIGHT = pathlib.Path(onnx.__file__).parent / "backend/test/data/light"
DEFAULT = ("densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet")
BATCH = 3
# Of the largest magnitude of the output: the same f32 arithmetic, but in other blocks at another batch.
TOLERANCE = 1e-3


def with_random_weights(model, rng):
    """Constant weights would hide a batch that is mixed up: every sample's output would be alike."""
    values = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    kept = []
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape" or node.input[0] not in values:
            kept.append(node)
            continue
        shape = [int(size) for size in values[node.input[0]]]
        inner = int(numpy.prod(shape[1:])) if len(shape) > 1 else 1
        deviation = (2.0 / inner) ** 0.5 if len(shape) > 1 else 0.1
        weights = rng.standard_normal(shape) * deviation + (1.0 if len(shape) == 1 else 0.0)
        weights = (numpy.abs(weights) if len(shape) == 1 else weights).astype(numpy.float32)
        model.graph.initializer.append(numpy_helper.from_array(weights, node.output[0]))
        if model.ir_version < 4:  # which lists initializers among the inputs as well
            model.graph.input.append(helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, shape))
    if kept[-1].op_type == "Softmax":  # of such numbers it is 0 and 1 alone
        model.graph.output[0].name = kept.pop().input[0]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


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
            model = onnx.load(LIGHT / f"light_{name}.onnx" if light else path)
            onnx.save(with_random_weights(model, rng) if light else model, original)
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
