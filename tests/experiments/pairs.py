#!/usr/bin/env python3
"""A/A pairs: two identical tunes after each other, many times, and what `compare` says of each pair.

    pairs.py record DB --program build/bin/batchtune [--pairs 300] [--minutes 60] [--budget 10s] [--only alone]
    pairs.py judge DB --program ... [--csv pairs.csv]
    pairs.py power DB --program ... [--changes 2,3,4,5,7,10]

`record` can be stopped at any time and goes on where it was: a pair is two sessions in the database with the same
label. Every second pair runs beside the disturber (disturber.cpp), by turns on a core and on memory. `judge` calls a
pair a false claim if any shared batch is called slower or faster; batches that a search only glanced at (too few rounds
to be compared) are left out of the share of inconclusive ones. `power` makes every candidate of the second session
slower by a known change (its stored samples are multiplied, those of the reference programs are not) and asks `compare`
again: what a change of the program itself would look like. Figures are printed as Markdown.
"""
import argparse
import array
import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

MODELS = ["mlp", "shufflenet-v2", "resnet-18"]
DISTURBERS = ["core", "stream"]
DISTURBED_SECONDS = "600"  # above any pair: the disturber ends by itself if this script is killed
QUIET_ENOUGH = 0.9  # both sessions saw this share of quiet visits: the pair counts as quiet


def condition_of(index):
    """Which model and which disturber ("none" for every second pair) pair `index` has."""
    model = MODELS[index % len(MODELS)]
    turn = index // len(MODELS)
    return model, "none" if turn % 2 == 0 else DISTURBERS[turn // 2 % len(DISTURBERS)]


def sessions_of(database):
    """{pair index: {"a": session, "b": session}} of finished sessions."""
    found = {}
    if not os.path.exists(database):
        return found
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT id, label FROM session WHERE label LIKE 'pair/%' AND end IN ('converged', 'budget')"
                                  " ORDER BY id")
        for number, label in rows:
            _, index, side = label.split("/")
            found.setdefault(int(index), {})[side] = number
    return found


def stop(_signal, _frame):
    sys.exit("stopped; record goes on from here")


