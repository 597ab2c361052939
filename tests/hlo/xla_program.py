"""A real XLA: jaxlib's CPU client compiles and runs a serialised HloModuleProto. For the checks beside it; no test of its own.
Whoever imports it without the packages ends with exit code 77."""
import re
import sys

try:
    import jax

    jax.config.update("jax_enable_x64", True)  # or arrays of f64 are made f32
    import ml_dtypes
    import numpy
    from jax._src import xla_bridge
    from jax._src.lib import xla_client
    from jaxlib import _jax
except ImportError as missing:
    print(f"SKIPPED: this Python has not what runs XLA programs, {missing} (pip install jax==0.10.2)")
    sys.exit(77)

ELEMENTS = {"f32": numpy.dtype("float32"), "bf16": numpy.dtype(ml_dtypes.bfloat16), "s32": numpy.dtype("int32"),
            "f16": numpy.dtype("float16"), "f64": numpy.dtype("float64"), "s8": numpy.dtype("int8"),
            "u8": numpy.dtype("uint8"), "s16": numpy.dtype("int16"), "u16": numpy.dtype("uint16"),
            "u32": numpy.dtype("uint32"), "pred": numpy.dtype("bool")}


def client():
    return xla_bridge.get_backend("cpu")


def clean_name(name):
    """As clean_name() of tuner/workload/hlo does it."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return name if re.match(r"[A-Za-z]", name) else "_" + name


def run(client, program, arguments):
    """Arrays of the program's results. Private names of jaxlib 0.10.2: other versions may have others."""
    module = _jax.mlir.hlo_to_stablehlo(program)
    devices = _jax.DeviceList(tuple(client.devices()[:1]))
    executable = client.compile_and_load(module, devices, xla_client.CompileOptions())
    arrays = executable.execute_sharded([jax.device_put(one) for one in arguments])
    return [numpy.asarray(shards[0]) for shards in arrays.disassemble_into_single_device_arrays()]
