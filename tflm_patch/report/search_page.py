# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A search as one HTML file: the trials, the front, the finalists drawn; nothing to load."""

from __future__ import annotations

from tflm_patch.nas.costs import COSTS
from tflm_patch.nas.result import Finalist, SearchResult
from tflm_patch.nas.trial import Trial
from tflm_patch.report.html_page import command, document, figure, figures, table_row, text
from tflm_patch.report.search_drawing import drawing
from tflm_patch.report.svg_chart import TICKS, Axis, Chart, polyline, span_of

_KB = 1024
_CHART = Chart(330)
_MOST_ROWS = 40  # of the table of trials

_STYLE = """
h2 { border-bottom: 1px solid #ddd; }
svg text.small { font-size: 11px; fill: #555; }
.trial { fill: #9fb0c0; fill-opacity: 0.75; }
.front { fill: #1f6fb2; }
.final { fill: #d1602b; }
.best { fill: none; stroke: #1f6fb2; stroke-width: 2; }
.limit { stroke: #c0392b; stroke-dasharray: 5 4; }
td, th { white-space: nowrap; }
td:last-child, th:last-child { text-align: left; white-space: normal; font-size: 13px;
  min-width: 300px; }
th { font-size: 13px; vertical-align: bottom; white-space: normal; }
"""


def page(result: SearchResult, line: str) -> str:
  """The text of the file.

  Args:
    result: What is reported.
    line: The command that searches the same again.
  """
  names = ['score', *(COSTS[axis].title for axis in result.objectives.axes)]
  estimates = any(COSTS[axis].is_estimate for axis in result.objectives.axes)
  about = 'Milliseconds and millijoules are estimates, not measurements.' if estimates else ''
  return document(
    'Search report',
    _STYLE,
    [
      f'<p>{_about(result)}</p>',
      _figures(result),
      *(f'<p class="missed">{text(note)}</p>' for note in result.notes),
      *(_finalist(each, result) for each in result.finalists),
      '<h2>All candidates</h2>',
      '<p>Every candidate was checked exactly: its arena is that of its converted model. Blue: no '
      f'other is better in {text(", ".join(names))}; orange: finalists. {about}</p>',
      _scatter(result),
      '<h2>Progress</h2>',
      _progress(result),
      '<h2>Trials</h2>',
      f'<div class="scroll">{_table(result)}</div>',
      *command(line),
    ],
  )


def _about(result: SearchResult) -> str:
  options = result.options
  return text(
    f'space {result.space.name} of {float(result.space.size):.3g} networks, strategy '
    f'{options.strategy}, judged by {options.fitness_name}, seed {options.seed}'
  )


def _figures(result: SearchResult) -> str:
  limits = [
    figure(COSTS[name].text(limit), f'limit: {COSTS[name].title}')
    for name, limit in result.objectives.limits.items()
  ]
  return figures(
    (
      figure(f'{len(result.trials):,}', 'candidates judged'),
      figure(f'{result.checked:,}', 'checked exactly'),
      figure(f'{result.seconds / 60:,.1f} min', 'for the candidates'),
      *limits,
    )
  )


def _finalist(finalist: Finalist, result: SearchResult) -> str:
  training, needs = finalist.training, finalist.trial.needs
  task = result.task
  stock = training.converted.original_arena.total
  boxes = [
    figure(task.text(training.int8.score), f'{task.measure}, int8 by {training.int8.by.value}'),
    figure(f'{training.arena_total:,} B', f'arena; stock TFLM {stock:,}'),
    figure(f'{training.file_bytes:,} B', 'file', bool(training.missed())),
    figure(f'{training.converted.converted_macs:,}', 'multiply-accumulates'),
  ]
  if needs.milliseconds is not None and result.objectives.chip is not None:
    chip = result.objectives.chip.name
    boxes.append(figure(f'{needs.milliseconds:,.3g} ms', f'estimate, {chip}'))
  checked = 'what the search was told' if finalist.arena_as_predicted else '<b>not as told</b>'
  measured = ''
  if finalist.arena_in_tflm is not None:
    measured = f'; TFLM on this machine used {finalist.arena_in_tflm:,} bytes, as predicted'
    if not finalist.arena_as_predicted:
      measured = f'; TFLM on this machine used {finalist.arena_in_tflm:,} bytes'
  schedule = '' if needs.schedule.value == 'plain' else f' Schedule: {needs.schedule.value}.'
  limit = result.objectives.limit('arena')
  return (
    f'<h2>Finalist {finalist.rank}</h2><p><code>{text(finalist.trial.spec)}</code></p>'
    f'{figures(boxes)}'
    f'<p>The arena is {checked}{measured}.{schedule}</p>{drawing(finalist, limit)}'
  )


