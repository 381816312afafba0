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

from tflm_patch.arena import FIRMWARE_32, predict
from tflm_patch.conversion import plugins
from tflm_patch.conversion.finish import finish
from tflm_patch.conversion.inner_states import state_pairs
from tflm_patch.conversion.reasons import outside_note
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.arena_measurement import measure_arena, smallest_arena, smallest_fast_memory
from tflm_patch.runtime.inputs import load_inputs, load_stream, sample_inputs
from tflm_patch.runtime.streams import (
  RESET_EVERY,
  compare_states,
  compare_streams,
  hops_of,
  invocations_of,
)
from tflm_patch.runtime.tflm import InterpreterError
from tflm_patch.runtime.undefined import reads_undefined_memory
from tflm_patch.runtime.verify import (
  Comparison,
  IoAdapter,
  Mismatch,
  as_frames,
  compare,
  io_adapter,
  naming,
)

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
    fast_host: The least fast memory that its stages are prepared with here, measured.
  """

  arena_total: int
  arena_head: int
  arena_tail: int
  arena_host: int
  arena_host_head: int
  arena_host_tail: int
  arena_host_smallest: int
  file_bytes: int
  fast_host: int = 0


@dataclasses.dataclass(frozen=True)
class Verification:
  """The outcome: outputs equal or not, and both arenas, all measured in TFLM.

  Attributes:
    bit_exact: Whether all outputs are equal; to those of the original in its defined form,
      where it has one and TFLM's own bytes of it are undefined.
    inputs: How many were compared; of a model converted with `--hop` all windows of a stream.
    mismatch: The first difference.
    original, converted: What TFLM reports.
    original_undefined: Outputs differ, and the original gives different bytes in two runs.
    notes: What the original was compared as, and why, a sentence each.
  """

  bit_exact: bool
  inputs: int
  mismatch: Mismatch | None
  original: Measured
  converted: Measured
  original_undefined: bool = False
  notes: tuple[str, ...] = ()

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {
      'schema_version': SCHEMA_VERSION,
      'bit_exact': self.bit_exact,
      'inputs': self.inputs,
      'original_undefined': self.original_undefined,
      'notes': list(self.notes),
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
      converted model's only input: [n, ...] or one of the input's shape; for windows that
      slide also the rows of a stream, [rows, ...].
    seed: Of the random ones among the generated inputs.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: a file is unreadable, TFLM is not installed or runs one of the
      models not, or the inputs do not fit.
  """
  say = progress or _silent
  before, after = read_limited(original), read_limited(converted)
  models = parse_model(before, os.fspath(original)), parse_model(after, os.fspath(converted))
  states = _inner_states(*models)
  adapter = None if states else io_adapter(*models)
  source = models[1] if states else models[0]
  if adapter is not None:
    source = as_frames(models[1], models[0])
  notes = []
  if models[0].outside:
    notes.append(outside_note(models[0], 'it is compared with them inside'))
    before = serialize_model(models[0])
  arrays = _arrays(inputs, source, seed, invocations_of(models[1]) is not None)
  names = os.fspath(original), os.fspath(converted)
  against = _comparer(models, source, after, adapter, _counter(say), names)
  if states:
    comparison = compare_states(before, after, arrays(), states, _counter(say), names)
  else:
    comparison = against(before, arrays())
  undefined = False
  if not comparison.bit_exact and not states:
    say('Running the original in two arenas')
    undefined = _is_undefined(before, arrays(), adapter, comparison)
  if undefined:
    defined = _defined_form(models[0])
    if defined is not None:
      comparison = against(defined, arrays())
    notes.append(_AS_DILATED if defined is not None else _NOTHING_RIGHT)
  say('Measuring arenas')
  size = len(read_limited(original))
  return Verification(
    bit_exact=comparison.bit_exact,
    inputs=comparison.inputs,
    mismatch=comparison.first,
    original=dataclasses.replace(_measure(before, models[0], names[0]), file_bytes=size),
    converted=_measure(after, models[1], names[1]),
    original_undefined=undefined,
    notes=tuple(notes),
  )


