# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a search gave: lines for the terminal, and the files of its report."""

from __future__ import annotations

import os
from typing import Any

from tflm_patch.nas.costs import COSTS
from tflm_patch.nas.outputs import SUMMARY, TABLE
from tflm_patch.nas.result import SearchResult
from tflm_patch.report.plot import CONVERTED, STOCK, pyplot_module, write_png
from tflm_patch.report.run_files import NOT_VERIFIED, write_files
from tflm_patch.report.search_page import page
from tflm_patch.report.tables import table

_KB = 1024
_FINAL = '#d1602b'


def write_report(result: SearchResult, folder: str | os.PathLike[str], command: str) -> list[str]:
  """Writes the page and the chart.

  Args:
    result: What is reported.
    folder: Where to.
    command: That searches the same again.

  Returns:
    Names of all files of the search; the chart only where matplotlib is installed.

  Raises:
    TflmPatchError: one cannot be written.
  """
  written = write_files(folder, page(result, command), lambda path: plot_search(result, path))
  folders = [each.training.folder for each in result.finalists]
  return [SUMMARY, TABLE, *written, *(f'{each.name}/' for each in folders if each is not None)]


def summary(result: SearchResult, written: list[str]) -> str:
  """Lines for the terminal."""
  task = result.task
  limits = ', '.join(
    f'{COSTS[name].title} {COSTS[name].text(limit)}'
    for name, limit in result.objectives.limits.items()
  )
  lines = [
    f'{len(result.trials):,} candidates judged, {result.checked:,} checked exactly, in '
    f'{result.seconds:,.0f} seconds; limits: {limits or "none"}'
  ]
  rows = []
  for each in result.finalists:
    training = each.training
    score = task.text(training.int8.score)
    milliseconds = each.trial.needs.milliseconds
    time = '' if milliseconds is None else f'{milliseconds:.3g}'
    rows.append(
      (
        each.rank,
        score,
        f'{training.arena_total:,}',
        f'{training.file_bytes:,}',
        f'{training.converted.converted_macs:,}',
        time,
        each.trial.needs.schedule.value,
      )
    )
  what = f'int8 {task.measure if task.more_is_better else "error"}'
  if rows:
    header = ('top', what, 'arena', 'file', 'MACs', 'ms (estimate)', 'schedule')
    lines.append(table(header, rows))
    lines += [f'{each.rank}: {each.trial.spec}' for each in result.finalists]
    lines += [f'MISSED {text}' for each in result.finalists for text in each.training.missed()]
    lines += [_verified(result)]
  correlated = ', '.join(
    f'{COSTS[name].title if name in COSTS else name} {value:.2f}'
    for name, value in result.rank_correlations.items()
  )
  if correlated:
    lines.append(f'rank correlation (Spearman) with the score: {correlated}')
  lines += [f'note: {note}' for note in result.notes]
  lines.append(f'wrote {", ".join(written)} into {result.folder}')
  return '\n'.join(lines)


def is_good(result: SearchResult) -> bool:
  """Whether all finalists keep their limits, and are what the search was told."""
  return all(
    not each.training.missed() and each.training.verified is not False and each.arena_as_predicted
    for each in result.finalists
  )


def _verified(result: SearchResult) -> str:
  if any(
    each.training.verified is False or not each.arena_as_predicted for each in result.finalists
  ):
    return 'A FINALIST IS NOT WHAT WAS PREDICTED in TFLM: please report it'
  if any(each.arena_in_tflm is None for each in result.finalists):
    return NOT_VERIFIED
  return 'verified: the same bytes as the unconverted models, arenas as predicted, in TFLM'


def plot_search(result: SearchResult, path: str | os.PathLike[str]) -> None:
  """Writes a PNG: scores against arenas, and the best score over the trials.

  Raises:
    EnvironmentMissing: matplotlib is not installed.
    TflmPatchError: the file cannot be written.
  """
  pyplot = pyplot_module()
  figure, axes = pyplot.subplots(1, 2, figsize=(12, 4.8))
  _scatter(axes[0], result)
  best, scores = -float('inf'), []
  for trial in result.trials:
    best = max(best, trial.score)
    scores.append(best)
  numbers = range(1, len(scores) + 1)
  axes[1].plot(numbers, [trial.score for trial in result.trials], '.', color=STOCK)
  axes[1].step(numbers, scores, where='post', color=CONVERTED)
  axes[1].set_xlabel('trials')
  axes[1].set_ylabel('score: each, and the best so far')
  for axis in axes:
    axis.spines[['top', 'right']].set_visible(False)
  title = f'{result.space.name}, {result.options.strategy}: {len(result.trials)} candidates'
  figure.suptitle(title, fontsize=12, parse_math=False)
  figure.tight_layout()
  write_png(pyplot, figure, path)


def _scatter(axis: Any, result: SearchResult) -> None:
  front = {trial.number for trial in result.front}
  final = {finalist.trial.number for finalist in result.finalists}
  for label, color, numbers in (
    ('candidates', STOCK, {t.number for t in result.trials} - front - final),
    ('front', CONVERTED, front - final),
    ('finalists', _FINAL, final),
  ):
    chosen = [trial for trial in result.trials if trial.number in numbers]
    arenas = [trial.needs.arena_required / _KB for trial in chosen]
    axis.scatter(arenas, [trial.score for trial in chosen], color=color, label=label, s=22)
  limit = result.objectives.limit('arena')
  if limit is not None:
    axis.axvline(limit / _KB, color='#c0392b', linewidth=0.8, linestyle='--')
  axis.set_xlabel('arena, KB')
  axis.set_ylabel('score')
  axis.legend(frameon=False, fontsize=8)
