# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D; the resizes, which choose and mix cells of a channel, too."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from tflm_patch.channels.family import Family, register
from tflm_patch.channels.ranges import Ranges
from tflm_patch.channels.site import Site
from tflm_patch.program.params import PoolParams


@register('AVERAGE_POOL_2D', 'MAX_POOL_2D', 'RESIZE_BILINEAR', 'RESIZE_NEAREST_NEIGHBOR')
class Pool(Family):
  """A mean or a choice of values lies among them; cells beyond the map are left out."""

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    params = site.stage_op.params
    if isinstance(params, PoolParams):
      return sources[0].clamped(params.act_min, params.act_max)
    return sources[0]

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    del site
    return classes[0].tolist()
