# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How large the tensor arena is, and how small it may be."""

from __future__ import annotations

from tflm_patch.runtime.isolated import IsolatedInterpreter
from tflm_patch.runtime.tflm import (
  DEFAULT_ARENA_BYTES,
  DEFAULT_FAST_BYTES,
  ArenaUsage,
  InterpreterError,
)

ALIGNMENT = 16  # TFLM aligns the arena's ends: sizes in between gain nothing


def measure_arena(model: bytes) -> ArenaUsage:
  """What TFLM uses of a large arena, in bytes.

  Raises:
    EnvironmentMissing: the interpreter is not installed.
    InterpreterError: TFLM does not run the model.
  """
  with IsolatedInterpreter(model) as interpreter:
    return interpreter.arena_usage()


def smallest_fast_memory(model: bytes) -> int:
  """The least fast memory that the model can be prepared with, in bytes; 0 for one memory.

  Raises:
    EnvironmentMissing: the interpreter is not installed.
    InterpreterError: TFLM does not run the model.
  """
  with IsolatedInterpreter(model) as interpreter:
    fails, works = -1, DEFAULT_FAST_BYTES // ALIGNMENT
    if interpreter.has_room_in(0):
      return 0
    while works - fails > 1:
      middle = (works + fails) // 2
      if interpreter.has_room_in(middle * ALIGNMENT):
        works = middle
      else:
        fails = middle
    return works * ALIGNMENT


def smallest_arena(model: bytes) -> int:
  """The smallest 16-byte aligned arena that the model runs in, in bytes.

  Found by bisection with TFLM itself: the model is loaded and invoked once for
  every size tried.

  Raises:
    EnvironmentMissing: the interpreter is not installed.
    InterpreterError: TFLM does not run the model in any arena.
  """
  with _Probe(model) as probe:
    used = -(-probe.usage.total // ALIGNMENT)
    # What TFLM uses in the end is a close guess: gallop away from it, then bisect.
    step = 1
    if probe.runs_in(used * ALIGNMENT):
      works, fails = used, used - 1
      while fails > 0 and probe.runs_in(fails * ALIGNMENT):
        works, fails, step = fails, max(fails - step, 0), step * 2
    else:
      fails, works = used, used + 1
      while not probe.runs_in(works * ALIGNMENT):
        if works * ALIGNMENT > DEFAULT_ARENA_BYTES:
          raise InterpreterError('TFLM runs the model in no arena that was tried')
        fails, works, step = works, works + step, step * 2
    while works - fails > 1:
      middle = (works + fails) // 2
      if probe.runs_in(middle * ALIGNMENT):
        works = middle
      else:
        fails = middle
    return works * ALIGNMENT


class _Probe:
  """Tries arena sizes, with a fresh process after every crash."""

  def __init__(self, model: bytes) -> None:
    self._model = model
    self._interpreter = IsolatedInterpreter(model)
    self.usage = self._interpreter.arena_usage()

  def __enter__(self) -> _Probe:
    return self

  def __exit__(self, *_: object) -> None:
    self._interpreter.close()

  def runs_in(self, arena_bytes: int) -> bool:
    try:
      return self._interpreter.runs_in(arena_bytes)
    except InterpreterError:
      self._interpreter.close()
      self._interpreter = IsolatedInterpreter(self._model)
      return False
