# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An architecture block by block, beside the memory that each block needs."""

from __future__ import annotations

import dataclasses
import html

from tflm_patch.analysis.memory import OperatorMemory, analyze_conversion
from tflm_patch.architecture import Spec, format_spec, network_of
from tflm_patch.architecture.text import parse_spec
from tflm_patch.nas.result import Finalist

_KB = 1024
# In pixels: a row, the boxes of blocks, the column of shapes, the bars.
_ROW, _BOX, _SHAPES, _BARS, _RIGHT, _TOP, _FOOT = 30, 250, 110, 420, 70, 26, 30
_LEAST_BOX = 0.45  # of the widest
_COLORS = {
  'conv': '#d9e6f2',
  'ds': '#dcefe0',
  'ir': '#fbe9d0',
  'basic': '#ece0f2',
  'bottleneck': '#ece0f2',
}
_OTHER = '#e9ecef'


@dataclasses.dataclass(frozen=True)
class BlockMemory:
  """A block, and the most bytes that are alive while one of its operators runs.

  Attributes:
    word: Of the spec.
    kind: Of block; '' for the input and the head.
    shape: Of its output.
    stock, converted: Bytes of activations and scratch; 0 for the input.
    macs: Multiply-accumulates.
  """

  word: str
  kind: str
  shape: tuple[int, ...]
  stock: int
  converted: int
  macs: int


def block_memory(finalist: Finalist) -> list[BlockMemory]:
  """The blocks of a finalist, the input first and the head last."""
  spec = parse_spec(finalist.trial.spec)
  operators = analyze_conversion(finalist.training.converted).operators
  network = network_of(spec)
  words = format_spec(dataclasses.replace(spec)).split()
  found = [BlockMemory(words[0], '', network.input.shape[1:], 0, 0, 0)]
  parts = [(fragment.output.shape[1:], len(fragment.layers)) for fragment in network.fragments]
  if sum(count for _, count in parts) + len(network.head) != len(operators):
    return [*found, *map(_of_operator, operators)]
  at = 0
  for number, (shape, count) in enumerate(parts):
    rows = operators[at : at + count]
    at += count
    is_block = number < len(spec.blocks)
    word = _word(spec, number) if is_block else words[-1]
    kind = spec.blocks[number].kind if is_block else ''
    if rows:
      found.append(_of_rows(word, kind, shape, rows))
  return found


def _word(spec: Spec, number: int) -> str:
  one = dataclasses.replace(spec, blocks=(spec.blocks[number],))
  return format_spec(one).split()[1]


def _of_rows(
  word: str, kind: str, shape: tuple[int, ...], rows: tuple[OperatorMemory, ...]
) -> BlockMemory:
  return BlockMemory(
    word,
    kind,
    shape,
    max(row.live_before for row in rows),
    max(row.live_after for row in rows),
    sum(row.macs for row in rows),
  )


def _of_operator(row: OperatorMemory) -> BlockMemory:
  return BlockMemory(
    row.opcode, '', row.output_shape[1:], row.live_before, row.live_after, row.macs
  )


def drawing(finalist: Finalist, limit: float | None) -> str:
  """An SVG: a row for each block.

  Args:
    finalist: Whose network is drawn.
    limit: Of the arena, drawn as a line; None for none.
  """
  blocks = block_memory(finalist)
  width = _BOX + _SHAPES + _BARS + _RIGHT
  bottom = _TOP + _ROW * len(blocks)
  most = max([*(b.stock for b in blocks), *(b.converted for b in blocks), 1])
  scale = _BARS / most
  left = _BOX + _SHAPES
  parts = [
    f'<svg viewBox="0 0 {width} {bottom + _FOOT}" role="img" aria-label="architecture and memory">',
    f'<text x="0" y="14">block</text><text x="{_BOX + 8}" y="14">output</text>',
    f'<text x="{left}" y="14">most bytes alive: stock TFLM (grey), converted (blue)</text>',
  ]
  widest = max((b.shape[-1] for b in blocks), default=1)
  for number, block in enumerate(blocks):
    y = _TOP + _ROW * number
    parts += _box(block, y, widest)
    parts.append(
      f'<text x="{_BOX + 8}" y="{y + 18}">{"x".join(map(str, block.shape)) or "1"}</text>'
    )
    parts += _bars(block, y, left, scale)
  parts.append(f'<line class="axis" x1="{left}" x2="{left}" y1="{_TOP}" y2="{bottom}"/>')
  if limit is not None and limit <= most:
    x = round(left + limit * scale, 1)
    parts.append(f'<line class="limit" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>')
    parts.append(
      f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">limit of the arena, '
      f'{limit / _KB:,.1f} KB</text>'
    )
  return '\n'.join([*parts, '</svg>'])


def _box(block: BlockMemory, y: int, widest: int) -> list[str]:
  """As wide as the block has channels, in the middle of the column."""
  part = _LEAST_BOX + (1 - _LEAST_BOX) * (block.shape[-1] / widest) ** 0.5
  size = round(part * (_BOX - 10), 1)
  x = round((_BOX - 10 - size) / 2, 1)
  title = f'{block.word}: {block.macs:,} multiply-accumulates'
  color = _COLORS.get(block.kind, _OTHER)
  middle = (_BOX - 10) / 2
  return [
    f'<rect x="{x}" y="{y + 2}" width="{size}" height="{_ROW - 6}" rx="5" fill="{color}" '
    f'stroke="#b9c2cb"><title>{html.escape(title)}</title></rect>',
    f'<text x="{middle}" y="{y + 18}" text-anchor="middle">{html.escape(block.word)}</text>',
  ]


def _bars(block: BlockMemory, y: int, left: int, scale: float) -> list[str]:
  if not block.stock:
    return []
  label = f'{block.converted:,}'
  title = f'{block.word}: {block.stock:,} bytes in stock TFLM, {block.converted:,} converted'
  inner = f'<title>{html.escape(title)}</title>'
  end = left + max(block.stock, block.converted) * scale
  return [
    f'<rect class="stock" x="{left}" y="{y + 4}" width="{block.stock * scale:.1f}" '
    f'height="9">{inner}</rect>',
    f'<rect class="converted" x="{left}" y="{y + 14}" width="{block.converted * scale:.1f}" '
    f'height="9">{inner}</rect>',
    f'<text class="small" x="{end + 6:.1f}" y="{y + 18}">{label}</text>',
  ]
