#!/usr/bin/env python3
"""The latency of a batch in a runtime: as batchtune measures it, and as a loop of the same calls in Python does.

    runtime_latency.py --program build/bin/batchtune MODEL.onnx 8 [--runtime onnxruntime] [--threads 2] [--pairs 8]

MODEL.onnx must take any batch (batchtune export makes such a file). Both sides take the same settings: so many threads,
one instance, f32, everything else as the runtime has it. They take turns, some seconds each, so that both see the same
machine; each pair gives the ratio of the two medians. Needs the Python package of the runtime, and numpy.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

import numpy


def values_of(shape, kind):
    if "float16" in kind:
        return numpy.random.standard_normal(shape).astype(numpy.float16)
    if "float" in kind or kind == "f32":
        return numpy.random.standard_normal(shape).astype(numpy.float32)
    return numpy.ones(shape, numpy.int64)


def onnxruntime_run(path, batch, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for one in session.get_inputs():
        shape = [batch if i == 0 else size for i, size in enumerate(one.shape)]
        binding.bind_ortvalue_input(one.name, onnxruntime.OrtValue.ortvalue_from_numpy(values_of(shape, one.type)))
    for one in session.get_outputs():
        binding.bind_output(one.name)
    session.run_with_iobinding(binding)
    made = binding.get_outputs()
    for one, value in zip(session.get_outputs(), made):
        binding.bind_ortvalue_output(one.name, value)
    return lambda: session.run_with_iobinding(binding)


def openvino_run(path, batch, threads, precision="f32"):
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape({one.any_name: [batch] + [d.get_length() for d in list(one.partial_shape)[1:]] for one in model.inputs})
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1})
    request = compiled.create_infer_request()
    for one in compiled.inputs:
        data = request.get_tensor(one).data
        data[...] = values_of(data.shape, one.element_type.get_type_name())
    return request.infer


def python_median(run, seconds):
    for _ in range(5):
        run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def median_of_a_process(options):
    """python_median() of a process of its own: how fast a session is depends on where its memory lies, by 1 to 4 %, and in
    one process each gets the memory of the one before."""
    command = [sys.executable, __file__, options.model, str(options.batch), "--runtime", options.runtime,
               "--threads", str(options.threads), "--seconds", str(options.seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return float(done.stdout)
    except ValueError:
        sys.exit(f"no figure from: {' '.join(command)}\n{done.stderr}")


def batchtune_median(options):
    command = [options.program, "measure", options.model, "--batches", str(options.batch), "--backend", options.runtime, "--dtype", "f32",
               "--threads", str(options.threads), "--instances", "1", "--boundary", "none",
               "--budget", f"{options.seconds}s", "--format", "json", "--quiet"]
    if options.db:
        command += ["--db", options.db]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        trial = json.loads(done.stdout)["trials"][0]
        return trial["latency"]["p50"]
    except (ValueError, KeyError, IndexError, TypeError):
        sys.exit(f"no figure from: {' '.join(command)}\n{done.stdout}\n{done.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("batch", type=int)
    parser.add_argument("--program", help="batchtune; without it the median of the Python loop alone is printed, in seconds")
    parser.add_argument("--runtime", choices=["onnxruntime", "openvino"], default="onnxruntime")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--db", help="database of batchtune (with the calibration); a scratch file will do")
    options = parser.parse_args()
    make = {"onnxruntime": onnxruntime_run, "openvino": openvino_run}[options.runtime]
    if not options.program:
        print(python_median(make(options.model, options.batch, options.threads), options.seconds))
        return
    ratios = []
    for pair in range(options.pairs):
        theirs = median_of_a_process(options)
        ours = batchtune_median(options)
        ratios.append(ours / theirs)
        print(f"pair {pair + 1}: batchtune {1e3 * ours:.3f} ms, Python {1e3 * theirs:.3f} ms, ratio {ratios[-1]:.4f}",
              flush=True)
    print(f"median ratio {statistics.median(ratios):.4f} of {len(ratios)} pairs "
          f"({min(ratios):.4f} to {max(ratios):.4f}): {options.runtime}, {options.model}, batch {options.batch}, "
          f"{options.threads} threads")


if __name__ == "__main__":
    main()
