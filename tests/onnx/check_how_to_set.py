#!/usr/bin/env python3
"""The lines of `batchtune report --how-to-set` run as they are printed.

    check_how_to_set.py --batchtune PROGRAM

ONNX Runtime's and OpenVINO's in the runtimes themselves, as far as this Python has them; PyTorch's on Neuron against
stand-ins for torch, torch_neuronx and torch_neuron, which only look at how they are called. Exit code 77: no ONNX
Runtime here."""
import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

BATCH = 2


def run(program, *arguments, folder):
    """stdout of the program, with a database of its own."""
    environment = dict(os.environ, BATCHTUNE_DB=os.path.join(folder, "lines.db"))
    done = subprocess.run([program, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def blocks_of(program, folder, *options):
    # Only batch 2 is looked at, so it is the one that is chosen.
    run(program, "tune", "squeezenet", "--batches", str(BATCH), *options, folder=folder)
    return json.loads(run(program, "report", "--how-to-set", "--format", "json", folder=folder))["how_to_set"]


def block(blocks, title, language):
    found = [one for one in blocks if one["title"].startswith(title) and one["language"] == language]
    assert len(found) >= 1, (title, language, [one["title"] for one in blocks])
    return "\n".join(found[0]["lines"])


def check_onnxruntime(blocks, folder):
    names = {}
    exec(block(blocks, "ONNX Runtime", "python"), names)
    assert len(names["sessions"]) == 2
    assert names["options"].intra_op_num_threads == 1
    assert names["outputs"][0].shape[0] == BATCH
    # The override is in force: another batch is refused.
    import numpy
    session = names["sessions"][0]
    feeds = {one.name: numpy.zeros([BATCH + 1] + [int(size) for size in one.shape[1:]], numpy.float32)
             for one in session.get_inputs()}
    try:
        session.run(None, feeds)
    except Exception as refused:
        assert "INVALID_ARGUMENT" in str(refused), refused
    else:
        raise AssertionError("the override of the batch had no effect")


def check_openvino(blocks, folder):
    if importlib.util.find_spec("openvino") is None:
        return "not here"
    names = {}
    exec(block(blocks, "OpenVINO", "python"), names)
    compiled = names["compiled"]
    assert compiled.input(0).shape[0] == BATCH, compiled.input(0).shape
    assert compiled.get_property("NUM_STREAMS") == 2
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 2
    names["queue"].start_async({0: __import__("numpy").zeros(list(compiled.input(0).shape), "float32")})
    names["queue"].wait_all()
    program = os.path.join(os.path.dirname(sys.executable), "benchmark_app")
    if not os.path.exists(program):
        return "without benchmark_app"
    line = block(blocks, "OpenVINO, the same", "shell").replace("benchmark_app", program, 1) + " -t 1"
    done = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (line, done.stdout[-2000:], done.stderr[-2000:])
    assert "Throughput" in done.stdout
    return "ran"


class Recorded:
    """Takes every call and attribute, and remembers the calls by their names."""

    def __init__(self, name, calls):
        self.__dict__.update(_name=name, _calls=calls)

    def __getattr__(self, name):
        return Recorded(f"{self._name}.{name}", self._calls)

    def __setattr__(self, name, value):
        self._calls.append((f"{self._name}.{name}=", (value,), {}))

    def __call__(self, *arguments, **named):
        self._calls.append((self._name, arguments, named))
        return Recorded(f"{self._name}()", self._calls)


def check_torch(blocks, device):
    calls = []
    torch = Recorded("torch", calls)
    stand_ins = {name: Recorded(name, calls) for name in ("torch_neuronx", "torch_neuron")}
    for title in [one["title"] for one in blocks if one["title"].startswith("PyTorch")]:
        source = block(blocks, title, "python").replace("model = ...", "model = given")
        saved = {name: sys.modules.get(name) for name in ("torch", *stand_ins)}
        sys.modules.update(torch=torch, **stand_ins)
        try:
            exec(source, {"given": Recorded("model", calls), "torch": torch, "model": Recorded("model", calls)})
        finally:
            for name, module in saved.items():
                sys.modules.pop(name)
                if module is not None:
                    sys.modules[name] = module
    names = [name for name, _, _ in calls]
    shapes = [arguments[0] for name, arguments, _ in calls if name == "torch.rand"]
    if device == "inferentia":
        traces = [named for name, _, named in calls if name == "torch.neuron.trace"]
        assert traces[0] == {"dynamic_batch_size": True}, traces
        assert traces[1]["compiler_args"][0] == "--neuroncore-pipeline-cores", traces
        assert int(traces[1]["compiler_args"][1]) % 4 == 0
        assert shapes == [[BATCH, 3, 224, 224], [1, 3, 224, 224]], shapes
    else:
        assert "torch_neuronx.trace" in names and "torch_neuronx.dynamic_batch" in names, names
        assert shapes == [[BATCH, 3, 224, 224]], shapes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batchtune", required=True)
    program = os.path.abspath(parser.parse_args().batchtune)
    if importlib.util.find_spec("onnxruntime") is None:
        print("skipped: no onnxruntime in this Python")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        blocks = blocks_of(program, folder, "--backend", "simulated", "--threads", "1", "--instances", "2")
        export = block(blocks, "The model as a file", "shell").split()
        assert export[0] == "batchtune"
        done = subprocess.run([program, *export[1:]], cwd=folder, capture_output=True, text=True)
        if "built without ONNX" in done.stderr:
            print("skipped: a build without ONNX")
            return 77
        assert done.returncode == 0, done.stderr
        check_onnxruntime(blocks, folder)
        print("ONNX Runtime: ran")
        print("OpenVINO:", check_openvino(blocks, folder))
        check_torch(blocks, "trn1")
        check_torch(blocks_of(program, folder, "--backend", "simulated:inferentia", "--latency-limit", "p50=10s"),
                    "inferentia")
        print("PyTorch on Neuron: called as its pages say (stand-ins)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
