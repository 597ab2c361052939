#!/usr/bin/env python3
"""What the batch that `batchtune tune --objective throughput` recommends loses against an exhaustive sweep of the same runtime.

    runtime_choice.py --program build/bin/batchtune MODEL.onnx... [--settings onnxruntime:f32,openvino:f32,openvino:bf16]

The sweep is this script's own: the runtime's Python package, no code of batchtune's. Every batch of a list is visited in
rounds of random order (so that all share each disturbance), its rate is held against the others' of the round, and the
median of these ratios decides; the best ones are made anew for each of their last rounds. Then the recommended batch and
the sweep's best duel: pairs A B B A of sessions made anew, until the ratio of their rates is known to 1 %. Both sides take the same settings: so many threads, one instance, everything else as the
runtime has it. MODEL.onnx must take any batch (batchtune export makes such a file). A row for each model and setting,
then the median and the worst. Needs numpy and the runtimes' Python packages.
"""
import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import runtime_latency

BATCHES = [*range(1, 17), 18, 20, 22, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096]
LONGEST_RUN = 0.5  # seconds: batches from the first on that takes so long are not swept
VISIT = 0.06  # seconds of timed runs
STILL = 0.03  # seconds before each visit
ROUNDS = 6  # of all batches; then those within 6 % of the best go on
FINAL_ROUNDS = 10
DUEL_SESSIONS = (8, 40)  # of each batch: at least, at most
DUEL_PAIRS = 2  # A B B A in each
WANTED = 0.01  # half of the duel's interval


def maker(runtime, dtype):
    if runtime == "onnxruntime":
        return runtime_latency.onnxruntime_run
    return lambda path, batch, threads: runtime_latency.openvino_run(path, batch, threads, precision=dtype)


def visit(run, seconds=VISIT, least=2):
    """Median seconds of a run, after one that does not count. The threads of the session that ran before spin for 24 ms
    (ONNX Runtime): they would take the CPUs from this one."""
    time.sleep(STILL)
    run()
    times, start = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        run()
        times.append(time.perf_counter() - before)
    return statistics.median(times)


def sweep(make, path, threads, seed):
    """{batch: rate relative to the best}, from rounds in random order."""
    runs = {}
    for batch in BATCHES:
        run = make(path, batch, threads)
        run()
        start = time.perf_counter()
        run()
        if time.perf_counter() - start > LONGEST_RUN:
            break
        runs[batch] = run
    order = random.Random(seed)
    logs = {batch: [] for batch in runs}
    for _ in range(ROUNDS):
        add_round(logs, {batch: visit(run) for batch, run in shuffled(runs, order)})
    level = {batch: statistics.median(values) for batch, values in logs.items()}
    contenders = [batch for batch in runs if level[batch] > max(level.values()) - 0.06]
    # How fast a session is depends on where its memory happens to lie, by 1 to 4 %: the best of many sessions is mostly
    # the luckiest. So those that are left are made anew for every further round.
    runs.clear()
    final = {batch: [] for batch in contenders}
    for _ in range(FINAL_ROUNDS):
        add_round(final, {batch: visit(made(make, path, batch, threads)) for batch, _ in shuffled(final, order)})
    level = {batch: statistics.median(values) for batch, values in final.items()}
    best = max(level, key=level.get)
    return {batch: math.exp(value - level[best]) for batch, value in level.items()}


def shuffled(runs, order):
    items = list(runs.items())
    order.shuffle(items)
    return items


def made(make, path, batch, threads):
    run = make(path, batch, threads)
    run()
    return run


def add_round(logs, seconds):
    """Log rates of a round, without what the whole round has in common."""
    seen = {batch: math.log(batch / value) for batch, value in seconds.items()}
    common = statistics.median(seen.values())
    for batch, value in seen.items():
        logs[batch].append(value - common)


def duel(make, path, threads, a, b):
    """Rate of a over rate of b, and half of its 95 % interval, both in logs: of sessions made anew, since the luck of one
    is in all its runs."""
    ratios = []
    while len(ratios) < DUEL_SESSIONS[1]:
        runs = {batch: made(make, path, batch, threads) for batch in (a, b)}
        pairs = []
        for _ in range(DUEL_PAIRS):
            times = [visit(runs[batch]) for batch in (a, b, b, a)]
            pairs.append(math.log(a / times[0]) - math.log(b / times[1]))
            pairs.append(math.log(a / times[3]) - math.log(b / times[2]))
        ratios.append(statistics.median(pairs))
        if len(ratios) >= DUEL_SESSIONS[0]:
            half = 1.25 * 1.96 * spread(ratios) / math.sqrt(len(ratios))  # of a median
            if half < WANTED:
                break
    return statistics.median(ratios), half


def spread(values):
    middle = statistics.median(values)
    return 1.4826 * statistics.median(abs(value - middle) for value in values)


def tuned(options, path, runtime, dtype, db):
    command = [options.program, "tune", path, "--backend", runtime, "--dtype", dtype, "--objective", "throughput",
               "--threads", str(options.threads), "--instances", "1", "--boundary", "none", "--soak", "0s", "--budget", options.budget,
               "--strategy", options.strategy, "--max-batches", str(options.max_batches), "--seed", str(options.seed), "--db", db, "--format", "json"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        result = json.loads(done.stdout)
        batch = result["verdicts"][0]["batch"]
        distinct = sum(1 for trial in result["trials"] if trial["visits"])
        return {"batch": batch, "distinct": distinct, "seconds": time.perf_counter() - start, "ended": result["session"]["ended"]}
    except (ValueError, KeyError, IndexError, TypeError):
        sys.exit(f"no recommendation from: {' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--program", required=True)
    parser.add_argument("--settings", default="onnxruntime:f32,openvino:f32,openvino:bf16")
    parser.add_argument("--strategy", default="doubling")
    parser.add_argument("--max-batches", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    losses = []
    print("| model | runtime | recommended | batches tried | wall s | sweep's best | others within 2 % | lost % | +- % |\n|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        db = os.path.join(folder, "choice.db")
        for path in options.models:
            for setting in options.settings.split(","):
                runtime, dtype = setting.split(":")
                answer = tuned(options, path, runtime, dtype, db)
                make = maker(runtime, dtype)
                relative = sweep(make, path, options.threads, options.seed)
                best = max(relative, key=relative.get)
                near = [batch for batch, value in sorted(relative.items()) if value > 0.98 and batch != best]
                log, half = 0.0, 0.0
                if answer["batch"] != best:
                    log, half = duel(make, path, options.threads, answer["batch"], best)
                lost = 100 * (1 - math.exp(log))
                losses.append(max(lost, 0.0))
                print(f"| {os.path.basename(path)} | {setting} | {answer['batch']} | {answer['distinct']} | {answer['seconds']:.0f} | {best} "
                      f"| {' '.join(map(str, near)) or '-'} | {lost:.1f} | {100 * half:.1f} |", flush=True)
    print(f"\nlost: median {statistics.median(losses):.1f} %, worst {max(losses):.1f} % of {len(losses)}; {options.strategy}, "
          f"{options.threads} threads, --budget {options.budget}")


if __name__ == "__main__":
    main()
