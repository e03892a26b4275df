#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Does a test notice when a flush, a fence, a check or a lock is missing?

usage: run.py [-T REGEX] [--guest] [--list] [-o FILE]

Each entry of catalogue.toml changes one place of a copy of the tree, in
build/mutation/, has it compiled, and runs the tests it names: one of them must fail.
Each test has to pass without any change first, or it would notice whatever there is.
Entries whose tests run in a guest take minutes each: --guest runs these, and only
these, in a copy of their own, so that both kinds can run at the same time. Results are
kept in build/mutation/results.json; -o FILE rewrites the table at the end of FILE
(Documentation/mutation.rst) from them.

--list only lists them, and fails if one no longer fits the code ("make check").
REGEX is looked for in an entry's file, name and tests. Ends with "N passed, N failed,
N skipped".
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(TOP, "build/mutation/guest" if "--guest" in sys.argv else "build/mutation/tree")
RESULTS = os.path.join(TOP, "build/mutation/results.json")
KERNEL = "6.12"

# kind: (command that compiles, command that runs it), in the copy. Without warnings:
# what a missing check leaves unused must not hide that no test misses it.
TESTS = {
    "crash": ("make -s -C tests/crash CC='cc -w'", "CRASH_PROOF=0 build/crash/crash"),
    "unit": ("make -s -C tests/unit CC='cc -w' T={arg}", "FIRST=1 make -s -C tests/unit run CC='cc -w' T={arg}"),
    "tool": ("make -s -C tools/pinfold CC='cc -w' SANITIZE=1", "tests/tool/run.sh {arg}"),
    "vm": ("make -s guest-modules tool W= KERNEL={kernel}",
           "tests/vm/suite -j 1 -k {kernel} -T {arg}"),
}


