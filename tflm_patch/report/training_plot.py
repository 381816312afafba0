# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A training as a chart: learning curve, confusion matrix, memory."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tflm_patch.analysis.memory import analyze_conversion
from tflm_patch.report.plot import CONVERTED, STOCK, pyplot_module, write_png
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.result import TrainResult

_KB = 1024
_MOST_NUMBERS = 12  # classes whose counts are written into the matrix


def plot_training(result: TrainResult, path: str | os.PathLike[str]) -> None:
  """Writes a PNG.

  Raises:
    EnvironmentMissing: matplotlib is not installed.
    TflmPatchError: the file cannot be written.
  """
  pyplot = pyplot_module()
  has_matrix = bool(result.int8.confusion)
  figure, axes = pyplot.subplots(1, 3 if has_matrix else 2, figsize=(15 if has_matrix else 10, 4.6))
  _curve(axes[0], result)
  _memory(axes[1], result)
  if has_matrix:
    _matrix(axes[2], result)
  figure.suptitle(_title(result), fontsize=11, parse_math=False)
  figure.tight_layout()
  write_png(pyplot, figure, path)


def _title(result: TrainResult) -> str:
  arena = f'arena {result.arena_total:,} bytes, file {result.file_bytes:,} bytes'
  task = result.dataset.task
  what = '' if task is Task.CLASSIFICATION else f'{task.measure} '
  return f'{what}{task.text(result.int8.score)} int8 on held-out examples, {arena}'


def _curve(axis: Any, result: TrainResult) -> None:
  epochs = [row.epoch for row in result.history]
  axis.plot(epochs, [row.loss for row in result.history], color=STOCK, label='training loss')
  axis.set_xlabel('epochs')
  axis.set_ylabel('training loss')
  measured = [(row.epoch, row.score) for row in result.history if row.score is not None]
  other = axis.twinx()
  other.plot(*zip(*measured), color=CONVERTED, marker='.') if measured else None
  task = result.dataset.task
  what = f'{task.measure}, %' if task.more_is_better else task.measure
  other.set_ylabel(f'held-out {what}', color=CONVERTED)
  axis.spines['top'].set_visible(False)
  other.spines['top'].set_visible(False)
  axis.set_title('learning', fontsize=10)


def _memory(axis: Any, result: TrainResult) -> None:
  rows = analyze_conversion(result.converted).operators
  places = np.arange(len(rows))
  axis.bar(places, [row.live_before / _KB for row in rows], width=0.9, color=STOCK, label='stock')
  after = [row.live_after / _KB for row in rows]
  axis.bar(places, after, width=0.9, color=CONVERTED, label='converted')
  axis.set_xlabel('operators')
  axis.set_ylabel('activations alive, KB')
  axis.legend(frameon=False)
  axis.spines[['top', 'right']].set_visible(False)
  axis.set_title('memory', fontsize=10)


def _matrix(axis: Any, result: TrainResult) -> None:
  counts = np.array(result.int8.confusion)
  shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
  axis.imshow(shares, cmap='Blues', vmin=0, vmax=1)
  classes = result.dataset.classes
  if len(classes) <= _MOST_NUMBERS:
    for (row, column), count in np.ndenumerate(counts):
      color = 'white' if shares[row, column] > 0.5 else '#333333'
      axis.text(column, row, str(count), ha='center', va='center', fontsize=8, color=color)
  step = max(1, len(classes) // 25)
  ticks = range(0, len(classes), step)
  axis.set_xticks(ticks, [classes[k][:14] for k in ticks], rotation=90, fontsize=8)
  axis.set_yticks(ticks, [classes[k][:14] for k in ticks], fontsize=8)
  for label in (*axis.get_xticklabels(), *axis.get_yticklabels()):
    label.set_parse_math(False)
  axis.set_xlabel('int8 in TFLM says')
  axis.set_ylabel('class')
  axis.set_title('confusion', fontsize=10)
