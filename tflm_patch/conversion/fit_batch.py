# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Specs by the thousand, over several processes.

Each process is a worker of its own Python, so that nothing of the caller's is copied:
specs go to it as lines of text, answers come back as lines of JSON.
"""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from tflm_patch import cost, targets
from tflm_patch.architecture import Spec, SpecError, format_spec, parse_spec
from tflm_patch.conversion import spec_engine
from tflm_patch.conversion.collector import without_collector
from tflm_patch.conversion.fit_types import Budget, Fit, Gear, Verdict, budget_of
from tflm_patch.errors import TflmPatchError
from tflm_patch.runtime.process import python_command
from tflm_patch.targets import Target

# Specs that a worker gets at a time.
_CHUNK = 32
_WORKER = 'from tflm_patch.conversion import fit_batch\nfit_batch.serve()\n'


def fits_many(
  specs: Sequence[Spec],
  target: Target | Budget | str,
  *,
  exact: bool = False,
  processes: int = 1,
  progress: Callable[[int], None] = lambda decided: None,
) -> list[Fit]:
  """What `fits` says of each spec.

  Args:
    specs: Any number; neighbours that are alike are decided faster.
    target: A chip, its name, or a budget.
    exact: The arena of the whole search for each, not only a verdict.
    processes: That work at the same time, this one when it is 1.
    progress: Called now and then with how many are decided.

  Raises:
    SpecError: a spec cannot exist.
    TflmPatchError: unknown target; a process ended.
  """
  budget = _budget(target, exact)
  if processes <= 1 or len(specs) <= _CHUNK:
    found = []
    with without_collector():
      for spec in specs:
        found.append(_fit(spec, budget, exact))
        if len(found) % _CHUNK == 0:
          progress(len(found))
    return found
  chunks = _Chunks(len(specs))
  answers: list[Fit | None] = [None] * len(specs)

  def work() -> None:
    with _Worker(budget, exact) as worker:
      for begin in chunks:
        part = specs[begin : begin + _CHUNK]
        answers[begin : begin + len(part)] = worker.ask(part)
        progress(sum(answer is not None for answer in answers))

  with ThreadPoolExecutor(processes) as pool:
    for future in [pool.submit(work) for _ in range(processes)]:
      future.result()
  return [answer for answer in answers if answer is not None]


def _budget(target: Target | Budget | str, exact: bool) -> Budget:
  if isinstance(target, Budget):
    return target
  chip = target if isinstance(target, Target) else targets.load(target)
  return budget_of(chip, cost.core_of(chip.cpu) if exact else None)


def _fit(spec: Spec, budget: Budget, exact: bool) -> Fit:
  return (spec_engine.exactly if exact else spec_engine.decide)(spec, budget)


class _Chunks(Iterator[int]):
  """Where chunks begin; threads take one after the other."""

  def __init__(self, count: int) -> None:
    self._begins = iter(range(0, count, _CHUNK))
    self._lock = threading.Lock()

  def __next__(self) -> int:
    with self._lock:
      return next(self._begins)


class _Worker:
  """A process that decides specs; a context manager."""

  def __init__(self, budget: Budget, exact: bool) -> None:
    self._process = subprocess.Popen(
      python_command(_WORKER), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    self._send({'budget': vars(budget), 'exact': exact})

  def __enter__(self) -> _Worker:
    return self

  def __exit__(self, *_: object) -> None:
    with contextlib.suppress(OSError):
      self._pipe(self._process.stdin).close()
    self._pipe(self._process.stdout).close()
    self._process.kill()
    self._process.wait()

  def ask(self, specs: Sequence[Spec]) -> list[Fit]:
    """The answers to a chunk of specs."""
    self._send({'specs': [format_spec(spec) for spec in specs]})
    line = self._pipe(self._process.stdout).readline()
    if not line:
      code = self._process.wait()
      raise TflmPatchError(
        f'a process that decides specs ended with code {code}; memory may have run out: use '
        'fewer processes'
      )
    found = json.loads(line)
    if 'error' in found:
      raise SpecError(found['error'])
    return [_from_json(each) for each in found['fits']]

  def _send(self, message: dict[str, Any]) -> None:
    # When the process is gone, the answer that never comes says so.
    with contextlib.suppress(OSError):
      pipe = self._pipe(self._process.stdin)
      pipe.write(json.dumps(message).encode() + b'\n')
      pipe.flush()

  @staticmethod
  def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _from_json(values: dict[str, Any]) -> Fit:
  return Fit(**{**values, 'verdict': Verdict(values['verdict']), 'gear': Gear(values['gear'])})


def _to_json(fit: Fit) -> dict[str, Any]:
  return {**vars(fit), 'verdict': fit.verdict.value, 'gear': fit.gear.value}


def serve() -> None:
  """Answers chunks of specs on standard input until it ends."""
  out = sys.stdout
  sys.stdout = sys.stderr  # whatever is printed by accident is no answer
  options = json.loads(sys.stdin.readline())
  budget, exact = Budget(**options['budget']), options['exact']
  gc.disable()  # as in `fits_many`
  for line in sys.stdin:
    try:
      specs = [parse_spec(text) for text in json.loads(line)['specs']]
      answer: dict[str, Any] = {'fits': [_to_json(_fit(spec, budget, exact)) for spec in specs]}
    except SpecError as error:
      answer = {'error': str(error)}
    print(json.dumps(answer), file=out, flush=True)
