# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The stage rewrite: connected supported operators become `TflmPatchStage`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from converter_plugins import fold_pad
from tflm_patch.conversion.stages import Searches, StageChoice, StageOptions, choose_stages
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import compact, drop_offline_plan


def rewrite(
    model: Model,
    options: StageOptions,
    known: Searches | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> StageChoice:
  """Puts every region that gains by it into a stage.

  Args:
    model: After the other rewrites; see `choose_stages` for the rest.
  """
  return choose_stages(model, _finish, options, known, progress)


def _finish(model: Model) -> Model:
  """Makes stock operators stock again and drops what nothing uses."""
  main = dataclasses.replace(
      model.main, tensors=list(model.main.tensors), operators=list(model.main.operators)
  )
  fold_pad.unfold(main)
  model = dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]])
  return compact(drop_offline_plan(model))
