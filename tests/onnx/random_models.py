"""Random image networks with onnx.helper: layers in any order, as no exporter would put them, so that layouts, fusions and
calls of the cpu backend meet in every combination. For check_random_models.py; no test of its own."""
import numpy
from onnx import TensorProto, helper, numpy_helper

FUNCTIONS = ("Relu", "Relu", "Relu", "Relu",
             "Sigmoid", "Tanh", "HardSwish", "Softplus", "Elu", "LeakyRelu", "HardSigmoid", "Abs", "Neg", "Mish", "Erf")
MOST_ELEMENTS = 40_000  # of a sample: nothing grows without end


class Network:
    def __init__(self, seed, opset=18):
        self.rng = numpy.random.default_rng(seed)
        self.opset = opset
        self.nodes, self.initializers = [], []
        self.shapes = {}  # of a sample
        shape = (int(self.rng.choice([1, 3, 4, 8])), int(self.rng.integers(5, 14)), int(self.rng.integers(5, 14)))
        self.inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", *shape])]
        self.shapes["image"] = shape

    def any(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def value(self, array, dtype=numpy.float32):
        name = f"value_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(numpy.asarray(array, dtype), name))
        return name

    def integers(self, *values):
        return self.value(values, numpy.int64)

    def normal(self, *shape, scale=1.0, offset=0.0):
        return self.value(self.rng.standard_normal(shape) * scale + offset)

    def node(self, op, inputs, shape, count=1, **attributes):
        names = [f"t_{len(self.nodes)}"] if count == 1 else [f"t_{len(self.nodes)}_{i}" for i in range(count)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"n_{len(self.nodes)}", **attributes))
        for name in names:
            self.shapes[name] = tuple(int(size) for size in shape)
        return names[0] if count == 1 else names

    def window(self, x, most):
        """Attributes of a window over the image, and the sizes behind it; None where it does not fit."""
        _, *sizes = self.shapes[x]
        kernel = [int(self.rng.integers(1, most + 1)) for _ in range(2)]
        strides = [int(self.rng.integers(1, 3)) for _ in range(2)]
        pads = [int(self.rng.integers(0, (size + 1) // 2)) for size in kernel] * 2
        if self.any(True, False):
            pads = [int(self.rng.integers(0, (size + 1) // 2)) for size in kernel * 2]
        out = [(size + pads[i] + pads[i + 2] - kernel[i]) // strides[i] + 1 for i, size in enumerate(sizes)]
        if min(out) < 1 or any(size + pads[i] + pads[i + 2] < kernel[i] for i, size in enumerate(sizes)):
            return None, None
        return {"kernel_shape": kernel, "strides": strides, "pads": pads}, out

    # Layers: each gives a new tensor, or None where it does not fit.

    def conv(self, x):
        channels = self.shapes[x][0]
        groups = self.any(1, 1, channels, *(n for n in (2, 4) if channels % n == 0))
        out = groups * int(self.rng.integers(1, max(2, 12 // groups)))
        window, sizes = self.window(x, 3)
        if window is None:
            return None
        if self.any(True, False, False):
            window["auto_pad"] = self.any("SAME_UPPER", "SAME_LOWER")
            del window["pads"]
            sizes = [-(-size // stride) for size, stride in zip(self.shapes[x][1:], window["strides"])]
        inner = channels // groups * int(numpy.prod(window["kernel_shape"]))
        inputs = [x, self.normal(out, channels // groups, *window["kernel_shape"], scale=(1.5 / inner) ** 0.5)]
        if self.any(True, False):
            inputs.append(self.normal(out, scale=0.2))
        return self.node("Conv", inputs, (out, *sizes), group=groups, **window)

    def conv_transpose(self, x):
        channels, height, width = self.shapes[x]
        out = int(self.rng.integers(1, 6))
        return self.node("ConvTranspose", [x, self.normal(channels, out, 2, 2, scale=(1 / channels) ** 0.5)],
                         (out, 2 * height, 2 * width), strides=[2, 2])

    def batch_norm(self, x):
        channels = self.shapes[x][0]
        parameters = [self.normal(channels, scale=0.2, offset=1), self.normal(channels, scale=0.2),
                      self.normal(channels, scale=0.2), self.value(0.5 + self.rng.random(channels))]
        return self.node("BatchNormalization", [x, *parameters], self.shapes[x])

    def instance_norm(self, x):
        channels = self.shapes[x][0]
        return self.node("InstanceNormalization", [x, self.normal(channels, offset=1), self.normal(channels)], self.shapes[x],
                         epsilon=1e-2)

    def group_norm(self, x):
        """As PyTorch's exporter writes it."""
        channels, height, width = self.shapes[x]
        groups = self.any(*(n for n in (1, 2, 4) if channels % n == 0))
        flat = self.node("Reshape", [x, self.integers(0, groups, -1)], (groups, channels // groups * height * width))
        normal = self.node("InstanceNormalization", [flat, self.value(numpy.ones(groups)), self.value(numpy.zeros(groups))],
                           self.shapes[flat], epsilon=1e-2)
        back = self.node("Reshape", [normal, self.node("Shape", [x], (4,))], self.shapes[x])
        scaled = self.node("Mul", [back, self.normal(channels, 1, 1, offset=1)], self.shapes[x])
        return self.node("Add", [scaled, self.normal(channels, 1, 1)], self.shapes[x])

    def function(self, x):
        return self.node(self.any(*FUNCTIONS), [x], self.shapes[x])

    def silu(self, x):
        return self.node("Mul", [x, self.node("Sigmoid", [x], self.shapes[x])], self.shapes[x])

    def clip(self, x):
        return self.node("Clip", [x, self.value(self.any(0, -1)), self.value(self.any(6, 1.5))], self.shapes[x])

    def prelu(self, x):
        return self.node("PRelu", [x, self.normal(self.any(1, self.shapes[x][0]), 1, 1, scale=0.3)], self.shapes[x])

    def pool(self, x):
        window, sizes = self.window(x, 3)
        if window is None:
            return None
        kind = self.any("MaxPool", "AveragePool")
        if kind == "AveragePool":
            window["count_include_pad"] = self.any(0, 1)
        return self.node(kind, [x], (self.shapes[x][0], *sizes), **window)

    def lrn(self, x):
        return self.node("LRN", [x], self.shapes[x], size=self.any(3, 5), alpha=0.1)

    def with_constant(self, x):
        channels, height, width = self.shapes[x]
        shape = self.any((channels, 1, 1), (), (1,), (channels, height, width), (1, channels, 1, 1), (width,), (height, 1))
        inputs = [x, self.normal(*shape, scale=0.5, offset=1)]
        if self.any(True, False):
            inputs.reverse()
        return self.node(self.any("Add", "Mul", "Sub"), inputs, self.shapes[x])

    def with_other(self, x):
        other = self.any(*(name for name, shape in self.shapes.items() if shape == self.shapes[x]))
        return self.node(self.any("Add", "Mul", "Sub", "Max", "Sum"), [x, other], self.shapes[x])

    def squeeze_and_excite(self, x):
        channels = self.shapes[x][0]
        if self.any(True, False):
            pooled = self.node("GlobalAveragePool", [x], (channels, 1, 1))
        else:
            pooled = self.node("ReduceMean", [x, self.integers(2, 3)], (channels, 1, 1), keepdims=1)
        small = self.node("Conv", [pooled, self.normal(channels, channels, 1, 1, scale=channels ** -0.5)], (channels, 1, 1))
        return self.node("Mul", [x, self.node(self.any("Sigmoid", "HardSigmoid"), [small], (channels, 1, 1))], self.shapes[x])

    def concat(self, x):
        axis = self.any(1, 1, 2, 3)
        own = self.shapes[x]
        others = [name for name, shape in self.shapes.items() if len(shape) == 3
                  and all(a == b for i, (a, b) in enumerate(zip(shape, own)) if i != axis - 1)]
        parts = [x, self.any(*others)]
        shape = list(own)
        shape[axis - 1] = sum(self.shapes[part][axis - 1] for part in parts)
        return self.node("Concat", parts, shape, axis=self.any(axis, axis - 4))

    def split(self, x):
        channels, *sizes = self.shapes[x]
        if channels % 2:
            return None
        halves = self.node("Split", [x], (channels // 2, *sizes), count=2, axis=1, num_outputs=2)
        return self.node(self.any("Mul", "Add"), halves, (channels // 2, *sizes))

    def slice(self, x):
        axis = self.any(1, 2, 3)
        shape = list(self.shapes[x])
        if shape[axis - 1] < 3:
            return None
        step = self.any(1, 1, 2)
        shape[axis - 1] = -(-(shape[axis - 1] - 1) // step)
        inputs = [self.integers(1), self.integers(2**31), self.integers(axis), self.integers(step)]
        return self.node("Slice", [x, *inputs], shape)

    def pad(self, x):
        channels, height, width = self.shapes[x]
        mode = self.any("constant", "reflect", "edge") if min(height, width) > 2 else "constant"
        inputs = [x, self.integers(0, 0, 1, 0, 0, 0, 2, 1)]
        if mode == "constant" and self.any(True, False):
            inputs.append(self.value(0.5))
        return self.node("Pad", inputs, (channels, height + 3, width + 1), mode=mode)

    def resize(self, x):
        channels, height, width = self.shapes[x]
        how = self.any({"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
                       {"mode": "linear"}, {"mode": "linear", "coordinate_transformation_mode": "align_corners"})
        return self.node("Resize", [x, "", self.value([1, 1, 2, 2])], (channels, 2 * height, 2 * width), **how)

    def depth_to_space(self, x):
        channels, height, width = self.shapes[x]
        if channels % 4:
            return None
        return self.node("DepthToSpace", [x], (channels // 4, 2 * height, 2 * width), blocksize=2, mode=self.any("DCR", "CRD"))

    def shuffle(self, x):
        channels, height, width = self.shapes[x]
        if channels % 2:
            return None
        five = self.node("Reshape", [x, self.integers(0, 2, channels // 2, height, width)], (2, channels // 2, height, width))
        turned = self.node("Transpose", [five], (channels // 2, 2, height, width), perm=[0, 2, 1, 3, 4])
        return self.node("Reshape", [turned, self.integers(0, channels, height, width)], self.shapes[x])

    def channels_last(self, x):
        """What ConvNeXt does in between: norm and product over the channels."""
        channels, height, width = self.shapes[x]
        out = int(self.rng.integers(1, 9))
        last = self.node("Transpose", [x], (height, width, channels), perm=[0, 2, 3, 1])
        if self.any(True, False):
            last = self.node("LayerNormalization", [last, self.normal(channels, offset=1), self.normal(channels)],
                             self.shapes[last], epsilon=1e-2)
        last = self.node("MatMul", [last, self.normal(channels, out, scale=channels ** -0.5)], (height, width, out))
        if self.any(True, False):
            last = self.node("Add", [last, self.normal(out)], self.shapes[last])
        return self.node("Transpose", [last], (out, height, width), perm=[0, 3, 1, 2])

    def turned(self, x):
        channels, height, width = self.shapes[x]
        return self.node("Transpose", [x], (channels, width, height), perm=[0, 1, 3, 2])

    def of_rows(self, x):
        """A product over the width, as of sequences."""
        channels, height, width = self.shapes[x]
        out = int(self.rng.integers(2, 9))
        return self.node("MatMul", [x, self.normal(width, out, scale=width ** -0.5)], (channels, height, out))

    def softmax(self, x):
        return self.node("Softmax", [x], self.shapes[x], axis=self.any(1, 2, 3, -1))

    LAYERS = (conv, conv, conv, conv_transpose, batch_norm, batch_norm, instance_norm, group_norm, function, function, silu, clip,
              prelu, pool, pool, lrn, with_constant, with_constant, with_other, with_other, squeeze_and_excite, concat, split,
              slice, pad, resize, depth_to_space, shuffle, channels_last, turned, of_rows, softmax)

    def output(self, x, index):
        channels, height, width = self.shapes[x]
        kind = self.any("as it is", "flat", "mean")
        if kind == "flat":
            flat = self.node("Flatten", [x], (channels * height * width,))
            x = self.node("Gemm", [flat, self.normal(7, channels * height * width, scale=(channels * height * width) ** -0.5),
                                   self.normal(7)], (7,), transB=1)
        if kind == "mean":
            x = self.node("ReduceMean", [x, self.integers(2, 3)], (channels,), keepdims=0)
        self.nodes.append(helper.make_node("Identity", [x], [f"out_{index}"]))
        return helper.make_tensor_value_info(f"out_{index}", TensorProto.FLOAT, ["batch", *self.shapes[x]])


def make(seed):
    network = Network(seed)
    rng = network.rng
    newest = "image"
    for _ in range(int(rng.integers(3, 14))):
        images = [name for name, shape in network.shapes.items() if len(shape) == 3 and not name.startswith("v")]
        x = newest if rng.random() < 0.75 else network.any(*images)
        layer = Network.LAYERS[int(rng.integers(len(Network.LAYERS)))]
        before = len(network.nodes)
        made = layer(network, x)
        if made is None:
            del network.nodes[before:]
        elif numpy.prod(network.shapes[made]) <= MOST_ELEMENTS:
            newest = made
    outputs = [network.output(newest, 0)]
    if rng.random() < 0.3:
        outputs.append(network.output(network.any(*(name for name, shape in network.shapes.items() if len(shape) == 3)), 1))
    graph = helper.make_graph(network.nodes, f"random_{seed}", network.inputs, outputs, network.initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", network.opset)], ir_version=8)
