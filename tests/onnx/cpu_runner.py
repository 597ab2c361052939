"""Runs ONNX models on the cpu backend through run_onnx (C++), many in one process: cases go into folders, results come
back as arrays. For the checks beside it; no test of its own."""
import collections
import dataclasses
import json
import pathlib
import subprocess

import numpy
import onnx
from onnx import helper


@dataclasses.dataclass
class Case:
    name: str
    model: onnx.ModelProto
    inputs: dict  # name: array; the whole batch
    batch: int = 1
    declared: bool = False  # every size as the file declares it, no batch anywhere
    dtype: str = "f32"  # or "bf16": what is f32 in the file is computed in it, and the outputs are of it


@dataclasses.dataclass
class Result:
    verdict: str  # "ran", "unsupported" or "failed"
    reason: str = ""
    outputs: list = dataclasses.field(default_factory=list)  # arrays, in the file's order
    operations: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # of the lowered model, by kind


def type_of(array):
    return int(helper.np_dtype_to_tensor_dtype(array.dtype))


def write(case, folder):
    folder.mkdir(parents=True)
    path = folder / "model.onnx"
    if not path.exists():
        path.write_bytes(case.model.SerializeToString())
    described = []
    for index, (name, array) in enumerate(case.inputs.items()):
        if case.dtype == "bf16" and array.dtype == numpy.float32:
            array = array.astype(helper.tensor_dtype_to_np_dtype(onnx.TensorProto.BFLOAT16))
        file = f"input_{index}.bin"
        (folder / file).write_bytes(numpy.ascontiguousarray(array).tobytes())
        described.append({"name": name, "type": type_of(array), "shape": list(array.shape), "file": file})
    (folder / "case.json").write_text(json.dumps({"declared": case.declared, "dtype": case.dtype, "batch": case.batch,
                                                 "inputs": described}))


def read(folder):
    path = folder / "result.json"
    if not path.exists():
        return Result("failed", "crashed: the runner ended without a word")
    said = json.loads(path.read_text())
    outputs = []
    for one in said.get("outputs", []):
        dtype = helper.tensor_dtype_to_np_dtype(one["type"])
        outputs.append(numpy.frombuffer((folder / one["file"]).read_bytes(), dtype).reshape(one["shape"]))
    return Result(said["verdict"], said.get("reason", ""), outputs, collections.Counter(said.get("operations", {})))


def run(program, cases, folder):
    """Results by the cases' names."""
    folder = pathlib.Path(folder)
    for case in cases:
        write(case, folder / case.name)
    (folder / "list.txt").write_text("".join(f"{folder / case.name}\n" for case in cases))
    subprocess.run([program, folder / "list.txt"], check=True)
    return {case.name: read(folder / case.name) for case in cases}


def difference(seen, right, rtol, atol):
    """Why two lists of outputs differ, as ONNX's own runner sees it; "" where they agree."""
    if len(seen) != len(right):
        return f"{len(right)} outputs wanted, {len(seen)} found"
    for index, (one, wanted) in enumerate(zip(seen, right)):
        if one.shape != wanted.shape or one.dtype != wanted.dtype:
            return f"output {index}: {wanted.dtype}{list(wanted.shape)} wanted, {one.dtype}{list(one.shape)} found"
        if one.dtype.name in ("bfloat16", "float16"):  # two steps of the type, as theirs for bfloat16
            rtol = max(rtol, 2**-6 if one.dtype.name == "bfloat16" else 2**-9)
            one, wanted = one.astype(numpy.float32), wanted.astype(numpy.float32)
        if numpy.allclose(one, wanted, rtol=rtol, atol=atol, equal_nan=True):
            continue
        with numpy.errstate(all="ignore"):
            error = numpy.abs(one.astype(numpy.float64) - wanted.astype(numpy.float64))
        wrong = ~numpy.isclose(one, wanted, rtol=rtol, atol=atol, equal_nan=True)
        return f"output {index}: {int(wrong.sum())} of {wrong.size} differ, by up to {float(numpy.max(error[wrong])):.3g}"
    return ""
