#!/usr/bin/env python3
"""Holds transformers as exporters write them (make_models.py) on the cpu backend against ONNX Runtime, at batches 1 and 3, and
what they became: the operations that are expected, and none of the nodes that these are made of. check_transformers.py
--run-onnx PROGRAM. Exit code 77: a package is missing."""
import argparse
import collections
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"SKIPPED: python3 has no package {missing.name} (pip install onnx onnxruntime numpy)")
    sys.exit(77)

import cpu_runner
import make_models

BATCHES = (1, 3)
# Of the largest magnitude of the output; both sum in f32, in different orders. README.md has what was seen.
TOLERANCE = {"f32": 1e-4, "bf16": 0.03}  # bf16 keeps 8 bits, and every tensor between is rounded to it
LAYERS = 2  # of the small models
# Of each layer of a transformer: queries, keys and values in one to three products, then three more.
PRODUCTS = {"gather": 4, "squeeze": 4, "split": 4, "no": 6}


def wanted_operations(name, form):
    """Those that must come out in these numbers."""
    if name == "mlp":
        return {"matmul": 4, "softmax": 1}
    is_node = form.attention != "parts"
    if name == "decoder":
        products = {"MaskedSoftmax": LAYERS, "RotaryEmbedding": 2 * LAYERS} if is_node else {"softmax": LAYERS, "Neg": 2 * LAYERS}
        return {"matmul": 7 * LAYERS + 1, "rms_norm": 2 * LAYERS + 1, "multiply": LAYERS,
                "batched_matmul": 2 * LAYERS, **products}
    return {
        "matmul": LAYERS * PRODUCTS[form.joined] + 1,
        "batched_matmul": 2 * LAYERS,
        "softmax": 0 if is_node and name == "bert" else LAYERS,
        "MaskedSoftmax": LAYERS if is_node and name == "bert" else 0,
        "Attention": 0,
        "layer_norm": 2 * LAYERS + 1,
        "slice": 3 * LAYERS if form.joined != "no" else 0,
        "transpose": 1 if name == "vit" else 0,  # of the image
        "conv2d": 1 if name == "vit" else 0,
        "activation": 0,  # GELU in both forms goes into the product before it, and so do the sums behind these
        "add": 0 if name == "vit" else 1,
    }


# What must be gone.
PARTS = ("Gelu", "Erf", "Pow", "ReduceMean", "Sqrt", "Reciprocal", "Div", "MatMul", "Transpose", "Softmax", "LayerNormalization",
         "Gemm", "Split", "Sigmoid")


def feeds_of(name, model, batch, rng):
    feeds = {}
    for info in model.graph.input:
        shape = [batch, *(size.dim_value for size in info.type.tensor_type.shape.dim[1:])]
        if info.type.tensor_type.elem_type == onnx.TensorProto.INT64:
            feeds[info.name] = rng.integers(0, 40 if info.name == "input_ids" else 2, shape)
        else:
            feeds[info.name] = rng.standard_normal(shape).astype(numpy.float32)
    return feeds


def largest_error(seen, right):
    if [one.shape for one in seen] != [one.shape for one in right]:
        raise SystemExit(f"wanted shapes {[one.shape for one in right]}, found {[one.shape for one in seen]}")
    return max(float(numpy.max(numpy.abs(a - b)) / numpy.max(numpy.abs(b))) for a, b in zip(seen, right))


def right_outputs(session, feeds, batch):
    """Sample by sample, since the batch of some models is fixed."""
    runs = [session.run(None, {name: value[i:i + 1] for name, value in feeds.items()}) for i in range(batch)]
    return [numpy.concatenate(outputs) for outputs in zip(*runs)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-onnx", required=True)
    parser.add_argument("--dtype", choices=TOLERANCE, default="f32")
    parser.add_argument("--operations", action="store_true", help="print what each model became")
    options = parser.parse_args()
    cases, right = [], {}
    for name in make_models.MODELS:
        for form in make_models.FORMS:
            model = make_models.make(name, form, small=True)
            session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            for batch in BATCHES:
                feeds = feeds_of(name, model, batch, numpy.random.default_rng(batch))
                case = cpu_runner.Case(f"{name}.{form}.{batch}", model, feeds, batch, dtype=options.dtype)
                cases.append(case)
                right[case.name] = right_outputs(session, feeds, batch)
    with tempfile.TemporaryDirectory() as folder:
        results = cpu_runner.run(options.run_onnx, cases, folder)
    wrong = []
    for case in cases:
        name, form, _ = case.name.split(".")
        result = results[case.name]
        if result.verdict != "ran":
            wrong.append(f"{case.name}: {result.verdict}: {result.reason}")
            continue
        error = largest_error([one.astype(numpy.float32) for one in result.outputs], right[case.name])
        print(f"{case.name:<26} {error:.1e}" + (f"  {dict(result.operations)}" if options.operations else ""))
        if not error <= TOLERANCE[options.dtype]:
            wrong.append(f"{case.name}: error {error:.2g} of the largest output")
        wanted = wanted_operations(name, make_models.FORMS[form])
        found = collections.Counter(result.operations)
        for kind, count in wanted.items():
            if found[kind] != count:
                wrong.append(f"{case.name}: {count} x {kind} wanted, {found[kind]} found")
        parts = [part for part in PARTS if (name, part) != ("decoder", "Transpose")]  # before the rotary embedding
        wrong += [f"{case.name}: {found[part]} x {part} left" for part in parts if found[part]]
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
