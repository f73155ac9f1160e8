"""Counts what works. A check has a name and prints `ok` or `FAILED` with what was expected and what came.
None of them ends the run.

An area is a file of steps. A step is a function that is given the checks and is independent of the other steps.
"""

import contextlib
import io
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Checks:
    """Makes checks and counts them."""

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0
        # What clients print goes elsewhere; what a check says stays in sight.
        self._out = sys.stdout

    def that(self, name: str, holds: object, came: object = "not so") -> None:
        """`name` is true."""
        self._verdict(name, bool(holds), "it to be so", came)

    def equal(self, name: str, came: object, expected: object) -> None:
        self._verdict(name, came == expected, repr(expected), repr(came))

    def contains(self, name: str, came: Any, *expected: object) -> None:
        """`came` (text, list, dict) has every one of `expected`."""
        missing = [part for part in expected if came is None or part not in came]
        self._verdict(name, not missing, f"{missing} in it", repr(came))

    def raises(self, name: str, error: type[BaseException], expected: str, call: Callable[[], object]) -> None:
        """`call` ends with an error of this type whose text has `expected` in it."""
        try:
            came = f"no error, but {call()!r}"
        except error as raised:
            self._verdict(name, expected in str(raised), f"{expected!r} in the error", str(raised))
            return
        except Exception as raised:  # any other error is what came
            came = f"{type(raised).__name__}: {raised}"
        self._verdict(name, False, f"{error.__name__} with {expected!r}", came)

    def say(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def _verdict(self, name: str, holds: bool, expected: object, came: object) -> None:
        self.count += 1
        if holds:
            self.say(f"  ok      {name}")
            return
        self.failed += 1
        self.say(f"  FAILED  {name}\n            expected: {expected}\n            came:     {came}")


Step = Callable[[Checks], None]


@dataclass
class Area:
    """Steps about one thing. Those that are quick are part of every run of the tests."""

    title: str
    steps: list[tuple[Step, bool]] = field(default_factory=list)

    def step(self, function: Step) -> Step:
        self.steps.append((function, False))
        return function

    def quick_step(self, function: Step) -> Step:
        self.steps.append((function, True))
        return function

    def run(self, checks: Checks, quick_only: bool) -> None:
        wanted = [step for step, quick in self.steps if quick or not quick_only]
        if wanted:
            checks.say(f"\n{self.title}")
        for step in wanted:
            self._run_step(checks, step)

    @staticmethod
    def _run_step(checks: Checks, step: Step) -> None:
        printed, began = io.StringIO(), time.monotonic()
        checks.say(f" {step.__name__.replace('_', ' ')}")
        failed = checks.failed
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                step(checks)
        except Exception:  # what a step did not foresee is a failed check
            checks.that("the step comes to its end", False, traceback.format_exc())
        if checks.failed > failed and printed.getvalue():
            checks.say("            printed meanwhile:\n" + printed.getvalue())
        checks.say(f"          ({time.monotonic() - began:.1f} s)")
