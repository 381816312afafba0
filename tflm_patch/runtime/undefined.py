# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether a model's outputs depend on what its arena held before.

A model that reads memory that nothing wrote has no right bytes: TFLM's depend on what ran
before, and on where tensors lie. Two processes run it, in arenas that hold different bytes;
in the second one no tensor takes over the memory, and with it the values, of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tflm_patch.graph.reader import parse_model
from tflm_patch.runtime.arena_measurement import ALIGNMENT
from tflm_patch.runtime.isolated import IsolatedInterpreter
from tflm_patch.runtime.tflm import DEFAULT_ARENA_BYTES

# Each bit is 0 in one of them and 1 in the other.
_FILLS = 0x2D, 0xD2
# For what TFLM's planner needs on top of what it reports.
_SPARE_BYTES = 1 << 16


def reads_undefined_memory(model: bytes, inputs: Iterable[Sequence[np.ndarray]]) -> bool:
  """Whether some input gives different outputs in two runs.

  Args:
    model: A .tflite file's bytes.
    inputs: One array per model input, each time.

  Raises:
    EnvironmentMissing: the interpreter is not installed.
    InterpreterError: TFLM does not run the model, or not with these inputs.
  """
  with IsolatedInterpreter(model) as plain:
    used = plain.arena_usage().total + _SPARE_BYTES
  apart = min(used + _all_tensors(model), DEFAULT_ARENA_BYTES)
  with (
    IsolatedInterpreter(model, used, fill=_FILLS[0]) as first,
    IsolatedInterpreter(model, apart, fill=_FILLS[1], apart=True) as second,
  ):
    for arrays in inputs:
      first.begin(arrays)
      second.begin(arrays)
      one, other = first.end(), second.end()
      if any(a.tobytes() != b.tobytes() for a, b in zip(one, other)):
        return True
  return False


def _all_tensors(model: bytes) -> int:
  """Bytes of all tensors that are not constant, each aligned as TFLM does it."""
  return sum(
    -(-tensor.bytes // ALIGNMENT) * ALIGNMENT
    for graph in parse_model(model).subgraphs
    for tensor in graph.tensors
    if not tensor.is_constant
  )
