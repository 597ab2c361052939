#!/usr/bin/env python3
"""A compiled JAX function as a server, so that each batch is compiled once.

Needs jax; no test runs it (tried by hand with 0.10.2 on a CPU).

  batchtune tune mlp --backend command --time server --command 'python3 jax_server.py'
"""
import json
import sys
import time

import jax
import jax.numpy as jnp

weights = [jax.random.normal(jax.random.PRNGKey(i), (1024, 1024)) for i in range(4)]


@jax.jit
def model(x):
    for w in weights:
        x = jax.nn.relu(x @ w)
    return x


def run(inputs):
    start = time.perf_counter()
    model(inputs).block_until_ready()
    return time.perf_counter() - start


def answer(request, inputs):
    if "prepare" in request:
        inputs[request["prepare"]["program"]] = x = jnp.ones((request["prepare"]["batch"], 1024))
        run(x)  # compiles
        return {"ready": True}
    if "run" in request:
        return {"latencies": [run(inputs[request["program"]]) for _ in range(request["run"])]}
    if "memory" in request:
        stats = jax.local_devices()[0].memory_stats() or {}
        return {"memory": stats.get("peak_bytes_in_use")}
    if "release" in request:
        del inputs[request["program"]]
        return {"released": True}
    sys.exit(0)


held = {}
print(json.dumps({"batchtune": 1, "many": True}), flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line), held)), flush=True)
    except Exception as error:  # RESOURCE_EXHAUSTED is known to batchtune
        print(json.dumps({"error": str(error)}), flush=True)
