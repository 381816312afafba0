# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The order of channels: those that what reads them weighs most come first.

Smaller sub-networks keep the first channels. What the whole network computes stays the same.
By the L1 norm, as Once-for-all (arXiv 1908.09791) does before expansions shrink.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from tflm_patch.architecture.network import Network
from tflm_patch.models.builder import layer_name
from tflm_patch.models.operators import norm_name
from tflm_patch.training.elastic.network import ElasticNetwork
from tflm_patch.training.elastic.table import shared_network

_OWN_CHANNELS = ('CONV_2D', 'FULLY_CONNECTED')  # their outputs have channels of their own


@dataclasses.dataclass
class _Group:
  """Weights along the same channels, which are put in one order.

  Attributes:
    made: (weight, axis) that make them.
    read: (kernel, axis) that read them.
  """

  made: list[tuple[Any, int]] = dataclasses.field(default_factory=list)
  read: list[tuple[Any, int]] = dataclasses.field(default_factory=list)


def sort_channels(network: ElasticNetwork) -> None:
  """Orders the channels of all values but inputs, outputs, and what is flattened.

  Args:
    network: Its weights and statistics change places.
  """
  for group in _groups(network):
    strength = sum(_strength(kernel, axis) for kernel, axis in group.read)
    order = np.argsort(-np.asarray(strength), kind='stable')
    for weight, axis in (*group.made, *group.read):
      weight.assign(np.take(_values(weight), order, axis))


def _values(weight: Any) -> np.ndarray:
  return np.asarray(ops.convert_to_numpy(weight))


def _strength(kernel: Any, axis: int) -> np.ndarray:
  values = np.abs(_values(kernel))
  found: np.ndarray = values.sum(axis=tuple(each for each in range(values.ndim) if each != axis))
  return found


def _roots(shared: Network) -> tuple[list[int], set[int]]:
  """For each value the first one with the same channels, and those whose channels stay."""
  root = [0]
  layers, values = shared.layers(), shared.values()
  for number, layer in enumerate(layers):
    root.append(number + 1 if layer.opcode in _OWN_CHANNELS else root[layer.inputs[0]])

  def join(old: int, new: int) -> None:
    root[:] = [new if each == old else each for each in root]

  for number, layer in enumerate(layers):
    for value in layer.inputs[1:]:
      join(root[value], root[number + 1])
  fixed = {root[0], *(root[value] for value in shared.outputs)}
  for number, layer in enumerate(layers):
    read = values[layer.inputs[0]]
    if layer.opcode == 'RESHAPE' and read.size != (1, 1):
      fixed |= {root[layer.inputs[0]], root[number + 1]}
  return root, fixed


def _groups(network: ElasticNetwork) -> list[_Group]:
  shared = shared_network(network.largest)
  root, fixed = _roots(shared)
  found: dict[int, _Group] = {}
  for number, layer in enumerate(shared.layers()):
    name = layer_name(number, layer)
    part = network.parts.get(name)
    if part is None:
      continue
    own = found.setdefault(root[number + 1], _Group())
    if layer.opcode in _OWN_CHANNELS:
      axis = len(part.kernel.shape) - 1
      own.made.append((part.kernel, axis))
      source = found.setdefault(root[layer.inputs[0]], _Group())
      source.read.append((part.kernel, axis - 1))
    else:
      own.made.append((part.kernel, 2))
    if part.use_bias:
      own.made.append((part.bias, 0))
    norm = network.parts.get(norm_name(name))
    if norm is not None:
      own.made += [(weight, 0) for weight in norm.weights]
  return [group for key, group in sorted(found.items()) if key not in fixed and group.read]
