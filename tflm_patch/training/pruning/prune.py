# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`prune`: a model with as many channels as a budget allows, at once."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from tflm_patch.conversion.fit_types import Fit
from tflm_patch.targets import Target
from tflm_patch.training.channels.model_channels import ModelChannels
from tflm_patch.training.channels.rebuild import without
from tflm_patch.training.clone import compiled_like
from tflm_patch.training.limits import Limits
from tflm_patch.training.pruning.plan import plan_pruning, weakest_first


@dataclasses.dataclass(frozen=True)
class Pruned:
  """A model with fewer channels.

  Attributes:
    model: New, with the weights of the channels that stay; compiled as the old one was.
    before, after: What the models need.
    removed: Channels of each group that went, by the names of the layers.
  """

  model: Any
  before: Fit
  after: Fit
  removed: dict[str, int]


def prune(
  model: Any,
  arena: int | None = None,
  flash: int | None = None,
  macs: int | None = None,
  instructions: int | None = None,
  target: Target | str | os.PathLike[str] | None = None,
) -> Pruned:
  """Removes the channels with the smallest filters until a model keeps its limits.

  `StructuredPruning` does the same step by step while the model is trained.

  Args:
    model: A built functional or Sequential model; left alone.
    arena, flash, macs, instructions, target: See `ArenaBudget`.

  Raises:
    TflmPatchError: a layer is not supported, or the limits cannot be kept.
  """
  channels = ModelChannels(model)
  plan = plan_pruning(channels, Limits.of(arena, flash, macs, instructions, target))
  order = weakest_first(channels)
  gone = {atom for atoms, count in zip(order, plan.counts) for atom in atoms[:count]}
  removed = {group.name: k for group, k in zip(channels.groups, plan.counts) if k}
  made = compiled_like(without(model, channels, gone), model)
  return Pruned(made, plan.before, plan.after, removed)
