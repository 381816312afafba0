# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What every channel can be: ranges and equal channels, from the inputs to the outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping

import numpy as np

from tflm_patch.channels import families  # noqa: F401, registers them
from tflm_patch.channels.family import Family, family_of, sources_of
from tflm_patch.channels.ranges import Ranges
from tflm_patch.channels.site import Site, channels_of, site_of
from tflm_patch.graph.types import Model, Subgraph
from tflm_patch.planner.lowering.operators import OpView


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
  """An operator whose channels are followed."""

  site: Site
  family: Family

  @property
  def sources(self) -> list[int]:
    """Its inputs that are followed."""
    return sources_of(self.site)


@dataclasses.dataclass(frozen=True, eq=False)
class Forward:
  """A graph with what its channels can be.

  Attributes:
    graph: The graph.
    steps: Index of an operator -> it, where channels are followed through it.
    ranges: Tensor -> ranges, of every followed tensor.
  """

  graph: Subgraph
  steps: dict[int, Step]
  ranges: dict[int, Ranges]

  def after(self, ranges: Mapping[int, Ranges]) -> Forward:
    """The same graph after its operators and tensors were replaced, none moved.

    Args:
      ranges: Of the tensors whose channels changed.
    """
    model = Model([self.graph])
    steps = {
      index: Step(Site(OpView(model, self.graph, index)), step.family)
      for index, step in self.steps.items()
    }
    return Forward(self.graph, steps, {**self.ranges, **ranges})


def analyze(graph: Subgraph) -> Forward:
  """The ranges of all channels."""
  ranges = {
    t: Ranges.whole(channels_of(tensor))
    for t, tensor in enumerate(graph.tensors)
    if channels_of(tensor)
  }
  steps = {}
  for index in range(len(graph.operators)):
    site = site_of(graph, index)
    family = family_of(site)
    if site is None or family is None:
      continue
    step = Step(site, family)
    if not step.sources:
      continue
    steps[index] = step
    ranges[site.target] = family.ranges(site, [ranges[t] for t in step.sources])
  return Forward(graph, steps, ranges)


def equal_channels(forward: Forward) -> dict[int, np.ndarray]:
  """Tensor -> int[channels]: equal numbers in a tensor mean that the values are always equal."""
  classes, total = {}, 0
  for t, found in forward.ranges.items():
    classes[t] = np.arange(total, total + found.low.size)
    total += found.low.size
  for step in forward.steps.values():
    keys = step.family.keys(step.site, [classes[t] for t in step.sources])
    numbers: dict[Hashable, int] = {}
    found_now = [numbers.setdefault(key, total + len(numbers)) for key in keys]
    classes[step.site.target] = np.array(found_now, np.int64)
    total += len(numbers)
  return classes
