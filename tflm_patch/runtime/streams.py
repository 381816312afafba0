# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models converted with `--hop` on streams, beside the original on each window of them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.program.decode import hop_invocations
from tflm_patch.runtime.isolated import IsolatedInterpreter
from tflm_patch.runtime.verify import Comparison, IoAdapter, Tally, naming

# Windows between two resets of a comparison.
RESET_EVERY = 8


def invocations_of(model: Model) -> int | None:
  """How many invocations fill the window of a model with a stage; None without `--hop`."""
  for operator in model.main.operators:
    if operator.opcode == 'CUSTOM' and len(operator.inputs) > 1:
      program = model.main.tensors[operator.inputs[-2]].data
      found = None if program is None else hop_invocations(program.tobytes())
      if found is not None:
        return found
  return None


def filling(model: Model) -> Model:
  """A model converted with `--hop` with an input of the rows that fill its window."""
  count, index = invocations_of(model), model.main.inputs[0]
  assert count is not None
  tensors = list(model.main.tensors)
  shape = tensors[index].shape
  tensors[index] = dataclasses.replace(tensors[index], shape=(1, shape[1] * count, *shape[2:]))
  main = dataclasses.replace(model.main, tensors=tensors)
  return dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]])


def hops_of(windows: Iterable[Sequence[np.ndarray]], rows: int) -> Iterator[np.ndarray]:
  """Windows [1, R, ...] as one stream, `rows` rows of it [1, rows, ...] at a time."""
  left: np.ndarray | None = None
  for (window,) in windows:
    stream = window if left is None else np.concatenate((left, window), axis=1)
    count = stream.shape[1] // rows
    for i in range(count):
      yield stream[:, i * rows : (i + 1) * rows]
    left = stream[:, count * rows :]


def compare_streams(
  original: bytes,
  converted: bytes,
  hops: Iterable[np.ndarray],
  window_rows: int,
  adapter: IoAdapter | None = None,
  resets: Collection[int] = (),
  progress: Callable[[int], None] | None = None,
  names: tuple[str, str] = ('original model', 'converted model'),
) -> Comparison:
  """Compares every byte that a stream gives with those of the whole windows.

  Args:
    original: Takes whole windows.
    converted: Takes the new rows.
    hops: The stream, hop by hop: [1, rows, ...] each, in the converted model's type.
    window_rows: Of a window.
    adapter, progress, names: As for `verify.compare`; counted are windows.
    resets: Numbers of the hops, from 0, before which the converted model is reset.

  Raises:
    EnvironmentMissing: the interpreter is not installed.
    InterpreterError: TFLM does not run one of the models.
    TflmPatchError: outputs come earlier or later than the window is full, or cannot be compared.
  """
  tally = Tally(progress)
  window: np.ndarray | None = None
  with contextlib.ExitStack() as stack:
    with naming(names[0]):
      ours = stack.enter_context(IsolatedInterpreter(original))
    with naming(names[1]):
      theirs = stack.enter_context(IsolatedInterpreter(converted))
    for number, new in enumerate(hops):
      if number in resets:
        theirs.reset()
        window = None
      window = new if window is None else np.concatenate((window, new), axis=1)[:, -window_rows:]
      with naming(names[1]):
        made = theirs.outputs_of([np.ascontiguousarray(new)])
      _expect(made is not None, window.shape[1] == window_rows, number, names[1])
      if made is None:
        continue
      whole = [np.ascontiguousarray(window)]
      with naming(names[0]):
        wanted = ours.invoke(whole if adapter is None else adapter.original_inputs(whole))
      tally.add(wanted, made if adapter is None else adapter.original_outputs(made))
  return tally.result()


def compare_states(
  original: bytes,
  converted: bytes,
  inputs: Iterable[Sequence[np.ndarray]],
  states: Sequence[tuple[int, int, np.ndarray]],
  progress: Callable[[int], None] | None = None,
  names: tuple[str, str] = ('original model', 'converted model'),
) -> Comparison:
  """Compares a model whose states are inputs and outputs with one that keeps them.

  Args:
    original, converted, progress, names: As for `compare_streams`.
    inputs: Of the converted model, step by step; both are reset now and then.
    states: (input, output, first value) of the original.
  """
  tally = Tally(progress)
  kept = [value for _, _, value in states]
  is_state = {position for _, position, _ in states}
  with contextlib.ExitStack() as stack:
    with naming(names[0]):
      ours = stack.enter_context(IsolatedInterpreter(original))
    with naming(names[1]):
      theirs = stack.enter_context(IsolatedInterpreter(converted))
    for arrays in inputs:
      if tally.compared % RESET_EVERY == RESET_EVERY - 1:
        theirs.reset()
        kept = [value for _, _, value in states]
      given = list(arrays)
      for (position, _, _), value in sorted(zip(states, kept), key=lambda each: each[0][0]):
        given.insert(position, value)
      with naming(names[0]):
        made = ours.invoke(given)
      kept = [made[position] for _, position, _ in states]
      wanted = [array for i, array in enumerate(made) if i not in is_state]
      with naming(names[1]):
        here = theirs.invoke(arrays)
      tally.add(wanted, here)
  return tally.result()


def _expect(is_there: bool, is_full: bool, number: int, name: str) -> None:
  if is_there != is_full:
    when = 'before its window is full' if is_there else 'though its window is full'
    what = 'has outputs' if is_there else 'has no outputs'
    raise TflmPatchError(f'{name}: {what} after hop {number}, {when}; convert the original again')
