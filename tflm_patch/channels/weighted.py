# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators whose outputs are sums over many channels: what they read, and what stays."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from tflm_patch.channels.family import Family, Kept, Tie
from tflm_patch.channels.ranges import Ranges, Sums, requantized
from tflm_patch.channels.site import Site
from tflm_patch.channels.weights import add_bias, add_constant, bias_of, kept_scales, merged
from tflm_patch.graph.types import Operator, Tensor
from tflm_patch.program.params import Requant

_INT32 = 1 << 31


class Weighted(Family):
  """Operators whose outputs are sums over many channels.

  Subclasses say where the operands are and how a sum comes about.

  Attributes:
    source, weights, bias: Positions of the operands.
  """

  source, weights, bias = 0, 1, 2

  # ---- what subclasses say ----

  def sums(self, site: Site, source: Ranges) -> Sums:
    """That the output channels can reach."""
    raise NotImplementedError

  def offsets(self, site: Site, source: Ranges, channels: np.ndarray) -> np.ndarray:
    """What some constant channels add to the sums.

    Args:
      site: The operator.
      source: Ranges of all input channels.
      channels: The numbers of constant ones.

    Returns:
      int64[ways, outputs, channels], less the zero point's part; a way for each set of taps
      that a window may see.
    """
    raise NotImplementedError

  def requant(self, site: Site) -> Requant:
    """Of the parameters."""
    raise NotImplementedError

  # ---- what follows ----

  def as_taps(self, site: Site) -> np.ndarray:
    """The weights as int8[outputs, taps, inputs]."""
    array = site.view.input(self.weights).array()
    return array.reshape(array.shape[0], -1, site.source_channels(self.source))

  def ties(self, site: Site) -> Iterator[Tie]:
    del site
    return iter(())

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    return requantized(self.sums(site, sources[0]), self.requant(site))

  def reads(self, site: Site, source: Ranges, target: Ranges) -> np.ndarray:
    needed = self._needs(site, source)
    needed[target.constant] = False
    return needed

  def _needs(self, site: Site, source: Ranges) -> np.ndarray:
    """bool[outputs, inputs]: has weights, and no constant that the bias could take."""
    weights = self.as_taps(site)
    needed: np.ndarray = np.any(weights, axis=1)
    constant = np.flatnonzero(source.constant)
    if not constant.size:
      return needed
    ways = self.offsets(site, source, constant)
    foldable = (ways == ways[:1]).all(axis=0)
    largest = np.abs(ways[0]).sum(axis=1) + np.abs(self._biases(site))
    largest += 255 * np.abs(weights.astype(np.int64)).sum(axis=(1, 2))
    foldable[largest >= _INT32] = False
    needed[:, constant] &= ~foldable
    return needed

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    del classes
    return weight_keys(self.as_taps(site), self._biases(site), self._scales(site))

  def merge(self, site: Site, stands_for: np.ndarray) -> bool:
    return merged(self.as_taps(site), stands_for) is not None

  def keep(self, site: Site, kept: Kept) -> Operator:
    operator, tensors = site.operator, site.graph.tensors
    source, target = operator.inputs[self.source], site.target
    values, biases = self._kept_weights(site, kept)
    outputs = kept.channels.get(target, np.arange(values.shape[0]))
    old = site.view.input(self.weights)
    shape = self.kept_shape(old, values)
    inputs = list(operator.inputs)
    inputs[self.weights] = add_constant(
      site.graph, old, values.reshape(shape), kept_scales(old.quantization, outputs)
    )
    bias = add_bias(site.graph, self._bias(site), biases, outputs, tensors[source], old)
    inputs[self.bias :] = [bias] if bias >= 0 else []
    return dataclasses.replace(operator, inputs=tuple(inputs))

  def kept_shape(self, old: Tensor, values: np.ndarray) -> tuple[int, ...]:
    """Shape of the weights [outputs, taps, inputs] in the file."""
    return values.shape[0], *old.shape[1:-1], values.shape[2]

  def _kept_weights(self, site: Site, kept: Kept) -> tuple[np.ndarray, np.ndarray]:
    """Weights [outputs, taps, inputs] and biases [outputs] of what stays."""
    source, target = site.operator.inputs[self.source], site.target
    weights, biases = self.as_taps(site), self._biases(site)
    inputs = weights.shape[2]
    ranges = kept.ranges.get(source, Ranges.whole(inputs))
    if source in kept.channels:
      moved = merged(weights, kept.stands_for[source])
      assert moved is not None
      gone = ~kept.live[source] & (kept.stands_for[source] == np.arange(inputs))
      # What cannot do without a channel is constant, or not read itself.
      lost = self._needs(site, ranges)[:, gone].any(axis=1)
      constant = np.flatnonzero(gone & ranges.constant)
      biases += self.offsets(site, ranges, constant)[0].sum(axis=1)
      weights = moved
      weights[:, :, gone] = 0
      weights[lost] = 0
      biases[lost] = self.sums(site, ranges).low[lost]
      weights = weights[:, :, kept.channels[source]]
    if target in kept.channels:
      weights, biases = weights.copy(), biases.copy()
      weights[~kept.live[target]] = 0
      biases[~kept.live[target]] = 0
      weights, biases = weights[kept.channels[target]], biases[kept.channels[target]]
    return weights, biases

  def _bias(self, site: Site) -> int:
    return site.operator.inputs[self.bias] if site.view.has_input(self.bias) else -1

  def _biases(self, site: Site) -> np.ndarray:
    return bias_of(site.graph, self._bias(site), site.channels)

  def _scales(self, site: Site) -> np.ndarray:
    quantization = site.view.input(self.weights).quantization
    assert quantization is not None
    return np.broadcast_to(quantization.scales, site.channels)