def sh(command, timeout):
    child = subprocess.Popen(command, shell=True, cwd=TREE, text=True, errors="replace", start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output = child.communicate(timeout=timeout)[0]
        return child.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return -1, "no end within %d s" % timeout


def copy_tree():
    os.makedirs(TREE, exist_ok=True)
    # Only what differs, so that make compiles only that.
    subprocess.run("git ls-files -co --exclude-standard -z | xargs -0 -I@ sh -c "
                   "'test -f \"$1\" || exit 0; cmp -s \"$1\" \"$2/$1\" || cp --parents \"$1\" \"$2\"' - @ " + TREE,
                   shell=True, cwd=TOP, check=True)


def mutated(entry, before):
    after = before
    for old, new in entry.get("edits", [[entry.get("old"), entry.get("new")]]):
        if after.count(old) != 1:
            raise ValueError("%d times in %s: %r" % (after.count(old), entry["file"], old))
        after = after.replace(old, new)
    return after


def mutate(entry):
    """Write the changed file; returns what it was."""
    path = os.path.join(TREE, entry["file"])
    with open(path) as file:
        before = file.read()
    after = mutated(entry, before)
    with open(path, "w") as file:
        file.write(after)
    return before


def still_fits(entry):
    with open(os.path.join(TOP, entry["file"])) as file:
        before = file.read()
    try:
        return mutated(entry, before) != before
    except ValueError:
        return False


def restore(entry, before):
    with open(os.path.join(TREE, entry["file"]), "w") as file:
        file.write(before)


def first_failure(output):
    for line in output.splitlines():
        if re.match(r"\s*not ok", line):
            return re.sub(r"^\s*not ok ?-? ?", "", line).strip()
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no output"


def run_test(test, entry):
    """Returns (True if it noticed, what it said)."""
    kind, _, arg = test.partition(":")
    kernel = entry.get("kernel", KERNEL)
    compile_, run = (command.format(arg="'%s'" % arg, kernel=kernel) for command in TESTS[kind])
    code, output = sh(compile_, 900)
    if code:
        raise ValueError("does not compile: " + output[-400:])
    # Of a guest's case: what hangs without the code is noticed then.
    if "timeout" in entry:
        run = "PINFOLD_TIMEOUT=%d %s" % (entry["timeout"], run)
    code, output = sh(run, 1200)
    if code and kind == "vm" and not re.search(r"^\s*not ok", output, re.MULTILINE):
        raise ValueError("no case failed, but the suite did: " + output[-400:])
    return code != 0, first_failure(output) if code else ""


def is_guest(entry):
    return any(test.startswith("vm") for test in entry["tests"])


def check_tests(entry, passing):
    """A test that fails by itself, or that does not exist, is no proof of anything."""
    kernel = entry.get("kernel", KERNEL)
    for test in entry["tests"]:
        if (test, kernel, entry.get("timeout")) in passing:
            continue
        failed, said = run_test(test, entry)
        if failed:
            raise ValueError("%s fails without a mutation: %s" % (test, said))
        passing.add((test, kernel, entry.get("timeout")))


def try_entry(entry, passing):
    """Returns (verdict, test, what it said); a wrong entry raises ValueError."""
    check_tests(entry, passing)
    before = mutate(entry)
    try:
        for test in entry["tests"]:
            noticed, said = run_test(test, entry)
            if noticed:
                return "caught", test, said
        return "NOT CAUGHT", " ".join(entry["tests"]), ""
    finally:
        restore(entry, before)


def short(entry):
    return os.path.basename(entry["file"])


def rst_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = " ".join("=" * width for width in widths)
    text = [" ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([rule, text[0], rule] + text[1:] + [rule]) + "\n"


def write_table(path, catalogue, results):
    """Everything after the marker is the table."""
    rows = [("file", "without", "result", "by")]
    for entry in catalogue:
        verdict, test = results.get(short(entry) + ": " + entry["name"], ("not run", " ".join(entry["tests"])))
        rows.append((short(entry), entry["name"], "missed" if verdict == "NOT CAUGHT" else verdict, test))
    with open(path) as file:
        text = file.read()
    marker = ".. result\n\n"
    with open(path, "w") as file:
        file.write(text[:text.index(marker) + len(marker)] + rst_table(rows))


def load_results():
    try:
        with open(RESULTS) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-T", dest="pattern", default="")
    parser.add_argument("--guest", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("-o", dest="output")
    args = parser.parse_args()

    with open(os.path.join(TOP, "tests/mutation/catalogue.toml"), "rb") as file:
        catalogue = tomllib.load(file)["mutation"]
    chosen = [entry for entry in catalogue
              if re.search(args.pattern, " ".join([entry["file"], entry["name"]] + entry["tests"]))]
    if args.list:
        stale = 0
        for entry in chosen:
            fits = still_fits(entry)
            stale += not fits
            print("%-22s %s (%s)%s" % (short(entry), entry["name"], ", ".join(entry["tests"]),
                                       "" if fits else ": the code is another one by now"))
        return 1 if stale else 0

    copy_tree()
    passing = set()
    passed = failed = skipped = 0
    for entry in chosen:
        name = short(entry) + ": " + entry["name"]
        if is_guest(entry) != args.guest:
            print("skip - %s: %s (%s)" % (name, "no guest needed" if args.guest else "needs a guest, --guest runs it",
                                         ", ".join(entry["tests"])))
            skipped += 1
            continue
        start = time.time()
        try:
            verdict, test, said = try_entry(entry, passing)
        except ValueError as err:
            verdict, test, said = "error", "", str(err)
        good = verdict == "caught"
        passed += good
        failed += not good
        print("%s - %s: %s %s (%.0f s)%s" % ("ok" if good else "not ok", name, verdict, test, time.time() - start,
                                            ": " + said[:160] if said else ""), flush=True)
        # Others may have been added meanwhile.
        results = load_results()
        results[name] = (verdict, test)
        with open(RESULTS, "w") as file:
            json.dump(results, file, indent=1)
    if args.output:
        write_table(args.output, catalogue, load_results())
    print("tried %d mutations" % (passed + failed))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or (chosen and passed + skipped == 0) else 0


sys.exit(main())
