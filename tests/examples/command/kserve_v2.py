#!/usr/bin/env python3
"""Drives a running KServe-v2 endpoint (Triton, OpenVINO Model Server, TorchServe, MLServer) at a batch.

  batchtune tune resnet-50 --backend command --command \
    'python3 kserve_v2.py http://localhost:8000 resnet --shape 3,224,224 --batch {batch} --runs {n}'
A run is one request: sending, queueing and decoding included. Turn the server's own batching off. Standard library
alone; tested against a stand-in (tests/end_to_end/command_test.cpp), UNTESTED against servers.
"""
import argparse
import json
import math
import time
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("model")
parser.add_argument("--input", help="its name (default: the first that the server tells)")
parser.add_argument("--shape", required=True, help="of one sample: 3,224,224")
parser.add_argument("--datatype", default="FP32")
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--runs", type=int, default=1)
arguments = parser.parse_args()


def call(path, body=None):
    request = urllib.request.Request(arguments.url + path, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.read()
    except urllib.error.HTTPError as error:  # its text is what batchtune's rules are asked about
        raise SystemExit(f"HTTP status {error.code}: {error.read().decode(errors='replace')}")


model = "/v2/models/" + arguments.model
name = arguments.input or json.loads(call(model))["inputs"][0]["name"]
shape = [arguments.batch] + [int(size) for size in arguments.shape.split(",")]
tensor = {"name": name, "shape": shape, "datatype": arguments.datatype, "data": [0.5] * math.prod(shape)}
body = json.dumps({"inputs": [tensor]}).encode()  # once: writing it is not the server's time

for run in range(arguments.runs + 1):
    start = time.perf_counter()
    call(model + "/infer", body)
    if run > 0:  # the first one is a warm-up
        print(f"{time.perf_counter() - start:.9f}", flush=True)
