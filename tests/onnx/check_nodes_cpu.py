#!/usr/bin/env python3
"""Holds the cpu backend against ONNX's own node tests, which the PyPI package onnx makes: check_nodes_cpu.py --run-onnx
PROGRAM. Prints how many passed, failed and are unsupported, by operation. A failed case fails, and so do fewer passed
ones than LEAST_PASSED. Exit code 77: a package is missing.

Passes: `data` with the data as inputs, `weights` with every f32 input but the first as an initializer, as in real
files; in both every size is as declared, and there is no batch. `batch` is `weights` with the first dimension of what is left
as the batch, where that goes: so native operations are tested as well. Numbers that shapes depend on are initializers.
`exported` and `exported_batch` are models that PyTorch exported, which the package ships with their outputs, in these two ways."""
import argparse
import collections
import copy
import fnmatch
import pathlib
import re
import sys
import tempfile
import types
import warnings

try:
    import numpy
    import onnx
    from onnx import numpy_helper
    from onnx.backend.test.case.node import collect_testcases
    from onnx.backend.test.loader import load_model_tests
except ImportError as missing:
    print(f"SKIPPED: python3 has no package {missing.name} (pip install onnx numpy)")
    sys.exit(77)

import cpu_runner

# Passed cases in onnx 1.23.2, less a few for other versions' sake. Raise them with what is supported.
LEAST_PASSED = {"data": 1370, "weights": 485, "batch": 970, "exported": 122, "exported_batch": 113}

