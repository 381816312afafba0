# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Verification: both models in the real TFLM interpreter, every output byte."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.graph.reader import parse_model
from tflm_patch.runtime.arena import measure_arena, smallest_arena
from tflm_patch.runtime.inputs import load_inputs, sample_inputs
from tflm_patch.runtime.verify import Mismatch, as_frames, compare, io_adapter, naming

SCHEMA_VERSION = 1
DEFAULT_INPUTS = 32

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Measured:
  """What TFLM reports for one model, in bytes."""

  arena_total: int
  arena_head: int
  arena_tail: int
  arena_smallest: int
  file_bytes: int


@dataclasses.dataclass(frozen=True)
class Verification:
  """The outcome: outputs equal or not, and both arenas, all measured in TFLM."""

  bit_exact: bool
  inputs: int
  mismatch: Mismatch | None
  original: Measured
  converted: Measured

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {
        'schema_version': SCHEMA_VERSION,
        'bit_exact': self.bit_exact,
        'inputs': self.inputs,
        'mismatch': None if self.mismatch is None else dataclasses.asdict(self.mismatch),
        'original': dataclasses.asdict(self.original),
        'converted': dataclasses.asdict(self.converted),
    }


def verify(
    original: str | os.PathLike[str],
    converted: str | os.PathLike[str],
    inputs: int | str | os.PathLike[str] = DEFAULT_INPUTS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Verification:
  """Runs both models on the same inputs.

  Args:
    original, converted: `.tflite` files. A model converted with int8 inputs and
      outputs is compared through the original's own quantization.
    inputs: How many generated inputs, or a `.npy` file of inputs for the
      converted model's only input: [n, ...] or one of the input's shape.
    seed: Of the random ones among the generated inputs.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: a file is unreadable, TFLM is not installed or runs one of the
      models not, or the inputs do not fit.
  """
  say = progress or (lambda text: None)
  before, after = read_limited(original), read_limited(converted)
  models = parse_model(before, os.fspath(original)), parse_model(after, os.fspath(converted))
  adapter = io_adapter(*models)
  source = models[0] if adapter is None else as_frames(models[1], models[0])
  arrays: Iterable[list[np.ndarray]]
  if isinstance(inputs, int):
    if inputs < 1:
      raise TflmPatchError(f'{inputs} inputs compare nothing; use at least 1')
    arrays = itertools.islice(sample_inputs(source, inputs, seed), inputs)
  else:
    arrays = load_inputs(inputs, source)
  names = os.fspath(original), os.fspath(converted)
  comparison = compare(
      before, after, arrays, adapter, lambda done: say(f'Comparing outputs: {done} inputs'), names
  )
  say('Measuring arenas')
  return Verification(
      bit_exact=comparison.bit_exact,
      inputs=comparison.inputs,
      mismatch=comparison.first,
      original=_measure(before, names[0]),
      converted=_measure(after, names[1]),
  )


def _measure(data: bytes, name: str) -> Measured:
  with naming(name):
    usage = measure_arena(data)
    return Measured(usage.total, usage.head, usage.tail, smallest_arena(data), len(data))
