#!/usr/bin/env python3
"""Models for tests and measurements, as exporters write them, with seeded weights:

    make_models.py vit|bert|decoder|mlp OUT.onnx [--form FORM] [--small] [--seed 7]

FORM says how exporters of an age write norms, activations, attention and shapes (FORMS). The batch is symbolic."""
import argparse
import dataclasses
import math
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclasses.dataclass(frozen=True)
class Form:
    opset: int = 17
    norm: str = "node"  # or "pow": one Sub; "two_subs": one for each use; "mul": squared by Mul, divided by Reciprocal
    gelu: str = "erf_div"  # "erf_mul", "erf_half", "tanh_pow", "tanh_mul", "node", "node_tanh"
    scale: str = "behind"  # of attention: "behind" the product, "before" it, "both": its root on both sides
    joined: str = "gather"  # queries, keys and values of one product: "gather", "squeeze", "split"; "no": three products
    computed_shapes: bool = True  # targets of Reshape by Shape and Concat, and roots of sizes as well; else constants
    fixed: bool = False  # the batch is 1 everywhere, as exported without dynamic axes
    gemm: bool = False  # products of rows: Reshape to two dimensions, Gemm, Reshape back
    attention: str = "parts"  # or one node: of "heads" that lie apart, or of "rows" as the products write them


FORMS = {
    "torchscript": Form(),
    "torchscript_old": Form(opset=12, norm="two_subs", gelu="erf_mul", scale="before", joined="no"),
    "sdpa": Form(opset=18, gelu="erf_half", scale="both", joined="squeeze"),
    "tanh": Form(opset=14, norm="pow", gelu="tanh_pow", joined="split", gemm=True),
    "tanh_mul": Form(opset=16, norm="mul", gelu="tanh_mul", scale="before", joined="no", computed_shapes=False),
    "fixed": Form(fixed=True, norm="pow", computed_shapes=False),
    "fixed_gemm": Form(fixed=True, opset=18, gelu="tanh_mul", joined="split", computed_shapes=False, gemm=True),
    "nodes": Form(opset=20, gelu="node", computed_shapes=False),
    "nodes_tanh": Form(opset=21, gelu="node_tanh", scale="both", joined="split"),
    "attention_heads": Form(opset=23, gelu="node", joined="no", computed_shapes=False, attention="heads"),
    "attention_rows": Form(opset=23, gelu="erf_half", joined="no", attention="rows"),
}


