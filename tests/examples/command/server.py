#!/usr/bin/env python3
"""A server of batchtune's command backend: prepared once for each batch, then asked for runs.

  batchtune tune mlp --backend command --time server --command 'python3 server.py'
Refuses batches above --largest as a device does that has no memory for them.
"""
import argparse
import json
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--largest", type=int, default=1 << 20)
largest = parser.parse_args().largest
programs = {}


def prepare(about):
    if about["batch"] > largest:
        return {"error": f"no memory for batch {about['batch']}", "status": "out_of_memory", "where": "device"}
    programs[about["program"]] = [0.5] * (64 * about["batch"])
    return {"ready": True}


def run(program, count):
    latencies = []
    for _ in range(count):
        start = time.perf_counter()
        sum(x * x for x in programs[program])
        latencies.append(time.perf_counter() - start)
    return {"latencies": latencies}


def answer(request):
    if "prepare" in request:
        return prepare(request["prepare"])
    if "run" in request:
        return run(request["program"], request["run"])
    if "memory" in request:
        return {"memory": None}
    if "release" in request:
        del programs[request["program"]]
        return {"released": True}
    sys.exit(0)  # quit


print(json.dumps({"batchtune": 1, "many": True}), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