def _score(result: SearchResult) -> str:
  """What a score is."""
  if result.options.fitness_name != 'trained':
    return f'score by {text(result.options.fitness_name)}'
  if result.task.more_is_better:
    return f'{result.task.measure} in the search, %'
  return 'negative error in the search'


def _frame(x: Axis, y: Axis, below: str, beside: str, label: str) -> list[str]:
  return [
    *_CHART.opened(label),
    *_CHART.grid(y),
    *_CHART.beside(y, ',.4g'),
    *_CHART.below(x, ',.4g'),
    _CHART.upright(),
    *_CHART.titles(below, beside),
  ]


def _scatter(result: SearchResult) -> str:
  """Score against arena."""
  trials, front = result.trials, {trial.number for trial in result.front}
  final = {finalist.trial.number for finalist in result.finalists}
  limit = result.objectives.limit('arena')
  arenas = [trial.needs.arena_required / _KB for trial in trials]
  is_near = limit is not None and limit / _KB <= 1.5 * max(arenas)
  x = _CHART.horizontal(*span_of([*arenas, *([limit / _KB] if limit and is_near else [])]))
  y = _CHART.vertical(*span_of([trial.score for trial in trials]))
  parts = _frame(x, y, 'arena, KB', _score(result), 'score against arena')
  if limit is not None and is_near:
    at = x.at(limit / _KB)
    parts.append(f'<line class="limit" x1="{at}" x2="{at}" y1="{_CHART.top}" y2="{_CHART.floor}"/>')
  for trial, arena in sorted(zip(trials, arenas), key=lambda pair: _rank(pair[0], front, final)):
    css = ('trial', 'front', 'final')[_rank(trial, front, final)]
    title = f'{trial.number}: {trial.score:.4g}, {trial.needs.arena_required:,} B, {trial.spec}'
    parts.append(
      f'<circle class="{css}" r="{4 if css == "trial" else 5}" cx="{x.at(arena)}" '
      f'cy="{y.at(trial.score)}"><title>{text(title)}</title></circle>'
    )
  return '\n'.join([*parts, '</svg>'])


def _rank(trial: Trial, front: set[int], final: set[int]) -> int:
  return 2 if trial.number in final else int(trial.number in front)


def _progress(result: SearchResult) -> str:
  """The best score so far."""
  trials = result.trials
  # A multiple of the ticks, so that they are whole numbers.
  most = -(-max(len(trials), 1) // (TICKS - 1)) * (TICKS - 1)
  x = _CHART.horizontal(0, most)
  y = _CHART.vertical(*span_of([trial.score for trial in trials]))
  parts = _frame(x, y, 'trials', _score(result), 'best score so far')
  best = -float('inf')
  points: list[tuple[float, float]] = []
  for trial in trials:
    if trial.score > best:
      if points:
        points.append((trial.number + 1, best))
      best = trial.score
      points.append((trial.number + 1, best))
    parts.append(
      f'<circle class="trial" r="3" cx="{x.at(trial.number + 1)}" cy="{y.at(trial.score)}"/>'
    )
  points.append((len(trials), best))
  return '\n'.join([*parts, polyline('best', x, y, points), '</svg>'])


def _table(result: SearchResult) -> str:
  """The best trials."""
  known = [
    cost
    for cost in COSTS.values()
    if all(cost.value(trial.needs) is not None for trial in result.trials)
  ]
  rows = sorted(result.trials, key=lambda trial: (-trial.score, trial.number))[:_MOST_ROWS]
  header = ['trial', 'score', *(cost.title for cost in known), 'spec']
  lines = [table_row('th', header)]
  for trial in rows:
    costs = [cost.text(cost.value(trial.needs) or 0).split(' ')[0] for cost in known]
    cells = [str(trial.number), f'{trial.score:.5g}', *costs, trial.spec]
    lines.append(table_row('td', cells))
  more = len(result.trials) - len(rows)
  note = f'<p>and {more:,} more, see trials.csv</p>' if more > 0 else ''
  return f'<table>{"".join(lines)}</table>{note}'
