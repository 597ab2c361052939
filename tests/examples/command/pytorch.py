#!/usr/bin/env python3
"""ResNet-50 of torchvision in PyTorch. UNTESTED here: needs torch and torchvision.

  batchtune tune resnet-50 --backend command --command 'python3 pytorch.py --batch {batch} --runs {n} --dtype {dtype}'
On a GPU add --limiter none: CUDA reserves address space that a limit would refuse.
"""
import argparse
import time

import torch
import torchvision

parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--runs", type=int, default=1)
parser.add_argument("--dtype", default="f32")
arguments = parser.parse_args()

device = "cuda" if torch.cuda.is_available() else "cpu"
dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[arguments.dtype]
model = torchvision.models.resnet50(weights=None).eval().to(device, dtype)
images = torch.randn(arguments.batch, 3, 224, 224, device=device, dtype=dtype)


def run():
    model(images)
    if device == "cuda":
        torch.cuda.synchronize()  # or only the launch is timed


with torch.inference_mode():
    for _ in range(3):
        run()
    for _ in range(arguments.runs):
        start = time.perf_counter()
        run()
        print(f"{time.perf_counter() - start:.9f}", flush=True)