def weight_keys(weights: np.ndarray, biases: np.ndarray, scales: np.ndarray) -> list[int]:
  """A number for each output channel: equal ones have equal weights [outputs, ...], bias, scale."""
  parts = weights.reshape(len(weights), -1), biases[:, None], scales[:, None]
  rows = np.concatenate([np.ascontiguousarray(part).view(np.uint8) for part in parts], axis=1)
  as_values = rows.view(np.dtype((np.void, rows.shape[1]))).reshape(-1)
  numbers: list[int] = np.unique(as_values, return_inverse=True)[1].reshape(-1).tolist()
  return numbers


def tap_bounds(weights: np.ndarray, source: Ranges) -> tuple[np.ndarray, np.ndarray]:
  """The least and the largest that taps add: int64[...] of weights int8[..., inputs].

  Most channels of a map have the same range, for which sums of weights are enough.
  """
  low, high = _usual(source.low), _usual(source.high)
  plus, minus = _signed_sums(weights)
  least, most = plus * low + minus * high, plus * high + minus * low
  odd = np.flatnonzero((source.low != low) | (source.high != high))
  if odd.size:
    some = weights[..., odd]
    # Exact: products and sums of them stay far below 2^53.
    plus, minus = (each.astype(np.float64) for each in (np.maximum(some, 0), np.minimum(some, 0)))
    lower = (source.low[odd] - low).astype(np.float64)
    higher = (source.high[odd] - high).astype(np.float64)
    least += (plus @ lower + minus @ higher).astype(np.int64)
    most += (plus @ higher + minus @ lower).astype(np.int64)
  return least, most


def _usual(values: np.ndarray) -> int:
  """The value that occurs most often."""
  first = int(values[0])
  if (values == first).all():
    return first
  found, counts = np.unique(values, return_counts=True)
  return int(found[counts.argmax()])


def _signed_sums(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Sums over the last axis of int8 weights, of those above and of those below zero: int64."""
  total = weights.sum(axis=-1, dtype=np.int32)
  sizes = np.abs(weights).view(np.uint8).sum(axis=-1, dtype=np.int32)  # |-128| wraps to 128
  return ((sizes + total) // 2).astype(np.int64), ((total - sizes) // 2).astype(np.int64)
