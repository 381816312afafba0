# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD and PADV2, of rows, columns and channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from tflm_patch.channels.family import Family, Kept, Tie, register
from tflm_patch.channels.ranges import Ranges
from tflm_patch.channels.site import Site
from tflm_patch.channels.weights import add_constant
from tflm_patch.graph.types import Operator
from tflm_patch.program.params import PadParams


@register('PAD', 'PADV2')
class Pad(Family):
  """Channels keep their order; new ones are constant."""

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    params, source = self._params(site), sources[0]
    pads = self._pads(site)
    if pads[1:3].any():
      source = source.joined(params.value)
    before, after = (np.full(int(count), params.value, np.int64) for count in pads[3])
    return Ranges(
      np.concatenate([before, source.low, after]), np.concatenate([before, source.high, after])
    )

  def ties(self, site: Site) -> Iterator[Tie]:
    channels = np.arange(site.source_channels(0))
    first = int(self._pads(site)[3, 0])
    yield Tie(site.operator.inputs[0], channels, site.target, channels + first)

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    before, after = self._pads(site)[3].tolist()
    return [-1] * before + classes[0].tolist() + [-1] * after

  def keep(self, site: Site, kept: Kept) -> Operator:
    pads = self._pads(site)
    if site.target not in kept.channels or not pads[3].any():
      return site.operator
    channels, (before, _) = kept.channels[site.target], pads[3]
    behind = before + site.source_channels(0)
    pads[3] = np.count_nonzero(channels < before), np.count_nonzero(channels >= behind)
    made = add_constant(site.graph, site.view.input(1), pads, site.view.input(1).quantization)
    source, _, *value = site.operator.inputs
    return dataclasses.replace(site.operator, inputs=(source, made, *value))

  @staticmethod
  def _pads(site: Site) -> np.ndarray:
    return site.view.input(1).array().reshape(-1, 2).copy()

  @staticmethod
  def _params(site: Site) -> PadParams:
    params = site.stage_op.params
    assert isinstance(params, PadParams)
    return params