class Graph:
    def __init__(self, form, seed):
        self.form = form
        self.batch = 1 if form.fixed else "batch"
        self.rng = numpy.random.default_rng(seed)
        self.nodes, self.initializers, self.inputs, self.outputs = [], [], [], []

    def input(self, name, shape, elem_type=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, elem_type, [self.batch, *shape]))
        return name

    def output(self, name, wanted, shape, elem_type=TensorProto.FLOAT):
        self.nodes.append(helper.make_node("Identity", [name], [wanted], name=f"node_{len(self.nodes)}"))
        self.outputs.append(helper.make_tensor_value_info(wanted, elem_type, [self.batch, *shape]))

    def value(self, array, dtype=numpy.float32):
        name = f"value_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(numpy.asarray(array, dtype), name))
        return name

    def integers(self, *values):
        return self.value(values, numpy.int64)

    def weight(self, *shape, deviation=None):
        if deviation is None:  # outputs about as large as inputs
            deviation = 1 / math.sqrt(max(1, numpy.prod(shape[:-1]) if len(shape) < 3 else numpy.prod(shape[1:])))
        return self.value(self.rng.standard_normal(shape) * deviation)

    def node(self, op, inputs, count=1, **attributes):
        outputs = [f"t_{len(self.nodes)}"] if count == 1 else [f"t_{len(self.nodes)}_{i}" for i in range(count)]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=f"node_{len(self.nodes)}", **attributes))
        return outputs[0] if count == 1 else outputs

    # Operations whose parameters have moved between opsets.

    def mean(self, x):
        if self.form.opset < 18:
            return self.node("ReduceMean", [x], axes=[-1], keepdims=1)
        return self.node("ReduceMean", [x, self.integers(-1)], keepdims=1)

    def unsqueeze(self, x, *axes):
        if self.form.opset < 13:
            return self.node("Unsqueeze", [x], axes=axes)
        return self.node("Unsqueeze", [x, self.integers(*axes)])

    def squeeze(self, x, *axes):
        if self.form.opset < 13:
            return self.node("Squeeze", [x], axes=axes)
        return self.node("Squeeze", [x, self.integers(*axes)])

    def split(self, x, count, axis):
        if self.form.opset < 18:
            return self.node("Split", [x], count, axis=axis)
        return self.node("Split", [x], count, axis=axis, num_outputs=count)

    # What models are made of.

    def batch_of(self, x):
        return self.unsqueeze(self.node("Gather", [self.node("Shape", [x]), self.value(0, numpy.int64)], axis=0), 0)

    def reshape(self, x, *shape):
        """To [batch, *shape]."""
        if not self.form.computed_shapes:
            return self.node("Reshape", [x, self.integers(1 if self.form.fixed else 0, *shape)])
        parts = [self.batch_of(x), *(self.integers(size) for size in shape)]
        return self.node("Reshape", [x, self.node("Concat", parts, axis=0)])

    def expand(self, x, like):
        """expand(batch of `like`, -1, -1), where TorchScript's exporter looks for what is -1 in a run."""
        if self.form.fixed:
            return x
        batch = self.batch_of(like)
        target = self.node("Concat", [batch, self.integers(-1, -1)], axis=0)
        if not self.form.computed_shapes:
            return self.node("Expand", [x, self.node("Concat", [batch, self.integers(1, 1)], axis=0)])
        ones = self.node("ConstantOfShape", [self.integers(3)],
                         value=numpy_helper.from_array(numpy.array([1], numpy.int64), "one"))
        is_open = self.node("Equal", [target, self.node("Mul", [ones, self.value(-1, numpy.int64)])])
        return self.node("Expand", [x, self.node("Where", [is_open, ones, target])])

    def reshape_like(self, x, like, columns):
        """To the first two dimensions of `like`."""
        sizes = self.node("Slice", [self.node("Shape", [like]), self.integers(0), self.integers(2), self.integers(0)])
        return self.node("Reshape", [x, self.node("Concat", [sizes, self.integers(columns)], axis=0)])

    def linear(self, x, inner, columns, rows):
        if self.form.gemm:
            flat = self.node("Gemm", [self.node("Reshape", [x, self.integers(-1, inner)]), self.weight(inner, columns),
                                      self.weight(columns, deviation=0.2)])
            return self.reshape(flat, rows, columns) if self.form.fixed else self.reshape_like(flat, x, columns)
        return self.node("Add", [self.node("MatMul", [x, self.weight(inner, columns)]), self.weight(columns, deviation=0.2)])

    def norm(self, x, size):
        gain = self.value(1 + 0.2 * self.rng.standard_normal(size))
        bias = self.weight(size, deviation=0.2)
        if self.form.norm == "node":
            return self.node("LayerNormalization", [x, gain, bias], axis=-1, epsilon=1e-6)
        centred = again = self.node("Sub", [x, self.mean(x)])
        if self.form.norm == "two_subs":
            again = self.node("Sub", [x, self.mean(x)])
        squares = self.node("Mul", [centred, centred]) if self.form.norm == "mul" else self.node("Pow", [centred, self.value(2)])
        root = self.node("Sqrt", [self.node("Add", [self.mean(squares), self.value(1e-6)])])
        if self.form.norm == "mul":
            normal = self.node("Mul", [again, self.node("Reciprocal", [root])])
        else:
            normal = self.node("Div", [again, root])
        return self.node("Add", [self.node("Mul", [normal, gain]), bias])

    def gelu(self, x):
        form = self.form.gelu
        if form.startswith("node"):
            return self.node("Gelu", [x], approximate="tanh" if form == "node_tanh" else "none")
        if form.startswith("tanh"):
            if form == "tanh_pow":
                cube = self.node("Pow", [x, self.value(3)])
            else:
                cube = self.node("Mul", [self.node("Mul", [x, x]), x])
            inner = self.node("Add", [x, self.node("Mul", [cube, self.value(0.044715)])])
            inner = self.node("Mul", [inner, self.value(math.sqrt(2 / math.pi))])
            one = self.node("Add", [self.node("Tanh", [inner]), self.value(1)])
            if form == "tanh_pow":
                return self.node("Mul", [self.node("Mul", [self.value(0.5), x]), one])
            return self.node("Mul", [x, self.node("Mul", [one, self.value(0.5)])])
        if form == "erf_div":
            inner = self.node("Div", [x, self.value(math.sqrt(2))])
        else:
            inner = self.node("Mul", [self.value(math.sqrt(0.5)), x])
        one = self.node("Add", [self.node("Erf", [inner]), self.value(1)])
        if form == "erf_half":
            return self.node("Mul", [self.node("Mul", [x, self.value(0.5)]), one])
        if form == "erf_mul":
            return self.node("Mul", [x, self.node("Mul", [self.value(0.5), one])])
        return self.node("Mul", [self.node("Mul", [x, one]), self.value(0.5)])

    def heads(self, x, rows, features, heads):
        """Queries, keys (turned, for the product) and values, [batch, heads, rows, columns] each."""
        columns = features // heads
        if self.form.joined in ("gather", "squeeze"):
            five = self.reshape(self.linear(x, features, 3 * features, rows), rows, 3, heads, columns)
            five = self.node("Transpose", [five], perm=[2, 0, 3, 1, 4])
            if self.form.joined == "gather":
                q, k, v = (self.node("Gather", [five, self.value(i, numpy.int64)], axis=0) for i in range(3))
            else:
                q, k, v = (self.squeeze(part, 0) for part in self.split(five, 3, 0))
            return q, self.node("Transpose", [k], perm=[0, 1, 3, 2]), v
        if self.form.joined == "split":
            parts = self.split(self.linear(x, features, 3 * features, rows), 3, 2)
        else:
            parts = [self.linear(x, features, features, rows) for _ in range(3)]
        parts = [self.reshape(part, rows, heads, columns) for part in parts]
        perms = [0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]
        return [self.node("Transpose", [part], perm=perm) for part, perm in zip(parts, perms)]

    def root_of_scale(self, q, root):
        """Of 1 / sqrt(columns of a head), which scaled_dot_product_attention puts on both operands."""
        if not self.form.computed_shapes:
            return self.value(1 / math.sqrt(root))
        columns = self.node("Slice", [self.node("Shape", [q]), self.integers(-1), self.integers(2**63 - 1)])
        share = self.node("Div", [self.value(1), self.node("Sqrt", [self.node("Cast", [columns], to=TensorProto.FLOAT)])])
        return self.node("Sqrt", [share])

    def attention_node(self, x, rows, features, heads, mask):
        parts = [self.linear(x, features, features, rows) for _ in range(3)]
        inputs = [] if mask is None else [mask]
        if self.form.attention == "rows":
            return self.node("Attention", [*parts, *inputs], q_num_heads=heads, kv_num_heads=heads)
        parts = [self.reshape(part, rows, heads, features // heads) for part in parts]
        parts = [self.node("Transpose", [part], perm=[0, 2, 1, 3]) for part in parts]
        mixed = self.node("Transpose", [self.node("Attention", [*parts, *inputs])], perm=[0, 2, 1, 3])
        return self.reshape(mixed, rows, features)

    def attention(self, x, rows, features, heads, mask=None):
        if self.form.attention != "parts":
            return self.linear(self.attention_node(x, rows, features, heads, mask), features, features, rows)
        q, k, v = self.heads(x, rows, features, heads)
        root = math.sqrt(features // heads)
        if self.form.scale == "before":
            q = self.node("Mul", [q, self.value(1 / root)])
        if self.form.scale == "both":
            share = self.root_of_scale(q, root)
            q, k = (self.node("Mul", [part, share]) for part in (q, k))
        scores = self.node("MatMul", [q, k])
        if self.form.scale == "behind":
            scores = self.node("Div", [scores, self.value(root)])
        if mask:
            scores = self.node("Add", [scores, mask])
        shares = self.node("Softmax", [scores], axis=3 if self.form.opset < 13 else -1)
        mixed = self.node("Transpose", [self.node("MatMul", [shares, v])], perm=[0, 2, 1, 3])
        return self.linear(self.reshape(mixed, rows, features), features, features, rows)

    def feed_forward(self, x, features, hidden, rows):
        return self.linear(self.gelu(self.linear(x, features, hidden, rows)), hidden, features, rows)

    def model(self):
        graph = helper.make_graph(self.nodes, "model", self.inputs, self.outputs, self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.form.opset)], ir_version=8,
                                 producer_name="batchtune tests")


@dataclasses.dataclass(frozen=True)
class Size:
    layers: int
    features: int
    heads: int
    rows: int  # pixels of a side; tokens
    patch: int = 16
    classes: int = 1000
    vocabulary: int = 8192


def vit(form, small, seed):
    """A vision transformer: ViT-Tiny/16 at 224 pixels (5.7 M parameters), or a small one."""
    size = Size(2, 48, 3, 32, 8, 10) if small else Size(12, 192, 3, 224)
    graph = Graph(form, seed)
    image = graph.input("image", [3, size.rows, size.rows])
    patches = (size.rows // size.patch) ** 2
    x = graph.node("Conv", [image, graph.weight(size.features, 3, size.patch, size.patch), graph.weight(size.features)],
                   kernel_shape=[size.patch] * 2, strides=[size.patch] * 2)
    x = graph.node("Transpose", [graph.reshape(x, size.features, patches)], perm=[0, 2, 1])
    first = graph.weight(1, 1, size.features, deviation=0.5)
    x = graph.node("Concat", [graph.expand(first, x), x], axis=1)
    x = graph.node("Add", [x, graph.weight(1, patches + 1, size.features, deviation=0.5)])
    for _ in range(size.layers):
        x = graph.node("Add", [x, graph.attention(graph.norm(x, size.features), patches + 1, size.features, size.heads)])
        x = graph.node("Add", [x, graph.feed_forward(graph.norm(x, size.features), size.features, 4 * size.features, patches + 1)])
    x = graph.node("Gather", [graph.norm(x, size.features), graph.value(0, numpy.int64)], axis=1)
    x = graph.node("Gemm", [x, graph.weight(size.classes, size.features), graph.weight(size.classes)], transB=1)
    graph.output(x, "scores", [size.classes])
    return graph.model()


def bert(form, small, seed):
    """An encoder of text with a mask: six layers of 384 features and 128 tokens, or a small one."""
    size = Size(2, 32, 4, 12, vocabulary=40) if small else Size(6, 384, 12, 128)
    graph = Graph(form, seed)
    ids, kinds, mask = (graph.input(name, [size.rows], TensorProto.INT64)
                        for name in ("input_ids", "token_type_ids", "attention_mask"))
    x = graph.node("Gather", [graph.weight(size.vocabulary, size.features, deviation=1), ids], axis=0)
    x = graph.node("Add", [x, graph.node("Gather", [graph.weight(2, size.features, deviation=1), kinds], axis=0)])
    x = graph.node("Add", [x, graph.weight(1, size.rows, size.features, deviation=1)])
    if form.attention == "heads":  # true where it is seen
        mask = graph.node("Cast", [graph.unsqueeze(mask, 1, 2)], to=TensorProto.BOOL)
    else:
        mask = graph.node("Cast", [graph.unsqueeze(mask, 1, 2)], to=TensorProto.FLOAT)
        mask = graph.node("Mul", [graph.node("Sub", [graph.value(1), mask]), graph.value(-10000)])
    if form.attention != "parts":  # ONNX Runtime's Attention spreads a mask over batch and heads alone
        mask = graph.node("Expand", [mask, graph.integers(1, 1, size.rows, 1)])
    x = graph.norm(x, size.features)
    for _ in range(size.layers):
        mixed = graph.attention(x, size.rows, size.features, size.heads, mask)
        x = graph.norm(graph.node("Add", [mixed, x]), size.features)
        x = graph.norm(graph.node("Add", [graph.feed_forward(x, size.features, 4 * size.features, size.rows), x]), size.features)
    graph.output(x, "hidden", [size.rows, size.features])
    first = graph.node("Gather", [x, graph.value(0, numpy.int64)], axis=1)
    pooled = graph.node("Gemm", [first, graph.weight(size.features, size.features), graph.weight(size.features)], transB=1)
    graph.output(graph.node("Tanh", [pooled]), "pooled", [size.features])
    return graph.model()


def rms_norm(graph, x, size):
    mean = graph.mean(graph.node("Pow", [x, graph.value(2)]))
    root = graph.node("Sqrt", [graph.node("Add", [mean, graph.value(1e-5)])])
    if graph.form.norm == "mul":
        inverse = graph.node("Reciprocal", [root])
    else:
        inverse = graph.node("Div", [graph.value(1), root])
    return graph.node("Mul", [graph.value(1 + 0.2 * graph.rng.standard_normal(size)), graph.node("Mul", [x, inverse])])


def rotated(graph, x, ids, rows, columns):
    """Rotary embedding of [batch, heads, rows, columns]."""
    half = columns // 2
    angles = numpy.outer(numpy.arange(rows), 1 / 10000 ** (numpy.arange(half) / half))
    if graph.form.attention != "parts":
        target = graph.node("Concat", [graph.batch_of(ids), graph.integers(rows)], axis=0)
        places = graph.node("Expand", [graph.value([numpy.arange(rows)], numpy.int64), target])
        return graph.node("RotaryEmbedding", [x, graph.value(numpy.cos(angles)), graph.value(numpy.sin(angles)), places])
    angles = numpy.concatenate([angles, angles], axis=1)
    ends = [graph.integers(value) for value in (0, half, 2**63 - 1)]
    low = graph.node("Slice", [x, ends[0], ends[1], graph.integers(3), graph.integers(1)])
    high = graph.node("Slice", [x, ends[1], ends[2], graph.integers(3), graph.integers(1)])
    turned = graph.node("Concat", [graph.node("Neg", [high]), low], axis=-1)
    return graph.node("Add", [graph.node("Mul", [x, graph.value(numpy.cos(angles))]),
                              graph.node("Mul", [turned, graph.value(numpy.sin(angles))])])


def decoder(form, small, seed):
    """A decoder as language models are today: RMS norm, rotary embedding, two queries for each key, a causal mask, gated SiLU."""
    size = Size(2, 32, 4, 10, vocabulary=40) if small else Size(6, 384, 12, 128)
    graph = Graph(form, seed)
    columns, keys = size.features // size.heads, size.heads // 2
    ids = graph.input("input_ids", [size.rows], TensorProto.INT64)
    x = graph.node("Gather", [graph.weight(size.vocabulary, size.features, deviation=1), ids], axis=0)
    mask = graph.value(numpy.triu(numpy.full((1, 1, size.rows, size.rows), -1e9), 1))

    def heads(x, count):
        part = graph.node("MatMul", [x, graph.weight(size.features, count * columns)])
        return graph.node("Transpose", [graph.reshape(part, size.rows, count, columns)], perm=[0, 2, 1, 3])

    def repeated(x):
        wide = graph.unsqueeze(x, 2)
        wide = graph.node("Expand", [wide, graph.integers(1, 1, 2, 1, 1)])
        return graph.reshape(wide, size.heads, size.rows, columns)

    def attention(x):
        q, k, v = heads(x, size.heads), heads(x, keys), heads(x, keys)
        q, k = rotated(graph, q, ids, size.rows, columns), rotated(graph, k, ids, size.rows, columns)
        if form.attention != "parts":
            mixed = graph.node("Transpose", [graph.node("Attention", [q, k, v], is_causal=1)], perm=[0, 2, 1, 3])
            return graph.node("MatMul", [graph.reshape(mixed, size.rows, size.features),
                                         graph.weight(size.features, size.features)])
        k, v = repeated(k), repeated(v)
        scores = graph.node("MatMul", [q, graph.node("Transpose", [k], perm=[0, 1, 3, 2])])
        scores = graph.node("Mul", [scores, graph.value(1 / math.sqrt(columns))])
        shares = graph.node("Softmax", [graph.node("Add", [scores, mask])], axis=3)
        mixed = graph.node("Transpose", [graph.node("MatMul", [shares, v])], perm=[0, 2, 1, 3])
        return graph.node("MatMul", [graph.reshape(mixed, size.rows, size.features),
                                     graph.weight(size.features, size.features)])

    def feed_forward(x):
        gate, up = (graph.node("MatMul", [x, graph.weight(size.features, 3 * size.features)]) for _ in range(2))
        gated = graph.node("Mul", [graph.node("Mul", [gate, graph.node("Sigmoid", [gate])]), up])
        return graph.node("MatMul", [gated, graph.weight(3 * size.features, size.features)])

    for _ in range(size.layers):
        x = graph.node("Add", [x, attention(rms_norm(graph, x, size.features))])
        x = graph.node("Add", [x, feed_forward(rms_norm(graph, x, size.features))])
    x = rms_norm(graph, x, size.features)
    graph.output(graph.node("MatMul", [x, graph.weight(size.features, size.vocabulary)]), "scores", [size.rows, size.vocabulary])
    return graph.model()


def mlp(form, small, seed):
    """Three hidden layers, of 1024 or 32 features."""
    graph = Graph(form, seed)
    features = [16, 32, 32, 32, 10] if small else [784, 1024, 1024, 1024, 10]
    x = graph.input("values", [features[0]])
    for inner, columns in zip(features, features[1:]):
        x = graph.node("Gemm", [x, graph.weight(columns, inner), graph.weight(columns)], transB=1)
        if columns != features[-1]:
            x = graph.node("Relu", [x])
    graph.output(graph.node("Softmax", [x], axis=1), "shares", [features[-1]])
    return graph.model()


MODELS = {"vit": vit, "bert": bert, "decoder": decoder, "mlp": mlp}


def make(name, form="torchscript", small=False, seed=7):
    return MODELS[name](FORMS[form], small, seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("out")
    parser.add_argument("--form", choices=FORMS, default="torchscript")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    model = make(options.model, options.form, options.small, options.seed)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, options.out)
    print(f"{options.out}: {len(model.graph.node)} nodes, opset {model.opset_import[0].version}", file=sys.stderr)


if __name__ == "__main__":
    main()
