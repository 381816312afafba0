# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether what is to be trained can meet its budgets, said before the first epoch."""

from __future__ import annotations

from tflm_patch.architecture import Spec
from tflm_patch.conversion.fit import Fit, FitOptions, fits
from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.planner.options import PlanOptions
from tflm_patch.training.chip import chip_of
from tflm_patch.training.options import Budgets


def check(subject: Spec | Model, budgets: Budgets) -> Fit:
  """What the model will need.

  Args:
    subject: A spec, or the int8 graph of an untrained network: trained weights change
      neither arena nor file by much.
    budgets: What it may need.

  Raises:
    TflmPatchError: it cannot meet them: by how much, and what would help.
  """
  chip = chip_of(
    'the budget', 'cortex-m4', 'dsp', budgets.arena_bytes, flash_bytes=budgets.flash_bytes
  )
  convert = ConvertOptions(input_rows=budgets.input_rows)
  fit = fits(subject, chip, FitOptions(convert, try_options=True))
  if budgets.flash_bytes is not None and fit.flash > budgets.flash_bytes:
    over = fit.flash - budgets.flash_bytes
    raise TflmPatchError(
      f'the converted file will have about {fit.flash:,} bytes, {over:,} more than '
      f'the flash budget of {budgets.flash_bytes:,}; use fewer channels or blocks'
    )
  if not fit.fits and not _fits_with_a_limit(fit):
    raise TflmPatchError(
      f'the arena will be {fit.arena_required:,} bytes, {-fit.spare_bytes:,} more than the budget '
      f'of {chip.sram_bytes:,}{_bound(fit)}; {_help(fit, budgets)}'
    )
  return fit


def convert_options(budgets: Budgets, fit: Fit) -> ConvertOptions:
  """How the trained model is converted."""
  plan = PlanOptions() if fit.fits else PlanOptions(arena_bytes=budgets.arena_bytes)
  return ConvertOptions(input_rows=budgets.input_rows, plan=plan)


def _fits_with_a_limit(fit: Fit) -> bool:
  """Whether plans that cost time, but no more work, fit: `convert --arena` takes those."""
  return bool(fit.option) and len(fit.option.split()) == 3  # --target the budget


def _bound(fit: Fit) -> str:
  return f' (bound by {fit.bound_by})' if fit.bound_by else ''


def _help(fit: Fit, budgets: Budgets) -> str:
  if '--input-rows' in fit.option and budgets.input_rows is None:
    return f'--input-rows 1 makes it {fit.option_arena:,}, or use a lower resolution'
  if '--max-overhead' in fit.option:
    return f'--max-overhead of convert would make it {fit.option_arena:,}; use a lower resolution'
  return 'use a lower resolution, fewer channels at the beginning, or a larger budget'
