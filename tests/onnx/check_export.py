#!/usr/bin/env python3
"""Holds exported models against the cpu backend: onnx.checker, then equal outputs in ONNX Runtime at batches 1 and 3.

    check_export.py --write-outputs PROGRAM [--batchtune PROGRAM] MODEL...

MODEL is as write_outputs takes it, or "random:FIRST-LAST" for a range of random graphs. With --batchtune the file is
also exported on the command line and must have the same bytes. Exit code 77: a package is missing.
"""
import argparse
import filecmp
import json
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

BATCHES = (1, 3)
SEED = 7
# Of the largest magnitude of the output. Both sides sum in f32, in different orders; what a layer rounds differently is
# carried through all that follow. README.md has what was seen.
TOLERANCE = 1e-4


def read(folder, tensor, batch):
    """Values of a tensor of the manifest as the ONNX graph wants them, [batch, ...]."""
    values = numpy.fromfile(folder / tensor["file"], numpy.int32 if tensor["token_ids"] else numpy.float32)
    values = values.reshape(-1, *tensor["shape"])[:batch]
    if tensor["permutation"]:
        values = values.transpose([0] + [1 + dimension for dimension in tensor["permutation"]])
    return numpy.ascontiguousarray(values, dtype=numpy.int64 if tensor["token_ids"] else numpy.float32)


def session_of(path, optimised):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def largest_error(session, folder, manifest, batch):
    feeds = {tensor["name"]: read(folder, tensor, batch) for tensor in manifest["inputs"]}
    seen = session.run([manifest["output"]["name"]], feeds)[0]
    right = read(folder, manifest["output"], batch)
    if seen.shape != right.shape:
        raise SystemExit(f"{manifest['model']}, batch {batch}: wanted shape {right.shape}, found {seen.shape}")
    return float(numpy.max(numpy.abs(seen - right)) / max(float(numpy.max(numpy.abs(right))), 1e-3))


def check(model, arguments, optimisations):
    """The largest error of a model; its files are gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([arguments.write_outputs, model, str(SEED), str(max(BATCHES)), folder], check=True)
        path = folder / "model.onnx"
        onnx.checker.check_model(path, full_check=True)
        if arguments.batchtune:
            command_line = folder / "command_line" / "model.onnx"
            command_line.parent.mkdir()
            subprocess.run([arguments.batchtune, "export", model, "--seed", str(SEED), "-o", command_line], check=True)
            if not filecmp.cmp(path, command_line, shallow=False):
                raise SystemExit(f"{model}: batchtune export gives other bytes than write_onnx()")
        manifest = json.loads((folder / "manifest.json").read_text())
        errors = []
        for optimised in optimisations:
            session = session_of(path, optimised)
            errors += [largest_error(session, folder, manifest, batch) for batch in BATCHES]
        return max(errors)


def models_of(name):
    """The models that an argument names, and with which of ORT's graph optimisations to run them."""
    if not name.startswith("random:"):
        return [name], [True]
    first, _, last = name.removeprefix("random:").partition("-")
    return [f"random:{seed}" for seed in range(int(first), int(last or first) + 1)], [True, False]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write-outputs", required=True)
    parser.add_argument("--batchtune")
    parser.add_argument("models", nargs="+")
    arguments = parser.parse_args()
    failed = []
    for name in arguments.models:
        models, optimisations = models_of(name)
        errors = {model: check(model, arguments, optimisations) for model in models}
        worst = max(errors, key=errors.get)
        print(f"{name}: largest error {errors[worst]:.2g} of the largest output"
              + (f" ({worst}, of {len(models)})" if len(models) > 1 else ""))
        failed += [f"{model}: {error:.2g}" for model, error in errors.items() if not error <= TOLERANCE]
    if failed:
        raise SystemExit(f"wanted at most {TOLERANCE}, found " + ", ".join(failed))


if __name__ == "__main__":
    main()
