# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of two maps, or of a map and a constant, that are broadcast."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from tflm_patch.channels.family import Family, Kept, Tie, register
from tflm_patch.channels.ranges import Ranges, rescaled
from tflm_patch.channels.site import Site, channels_of
from tflm_patch.channels.weights import add_constant, kept_scales
from tflm_patch.graph.types import Operator
from tflm_patch.program.params import AddParams, MulParams, PreluParams

_Ends = tuple[np.ndarray, np.ndarray]


class Elementwise(Family, abc.ABC):
  """Operands of all channels go with the output's; one of a single channel stays."""

  @abc.abstractmethod
  def combine(self, site: Site, first: Ranges, second: Ranges) -> Ranges | None:
    """The output's values from those of both operands, None for any."""

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    followed = iter(sources)
    operands = []
    for i in (0, 1):
      constant = site.source_map(i).constant
      if constant is None:
        operands.append(next(followed))
      else:
        values = constant.astype(np.int64)
        operands.append(Ranges(values.min(axis=(0, 1)), values.max(axis=(0, 1))))
    found = self.combine(site, operands[0], operands[1])
    if found is None:
      return Ranges.whole(site.channels)
    return Ranges(*(np.broadcast_to(ends, site.channels) for ends in (found.low, found.high)))

  def ties(self, site: Site) -> Iterator[Tie]:
    same = np.arange(site.channels)
    for i in (0, 1):
      if site.source_channels(i) == site.channels:
        yield Tie(site.operator.inputs[i], same, site.target, same)

  def pinned(self, site: Site) -> Iterator[tuple[int, np.ndarray]]:
    for i in (0, 1):
      if site.source_channels(i) not in (0, site.channels):
        yield site.operator.inputs[i], np.arange(site.source_channels(i))

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    followed = iter(classes)
    columns: list[list[Hashable]] = []
    for i in (0, 1):
      constant = site.source_map(i).constant
      if constant is None:
        column: list[Hashable] = [*next(followed).tolist()]
      else:
        column = [constant[..., k].tobytes() for k in range(constant.shape[2])]
      columns.append(column * (site.channels // len(column)))
    return list(zip(*columns))

  def keep(self, site: Site, kept: Kept) -> Operator:
    if site.target not in kept.channels:
      return site.operator
    channels, inputs = kept.channels[site.target], list(site.operator.inputs)
    for i in (0, 1):
      tensor = site.view.input(i)
      if channels_of(tensor) == 0 and tensor.shape and tensor.shape[-1] == site.channels:
        inputs[i] = add_constant(
          site.graph,
          tensor,
          tensor.array()[..., channels],
          kept_scales(tensor.quantization, channels),
        )
    return dataclasses.replace(site.operator, inputs=tuple(inputs))


def _from_zero(site: Site, i: int, operand: Ranges) -> _Ends:
  zero_point = site.source_map(i).zero_point
  return operand.low - zero_point, operand.high - zero_point


@register('ADD', 'SUB')
class Sum(Elementwise):
  """Grows with the first operand and with the second, or falls with it."""

  def combine(self, site: Site, first: Ranges, second: Ranges) -> Ranges | None:
    params = site.stage_op.params
    assert isinstance(params, AddParams)
    terms = []
    for i, operand in enumerate((first, second)):
      low, high = (ends << params.left_shift for ends in _from_zero(site, i, operand))
      term = rescaled(low, high, params.input_multiplier[i], params.input_shift[i])
      if term is None:
        return None
      terms.append(term)
    (a, b), (c, d) = terms
    low, high = (a - d, b - c) if site.operator.opcode == 'SUB' else (a + c, b + d)
    return _finished(low, high, params)


@register('MUL')
class Product(Elementwise):
  """The extremes of a product are products of extremes."""

  def combine(self, site: Site, first: Ranges, second: Ranges) -> Ranges | None:
    params = site.stage_op.params
    assert isinstance(params, MulParams)
    low, high = _products(_from_zero(site, 0, first), _from_zero(site, 1, second))
    return _finished(low, high, params)


def _products(first: _Ends, second: _Ends) -> _Ends:
  corners = np.stack([a * b for a in first for b in second])
  return corners.min(axis=0), corners.max(axis=0)


def _finished(low: np.ndarray, high: np.ndarray, params: AddParams | MulParams) -> Ranges | None:
  found = rescaled(low, high, params.output_multiplier, params.output_shift)
  if found is None:
    return None
  low, high = (ends + params.output_zero_point for ends in found)
  return Ranges(low, high).clamped(params.act_min, params.act_max)


@register('MAXIMUM', 'MINIMUM')
class Choice(Elementwise):
  """Grows with both operands."""

  def combine(self, site: Site, first: Ranges, second: Ranges) -> Ranges:
    choose = np.maximum if site.operator.opcode == 'MAXIMUM' else np.minimum
    return Ranges(choose(first.low, second.low), choose(first.high, second.high))


@register('PRELU')
class Prelu(Elementwise):
  """Values from the zero point on are scaled, those below it multiplied by a slope."""

  def combine(self, site: Site, first: Ranges, second: Ranges) -> Ranges | None:
    params = site.stage_op.params
    assert isinstance(params, PreluParams)
    low, high = _from_zero(site, 0, first)
    shape = np.broadcast_shapes(low.shape, second.low.shape)
    negative = np.broadcast_to(low < 0, shape)
    positive = np.broadcast_to(high >= 0, shape)
    upper = rescaled(np.maximum(low, 0), np.maximum(high, 0), params.multiplier[0], params.shift[0])
    slopes = _from_zero(site, 1, second)
    products = _products((np.minimum(low, -1), np.minimum(high, -1)), slopes)
    lower = rescaled(*products, params.multiplier[1], params.shift[1])
    if upper is None or lower is None:
      return None
    never = 1 << 40
    least = np.minimum(np.where(positive, upper[0], never), np.where(negative, lower[0], never))
    most = np.maximum(np.where(positive, upper[1], -never), np.where(negative, lower[1], -never))
    zero_point = params.output_zero_point
    return Ranges(least + zero_point, most + zero_point).clamped(-128, 127)
