# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Arena of networks whose heads move, join and reduce maps, before and after stages held that.

  python benchmarks/operators_table.py [--json] [--inputs N]

"Before" are the arenas of commit b34d88f on the same models, recorded below. Every conversion
is checked for equal output bytes, also of the model that takes its input row by row.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

from support.head_models import NETWORKS  # noqa: E402

from tflm_patch.api import ConvertOptions, convert_model  # noqa: E402
from tflm_patch.errors import TflmPatchError  # noqa: E402
from tflm_patch.runtime.inputs import sample_inputs  # noqa: E402
from tflm_patch.runtime.verify import as_frames, compare, io_adapter  # noqa: E402

BEFORE_COMMIT = 'b34d88f'
# Bytes of the arena, whole input and row by row (None: that is refused).
BEFORE: dict[str, tuple[int, int | None]] = {
  'yolo': (112916, 88820),
  'blaze_face': (84440, 62712),
  'line_net': (21252, None),
  'ssd': (126776, 60712),
}


@dataclasses.dataclass(frozen=True)
class Row:
  """A network.

  Attributes:
    name: Of it.
    input_rows: Rows that it takes at once; None for all.
    stock: Bytes of its arena without a conversion.
    before, after: Bytes after it.
    stages: Their number.
    stock_operators: Operators that no stage holds.
  """

  name: str
  input_rows: int | None
  stock: int
  before: int | None
  after: int
  stages: int
  stock_operators: int

  @property
  def factor(self) -> float | None:
    """The arena now over that before."""
    return None if self.before is None else self.after / self.before


def measure(name: str, input_rows: int | None, inputs: int) -> Row | None:
  """Converts and compares; None for a network that cannot take its input so."""
  data = NETWORKS[name]()
  try:
    result = convert_model(data, ConvertOptions(input_rows=input_rows))
  except TflmPatchError:
    if input_rows is None:
      raise
    return None
  source = as_frames(result.model, result.original)
  arrays = sample_inputs(source, inputs)
  adapter = io_adapter(result.original, result.model)
  comparison = compare(data, result.data, arrays, adapter)
  if not comparison.bit_exact:
    raise SystemExit(f'{name}: {comparison.first}')
  return Row(
    name=name,
    input_rows=input_rows,
    stock=result.original_arena.total,
    before=BEFORE[name][0 if input_rows is None else 1],
    after=result.converted_arena.total,
    stages=len(result.stages),
    stock_operators=len(result.stock_operators),
  )


def table(rows: list[Row]) -> str:
  """In Markdown."""
  lines = [
    f'| network | input | stock arena | before ({BEFORE_COMMIT}) | after | after / before '
    '| stages | stock operators |',
    '|---|---|---:|---:|---:|---:|---:|---:|',
  ]
  for row in rows:
    taken = 'whole' if row.input_rows is None else f'{row.input_rows} row'
    before = '-' if row.before is None else f'{row.before:,}'
    factor = '-' if row.factor is None else f'{row.factor:.2f}'
    lines.append(
      f'| {row.name} | {taken} | {row.stock:,} | {before} | {row.after:,} | {factor} '
      f'| {row.stages} | {row.stock_operators} |'
    )
  return '\n'.join(lines)


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--inputs', type=int, default=3, help='inputs of each comparison')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  found = (measure(name, rows, arguments.inputs) for name in sorted(NETWORKS) for rows in (None, 1))
  rows = [row for row in found if row is not None]
  if not arguments.json:
    print(table(rows))
    return
  figures = [dataclasses.asdict(row) for row in rows]
  print(json.dumps({'schema_version': 1, 'before': BEFORE_COMMIT, 'networks': figures}, indent=2))


if __name__ == '__main__':
  main()
