# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from tflm_patch.channels.borders import window_sums
from tflm_patch.channels.families.convolution import seen
from tflm_patch.channels.family import Family, Kept, Tie, register
from tflm_patch.channels.ranges import Ranges, Sums, requantized
from tflm_patch.channels.site import Site
from tflm_patch.channels.weighted import weight_keys
from tflm_patch.channels.weights import add_bias, add_constant, bias_of, kept_scales
from tflm_patch.graph.types import Operator
from tflm_patch.program.fields import stored
from tflm_patch.program.params import ConvParams, DepthwiseParams


@register('DEPTHWISE_CONV_2D')
class DepthwiseConvolution(Family):
  """Each input channel goes with those that are made from it."""

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    params = site.stage_op.params
    assert isinstance(params, DepthwiseParams | ConvParams)
    weights = site.view.input(1).array()[0].astype(np.int64)
    source = site.view.input().shape[-1]
    low, high = (np.repeat(ends, weights.shape[2] // source) for ends in _ends(sources[0]))
    least, most = (
      np.minimum(weights * low, weights * high),
      np.maximum(weights * low, weights * high),
    )
    padding, sets = weights * site.source_map().zero_point, seen(site)
    bias = stored(params.bias).astype(np.int64)
    sums = Sums(
      window_sums(least, padding, sets).min(axis=0) + bias,
      window_sums(most, padding, sets).max(axis=0) + bias,
    )
    return requantized(sums, params.requant)

  def ties(self, site: Site) -> Iterator[Tie]:
    made = np.arange(site.channels)
    multiplier = site.channels // site.view.input().shape[-1]
    yield Tie(site.operator.inputs[0], made // multiplier, site.target, made)

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    weights = np.moveaxis(site.view.input(1).array()[0], 2, 0)
    scales = site.view.input(1).quantization
    assert scales is not None
    own = weight_keys(weights, self._biases(site), np.broadcast_to(scales.scales, site.channels))
    sources = np.repeat(classes[0], site.channels // classes[0].size)
    return [(int(source), key) for source, key in zip(sources, own)]

  def keep(self, site: Site, kept: Kept) -> Operator:
    if site.target not in kept.channels:
      return site.operator
    channels, old = kept.channels[site.target], site.view.input(1)
    weights = add_constant(
      site.graph, old, old.array()[..., channels], kept_scales(old.quantization, channels)
    )
    values = self._biases(site)[channels]
    bias = add_bias(site.graph, self._bias(site), values, channels, site.view.input(), old)
    inputs = (site.operator.inputs[0], weights, *([bias] if bias >= 0 else []))
    return dataclasses.replace(site.operator, inputs=inputs)

  @staticmethod
  def _bias(site: Site) -> int:
    return site.operator.inputs[2] if site.view.has_input(2) else -1

  def _biases(self, site: Site) -> np.ndarray:
    return bias_of(site.graph, self._bias(site), site.channels)


def _ends(ranges: Ranges) -> tuple[np.ndarray, np.ndarray]:
  return ranges.low, ranges.high
