# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION along channels."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from tflm_patch.channels.family import Family, Tie, register, sources_of
from tflm_patch.channels.ranges import Ranges
from tflm_patch.channels.site import Site


@register('CONCATENATION')
class Concatenation(Family):
  """The inputs' channels, one input after the other."""

  def follows(self, site: Site) -> bool:
    """Along channels, without constants."""
    rank = len(site.view.output().shape)
    is_computed = len(sources_of(site)) == len(site.operator.inputs)
    return int(site.view.option('axis')) % rank == rank - 1 and is_computed

  def ranges(self, site: Site, sources: Sequence[Ranges]) -> Ranges:
    del site
    return Ranges(
      np.concatenate([source.low for source in sources]),
      np.concatenate([source.high for source in sources]),
    )

  def ties(self, site: Site) -> Iterator[Tie]:
    first = 0
    for i, tensor in enumerate(site.operator.inputs):
      channels = np.arange(site.source_channels(i))
      yield Tie(tensor, channels, site.target, channels + first)
      first += channels.size

  def keys(self, site: Site, classes: Sequence[np.ndarray]) -> Sequence[Hashable]:
    del site
    return np.concatenate(list(classes)).tolist()
