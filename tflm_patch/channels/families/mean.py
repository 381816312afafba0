# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MEAN over rows, columns or both."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from tflm_patch.channels.family import Family, register
from tflm_patch.channels.ranges import Ranges, rescaled
from tflm_patch.channels.site import Site
from tflm_patch.program.params import MeanParams


@register('MEAN')
class Mean(Family):
  """The sum of many values is the largest when each is."""

  def follows(self, site: Site) -> bool:
    """Channels that stay channels: neither reduced nor, without rows or columns, renamed."""
    lowered = site.lowered
    assert lowered is not None
    params = site.stage_op.params
    return isinstance(params, MeanParams) and not params.over_channels and len(lowered.ops) == 1

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    params, source = site.stage_op.params, site.source_map()
    assert isinstance(params, MeanParams)
    count = math.prod(
      size
      for size, over in ((source.rows, params.over_rows), (source.cols, params.over_cols))
      if over
    )
    low, high = (count * (ends - source.zero_point) for ends in (sources[0].low, sources[0].high))
    found = rescaled(low, high, params.multiplier, params.shift)
    if found is None:
      return Ranges.whole(site.channels)
    low, high = found
    zero_point = params.output_zero_point
    return Ranges(low + zero_point, high + zero_point).clamped(-128, 127)

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    del site
    return classes[0].tolist()
