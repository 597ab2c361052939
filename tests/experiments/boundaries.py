#!/usr/bin/env python3
"""Probed memory boundaries against brute force: every batch around the answer tried alone under the same limit.

    boundaries.py --program build/bin/batchtune [--limiter account]

Prints a Markdown table; exit code 1 if a boundary that is called exact differs.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

CASES = [("shufflenet-v2", "64MiB"), ("resnet-50", "200MiB"), ("vgg-16", "620MiB"), ("bert-base", "500MiB"), ("bert-large", "1400MiB")]
AROUND = (-2, -1, 0, 1, 2)


def tune(options, database, model, limit, *more):
    result = subprocess.run([options.program, "tune", model, "--memory-limit", limit, "--limiter", options.limiter, "--soak", "0s",
                             "--db", database, "--format", "json", *more], capture_output=True, text=True, check=False)
    return json.loads(result.stdout)


def fits(options, database, model, limit, batch):
    """Whether this batch alone ran under the limit, by its own solo probe."""
    found = tune(options, database, model, limit, "--batches", str(batch), "--budget", "1s")
    boundary = found["boundaries"][0]
    failing = boundary["smallest_failing"]
    return not (failing is not None and failing <= batch)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--limiter", default="account")
    options = parser.parse_args()
    wrong = 0
    print("| model | limit | largest that fits | smallest that does not | exact | kills | brute force: fits |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for model, limit in CASES:
            boundary = tune(options, os.path.join(folder, "tune.db"), model, limit, "--budget", "4s")["boundaries"][0]
            largest, failing = boundary["largest_fitting"], boundary["smallest_failing"]
            tried = {}
            for batch in sorted({edge + step for edge in (largest, failing - 1) for step in AROUND if edge + step > 0}):
                # A database of its own for each: what is remembered must not help.
                tried[batch] = fits(options, os.path.join(folder, f"{model}-{batch}.db"), model, limit, batch)
            agrees = all(ran == (batch <= largest) for batch, ran in tried.items() if batch <= largest or batch >= failing)
            wrong += boundary.get("exact", True) and not agrees
            words = ", ".join(f"{batch} {'yes' if ran else 'no'}" for batch, ran in tried.items())
            print(f"| {model} | {limit} | {largest} | {failing} | {boundary.get('exact')} | {boundary.get('kills')} | {words}{'' if agrees else ' DIFFERS'} |",
                  flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