def record(options):
    signal.signal(signal.SIGTERM, stop)  # as an exception, so that the disturber is ended too
    programs = os.path.dirname(os.path.abspath(options.program))
    until = time.time() + 60 * options.minutes
    index = 0
    done = sessions_of(options.database)
    while index < options.pairs and time.time() < until:
        model, disturber = condition_of(index)
        if set(done.get(index, {})) == {"a", "b"} or options.only not in (None, "alone" if disturber == "none" else "beside"):
            index += 1
            continue
        neighbour = None
        if disturber != "none":
            neighbour = subprocess.Popen([os.path.join(programs, "disturber"), disturber, "3", DISTURBED_SECONDS, str(index + 1)])
        try:
            for side in ("a", "b"):
                subprocess.run([options.program, "tune", model, "--budget", options.budget, "--boundary", "none", "--soak", "0s",
                                "--db", options.database, "--label", f"pair/{index}/{side}", "--quiet"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        finally:
            if neighbour:
                neighbour.send_signal(signal.SIGKILL)
                neighbour.wait()
        index += 1
    print(f"{sum(1 for sides in sessions_of(options.database).values() if len(sides) == 2)} pairs recorded")


def quiet_share(connection, session):
    value, = connection.execute(
        "SELECT avg(1 - v.disturbed) FROM visit v JOIN observation o ON o.id = v.observation"
        " WHERE o.session = ? AND v.host_state LIKE '%canary%'", (session,)).fetchone()
    return value


def seconds_of(connection, session):
    value, = connection.execute("SELECT max(started + device_time) FROM observation WHERE session = ?", (session,)).fetchone()
    return value


def compare(program, database, sides):
    result = subprocess.run([program, "compare", str(sides["a"]), str(sides["b"]), "--db", database, "--format", "json"],
                            capture_output=True, text=True, check=False)
    return json.loads(result.stdout)


def verdicts(options, database):
    """One row for each pair."""
    rows = []
    pairs = {index: sides for index, sides in sessions_of(database).items() if len(sides) == 2}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        for index, sides in sorted(pairs.items()):
            model, disturber = condition_of(index)
            found = compare(options.program, database, sides)
            # Batches that a search only glanced at are listed, but were not measured for comparing.
            raced = [pair for pair in found["pairs"] if "are needed" not in (pair.get("reason") or "")]
            words = [pair["verdict"] for pair in raced]
            quiet = [quiet_share(connection, sides[side]) for side in "ab"]
            rows.append({
                "pair": index, "model": model, "disturber": disturber,
                "quiet": min(quiet) if None not in quiet else 0,
                "glanced": len(found["pairs"]) - len(raced), "shared": len(words), "same": words.count("same"), "slower": words.count("slower"),
                "faster": words.count("faster"), "inconclusive": words.count("inconclusive"),
                "largest": max([abs(pair["ratio"] - 1) for pair in raced], default=0),
                "seconds": seconds_of(connection, sides["a"]),
            })
    return rows


def upper_bound(hits, of, confidence=0.95):
    """One-sided exact (Clopper-Pearson) upper bound of a rate."""
    if of == 0 or hits == of:
        return 1.0

    def at_most(p):  # P(at most `hits` of `of`)
        term = (1 - p) ** of
        total = term
        for k in range(1, hits + 1):
            term *= (of - k + 1) / k * p / (1 - p)
            total += term
        return total
    low, high = hits / of, 1 - 1e-12
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(middle) > 1 - confidence else (low, middle)
    return high


def line(name, rows):
    if not rows:
        return f"| {name} | 0 | | | | | | |"
    shared = sum(row["shared"] for row in rows)
    false = sum(1 for row in rows if row["slower"] + row["faster"] > 0)
    open_batches = sum(row["inconclusive"] for row in rows)
    glanced = sum(row["glanced"] for row in rows)
    undecided = sum(1 for row in rows if row["shared"] == row["inconclusive"])
    spread = sorted(row["largest"] for row in rows)[len(rows) // 2]
    return (f"| {name} | {len(rows)} | {false} ({100 * false / len(rows):.1f} %) | {100 * upper_bound(false, len(rows)):.1f} % |"
            f" {100 * open_batches / max(1, shared):.1f} % of {shared} | {glanced} | {100 * undecided / len(rows):.1f} % | {100 * spread:.1f} % |")


def judge(options):
    rows = verdicts(options, options.database)
    if options.csv:
        with open(options.csv, "w", newline="", encoding="ascii") as file:
            writer = csv.DictWriter(file, fieldnames=rows[0].keys())
            writer.writeheader()
            for row in rows:
                writer.writerow({key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()})
    print("| pairs | n | false claims | at most (95 %) | inconclusive batches | glanced | pairs with no answer | median largest difference |")
    print("|---|---|---|---|---|---|---|---|")
    print(line("no disturber", [row for row in rows if row["disturber"] == "none"]))
    print(line("disturber on a core", [row for row in rows if row["disturber"] == "core"]))
    print(line("disturber on memory", [row for row in rows if row["disturber"] == "stream"]))
    for low, high in ((QUIET_ENOUGH, 1.01), (0.6, QUIET_ENOUGH), (0, 0.6)):
        print(line(f"quiet share {low} to {min(high, 1)}", [row for row in rows if low <= row["quiet"] < high]))
    for model in MODELS:
        print(line(model, [row for row in rows if row["model"] == model]))
    for row in rows:
        if row["slower"] + row["faster"] > 0:
            print("claimed:", row, file=sys.stderr)


def slow_down(database, change):
    """Multiplies the candidates' samples of every second session."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT v.observation, v.ordinal, v.samples FROM visit v JOIN observation o ON o.id = v.observation"
            " JOIN session s ON s.id = o.session WHERE s.label LIKE 'pair/%/b' AND v.trial IS NOT NULL").fetchall()
        for observation, ordinal, samples in rows:
            values = array.array("d", samples)
            scaled = array.array("d", (value * (1 + change) for value in values)).tobytes()
            connection.execute("UPDATE visit SET samples = ?, median = median * ? WHERE observation = ? AND ordinal = ?",
                               (scaled, 1 + change, observation, ordinal))


def power(options):
    print("| change | pairs | found in (any shared batch) | found in quiet pairs | batches found, quiet |")
    print("|---|---|---|---|---|")
    for percent in (float(text) for text in options.changes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "slower.db")
            shutil.copy(options.database, copy)
            slow_down(copy, percent / 100)
            rows = verdicts(options, copy)
        quiet = [row for row in rows if row["quiet"] >= QUIET_ENOUGH]
        def share(part):
            return f"{100 * sum(1 for row in part if row['slower'] > 0) / max(1, len(part)):.0f} % of {len(part)}"
        batches = sum(row["shared"] for row in quiet)
        print(f"| +{percent:g} % | {len(rows)} | {share(rows)} | {share(quiet)} |"
              f" {100 * sum(row['slower'] for row in quiet) / max(1, batches):.0f} % of {batches} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["record", "judge", "power"])
    parser.add_argument("database")
    parser.add_argument("--program", required=True)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--only", choices=["alone", "beside"], help="record only pairs without or with the disturber")
    parser.add_argument("--budget", default="10s")
    parser.add_argument("--csv")
    parser.add_argument("--changes", default="2,3,4,5,7,10")
    options = parser.parse_args()
    {"record": record, "judge": judge, "power": power}[options.what](options)


if __name__ == "__main__":
    main()
