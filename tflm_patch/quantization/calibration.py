# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs the float network on samples and sees what its values are.

The network is evaluated with `keras.ops`, on whatever backend Keras has, a batch at a
time; a value is dropped after its last reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.network import Network, Value
from tflm_patch.quantization.options import QuantizeOptions
from tflm_patch.quantization.ranges import MinMax, Observer, Range, observers

MAX_BATCH = 32
_BATCH_BYTES = 64 << 20  # of the inputs and the output of one node

Progress = Callable[[str], None]
See = Callable[[Value, Any], None]


def batch_size(network: Network) -> int:
  """Samples at a time: as many as memory allows."""
  largest = max(
    (node.output.elements + sum(value.elements for value in node.inputs) for node in network.nodes),
    default=1,
  )
  return max(1, min(MAX_BATCH, _BATCH_BYTES // (4 * largest)))


def batches(samples: Sequence[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
  """Samples in groups of at most `size`."""
  count = -(-len(samples[0]) // size)
  # Of equal sizes where that goes: backends compile for every size anew.
  equal = -(-len(samples[0]) // count)
  for start in range(0, len(samples[0]), equal):
    yield [array[start : start + equal] for array in samples]


def evaluate(
  network: Network, ops: Any, inputs: Sequence[Any], see: See | None = None
) -> list[Any]:
  """The outputs of the float network.

  Args:
    network: Its values of the batch are computed in order.
    ops: The module `keras.ops`.
    inputs: A batch for every input.
    see: Is told every value as it is computed.
  """
  tell = see or (lambda value, tensor: None)
  known: dict[int, Any] = {}
  for value, array in zip(network.inputs, inputs):
    known[id(value)] = ops.convert_to_tensor(array, 'float32')
    tell(value, known[id(value)])
  last_reader = {id(value): node for node in network.nodes for value in node.inputs}
  kept = {id(value) for value in network.outputs}
  for node in network.nodes:
    arguments = [
      known[id(value)] if value.constant is None else ops.convert_to_tensor(value.constant)
      for value in node.inputs
    ]
    result = node.operation.evaluate(ops, arguments)
    known[id(node.output)] = result
    tell(node.output, result)
    for value in node.inputs:
      if last_reader[id(value)] is node and id(value) not in kept:
        known.pop(id(value), None)
  return [known[id(value)] for value in network.outputs]


def calibrate(
  network: Network, samples: Sequence[np.ndarray], options: QuantizeOptions, progress: Progress
) -> dict[Value, Range]:
  """The range of every value.

  Args:
    network: After all passes.
    samples: float32[n, ...] for every input.
    options: Say how ranges follow from values.
    progress: Is told how far it is.

  Raises:
    TflmPatchError: a value is not finite.
  """
  from keras import ops

  make = observers(options)
  seen: dict[Value, Observer] = {value: MinMax() for value in network.inputs}

  def see(value: Value, tensor: Any) -> None:
    seen.setdefault(value, make()).see(ops, tensor)

  count = len(samples[0])
  done = 0
  for batch in batches(samples, batch_size(network)):
    evaluate(network, ops, batch, see)
    done += len(batch[0])
    progress(f'Calibrating: {done} of {count} samples')
  ranges = {value: observer.range() for value, observer in seen.items()}
  for node in network.nodes:
    for value in node.inputs:
      if value.constant is not None:
        ranges[value] = Range.of(float(value.constant.min()), float(value.constant.max()))
  for value, found in ranges.items():
    if not (np.isfinite(found.low) and np.isfinite(found.high)):
      raise TflmPatchError(
        f'"{value.name}" is not finite on the samples; check the model\'s weights and the samples'
      )
  return ranges
