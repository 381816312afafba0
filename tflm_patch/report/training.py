# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a training gave: lines for the terminal, and the files of its report."""

from __future__ import annotations

import os

from tflm_patch.report import training_page, training_plot
from tflm_patch.report.run_files import NOT_VERIFIED, limit_text, write_files
from tflm_patch.training.anomaly import Detector
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.outputs import ANOMALY, CONVERTED, INT8, KERAS, SUMMARY
from tflm_patch.training.result import TrainResult


def write_report(result: TrainResult, folder: str | os.PathLike[str], command: str) -> list[str]:
  """Writes the page and the chart.

  Args:
    result: What is reported.
    folder: Where to.
    command: That trains the same again.

  Returns:
    Names of all files of the training; the chart only where matplotlib is installed.

  Raises:
    TflmPatchError: one cannot be written.
  """
  page = training_page.page(result, command)
  written = write_files(folder, page, lambda path: training_plot.plot_training(result, path))
  header = [] if result.detector is None else [ANOMALY]
  return [KERAS, INT8, CONVERTED, SUMMARY, *header, *written]


def summary(result: TrainResult, written: list[str]) -> str:
  """Lines for the terminal."""
  converted = result.converted
  lines = [
    f'{result.name}',
    f'{score_line(result)}',
    *([] if result.detector is None else [detector_line(result.detector)]),
    f'arena {converted.original_arena.total:,} -> {result.arena_total:,} bytes'
    f'{limit_text(result.budgets.arena_bytes)}, file {converted.original_bytes:,} -> '
    f'{result.file_bytes:,} bytes{limit_text(result.budgets.flash_bytes)}',
    *(f'MISSED {each}' for each in result.missed()),
    _verified(result),
    f'{result.history[-1].epoch if result.history else 0} epochs, {result.seconds:,.0f} seconds, '
    f'{result.cpu_seconds:,.0f} CPU seconds',
  ]
  if result.dataset.skipped:
    skipped = ', '.join(f'{count:,} {why}' for why, count in result.dataset.skipped.items())
    lines.append(f'skipped files: {skipped}')
  lines.append(f'wrote {", ".join(written)} into {result.folder}')
  return '\n'.join(lines)


def score_line(result: TrainResult) -> str:
  """Accuracy, or error, of both models."""
  by = result.int8.by.value
  count = f'{result.int8.examples:,} held-out examples'
  task = result.dataset.task
  what = '' if task is Task.CLASSIFICATION else f'{task.measure} '
  return (
    f'{what}{task.text(result.int8.score)} int8 by {by}, {task.text(result.float_score)} float, '
    f'on {count}'
  )


def detector_line(detector: Detector) -> str:
  """A threshold and what it does."""
  text = (
    f'threshold {detector.threshold:,} (mean squared error {detector.threshold_error:.4g}, '
    f'{100 * detector.quantile:g} % of normal examples): {100 * detector.false_alarms:.1f} % of '
    f'{detector.normal:,} other normal examples are above it'
  )
  if detector.auc is None or detector.f1 is None or detector.recall is None:
    return text
  return (
    f'{text}, {100 * detector.recall:.1f} % of {detector.anomalous:,} anomalies; AUC '
    f'{detector.auc:.3f}, F1 {detector.f1:.3f}'
  )


def _verified(result: TrainResult) -> str:
  if result.verified is None:
    return NOT_VERIFIED
  if result.verified:
    return 'verified: original and converted model give the same bytes in TFLM'
  return 'THE CONVERTED MODEL GIVES OTHER BYTES than the original in TFLM: please report it'
