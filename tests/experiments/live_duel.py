#!/usr/bin/env python3
"""What the batch that `batchtune tune` recommends on this machine's CPU loses against the best of a long sweep.

    live_duel.py --program build/bin/batchtune [--models mlp,shufflenet-v2,squeezenet] [--strategies doubling,adaptive] [--runs 3] [--budget 60s]

For each model one long sweep (`measure` of every batch of a list, then the best ones again in sessions of their own, since
how fast a program is depends on where its memory lies). Then `tune --objective throughput` with seeds 1, 2, ..., and a duel
of each recommended batch against the sweep's best: sessions of both, in paired rounds, until the mean ratio of their rates is
known to 1 %. All with two threads, one instance, no limits and no soak. A row for each run, then the median and the worst of
each strategy.
"""
import argparse
import json
import math
import statistics
import subprocess
import sys
import time

BATCHES = [*range(1, 17), 18, 20, 22, 24, 28, 32, 36, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512, 768, 1024]
COMMON = ["--backend", "cpu", "--dtype", "f32", "--instances", "1", "--boundary", "none", "--format", "json"]
NEAR = 0.03  # what the sweep finds within so much of its best is looked at again, ...
FEW = 6  # ... so many at most, ...
SESSIONS = 8  # ... in so many sessions
DUEL = (6, 30)  # sessions: at least, at most
WANTED = 0.01  # half of the duel's interval


def answer(options, command, model, *more):
    line = [options.program, command, model, *COMMON, "--threads", str(options.threads), "--db", options.db, *more]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    try:
        result = json.loads(done.stdout)
        if "trials" in result:
            return result
    except ValueError:
        pass
    sys.exit(f"no answer from: {' '.join(line)}\n{done.stderr[-2000:]}")


def rates(options, model, batches, budget, *more):
    """{batch: samples/s} of one session."""
    result = answer(options, "measure", model, "--batches", ",".join(map(str, batches)), "--budget", budget, *more)
    seen = {t["candidate"]["batch"]: (t.get("throughput") or {}).get("undisturbed") for t in result["trials"]}
    return {batch: rate for batch, rate in seen.items() if rate}


def best_of_sweep(options, model):
    first = rates(options, model, options.batches, options.sweep)
    top = max(first.values())
    near = sorted((b for b in first if first[b] > (1 - NEAR) * top), key=first.get)[-FEW:]
    logs = {batch: [] for batch in near}
    for _ in range(SESSIONS):
        for batch, rate in rates(options, model, sorted(near), "8s").items():
            logs[batch].append(math.log(rate))
    level = {batch: statistics.mean(values) for batch, values in logs.items() if values}
    return max(level, key=level.get), sorted(near)


def duel(options, model, a, b):
    """Log of the rate of a over that of b, and half of its 95 % interval."""
    logs = []
    while len(logs) < DUEL[1]:
        seen = rates(options, model, sorted((a, b)), "4s")
        logs.append(math.log(seen[a] / seen[b]))
        if len(logs) >= DUEL[0]:
            half = 2.1 * statistics.stdev(logs) / math.sqrt(len(logs))
            if half < WANTED:
                break
    return statistics.mean(logs), half


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--models", default="mlp,shufflenet-v2,squeezenet")
    parser.add_argument("--strategies", default="doubling,adaptive")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--sweep", default="120s")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=lambda text: [int(each) for each in text.split(",")], default=BATCHES)
    parser.add_argument("--db", required=True, help="a database of its own")
    options = parser.parse_args()
    losses = {strategy: [] for strategy in options.strategies.split(",")}
    known = {}
    print("| model | strategy | seed | recommended | batches | wall s | ended | sweep's best | near it | lost % | +- % |\n"
          "|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for model in options.models.split(","):
        best, near = best_of_sweep(options, model)
        for seed in range(1, options.runs + 1):
            for strategy, lost in losses.items():
                start = time.perf_counter()
                result = answer(options, "tune", model, "--objective", "throughput", "--strategy", strategy, "--seed", str(seed), "--budget", options.budget, "--soak", "0s")
                wall = time.perf_counter() - start
                batch = result["verdicts"][0]["batch"]
                tried = sum(1 for trial in result["trials"] if trial["visits"])
                if (model, batch) not in known:
                    known[model, batch] = (0.0, 0.0) if batch == best else duel(options, model, batch, best)
                log, half = known[model, batch]
                lost.append(max(0.0, 100 * (1 - math.exp(log))))
                print(f"| {model} | {strategy} | {seed} | {batch} | {tried} | {wall:.0f} | {result['session']['ended']} | {best} "
                      f"| {' '.join(map(str, near))} | {100 * (1 - math.exp(log)):.1f} | {100 * half:.1f} |", flush=True)
    for strategy, lost in losses.items():
        print(f"\n{strategy}: lost {statistics.median(lost):.1f} % in the median, {max(lost):.1f} % at worst, of {len(lost)} runs")


if __name__ == "__main__":
    main()
