# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A search as one HTML file: the trials, the front, the finalists drawn; nothing to load."""

from __future__ import annotations

import html
from collections.abc import Sequence

from tflm_patch.errors import printable
from tflm_patch.nas.costs import COSTS
from tflm_patch.nas.result import Finalist, SearchResult
from tflm_patch.nas.trial import Trial
from tflm_patch.report.search_drawing import drawing
from tflm_patch.training.data.dataset import Task

_KB = 1024
_WIDTH, _HEIGHT = 860, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 16, 44
_TICKS = 5
_MOST_ROWS = 40  # of the table of trials

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 940px; padding: 0 1em;
  color: #222; }}
h1 {{ font-size: 1.4em; margin-bottom: 0; }}
h2 {{ font-size: 1.15em; margin-top: 2em; border-bottom: 1px solid #ddd; }}
.figures {{ display: flex; flex-wrap: wrap; gap: 12px; margin: 1em 0; }}
.figure {{ background: #f3f6f9; border-radius: 6px; padding: 10px 16px; min-width: 130px; }}
.figure b {{ display: block; font-size: 1.4em; }}
.missed {{ background: #fdecea; }}
.scroll {{ overflow-x: auto; }}
svg {{ width: 100%; height: auto; }}
svg text {{ font-size: 12px; fill: #333; }}
svg text.small {{ font-size: 11px; fill: #555; }}
.stock {{ fill: #b8c4d0; }}
.converted {{ fill: #1f6fb2; }}
.trial {{ fill: #9fb0c0; fill-opacity: 0.75; }}
.front {{ fill: #1f6fb2; }}
.final {{ fill: #d1602b; }}
.line {{ fill: none; stroke: #1f6fb2; stroke-width: 1.5; }}
.best {{ fill: none; stroke: #1f6fb2; stroke-width: 2; }}
.axis {{ stroke: #999; }}
.grid {{ stroke: #eee; }}
.limit {{ stroke: #c0392b; stroke-dasharray: 5 4; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: 3px 9px; text-align: right; border-bottom: 1px solid #ddd;
  white-space: nowrap; }}
td:last-child, th:last-child {{ text-align: left; white-space: normal; font-size: 13px;
  min-width: 300px; }}
th {{ font-size: 13px; vertical-align: bottom; white-space: normal; }}
code {{ background: #f3f6f9; padding: 2px 4px; word-break: break-word; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{about}</p>
<div class="figures">{figures}</div>
{notes}
{finalists}
<h2>All candidates</h2>
<p>Every candidate was checked exactly: its arena is that of its converted model. Blue: no other
is better in {axes}; orange: finalists. {estimates}</p>
{scatter}
<h2>Progress</h2>
{progress}
<h2>Trials</h2>
<div class="scroll">{table}</div>
<h2>Command</h2>
<p><code>{command}</code></p>
</body>
</html>
"""


def page(result: SearchResult, command: str) -> str:
  """The text of the file.

  Args:
    result: What is reported.
    command: That searches the same again.
  """
  names = ['score', *(COSTS[axis].title for axis in result.objectives.axes)]
  estimates = any(COSTS[axis].is_estimate for axis in result.objectives.axes)
  return _PAGE.format(
    title='Search report',
    about=_about(result),
    figures=_figures(result),
    notes=''.join(f'<p class="missed">{_text(note)}</p>' for note in result.notes),
    finalists=''.join(_finalist(each, result) for each in result.finalists),
    axes=_text(', '.join(names)),
    estimates='Milliseconds and millijoules are estimates, not measurements.' if estimates else '',
    scatter=_scatter(result),
    progress=_progress(result),
    table=_table(result),
    command=_text(command),
  )


def _text(text: str) -> str:
  return html.escape(printable(text))


def _about(result: SearchResult) -> str:
  options = result.options
  return _text(
    f'space {result.space.name} of {float(result.space.size):.3g} networks, strategy '
    f'{options.strategy}, judged by {options.fitness_name}, seed {options.seed}'
  )


def _figure(value: str, label: str, missed: bool = False) -> str:
  return f'<div class="figure{" missed" if missed else ""}"><b>{value}</b>{_text(label)}</div>'


def _figures(result: SearchResult) -> str:
  limits = [
    _figure(COSTS[name].text(limit), f'limit: {COSTS[name].title}')
    for name, limit in result.objectives.limits.items()
  ]
  return ''.join(
    (
      _figure(f'{len(result.trials):,}', 'candidates judged'),
      _figure(f'{result.checked:,}', 'checked exactly'),
      _figure(f'{result.seconds / 60:,.1f} min', 'for the candidates'),
      *limits,
    )
  )


def _finalist(finalist: Finalist, result: SearchResult) -> str:
  training, needs = finalist.training, finalist.trial.needs
  is_classes = result.task is Task.CLASSIFICATION
  unit = '{:.2f} %' if is_classes else '{:.4g}'
  what = 'accuracy' if is_classes else 'mean error'
  stock = training.converted.original_arena.total
  figures = [
    _figure(unit.format(training.int8.score), f'{what}, int8 by {training.int8.by.value}'),
    _figure(f'{training.arena_total:,} B', f'arena; stock TFLM {stock:,}'),
    _figure(f'{training.file_bytes:,} B', 'file', bool(training.missed())),
    _figure(f'{training.converted.converted_macs:,}', 'multiply-accumulates'),
  ]
  if needs.milliseconds is not None and result.objectives.chip is not None:
    chip = result.objectives.chip.name
    figures.append(_figure(f'{needs.milliseconds:,.3g} ms', f'estimate, {chip}'))
  checked = 'what the search was told' if finalist.arena_as_predicted else '<b>not as told</b>'
  measured = ''
  if finalist.arena_in_tflm is not None:
    measured = f'; TFLM on this machine used {finalist.arena_in_tflm:,} bytes, as predicted'
    if not finalist.arena_as_predicted:
      measured = f'; TFLM on this machine used {finalist.arena_in_tflm:,} bytes'
  schedule = '' if needs.schedule.value == 'plain' else f' Schedule: {needs.schedule.value}.'
  limit = result.objectives.limit('arena')
  return (
    f'<h2>Finalist {finalist.rank}</h2><p><code>{_text(finalist.trial.spec)}</code></p>'
    f'<div class="figures">{"".join(figures)}</div>'
    f'<p>The arena is {checked}{measured}.{schedule}</p>{drawing(finalist, limit)}'
  )


def _score(result: SearchResult) -> str:
  """What a score is."""
  if result.options.fitness_name != 'trained':
    return f'score by {_text(result.options.fitness_name)}'
  is_classes = result.task is Task.CLASSIFICATION
  return 'accuracy in the search, %' if is_classes else 'negative error in the search'


class _Axis:
  """Values of one dimension as positions on a chart."""

  def __init__(
    self, values: Sequence[float], start: float, end: float, margin: float = 0.05
  ) -> None:
    low, high = min(values), max(values)
    margin = margin * (high - low) or margin * max(abs(high), 1.0)
    self.low, self.high = low - margin, high + margin
    self._start, self._end = start, end

  def at(self, value: float) -> float:
    part = (value - self.low) / (self.high - self.low)
    return round(self._start + part * (self._end - self._start), 1)

  def ticks(self) -> list[float]:
    return [self.low + (self.high - self.low) * k / (_TICKS - 1) for k in range(_TICKS)]


def _frame(x: _Axis, y: _Axis, below: str, beside: str, label: str) -> list[str]:
  bottom = _HEIGHT - _BOTTOM
  parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">']
  for value in y.ticks():
    at = y.at(value)
    parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>')
    parts.append(f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{value:,.4g}</text>')
  parts += [
    f'<text x="{x.at(value)}" y="{bottom + 18}" text-anchor="middle">{value:,.4g}</text>'
    for value in x.ticks()
  ]
  middle = (_LEFT + _WIDTH - _RIGHT) / 2
  return [
    *parts,
    f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>',
    f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{bottom}"/>',
    f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{below}</text>',
    f'<text transform="translate(14 {bottom / 2}) rotate(-90)" text-anchor="middle">'
    f'{beside}</text>',
  ]


def _scatter(result: SearchResult) -> str:
  """Score against arena."""
  trials, front = result.trials, {trial.number for trial in result.front}
  final = {finalist.trial.number for finalist in result.finalists}
  limit = result.objectives.limit('arena')
  arenas = [trial.needs.arena_required / _KB for trial in trials]
  is_near = limit is not None and limit / _KB <= 1.5 * max(arenas)
  x = _Axis([*arenas, *([limit / _KB] if limit and is_near else [])], _LEFT, _WIDTH - _RIGHT)
  y = _Axis([trial.score for trial in trials], _HEIGHT - _BOTTOM, _TOP)
  parts = _frame(x, y, 'arena, KB', _score(result), 'score against arena')
  if limit is not None and is_near:
    at = x.at(limit / _KB)
    parts.append(f'<line class="limit" x1="{at}" x2="{at}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
  for trial, arena in sorted(zip(trials, arenas), key=lambda pair: _rank(pair[0], front, final)):
    css = ('trial', 'front', 'final')[_rank(trial, front, final)]
    title = f'{trial.number}: {trial.score:.4g}, {trial.needs.arena_required:,} B, {trial.spec}'
    parts.append(
      f'<circle class="{css}" r="{4 if css == "trial" else 5}" cx="{x.at(arena)}" '
      f'cy="{y.at(trial.score)}"><title>{_text(title)}</title></circle>'
    )
  return '\n'.join([*parts, '</svg>'])


def _rank(trial: Trial, front: set[int], final: set[int]) -> int:
  return 2 if trial.number in final else int(trial.number in front)


def _progress(result: SearchResult) -> str:
  """The best score so far."""
  trials = result.trials
  # A multiple of the ticks, so that they are whole numbers.
  most = -(-max(len(trials), 1) // (_TICKS - 1)) * (_TICKS - 1)
  x = _Axis([0, most], _LEFT, _WIDTH - _RIGHT, margin=0)
  y = _Axis([trial.score for trial in trials], _HEIGHT - _BOTTOM, _TOP)
  parts = _frame(x, y, 'trials', _score(result), 'best score so far')
  best = -float('inf')
  points: list[str] = []
  for trial in trials:
    if trial.score > best:
      if points:
        points.append(f'{x.at(trial.number + 1)},{y.at(best)}')
      best = trial.score
      points.append(f'{x.at(trial.number + 1)},{y.at(best)}')
    parts.append(
      f'<circle class="trial" r="3" cx="{x.at(trial.number + 1)}" cy="{y.at(trial.score)}"/>'
    )
  points.append(f'{x.at(len(trials))},{y.at(best)}')
  parts.append(f'<polyline class="best" points="{" ".join(points)}"/>')
  return '\n'.join([*parts, '</svg>'])


def _table(result: SearchResult) -> str:
  """The best trials."""
  known = [
    cost
    for cost in COSTS.values()
    if all(cost.value(trial.needs) is not None for trial in result.trials)
  ]
  rows = sorted(result.trials, key=lambda trial: (-trial.score, trial.number))[:_MOST_ROWS]
  header = ['trial', 'score', *(cost.title for cost in known), 'spec']
  lines = [''.join(f'<th>{_text(cell)}</th>' for cell in header)]
  for trial in rows:
    costs = [cost.text(cost.value(trial.needs) or 0).split(' ')[0] for cost in known]
    cells = [str(trial.number), f'{trial.score:.5g}', *costs, trial.spec]
    lines.append(''.join(f'<td>{_text(cell)}</td>' for cell in cells))
  more = len(result.trials) - len(rows)
  note = f'<p>and {more:,} more, see trials.csv</p>' if more > 0 else ''
  return f'<table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table>{note}'
