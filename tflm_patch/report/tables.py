# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plain-text tables and the summaries that the commands print."""

from __future__ import annotations

import collections
import pathlib
import re
from collections.abc import Sequence

from tflm_patch.analysis.memory import Analysis, Bound
from tflm_patch.analysis.pareto import Pareto
from tflm_patch.analysis.patch_report import FieldOfOperator, ReceptiveFieldReport
from tflm_patch.analysis.suggestions import Suggestion
from tflm_patch.analysis.verification import Verification
from tflm_patch.api import ConversionResult, StockOperator
from tflm_patch.codegen.compiler import CompiledModel
from tflm_patch.report.graph_lines import graph_lines
from tflm_patch.report.speed_lines import fast_memory_lines, speed_lines
from tflm_patch.targets import Target

# Of the list of stock operators: lines, kinds of operators in a line, characters of a name.
_STOCK_LINES = 12
_OPCODES = 6
_NAME_LENGTH = 60
_REWRITES = 8  # lines of the list of rewrites
_LONG_NAME = re.compile(rf'"([^"]{{{_NAME_LENGTH + 1},}})"')


def table(header: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> str:
  """Aligned columns; the first `left` ones to the left, the others to the right."""
  texts = [[str(cell) for cell in row] for row in [header, *rows]]
  widths = [max(len(row[i]) for row in texts) for i in range(len(header))]
  lines = []
  for number, row in enumerate(texts):
    cells = [
      cell.ljust(width) if i < left else cell.rjust(width)
      for i, (cell, width) in enumerate(zip(row, widths))
    ]
    lines.append('  '.join(cells).rstrip())
    if number == 0:
      lines.append('  '.join('-' * width for width in widths))
  return '\n'.join(lines)


def _factor(before: int, after: int) -> str:
  return f'{before / after:.2f}x' if before and after else ''


def conversion_summary(result: ConversionResult, output: str) -> str:
  """What `convert` prints."""
  if not result.changed:
    notes = [*_missing_text(result), *_unknown_text(result.unknown_memory)]
    return '\n'.join(
      [f'unchanged: {short_names(result.reason or "")}', *notes, f'written: {output}']
    )
  before, after = result.original_arena, result.converted_arena
  rows = [
    ('arena', before.total, after.total),
    ('  head (activations)', before.head, after.head),
    ('  tail (persistent)', before.tail, after.tail),
    ('smallest arena that works', before.required, after.required),
    *([('fast memory', 0, result.fast_bytes)] if result.fast_bytes else []),
    (
      'arena in Python, 8-byte pointers',
      result.original_arena_host.total,
      result.converted_arena_host.total,
    ),
    ('file', result.original_bytes, result.converted_bytes),
    ('MACs', result.original_macs, result.converted_macs),
  ]
  lines = [
    table(
      ('bytes', 'stock', 'converted', 'factor'),
      [(name, f'{a:,}', f'{b:,}', _factor(a, b)) for name, a, b in rows],
    ),
    '',
  ]
  for number, stage in enumerate(result.stages):
    plan = stage.plan
    streams = sum(segment.schedule == 'stream' for segment in plan.segments)
    state = f' state {plan.state_bytes:,},' if plan.state_bytes else ''
    state += f' fast memory {plan.fast_bytes:,},' if plan.fast_bytes else ''
    lines.append(
      f'stage {number}: {len(stage.region)} operators in {len(plan.segments)} segments'
      f' ({streams} streamed), workspace {plan.workspace_bytes:,},{state} program'
      f' {len(stage.encoded.program):,}, constants {len(stage.encoded.constants):,} bytes'
    )
  lines += _hop_text(result)
  lines += graph_lines(result.neighbourhoods)
  lines += [f'note: {note}' for note in result.notes]
  # Equal ones on a line: exports pad every convolution alike.
  changes = collections.Counter(f'{change.plugin}: {change.text}' for change in result.changes)
  for text, times in list(changes.items())[:_REWRITES]:
    lines.append(text if times == 1 else f'{text}, {times} times')
  if len(changes) > _REWRITES:
    lines.append(f'... and {sum(list(changes.values())[_REWRITES:])} more rewrites')
  lines += _stock_text(result)
  lines += [*_missing_text(result), *_unknown_text(result.unknown_memory)]
  lines += ['', f'written: {output}', _arenas_are(result)]
  return '\n'.join(lines)


def _hop_text(result: ConversionResult) -> list[str]:
  hop = result.hop
  if hop is None:
    return []
  whole = max(result.original_macs, 1)
  return [
    f'hop: {hop.rows} new of {hop.window_rows} rows an Invoke(), outputs once '
    f'{hop.invocations} have filled the window; {100 * result.converted_macs / whole:.1f} % of '
    f'the MACs of a whole window, {100 * hop.macs_again / whole:.1f} % again'
  ]


def short_names(text: str) -> str:
  """A text in which quoted names that are long are cut: their ends tell them apart."""
  half = _NAME_LENGTH // 2
  return _LONG_NAME.sub(lambda name: f'"{name[1][: half - 3]}...{name[1][-half:]}"', text)


def _stock_text(result: ConversionResult) -> list[str]:
  """The operators outside of stages, those of one reason together, the most frequent first."""
  groups: dict[str, list[StockOperator]] = {}
  for operator in result.stock_operators:
    key = operator.reason if operator.rule == 'gain' else operator.rule
    groups.setdefault(key, []).append(operator)
  ordered = sorted(groups.values(), key=lambda group: -len(group))
  lines = [f'stock: {_group_text(group)}' for group in ordered[:_STOCK_LINES]]
  if len(ordered) > _STOCK_LINES:
    count = sum(len(group) for group in ordered[_STOCK_LINES:])
    lines.append(f'... and {count} stock operators for other reasons; --json lists all')
  if result.stock_operators and _has_free_batch(result):
    lines.append(
      'The model was exported for any batch size: export with batch size 1 '
      '(keras.Input(batch_size=1)), so that shapes are constants'
    )
  return lines


def _group_text(group: Sequence[StockOperator]) -> str:
  """Operators that one reason keeps out of stages; the first one's values stand for all."""
  opcodes = collections.Counter(operator.opcode for operator in group)
  names = [f'{opcode} ({count})' for opcode, count in opcodes.most_common(_OPCODES)]
  if len(opcodes) > len(names):
    names.append(f'{len(opcodes) - len(names)} more kinds')
  reason = group[0].reason
  if group[0].rule == 'operator' and len(opcodes) > 1:
    reason = 'A stage cannot hold these operators'
  return f'{", ".join(names)}: {short_names(reason[:1].lower() + reason[1:])}'


def _has_free_batch(result: ConversionResult) -> bool:
  """Whether shapes are computed in the model because its batch size is left open."""
  graph = result.original.main
  signatures = [getattr(graph.tensors[i].origin, 'shapeSignature', None) for i in graph.inputs]
  return any(operator.opcode == 'SHAPE' for operator in result.stock_operators) and any(
    signature is not None and len(signature) and signature[0] == -1 for signature in signatures
  )


def _missing_text(result: ConversionResult) -> list[str]:
  if not result.missing_kernels:
    return []
  names = [f'{opcode} ({count})' for opcode, count in result.missing_kernels.items()]
  return [
    f'TFLM cannot run this model: it has no kernel for {", ".join(names)}; replace what '
    'becomes these operators and export again'
  ]


def _unknown_text(names: Sequence[str]) -> list[str]:
  if not names:
    return []
  return [
    f'arena at least: the memory of {", ".join(names)} is not known and comes on top; '
    'tflm-patch verify measures it where TFLM has the operator'
  ]


def _arenas_are(result: ConversionResult) -> str:
  return (
    f'Arenas are predicted for {result.pointer_bytes}-byte pointers; `tflm-patch verify` '
    'measures that of the Python interpreter.'
  )


def analysis_summary(analysis: Analysis) -> str:
  """What `analyze` prints."""
  rows = [
    (
      row.index,
      row.opcode,
      'x'.join(map(str, row.output_shape)),
      row.schedule,
      row.segment,
      f'{row.macs:,}',
      f'{row.live_before:,}',
      f'{row.live_after:,}',
    )
    for row in analysis.operators
  ]
  header = ('#', 'operator', 'output', 'schedule', 'segment', 'MACs', 'live stock', 'live after')
  result = analysis.conversion
  lines = [table(header, rows, left=5), '']
  lines.append(
    f'arena: stock {result.original_arena.total:,}, converted '
    f'{result.converted_arena.total:,} bytes (predicted for {result.pointer_bytes}-byte '
    f'pointers; in Python {result.original_arena_host.total:,} and '
    f'{result.converted_arena_host.total:,})'
  )
  lines += fast_memory_lines(analysis.fast_memory)
  lines += speed_lines(analysis.speed)
  lines += _hop_text(result)
  lines += graph_lines(result.neighbourhoods)
  lines += [f'note: {note}' for note in result.notes]
  if not result.changed:
    lines.append(f'unchanged: {short_names(result.reason or "")}')
  lines += [*_missing_text(result), *_unknown_text(result.unknown_memory)]
  lines.append(_bound_text('stock peak', analysis.bound_before))
  if result.changed:
    lines.append(_bound_text('converted peak', analysis.bound_after))
  if analysis.suggestions:
    lines += ['', 'what would lower the arena further:']
    lines += [_suggestion_text(suggestion) for suggestion in analysis.suggestions]
  return '\n'.join(lines)


def _short(name: str, limit: int = 72) -> str:
  return name if len(name) <= limit else f'{name[: limit - 4]}..."'


def pareto_summary(found: Pareto) -> str:
  """What `pareto` prints."""
  has_fast = any(point.fast_bytes for point in found.points)
  rows = [
    (
      '*' if point.optimal else '',
      point.options,
      f'{point.arena_total:,}',
      f'{point.arena_head:,}',
      *([f'{point.fast_bytes:,}'] if has_fast else []),
      f'{point.macs:,}',
      f'{point.macs / found.stock_macs:.2f}x',
      f'{point.kernel_calls:,}',
      '' if point.cycles is None else f'{point.cycles / 1e6:,.2f}',
    )
    for point in found.points
  ]
  fast = ('fast',) if has_fast else ()
  header = ('', 'options', 'arena', 'head', *fast, 'MACs', 'of stock', 'kernel calls', 'Mcycles')
  return '\n'.join(
    [
      f'{table(header, rows, left=2)}\n\n* no other is as good in arena,'
      f'{" fast memory," if has_fast else ""} MACs and kernel calls. '
      f'Stock arena: {found.stock_arena:,} bytes. Arenas are predicted for the target.',
      *_unknown_text(found.unknown_memory),
    ]
  )


def _suggestion_text(suggestion: Suggestion) -> str:
  more = f', {suggestion.overhead:.2f}x MACs' if suggestion.overhead > 1 else ''
  return (
    f'  {suggestion.option}: -{suggestion.saved_bytes:,} bytes ({suggestion.arena_total:,}{more})'
  )


def _bound_text(title: str, bound: Bound) -> str:
  parts = ''.join(f'\n  {size:>10,}  {_short(name)}' for name, size in bound.parts)
  return f'{title}: {bound.bytes:,} bytes alive at {bound.where}{parts}'


def verification_summary(check: Verification) -> str:
  """What `verify` prints."""
  rows = [
    (
      name,
      f'{getattr(check.original, field):,}',
      f'{getattr(check.converted, field):,}',
      _factor(getattr(check.original, field), getattr(check.converted, field)),
    )
    for name, field in (
      ('arena', 'arena_host'),
      ('  head (activations)', 'arena_host_head'),
      ('  tail (persistent)', 'arena_host_tail'),
      ('smallest arena that works', 'arena_host_smallest'),
      ('arena with 4-byte pointers, predicted', 'arena_total'),
      ('file', 'file_bytes'),
    )
  ]
  verdict = f'bit-exact on {check.inputs} inputs'
  if not check.bit_exact:
    verdict = f'NOT bit-exact on {check.inputs} inputs; first difference: {check.mismatch}'
  if check.converted.fast_host:
    rows.append(('fast memory', '0', f'{check.converted.fast_host:,}', ''))
  measured = table(('bytes, measured in TFLM', 'original', 'converted', 'factor'), rows)
  return '\n'.join([measured, '', verdict, *(f'note: {note}' for note in check.notes)])


def receptive_field_summary(report: ReceptiveFieldReport) -> str:
  """What `analyze --receptive-field` prints."""
  header = (
    '#',
    'operator',
    'output',
    'kernel',
    'stride',
    'field',
    'jump',
    'adds',
    'MACs',
    'patches',
  )
  lines = [table(header, [_field_row(row) for row in report.operators], left=3), '']
  stage, last = report.stage, report.operators[report.stage.depth - 1]
  peak = report.per_layer_peak
  at = report.operators
  lines += [
    f'image "{report.image}": {_by(report.image_shape)}',
    f'patch stage: the first {stage.depth} operators, to {last.name} (at most'
    f' {report.deepest}), as {_by(stage.grid)} patches of {_by(stage.tile)} outputs',
    f'patch on the image: {_by(stage.patch)}, of which halo {_by(stage.halo)}',
    '',
    table(
      ('MACs', 'stage', 'overhead', 'network', 'overhead'),
      [
        ('operator by operator', f'{stage.macs:,}', '', f'{stage.network_macs:,}', ''),
        _macs_row('by patches', report, exact=True),
        _macs_row('by patches, padding counted', report, exact=False),
      ],
    ),
    '',
    table(
      ('analytic peak, bytes', 'operator by operator', 'patch stage', 'behind it'),
      [
        ('alive', f'{peak.bytes:,}', f'{stage.stage_peak.bytes:,}', f'{stage.rest_peak.bytes:,}'),
        (
          'at',
          at[peak.at].name,
          at[stage.stage_peak.at].name,
          at[stage.rest_peak.at].name if stage.depth < len(at) else '',
        ),
      ],
    ),
    'as papers count it: no alignment and no scratch; in the patch stage without the image',
  ]
  if report.causes:
    total = [sum(row.field.growth[axis] for row in report.causes) for axis in (0, 1)]
    lines += ['', 'what makes patches overlap:']
    lines += [
      f'  {row.name}, {_by(row.kernel)}: +{row.field.growth[0]} rows, +{row.field.growth[1]}'
      f' columns of {total[0]} and {total[1]}'
      for row in report.causes
    ]
  return '\n'.join(lines)


def _macs_row(name: str, report: ReceptiveFieldReport, exact: bool) -> tuple[str, ...]:
  stage = report.stage
  macs = stage.macs_exact if exact else stage.macs_uniform
  return (
    name,
    f'{macs:,}',
    f'{stage.stage_overhead(exact):+.1%}',
    f'{stage.network_macs - stage.macs + macs:,}',
    f'{stage.network_overhead(exact):+.1%}',
  )


def _field_row(row: FieldOfOperator) -> tuple[object, ...]:
  return (
    row.index,
    row.name,
    _by(row.output_shape),
    _by(row.kernel),
    _by(row.stride),
    'x'.join('all' if size is None else str(size) for size in row.field.field),
    'x'.join(f'{float(jump):g}' for jump in row.field.jump),
    '' if max(row.field.growth) == 0 else _by(row.field.growth),
    f'{row.macs:,}',
    'yes' if row.in_stage else '',
  )


def _by(sizes: Sequence[int] | None) -> str:
  return '' if sizes is None else 'x'.join(map(str, sizes))


def targets_summary(targets: Sequence[Target]) -> str:
  """What `targets` prints."""
  rows = [
    (
      target.name,
      target.chip,
      target.cpu,
      target.kernels,
      f'{target.clock_hz / 1e6:g}',
      f'{target.sram_bytes:,}',
      f'{target.sram_contiguous_bytes:,}',
      'external' if target.flash_bytes is None else f'{target.flash_bytes:,}',
    )
    for target in targets
  ]
  header = ('name', 'chip', 'CPU', 'kernels', 'MHz', 'SRAM', 'in one piece', 'flash')
  lines = [table(header, rows, left=4), '']
  lines += [f'{target.name}: {target.source}. {target.note}'.rstrip() for target in targets]
  return '\n'.join(lines)


def compile_summary(compiled: CompiledModel, output: str) -> str:
  """What `compile` prints."""
  rows = [
    ('constants (flash)', compiled.constants_bytes),
    ('code without kernels (flash, estimate)', compiled.code_bytes_estimate),
    ('workspace with inputs and outputs (RAM)', compiled.workspace_bytes),
    *([('fast memory (RAM)', compiled.fast_bytes)] if compiled.fast_bytes else []),
  ]
  run = ['feed', 'reset'] if compiled.bands > 1 or compiled.hops else ['invoke']
  calls = ['init', 'input', *run, 'output']
  return '\n'.join(
    [
      table(('bytes', ''), [(name, f'{size:,}') for name, size in rows]),
      '',
      f'functions: {", ".join(f"{compiled.name}_{call}" for call in calls)}',
      f'kernels: {", ".join(compiled.kernels)}',
      f'written: {output}, {", ".join(sorted(set(compiled.files) - {pathlib.Path(output).name}))}',
    ]
  )
