#!/usr/bin/env python3
"""Holds the shape rules against ONNX's own node tests, which the PyPI package onnx makes: check_nodes.py --check-node-shapes
PROGRAM. Exit code 77: a package is missing."""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy
    import onnx
    from onnx import numpy_helper
    from onnx.backend.test.case.node import collect_testcases
except ImportError as missing:
    print(f"SKIPPED: python3 has no package {missing.name} (pip install onnx numpy)")
    sys.exit(77)


def write(case, folder):
    data = folder / case.name / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / case.name / "model.onnx").write_bytes(case.model.SerializeToString())
    for inputs, _ in (case.data_sets or [])[:1]:
        for index, value in enumerate(inputs):
            if isinstance(value, (list, dict, type(None))):
                continue  # no tensor: the program leaves such a test out
            tensor = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(numpy.asarray(value))
            (data / f"input_{index}.pb").write_bytes(tensor.SerializeToString())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check-node-shapes", required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for case in collect_testcases(None):
            write(case, pathlib.Path(folder))
        sys.exit(subprocess.run([options.check_node_shapes, folder], check=False).returncode)


if __name__ == "__main__":
    main()
