"""Random networks over rows (random_models.py has the images): products, norms, activations and attention in parts, in forms
that are recognised, in forms that nearly are, and with results that are read elsewhere as well. For check_random_models.py."""
import math

import numpy
from onnx import TensorProto, helper

import random_models

MOST_ELEMENTS = 20_000  # of a sample
MOST_RANK = 5  # with the batch


class Network(random_models.Network):
    """Shapes are of a sample; dimension i of a sample is dimension i + 1 of the tensor."""

    def __init__(self, seed, opset=17):
        self.rng = numpy.random.default_rng(seed)
        self.opset = opset
        self.nodes, self.initializers, self.shapes = [], [], {}
        self.rows, self.features = int(self.rng.integers(2, 8)), 4 * int(self.rng.integers(1, 5))
        shape = (self.rows, self.features)
        self.inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", *shape])]
        self.shapes["image"] = shape

    def shaped_like(self, shape):
        return self.any(*(name for name, one in self.shapes.items() if one == shape))

    def scalar(self, x):
        return self.value(x) if self.any(True, False) else self.value([x])

    def product(self, a, b, shape):
        """Of two factors in any order."""
        return self.node("Mul", [a, b] if self.any(True, False) else [b, a], shape)

    def linear(self, x):
        *rows, inner = self.shapes[x]
        out = self.any(inner, 4 * int(self.rng.integers(1, 5)))
        made = self.node("MatMul", [x, self.normal(inner, out, scale=inner ** -0.5)], (*rows, out))
        if self.any(True, True, False):
            inputs = [made, self.normal(*self.any((out,), (1, out)), scale=0.3)]
            made = self.node("Add", inputs if self.any(True, False) else inputs[::-1], (*rows, out))
        return made

    def gemm(self, x):
        *rows, inner = self.shapes[x]
        out = 4 * int(self.rng.integers(1, 5))
        turned = self.any(0, 1)
        flat = self.node("Reshape", [x, self.integers(-1, inner)], (inner,))
        del self.shapes[flat]
        inputs = [flat, self.normal(*((out, inner) if turned else (inner, out)), scale=inner ** -0.5)]
        if self.any(True, False):
            inputs.append(self.normal(out, scale=0.3))
        made = self.node("Gemm", inputs, (out,), transB=turned)
        del self.shapes[made]
        return self.node("Reshape", [made, self.integers(-1, *rows, out)], (*rows, out))

    def mean(self, x, axis):
        shape = list(self.shapes[x])
        shape[axis] = 1
        return self.node("ReduceMean", [x], shape, axes=[axis if axis < 0 else axis + 1], keepdims=1)

    def norm(self, x):
        """Layer norm or RMS norm, or what looks like one."""
        shape = self.shapes[x]
        axis = self.any(-1, -1, -1, 0)
        base = again = x
        if self.any(True, True, False):
            base = again = self.node("Sub", [x, self.mean(x, axis)], shape)
            if self.any(True, False):
                again = self.node("Sub", [x, self.mean(x, axis)], shape)
            elif self.rng.random() < 0.1:
                again = x
        squares = self.node("Pow", [base, self.scalar(2)], shape) if self.any(True, False) else self.product(base, base, shape)
        variance = self.mean(squares, axis)
        inner = self.node("Add", [variance, self.scalar(self.any(1e-2, 0.1))], self.shapes[variance])
        root = self.node("Sqrt", [inner], self.shapes[inner])
        if self.any(True, False):
            made = self.node("Div", [again, root], shape)
        else:
            inverse = (self.node("Reciprocal", [root], self.shapes[root]) if self.any(True, False)
                       else self.node("Div", [self.value(1), root], self.shapes[root]))
            made = self.product(again, inverse, shape)
        if self.any(True, True, False):
            made = self.product(made, self.normal(*self.any((shape[-1],), ()), scale=0.2, offset=1), shape)
        if self.any(True, False):
            made = self.node("Add", [made, self.normal(shape[-1], scale=0.3)], shape)
        return made

    def norm_node(self, x):
        shape = self.shapes[x]
        axis = self.any(-1, len(shape), 1)
        of = shape[axis if axis < 0 else axis - 1:]
        return self.node("LayerNormalization", [x, self.normal(*of, offset=1), self.normal(*of)], shape, axis=axis, epsilon=1e-2)

    def gelu(self, x):
        shape = self.shapes[x]
        half = self.any(0.5, 0.5, 0.5, 0.4)
        if self.any(True, False):
            root = self.scalar(math.sqrt(2))
            inner = self.node("Div", [x, root], shape) if self.any(True, False) else self.product(
                x, self.scalar(math.sqrt(0.5)), shape)
            inner = self.node("Erf", [inner], shape)
        else:
            cube = self.node("Pow", [x, self.value(3)], shape) if self.any(True, False) else self.product(
                x, self.product(x, x, shape), shape)
            cube = self.product(cube, self.scalar(self.any(0.044715, 0.044715, 0.1)), shape)
            inner = self.product(self.node("Add", [x, cube], shape), self.scalar(math.sqrt(2 / math.pi)), shape)
            inner = self.node("Tanh", [inner], shape)
        factors = [self.node("Add", [inner, self.scalar(1)], shape), x, self.scalar(half)]
        self.rng.shuffle(factors)
        return self.product(self.product(factors[0], factors[1], shape), factors[2], shape)

    def gate(self, x):
        shape = self.shapes[x]
        inner = self.product(x, self.scalar(1.702), shape) if self.any(True, False) else x
        return self.product(x, self.node("Sigmoid", [inner], shape), shape)

    def hard_swish(self, x):
        shape = self.shapes[x]
        clipped = self.node("Clip", [self.node("Add", [x, self.value(3)], shape), self.value(0), self.value(6)], shape)
        return self.node("Div", [self.product(x, clipped, shape), self.value(6)], shape)

    def heads(self, x):
        """[rows, heads * columns] as [heads, rows, columns]."""
        shape = self.shapes[x]
        if len(shape) != 2 or shape[1] % 4:
            return None
        count = self.any(2, 4)
        split = self.node("Reshape", [x, self.integers(0, shape[0], count, shape[1] // count)], (shape[0], count, shape[1] // count))
        return self.node("Transpose", [split], (count, shape[0], shape[1] // count), perm=[0, 2, 1, 3])

    def joined_heads(self, x):
        """Three parts of one product, and the product of the first two of them."""
        shape = self.shapes[x]
        if len(shape) != 2:
            return None
        rows, inner = shape
        count, columns = self.any(1, 2, 3), 4
        five = self.node("MatMul", [x, self.normal(inner, 3 * count * columns, scale=inner ** -0.5)], (rows, 3 * count * columns))
        five = self.node("Reshape", [five, self.integers(0, rows, 3, count, columns)], (rows, 3, count, columns))
        five = self.node("Transpose", [five], (count, rows, columns), perm=[2, 0, 3, 1, 4])
        del self.shapes[five]
        parts = [self.node("Gather", [five, self.value(self.any(i, i - 3), numpy.int64)], (count, rows, columns), axis=0)
                 for i in range(3)]
        turned = self.node("Transpose", [parts[1]], (count, columns, rows), perm=[0, 1, 3, 2])
        return self.node("MatMul", [parts[0], turned], (count, rows, rows))

    def multiply(self, x):
        """With another tensor, or with itself turned."""
        if len(self.shapes[x]) < 2:
            return None
        *heads, rows, inner = self.shapes[x]
        fitting = [name for name, one in self.shapes.items()
                   if len(one) == len(heads) + 2 and [*one[:-2]] == heads and one[-2] == inner]
        other = self.any(*fitting) if fitting and self.any(True, False) else None
        if other is None:
            axes = list(range(len(heads) + 3))
            other = self.node("Transpose", [x], (*heads, inner, rows), perm=[*axes[:-2], axes[-1], axes[-2]])
        if self.any(True, False):
            other = self.product(other, self.scalar(0.5), self.shapes[other])
        made = self.node("MatMul", [x, other], (*heads, rows, self.shapes[other][-1]))
        if self.any(True, False):
            made = self.node("Div", [made, self.scalar(math.sqrt(inner))], self.shapes[made])
        return made

    def put_together(self, x):
        """[heads, rows, columns] as [rows, heads * columns]."""
        shape = self.shapes[x]
        if len(shape) != 3:
            return None
        turned = self.node("Transpose", [x], (shape[1], shape[0], shape[2]), perm=[0, 2, 1, 3])
        if self.any(True, True, False):
            target = self.integers(0, shape[1], shape[0] * shape[2])
        else:
            sizes = self.node("Shape", [turned], (4,))
            del self.shapes[sizes]
            first = self.node("Slice", [sizes, self.integers(0), self.integers(2)], (2,))
            target = self.node("Concat", [first, self.integers(-1)], (3,), axis=0)
            del self.shapes[first], self.shapes[target]
        return self.node("Reshape", [turned, target], (shape[1], shape[0] * shape[2]))

    def softmax(self, x):
        shape = self.shapes[x]
        scaled = self.product(x, self.scalar(self.any(0.25, -2)), shape) if self.any(True, False) else x
        return self.node("Softmax", [scaled], shape, axis=self.any(-1, -1, len(shape), 1))

    def masked(self, x):
        """A constant mask, a computed one, or Where."""
        shape = self.shapes[x]
        size = shape[-1]
        kind = self.any("constant", "computed", "where") if len(shape) > 1 else "constant"
        if kind == "constant":
            mask = self.value(numpy.where(self.rng.random(size) < 0.3, -1e4, 0))
            scores = self.node("Add", [x, mask], shape)
            del self.shapes[scores]  # beside -10000 everything else is rounded away
            return self.node("Softmax", [scores], shape, axis=-1)
        small = self.node("ReduceMax", [x], (*([1] * (len(shape) - 1)), size), axes=list(range(1, len(shape))), keepdims=1)
        if kind == "computed":
            return self.node("Add", [x, small], shape)
        chosen = self.node("Greater", [x, self.scalar(0.2)], shape)
        del self.shapes[chosen]
        return self.node("Where", [chosen, x, small], shape)

    def transpose(self, x):
        shape = self.shapes[x]
        order = self.rng.permutation(len(shape))
        return self.node("Transpose", [x], [shape[i] for i in order], perm=[0, *(int(i) + 1 for i in order)])

    def round_trip(self, x):
        """The batch taken to another place and back."""
        shape = self.shapes[x]
        if len(shape) != 2:
            return None
        turned = self.node("Transpose", [x], shape, perm=[1, 0, 2])
        made = self.node(self.any("Relu", "Sigmoid", "Neg"), [turned], shape)
        del self.shapes[turned], self.shapes[made]
        return self.node("Transpose", [made], shape, perm=[1, 0, 2])

    def reduce(self, x):
        shape = self.shapes[x]
        axis = int(self.rng.integers(len(shape)))
        keep = self.any(0, 1) if len(shape) > 1 else 1
        left = [*shape[:axis], *([1] if keep else []), *shape[axis + 1:]]
        return self.node(self.any("ReduceMean", "ReduceMax", "ReduceL2", "ReduceLogSumExp"), [x], left, axes=[axis + 1], keepdims=keep)

    def spread(self, x):
        """Over another tensor."""
        shape = self.shapes[x]
        others = [name for name, one in self.shapes.items()
                  if len(one) == len(shape) and all(a == b or 1 in (a, b) for a, b in zip(one, shape))]
        other = self.any(*others)
        out = [max(a, b) for a, b in zip(shape, self.shapes[other])]
        return self.node(self.any("Add", "Mul", "Max", "Sub"), [x, other], out)

    def pick(self, x):
        shape = self.shapes[x]
        axis = int(self.rng.integers(len(shape)))
        index = int(self.rng.integers(shape[axis]))
        if len(shape) > 1 and self.any(True, False):
            return self.node("Gather", [x, self.value(index, numpy.int64)], [*shape[:axis], *shape[axis + 1:]], axis=axis + 1)
        return self.node("Gather", [x, self.integers(index, 0, -1)], [*shape[:axis], 3, *shape[axis + 1:]], axis=axis + 1)

    def cut(self, x):
        shape = list(self.shapes[x])
        axis = self.any(len(shape) - 1, int(self.rng.integers(len(shape))))
        if shape[axis] % 2:
            return None
        shape[axis] //= 2
        halves = self.node("Split", [x], shape, count=2, axis=axis + 1)
        return self.node("Concat", halves[::-1], self.shapes[x], axis=axis + 1) if self.any(True, False) else halves[1]

    def view(self, x):
        shape = self.shapes[x]
        axis = int(self.rng.integers(len(shape) + 1))
        if 1 in shape and self.any(True, False) and len(shape) > 1:
            axis = shape.index(1)
            return self.node("Squeeze", [x, self.integers(axis + 1)], [*shape[:axis], *shape[axis + 1:]])
        return self.node("Unsqueeze", [x, self.integers(axis + 1)], [*shape[:axis], 1, *shape[axis:]])

    def along(self, x):
        shape = self.shapes[x]
        axis = int(self.rng.integers(len(shape)))
        return self.node("CumSum", [x, self.value(axis + 1, numpy.int64)], shape, reverse=self.any(0, 1))

    LAYERS = (linear, linear, gemm, norm, norm, norm_node, gelu, gelu, gate, hard_swish, heads, heads, joined_heads, multiply,
              multiply, put_together, put_together, softmax, masked, transpose, round_trip, reduce, spread, spread, pick, cut, view,
              along)

    def output(self, x, index):
        self.nodes.append(helper.make_node("Identity", [x], [f"out_{index}"]))
        return helper.make_tensor_value_info(f"out_{index}", TensorProto.FLOAT, ["batch", *self.shapes[x]])


def make(seed):
    network = Network(seed)
    rng = network.rng
    newest = "image"
    for _ in range(int(rng.integers(3, 16))):
        x = newest if rng.random() < 0.75 else network.any(*network.shapes)
        layer = Network.LAYERS[int(rng.integers(len(Network.LAYERS)))]
        before = len(network.nodes)
        made = layer(network, x)
        if made is None:
            del network.nodes[before:]
        elif numpy.prod(network.shapes[made]) <= MOST_ELEMENTS and len(network.shapes[made]) < MOST_RANK:
            newest = made
    outputs = [network.output(newest, 0)]
    if rng.random() < 0.5:  # what a pattern would make disappear is an output as well
        outputs.append(network.output(network.any(*network.shapes), 1))
    graph = helper.make_graph(network.nodes, f"random_{seed}", network.inputs, outputs, network.initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", network.opset)], ir_version=8)
