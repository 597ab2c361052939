#!/usr/bin/env python3
"""Holds quantised networks on the cpu backend against ONNX Runtime: a small convolutional network and an MLP, quantised by
ONNX Runtime's own tools in both of its formats, weights per tensor and per channel, at batches 1 and 3. check_quantised.py
--run-onnx PROGRAM. Exit code 77: a package is missing.

Outputs may differ by a few steps of the last quantisation: a sum that lies between two steps is rounded either way."""
import argparse
import logging
import pathlib
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
    from onnxruntime import quantization
except ImportError as missing:
    print(f"SKIPPED: python3 has no package {missing.name} (pip install onnx onnxruntime numpy)")
    sys.exit(77)

import cpu_runner
import make_models

logging.disable(logging.WARNING)  # advice of the tools

BATCHES = (1, 3)
# Of the largest output, which is some hundred steps. README.md has what was seen.
TOLERANCE = 0.03


def network(seed):
    """Convolutions with a residual sum, a concatenation, a gate, pooling and a classifier."""
    graph = make_models.Graph(make_models.Form(opset=13), seed)
    image = graph.input("image", [3, 16, 16])

    def conv(x, inner, channels, size, **attributes):
        weights = graph.weight(channels, inner, size, size)
        return graph.node("Conv", [x, weights, graph.weight(channels, deviation=0.1)], kernel_shape=[size, size],
                          pads=[size // 2] * 4, **attributes)

    x = graph.node("Relu", [conv(image, 3, 16, 3, strides=[2, 2])])
    y = graph.node("Relu", [conv(x, 16, 16, 3)])
    x = graph.node("Add", [x, conv(y, 16, 16, 1)])
    x = graph.node("Mul", [x, graph.node("Sigmoid", [conv(x, 16, 16, 1)])])
    x = graph.node("Concat", [x, graph.node("LeakyRelu", [conv(x, 16, 8, 3)])], axis=1)
    x = graph.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = graph.node("AveragePool", [conv(x, 24, 32, 3)], kernel_shape=[2, 2], strides=[2, 2])
    x = graph.node("Flatten", [graph.node("GlobalAveragePool", [x])])
    x = graph.node("Gemm", [x, graph.weight(10, 32), graph.weight(10, deviation=0.1)], transB=1)
    graph.output(x, "scores", [10])
    return graph.model()


MODELS = {"convolutions": network, "mlp": lambda seed: make_models.make("mlp", "torchscript", True, seed)}


class Samples(quantization.CalibrationDataReader):
    def __init__(self, model, count=16):
        info, rng = model.graph.input[0], numpy.random.default_rng(1)
        shape = [1, *(size.dim_value for size in info.type.tensor_type.shape.dim[1:])]
        self.samples = iter([{info.name: rng.standard_normal(shape).astype(numpy.float32)} for _ in range(count)])

    def get_next(self):
        return next(self.samples, None)


def quantised(model, folder, written, per_channel):
    source, target = folder / "float.onnx", folder / "quantised.onnx"
    onnx.save(model, source)
    quantization.quantize_static(source, target, Samples(model), quant_format=written, per_channel=per_channel,
                                 activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8)
    return onnx.load(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-onnx", required=True)
    options = parser.parse_args()
    cases, right, wrong = [], {}, []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in MODELS.items():
            for written in quantization.QuantFormat:
                for per_channel in (False, True):
                    model = quantised(make(7), pathlib.Path(folder), written, per_channel)
                    settings = onnxruntime.SessionOptions()
                    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
                    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, ["CPUExecutionProvider"])
                    info = model.graph.input[0]
                    for batch in BATCHES:
                        shape = [batch, *(size.dim_value for size in info.type.tensor_type.shape.dim[1:])]
                        feeds = {info.name: numpy.random.default_rng(batch).standard_normal(shape).astype(numpy.float32)}
                        case = cpu_runner.Case(f"{name}.{written.name}.{'channels' if per_channel else 'tensor'}.{batch}",
                                               model, feeds, batch)
                        cases.append(case)
                        right[case.name] = session.run(None, feeds)
    with tempfile.TemporaryDirectory() as folder:
        results = cpu_runner.run(options.run_onnx, cases, pathlib.Path(folder))
    for case in cases:
        result = results[case.name]
        if result.verdict != "ran":
            wrong.append(f"{case.name}: {result.verdict}: {result.reason}")
            continue
        error = max(float(numpy.max(numpy.abs(a - b)) / numpy.max(numpy.abs(b)))
                    for a, b in zip(result.outputs, right[case.name]))
        print(f"{case.name:<36} {error:.1e}  {dict(result.operations)}")
        if not error <= TOLERANCE:
            wrong.append(f"{case.name}: error {error:.2g} of the largest output")
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