_UNDEFINED = (
  'the original gives different bytes in two runs whose arenas held different bytes before: '
  'it reads memory that nothing has written'
)
_AS_DILATED = (
  f'{_UNDEFINED}; compared with the original whose convolutions between SPACE_TO_BATCH_ND and '
  'BATCH_TO_SPACE_ND are dilated ones, as in an export with batch size 1'
)
_NOTHING_RIGHT = (
  f'{_UNDEFINED}, so there are no right bytes to compare with; export it again, with batch '
  'size 1 (keras.Input(batch_size=1))'
)
# Memory that an output depends on shows on the first inputs.
_UNDEFINED_INPUTS = 3


def _inner_states(original: Model, converted: Model) -> list[tuple[int, int, np.ndarray]]:
  """States of the original that the converted model keeps: input, output, and zero points."""
  if len(original.main.inputs) == len(converted.main.inputs):
    return []
  found = []
  for pair in state_pairs(original):
    tensor = original.main.tensors[original.main.inputs[pair.input]]
    zero = 0 if tensor.quantization is None else tensor.quantization.zero_point
    found.append((pair.input, pair.output, np.full(tensor.shape, zero, tensor.dtype.numpy)))
  return found


def _comparer(
  models: tuple[Model, Model],
  source: Model,
  after: bytes,
  adapter: IoAdapter | None,
  progress: Callable[[int], None],
  names: tuple[str, str],
) -> Callable[[bytes, Iterable[list[np.ndarray]]], Comparison]:
  """Compares a file with the converted one, on inputs of whole frames or windows.

  Windows follow each other as one stream for a model that takes only the new rows; every few
  windows it is reset.
  """
  filling = invocations_of(models[1])
  if filling is None:
    return lambda before, arrays: compare(before, after, arrays, adapter, progress, names)
  rows = models[1].main.tensors[models[1].main.inputs[0]].shape[1]
  window = source.main.tensors[source.main.inputs[0]].shape[1]
  resets = range(RESET_EVERY * filling, 1 << 30, RESET_EVERY * filling + 1)
  return lambda before, arrays: compare_streams(
    before, after, hops_of(arrays, rows), window, adapter, resets, progress, names
  )


def _silent(text: str) -> None:
  del text


def _counter(say: Progress) -> Callable[[int], None]:
  return lambda done: say(f'Comparing outputs: {done} inputs')


def _is_undefined(
  original: bytes,
  arrays: Iterable[list[np.ndarray]],
  adapter: IoAdapter | None,
  comparison: Comparison,
) -> bool:
  """Whether the original's outputs depend on what the arena held before."""
  differing = -1 if comparison.first is None else comparison.first.input
  picked = [
    each if adapter is None else adapter.original_inputs(each)
    for number, each in enumerate(arrays)
    if number < _UNDEFINED_INPUTS or number == differing
  ]
  try:
    return reads_undefined_memory(original, picked)
  except InterpreterError:
    return False  # it runs, but not in such arenas


def _defined_form(original: Model) -> bytes | None:
  """The original with dilated convolutions written as such; None when it has none."""
  rewrites = plugins.select(['fold_dilation']).rewrites
  model, changes = plugins.run_plugins(original, rewrites, plugins.Context())
  return serialize_model(finish(model)) if changes else None


def _arrays(
  inputs: int | str | os.PathLike[str], source: Model, seed: int, is_stream: bool
) -> Callable[[], Iterable[list[np.ndarray]]]:
  """Makes the inputs, the same ones each time; a file may be a stream for windows that slide."""
  if not isinstance(inputs, int):
    stream = load_stream(inputs, source) if is_stream else None
    loaded = load_inputs(inputs, source) if stream is None else [[stream]]
    return lambda: loaded
  count = inputs
  if count < 1:
    raise TflmPatchError(f'{count} inputs compare nothing; use at least 1')
  return lambda: itertools.islice(sample_inputs(source, count, seed), count)


def _measure(data: bytes, model: Model, name: str) -> Measured:
  target = predict(model, build=FIRMWARE_32)
  with naming(name):
    host = measure_arena(data)
    smallest = smallest_arena(data)
    fast = smallest_fast_memory(data)
  return Measured(
    arena_total=target.total,
    arena_head=target.head,
    arena_tail=target.tail,
    arena_host=host.total,
    arena_host_head=host.head,
    arena_host_tail=host.tail,
    arena_host_smallest=smallest,
    file_bytes=len(data),
    fast_host=fast,
  )
