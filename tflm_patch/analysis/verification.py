# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Verification: both models in the real TFLM interpreter, every output byte."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tflm_patch.arena import FIRMWARE_32, predict
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model
from tflm_patch.runtime.arena import measure_arena, smallest_arena
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import Mismatch, as_frames, compare, io_adapter

# 2: arena_total, arena_head and arena_tail are of a target with 4-byte pointers, predicted.
SCHEMA_VERSION = 2
DEFAULT_INPUTS = 32

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Measured:
  """What one model needs, in bytes.

  Attributes:
    arena_total, arena_head, arena_tail: On a target with 4-byte pointers, predicted.
    arena_host, arena_host_head, arena_host_tail: What TFLM reports here, measured.
    arena_host_smallest: The smallest arena that TFLM runs the model in here, measured.
    file_bytes: Of the file.
  """

  arena_total: int
  arena_head: int
  arena_tail: int
  arena_host: int
  arena_host_head: int
  arena_host_tail: int
  arena_host_smallest: int
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
    arrays = _load_inputs(pathlib.Path(inputs), source)
  comparison = compare(
      before, after, arrays, adapter, lambda done: say(f'Comparing outputs: {done} inputs')
  )
  say('Measuring arenas')
  return Verification(
      bit_exact=comparison.bit_exact,
      inputs=comparison.inputs,
      mismatch=comparison.first,
      original=_measure(before, models[0]),
      converted=_measure(after, models[1]),
  )


def _measure(data: bytes, model: Model) -> Measured:
  target, host = predict(model, build=FIRMWARE_32), measure_arena(data)
  return Measured(
      arena_total=target.total,
      arena_head=target.head,
      arena_tail=target.tail,
      arena_host=host.total,
      arena_host_head=host.head,
      arena_host_tail=host.tail,
      arena_host_smallest=smallest_arena(data),
      file_bytes=len(data),
  )


def _load_inputs(path: pathlib.Path, model: Model) -> list[list[np.ndarray]]:
  if len(model.main.inputs) != 1:
    raise TflmPatchError(f'{path}: the model has {len(model.main.inputs)} inputs; use a number')
  tensor = model.main.tensors[model.main.inputs[0]]
  try:
    values = np.load(path, allow_pickle=False)
  except (OSError, ValueError, EOFError) as error:
    raise TflmPatchError(
        f'{path}: cannot be read as .npy ({error}); save one with numpy.save'
    ) from error
  if not isinstance(values, np.ndarray) or values.dtype != tensor.dtype.numpy:
    kind = getattr(values, 'dtype', 'an archive')
    raise TflmPatchError(f'{path}: holds {kind}; the model takes {tensor.dtype.name.lower()}')
  if values.size == 0 or values.size % tensor.elements or values.shape[-1:] != tensor.shape[-1:]:
    raise TflmPatchError(
        f'{path}: shape {list(values.shape)}; the model takes [n, {list(tensor.shape[1:])}]'
    )
  return [[value] for value in values.reshape(-1, *tensor.shape)]
