"""The light models that the PyPI package onnx ships: known networks whose weights are made by ConstantOfShape. For the checks
beside it; no test of its own."""
import pathlib

import numpy
import onnx
from onnx import helper, numpy_helper

FOLDER = pathlib.Path(onnx.__file__).parent / "backend/test/data/light"
ALL = ("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
       "zfnet512")
LARGE = ("bvlc_alexnet", "vgg19", "zfnet512")  # 240 to 570 MB of weights


def load(name):
    return onnx.load(FOLDER / f"light_{name}.onnx")


def right_output(name):
    """What ONNX says that the model gives for its dummy input."""
    tensor = onnx.TensorProto()
    tensor.ParseFromString((FOLDER / f"light_{name}_output_0.pb").read_bytes())
    return numpy_helper.to_array(tensor)


def data_inputs(model):
    """Name and shape of the inputs that are no initializers, a symbolic dimension as 1."""
    weights = {one.name for one in model.graph.initializer}
    return {info.name: [size.dim_value or 1 for size in info.type.tensor_type.shape.dim]
            for info in model.graph.input if info.name not in weights}


def dummy_input(model):
    """As onnx.backend.test.runner makes it."""
    return {name: (numpy.arange(numpy.prod(shape)).reshape(shape) / numpy.prod(shape)).astype(numpy.float32)
            for name, shape in data_inputs(model).items()}


def with_random_weights(model, rng):
    """Constant weights would hide values that are mixed up: all of a channel are alike."""
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
