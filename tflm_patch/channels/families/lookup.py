# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Functions of one value, by a table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from tflm_patch.channels.family import Family, register
from tflm_patch.channels.ranges import Ranges
from tflm_patch.channels.site import Site
from tflm_patch.graph.types import DType
from tflm_patch.program.fields import stored
from tflm_patch.program.params import LookupParams


@register(
  'ABS', 'ELU', 'HARD_SWISH', 'LEAKY_RELU', 'LOGISTIC', 'QUANTIZE', 'RELU', 'RELU6', 'RSQRT', 'TANH'
)
class Lookup(Family):
  """The least and the largest entry of the part of the table that is reached."""

  def follows(self, site: Site) -> bool:
    is_table = site.lowered is not None and isinstance(site.stage_op.params, LookupParams)
    return is_table and site.view.input().dtype == DType.INT8 and site.source_channels(0) > 0

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    params = site.stage_op.params
    assert isinstance(params, LookupParams)
    by_value = np.roll(stored(params.table).view(np.int8).astype(np.int64), 128)
    reached = [
      by_value[low + 128 : high + 129] for low, high in zip(sources[0].low, sources[0].high)
    ]
    return Ranges(
      np.array([values.min() for values in reached], np.int64),
      np.array([values.max() for values in reached], np.int64),
    )

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    del site
    return classes[0].tolist()