# Inputs that say shapes or axes. Where an exporter computes them, it does so from constants and sizes.
SHAPE_INPUTS = {
    "CenterCropPad": (1,), "ConstantOfShape": (0,), "CumProd": (1,), "CumSum": (1,), "Dropout": (1, 2), "Expand": (1,),
    "OneHot": (1,), "Pad": (1, 3), "Range": (0, 1, 2), "Reshape": (1,), "Resize": (1, 2, 3), "Slice": (1, 2, 3, 4),
    "Split": (1,), "Squeeze": (1,), "Tile": (1, 2), "TopK": (1,), "Trilu": (1,), "Unsqueeze": (1,), "Upsample": (1,),
    **{f"Reduce{kind}": (1,) for kind in
       ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")},
}


def exported_cases():
    """Models of single layers that PyTorch exported, of old opsets, as collect_testcases() gives its own."""
    for kind in ("pytorch-converted", "pytorch-operator", "simple"):
        for test in load_model_tests(kind=kind):
            folder = pathlib.Path(test.model_dir)
            data = folder / "test_data_set_0"
            tensors = [[], []]
            for values, name in zip(tensors, ("input", "output")):
                while (path := data / f"{name}_{len(values)}.pb").exists():
                    tensor = onnx.TensorProto()
                    try:
                        tensor.ParseFromString(path.read_bytes())
                    except Exception:  # no tensor: a sequence
                        tensor = []
                    values.append(tensor)
            yield types.SimpleNamespace(name=test.name, model=onnx.load(folder / "model.onnx"), data_sets=[tensors],
                                        rtol=test.rtol, atol=test.atol)


def shape_inputs(graph):
    """Names of the graph's inputs that its shapes depend on."""
    wanted = set()
    for node in reversed(graph.node):
        if node.op_type not in ("Shape", "Size") and any(name in wanted for name in node.output):
            wanted.update(node.input)
        wanted.update(node.input[i] for i in SHAPE_INPUTS.get(node.op_type, ()) if i < len(node.input))
    return wanted


def arrays_of(case):
    """Inputs by name and the right outputs; None where one is no tensor of numbers. An input that is left out has no
    entry."""
    inputs, outputs = case.data_sets[0]
    named = {}
    for info, value in zip(case.model.graph.input, inputs):
        if info.type.WhichOneof("value") != "tensor_type":
            return None
        named[info.name] = value
    named = {name: numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
             for name, value in named.items()}
    if any(isinstance(value, (list, dict, type(None))) for value in (*named.values(), *outputs)):
        return None
    named = {name: numpy.asarray(value) for name, value in named.items()}
    outputs = [numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else numpy.asarray(value)
               for value in outputs]
    if any(value.dtype.kind in "OSU" for value in (*named.values(), *outputs)):
        return None
    return named, outputs


def with_constants(model, inputs, names):
    """The model with some of its inputs as initializers, and what remains of the inputs."""
    model = copy.deepcopy(model)
    kept = [info for info in model.graph.input if info.name not in names]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    for name in names:
        model.graph.initializer.append(numpy_helper.from_array(inputs[name], name))
    return model, {name: value for name, value in inputs.items() if name not in names}


# Whose first dimension is no batch: they compute with its size, or take it for sizes.
BATCHLESS = ("test_center_crop_pad_*_expanded", "test_constantofshape_*")

NO_BATCH = "wanted "  # how the importer's errors of shapes begin


def with_batch(run, name):
    """The case with the first dimension of its inputs as the batch; None where they do not have the same."""
    sizes = {value.shape[:1] for value in run.inputs.values()}
    if len(sizes) != 1 or sizes in ({()}, {(0,)}) or any(fnmatch.fnmatch(name, f"*.{one}") for one in BATCHLESS):
        return None
    model = copy.deepcopy(run.model)
    for info in (*model.graph.input, *model.graph.output):
        if info.type.tensor_type.shape.dim:
            info.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    return cpu_runner.Case(name, model, run.inputs, sizes.pop()[0])


def runner_cases(case, inputs):
    """What is run of a test: by pass, a case of the runner."""
    shapes = [name for name in inputs if name in shape_inputs(case.model.graph)]
    if len(shapes) == len(inputs):
        shapes = []
    floats = [name for name, value in inputs.items() if value.dtype == numpy.float32 and name not in shapes]
    passes = {"data": shapes, "weights": shapes + floats[1:]}
    runs = {kind: cpu_runner.Case(f"{kind}.{case.name}", *with_constants(case.model, inputs, names), declared=True)
            for kind, names in passes.items()}
    batch = with_batch(runs["weights"], f"batch.{case.name}")
    if batch:
        runs["batch"] = batch
    if len(floats) < 2:
        del runs["weights"]
    return runs


def operation_of(case):
    nodes = case.model.graph.node
    return nodes[0].op_type if len(nodes) == 1 else "(several)"


def verdict_of(result, case, right):
    if result.verdict != "ran":
        return result.verdict, result.reason
    why = cpu_runner.difference(result.outputs, right, case.rtol, case.atol)
    return ("failed", why) if why else ("passed", "")


def kind_of(reason):
    """The reason without what names the one case."""
    return re.sub(r'"[^"]*"(: )?', "", reason.split("; a runtime that reads")[0])


def show_table(verdicts):
    """Of all passes: passed, failed and unsupported cases of each operation."""
    rows = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    for kind, of_pass in verdicts.items():
        for operation, _, verdict, _ in of_pass:
            rows[operation][kind][verdict] += 1
    print(f"{'passed / failed / unsupported':<30}" + "".join(f"{kind:>18}" for kind in verdicts))
    for operation, row in sorted(rows.items()):
        cells = (" / ".join(str(row[kind][verdict]) for verdict in ("passed", "failed", "unsupported"))
                 if row[kind] else "" for kind in verdicts)
        print(f"{operation:<30}" + "".join(f"{cell:>18}" for cell in cells))


def show(kind, verdicts, show_all):
    """verdicts: (operation, test, verdict, reason) of each case. Gives the three numbers."""
    numbers = collections.Counter(verdict for _, _, verdict, _ in verdicts)
    print(f"\npass {kind}: {numbers['passed']} passed, {numbers['failed']} failed, {numbers['unsupported']} unsupported:")
    reasons = collections.Counter(kind_of(reason) for _, _, verdict, reason in verdicts if verdict == "unsupported")
    for reason, count in reasons.most_common(None if show_all else 20):
        print(f"  {count:>6}  {reason[:160]}")
    for _, test, verdict, reason in verdicts:
        if verdict == "failed":
            print(f"  FAILED {test}: {reason[:300]}")
    return numbers


def main(run_cases=cpu_runner.run, least_passed=LEAST_PASSED, description=__doc__):
    """Of other runners too: run_cases(program, cases, folder) as cpu_runner.run()."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--run-onnx", required=True)
    parser.add_argument("--passes", default=",".join(least_passed))
    parser.add_argument("--only", default="*", help="names of tests, as a glob; nothing is then held to LEAST_PASSED")
    parser.add_argument("--keep", help="a folder for the cases, which stays")
    parser.add_argument("--all-reasons", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    runs, verdicts = [], {kind: [] for kind in options.passes.split(",")}
    for exported, cases in ((False, collect_testcases(None)), (True, exported_cases())):
        for case in cases:
            if not fnmatch.fnmatch(case.name, options.only):
                continue
            arrays = arrays_of(case)
            if arrays is None:
                kind, operation = ("exported", "(exported)") if exported else ("data", operation_of(case))
                if kind in verdicts:
                    verdicts[kind].append((operation, case.name, "unsupported", "strings, sequences, optionals"))
                continue
            for kind, run in runner_cases(case, arrays[0]).items():
                kind = {"data": "exported", "batch": "exported_batch"}.get(kind) if exported else kind
                if kind in verdicts:
                    runs.append((kind, case, arrays[1], run))
    with tempfile.TemporaryDirectory() as folder:
        results = run_cases(options.run_onnx, [run for _, _, _, run in runs], pathlib.Path(options.keep or folder))
    without_batch = 0
    for kind, case, right, run in runs:
        verdict, reason = verdict_of(results[run.name], case, right)
        if kind.endswith("batch") and verdict == "unsupported" and reason.startswith(NO_BATCH):
            without_batch += 1  # shapes that do not go together at any other batch
        else:
            operation = "(exported)" if kind.startswith("exported") else operation_of(case)
            verdicts[kind].append((operation, case.name, verdict, reason))
    show_table(verdicts)
    wrong = []
    for kind, of_pass in verdicts.items():
        numbers = show(kind, of_pass, options.all_reasons)
        if numbers["failed"]:
            wrong.append(f"{numbers['failed']} failed")
        if options.only == "*" and numbers["passed"] < least_passed[kind]:
            wrong.append(f"pass {kind}: {numbers['passed']} passed, {least_passed[kind]} wanted")
    print(f"{without_batch} cases whose first dimension is no batch are not in those passes")
    if wrong:
        raise SystemExit(", ".join(wrong))


if __name__ == "__main__":
    main()
