"""Runs ONNX models as XLA programs: write_onnx_programs (C++) writes them, jaxlib's CPU client compiles and runs them. Cases and
results are those of tests/onnx/cpu_runner.py, so its checks serve here too. As a program, `xla_runner.py LIST`, it runs the
cases of a list in this process; run() starts it, again behind a case that ends it."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "onnx"))

import cpu_runner
import numpy
import xla_program
from onnx import helper


def array_type(type_number):
    return helper.tensor_dtype_to_np_dtype(type_number)


def is_held(array, dtype):
    """Whether the program's type has the numbers of a 64-bit array."""
    return array.dtype.kind not in "iu" or numpy.array_equal(array.astype(dtype).astype(array.dtype), array)


def arguments_of(folder, said):
    """The program's parameters; None where an input has integers that 32 bits do not hold."""
    described = {one["name"]: one for one in json.loads((folder / "case.json").read_text())["inputs"]}
    names = iter(said["inputs"])  # the first parameters, in the file's order
    arguments = []
    for parameter in said["parameters"]:
        dtype = xla_program.ELEMENTS[parameter["element"]]
        if "file" in parameter:
            array = numpy.fromfile(folder / parameter["file"], dtype).reshape(parameter["shape"])
        else:
            one = described[next(names)]
            array = numpy.fromfile(folder / one["file"], array_type(one["type"])).reshape(one["shape"])
            if list(array.shape) != parameter["shape"]:
                raise ValueError(f"{one['name']} is {list(array.shape)}, the program wants {parameter['shape']}")
            if not is_held(array, dtype):
                return None
            array = array.astype(dtype)
        arguments.append(array)
    return arguments


def run_program(client, folder, said):
    arguments = arguments_of(folder, said)
    if arguments is None:
        return {"verdict": "unsupported", "reason": "inputs with integers of more than 32 bits"}
    results = xla_program.run(client, (folder / "program.hlo.pb").read_bytes(), arguments)
    by_name = {}
    for described, array in zip(said["results"], results, strict=True):
        if list(array.shape) != described["shape"] or array.dtype != xla_program.ELEMENTS[described["element"]]:
            return {"verdict": "failed", "reason": f"{described['name']} is {array.dtype}{list(array.shape)}, the program "
                                                   f"said {described['element']}{described['shape']}"}
        by_name[described["name"].rpartition(".out")[0]] = array
    outputs = []
    dtype = json.loads((folder / "case.json").read_text())["dtype"]
    for index, name in enumerate(said["outputs"]):
        wanted = array_type(said["types"][name])
        array = by_name[xla_program.clean_name(name)]
        if not (dtype == "bf16" and wanted == numpy.float32):
            array = array.astype(wanted)
        file = f"output_{index}.bin"
        (folder / file).write_bytes(numpy.ascontiguousarray(array).tobytes())
        outputs.append({"type": cpu_runner.type_of(array), "shape": list(array.shape), "file": file})
    return {"verdict": "ran", "outputs": outputs}


def run_list(path):
    """The cases without a result yet."""
    client = xla_program.client()
    for line in pathlib.Path(path).read_text().splitlines():
        folder = pathlib.Path(line)
        if (folder / "result.json").exists():
            continue
        said = json.loads((folder / "program.json").read_text())
        if said["verdict"] == "written":
            try:
                said = run_program(client, folder, said)
            except Exception as error:
                said = {"verdict": "failed", "reason": f"{type(error).__name__}: {error}"[:1000]}
        (folder / "result.json").write_text(json.dumps(said))


def repeat(command, folders, file):
    """Until every folder has the file; one at which the command ended gets a verdict."""
    while True:
        done = subprocess.run(command).returncode == 0
        missing = [folder for folder in folders if not (folder / file).exists()]
        if not missing:
            return
        if done:
            raise SystemExit(f"{command[0]} left {missing[0]} out")
        (missing[0] / file).write_text(json.dumps({"verdict": "failed", "reason": f"{command[0]} crashed"}))


def run(program, cases, folder):
    """Results by the cases' names. `program`: write_onnx_programs."""
    folder = pathlib.Path(folder)
    folders = [folder / case.name for case in cases]
    for case in cases:
        cpu_runner.write(case, folder / case.name)
    cases_list = folder / "list.txt"
    cases_list.write_text("".join(f"{one}\n" for one in folders))
    repeat([program, cases_list], folders, "program.json")
    repeat([sys.executable, __file__, cases_list], folders, "result.json")
    return {case.name: cpu_runner.read(folder / case.name) for case in cases}


if __name__ == "__main__":
    run_list(sys.argv[1])
