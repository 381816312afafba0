# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The stage rewrite: connected supported operators become `TflmPatchStage`."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.conversion.finish import finish
from tflm_patch.conversion.plugins import register_stage
from tflm_patch.conversion.stages import Searches, StageChoice, StageOptions, choose_stages
from tflm_patch.graph.types import Model


@register_stage
class Stage:
  """Connected operators become one operator that computes row by row."""

  def rewrite(
    self,
    model: Model,
    options: StageOptions,
    known: Searches | None,
    progress: Callable[[str], None],
  ) -> StageChoice:
    """Puts every region that gains by it into a stage; see `choose_stages`."""
    return choose_stages(model, finish, options, known, progress)
