#!/usr/bin/env python3
"""Holds XLA programs against the cpu backend: a real XLA compiles and runs them on the same weights and inputs.

    check_programs.py --write-program PROGRAM [--batchtune PROGRAM] [--batches 1,3] MODEL...

MODEL is as write_program takes it, or "random:FIRST-LAST" for a range of random graphs. With --batchtune the program is
also exported on the command line and must have the same bytes. Exit code 77: a package is missing.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import xla_program  # first: it ends where a package is missing

import numpy

SEED = 7
# Of the largest magnitude of the output. f32: both sides sum in f32, in different orders. bf16 has 8 bits, and both
# weights and what lies between layers are rounded to them, while the output it is held against is in f32.
TOLERANCES = {"f32": 1e-4, "bf16": 6e-2}


def read(folder, tensor):
    return numpy.fromfile(folder / tensor["file"], xla_program.ELEMENTS[tensor["element"]]).reshape(tensor["shape"])


def run(client, folder, manifest):
    """The program's results, the model's output first."""
    results = xla_program.run(client, (folder / "program.hlo.pb").read_bytes(),
                              [read(folder, tensor) for tensor in manifest["parameters"]])
    for tensor, result in zip(manifest["results"], results, strict=True):
        if list(result.shape) != tensor["shape"] or result.dtype != xla_program.ELEMENTS[tensor["element"]]:
            raise SystemExit(f"{manifest['model']}: {tensor['name']} is {result.dtype}{list(result.shape)}, "
                             f"wanted {tensor['element']}{tensor['shape']}")
        if not numpy.all(numpy.isfinite(result.astype(numpy.float32))):
            raise SystemExit(f"{manifest['model']}: {tensor['name']} has values that are not finite")
    return results


def check(client, model, batch, dtype, arguments):
    """The error of the output, of its largest magnitude; files are gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([arguments.write_program, model, str(SEED), str(batch), dtype, folder], check=True)
        if arguments.batchtune:
            other = folder / "command_line.hlo.pb"
            subprocess.run([arguments.batchtune, "export", model, "-o", other, "--batch", str(batch), "--dtype", dtype],
                           check=True)
            if other.read_bytes() != (folder / "program.hlo.pb").read_bytes():
                raise SystemExit(f"{model}: batchtune export gives other bytes than make_hlo()")
        manifest = json.loads((folder / "manifest.json").read_text())
        seen = run(client, folder, manifest)[0].astype(numpy.float32)
        right = numpy.fromfile(folder / manifest["output"], numpy.float32).reshape(seen.shape)
        return float(numpy.max(numpy.abs(seen - right)) / max(float(numpy.max(numpy.abs(right))), 1e-3))


def models_of(name):
    if not name.startswith("random:"):
        return [name]
    first, _, last = name.removeprefix("random:").partition("-")
    return [f"random:{seed}" for seed in range(int(first), int(last or first) + 1)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write-program", required=True)
    parser.add_argument("--batchtune")
    parser.add_argument("--batches", default="1,3")
    parser.add_argument("models", nargs="+")
    arguments = parser.parse_args()
    client = xla_program.client()
    failed = []
    for name in arguments.models:
        for dtype, tolerance in TOLERANCES.items():
            errors = {(model, batch): check(client, model, batch, dtype, arguments)
                      for model in models_of(name) for batch in map(int, arguments.batches.split(","))}
            worst = max(errors, key=errors.get)
            print(f"{pathlib.Path(name).name} {dtype}: largest error {errors[worst]:.2g} of the largest output "
                  f"({pathlib.Path(worst[0]).name}, batch {worst[1]}, of {len(errors)})", flush=True)
            failed += [f"{model} {dtype} at batch {batch}: {error:.2g}"
                       for (model, batch), error in errors.items() if not error <= tolerance]
    if failed:
        raise SystemExit(f"wanted at most {TOLERANCES}, found " + ", ".join(failed))


if __name__ == "__main__":
    main()
