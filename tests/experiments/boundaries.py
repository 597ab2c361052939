#!/usr/bin/env python3
"""Probed memory boundaries against brute force: every batch around the answer tried alone under the same limit.

A batch is tried by `measure --batches N --boundary probed` with a database of its own, and what is read is the status of
the solo probe of exactly that batch under exactly that limit; a batch that was not probed is "not tried".

    boundaries.py --program build/bin/batchtune [--limiter account]

Prints a Markdown table; exit code 1 if a boundary that is called exact differs, or if there is no probed one.
"""
import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

CASES = [("shufflenet-v2", "64MiB"), ("resnet-50", "200MiB"), ("vgg-16", "620MiB"), ("bert-base", "500MiB"), ("bert-large", "1400MiB")]
AROUND = (-2, -1, 0, 1, 2)


def run(options, command, database, model, limit, *more):
    result = subprocess.run([options.program, command, model, "--memory-limit", limit, "--limiter", options.limiter, "--boundary", "probed",
                             "--db", database, "--format", "json", *more], capture_output=True, text=True, check=False)
    return json.loads(result.stdout)


def calibrated(folder):
    """A database with the machine's calibration and nothing else: each copy of it saves 15 s."""
    return os.path.join(folder, "calibrated.db")


def fits(options, folder, model, limit, batch):
    """Whether the batch's own solo probes ran under the limit; None: there was none."""
    database = os.path.join(folder, f"{model}-{batch}.db")  # of its own: what is remembered must not help
    shutil.copy(calibrated(folder), database)
    run(options, "measure", database, model, limit, "--batches", str(batch), "--budget", "1s")
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT status FROM probe WHERE batch = ? AND memory_limit = ?", (batch, in_bytes(limit))).fetchall()
    return all(status == "ok" for status, in rows) if rows else None


def in_bytes(limit):
    return int(limit.removesuffix("MiB")) << 20


def judge(options, folder, model, limit):
    """Prints the case's row; whether it is as it should be."""
    database = os.path.join(folder, f"{model}.db")
    shutil.copy(calibrated(folder), database)
    found = run(options, "tune", database, model, limit, "--budget", "4s", "--soak", "0s", "--instances", "1")
    boundary = found["boundaries"][0]
    largest, failing, exact = boundary["largest_fitting"], boundary["smallest_failing"], boundary.get("exact")
    edges = {edge for edge in (largest, None if failing is None else failing - 1) if edge is not None}
    tried = {}
    for batch in sorted({edge + step for edge in edges for step in AROUND if edge + step > 0}):
        tried[batch] = fits(options, folder, model, limit, batch)
    differs = [batch for batch, ran in tried.items() if ran is not None and largest is not None and failing is not None
               and (ran if batch >= failing else not ran if batch <= largest else False)]
    words = ", ".join(f"{batch} {'not tried' if ran is None else 'yes' if ran else 'no'}" for batch, ran in tried.items())
    print(f"| {model} | {limit} | {boundary['kind']} | {largest} | {failing} | {exact} | {boundary.get('kills')} |"
          f" {words}{' DIFFERS' if differs else ''} |", flush=True)
    return boundary["kind"] == "probed" and not (exact and differs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--limiter", default="account")
    parser.add_argument("--models", default=",".join(model for model, _ in CASES))
    options = parser.parse_args()
    print("| model | limit | kind | largest that fits | smallest that does not | exact | kills | brute force: fits |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.program, "calibrate", "--db", calibrated(folder)], capture_output=True, check=True)
        good = [judge(options, folder, model, limit) for model, limit in CASES if model in options.models.split(",")]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
