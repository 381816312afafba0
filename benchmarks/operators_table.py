# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Arena of networks whose operators once cut their stages, before and after stages held those.

  python benchmarks/operators_table.py [--json] [--inputs N] [--networks yolo,unet_16x8]
  python benchmarks/operators_table.py --write FOLDER

Networks whose heads move, join and reduce int8 maps, as a whole and with an input that comes row
by row, and networks of int16 activations. "Before" are the arenas of older commits on the same
models, recorded below; "asked" is 0.6 of it. Arenas are those of firmware with 4-byte pointers.
Every conversion is checked for equal output bytes. --write writes the models.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

from support import head_models, int16_models  # noqa: E402

from tflm_patch.api import ConvertOptions, convert_model  # noqa: E402
from tflm_patch.errors import TflmPatchError  # noqa: E402
from tflm_patch.runtime.inputs import sample_inputs  # noqa: E402
from tflm_patch.runtime.verify import as_frames, compare, io_adapter  # noqa: E402

SCHEMA_VERSION = 2
ASKED = 0.6
NETWORKS = head_models.NETWORKS | int16_models.NETWORKS
INT8_COMMIT, INT16_COMMIT = 'b34d88f', '1b151a5'


@dataclasses.dataclass(frozen=True)
class Before:
  """What an older commit reached.

  Attributes:
    commit: Of it.
    whole, by_row: Bytes of the arena, of the whole input and row by row; None where it refused,
      and for networks of int16 activations, which are measured as a whole.
  """

  commit: str
  whole: int
  by_row: int | None = None


BEFORE = {
  'yolo': Before(INT8_COMMIT, 112916, 88820),
  'blaze_face': Before(INT8_COMMIT, 84440, 62712),
  'line_net': Before(INT8_COMMIT, 21252),
  'ssd': Before(INT8_COMMIT, 126776, 60712),
  'unet_16x8': Before(INT16_COMMIT, 430484),
  'attention_unet_16x8': Before(INT16_COMMIT, 154548),
  'denoiser_16x8': Before(INT16_COMMIT, 69844),
  'squeeze_excite_16x8': Before(INT16_COMMIT, 339332),
}


@dataclasses.dataclass(frozen=True)
class Row:
  """A network.

  Attributes:
    name: Of it.
    input_rows: Rows that it takes at once; None for all.
    stock: Bytes of its arena without a conversion.
    input_bytes, output_bytes: That a stage's arena holds in any case, the whole input or a band.
    before, after: Bytes after it.
    stages: Their number.
    stock_operators: That no stage holds.
  """

  name: str
  input_rows: int | None
  stock: int
  input_bytes: int
  output_bytes: int
  before: int
  after: int
  stages: int
  stock_operators: list[str]

  @property
  def ratio(self) -> float:
    """The arena now over that before."""
    return self.after / self.before


def measure(name: str, input_rows: int | None = None, inputs: int = 3) -> Row | None:
  """Converts and compares; None for a network that could or can not take its input so."""
  known = BEFORE[name]
  before = known.whole if input_rows is None else known.by_row
  if before is None:
    return None
  data = NETWORKS[name]()
  try:
    result = convert_model(data, ConvertOptions(input_rows=input_rows), name)
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
  main = result.model.main
  return Row(
    name=name,
    input_rows=input_rows,
    stock=result.original_arena.total,
    input_bytes=sum(main.tensors[i].bytes for i in main.inputs),
    output_bytes=sum(main.tensors[i].bytes for i in main.outputs),
    before=before,
    after=result.converted_arena.total,
    stages=len(result.stages),
    stock_operators=[operator.name for operator in result.stock_operators],
  )


def table(rows: list[Row]) -> str:
  """In Markdown."""
  lines = [
    '| network | input | stock arena | input + outputs | before | asked | after | after / before '
    '| stages | outside |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|---|',
  ]
  for row in rows:
    taken = 'whole' if row.input_rows is None else f'{row.input_rows} row'
    lines.append(
      f'| {row.name} | {taken} | {row.stock:,} | {row.input_bytes + row.output_bytes:,} '
      f'| {row.before:,} | {int(ASKED * row.before):,} | {row.after:,} | {row.ratio:.2f} '
      f'| {row.stages} | {", ".join(row.stock_operators) or "nothing"} |'
    )
  return '\n'.join(lines)


def write(names: list[str], folder: pathlib.Path) -> None:
  """Writes models into a folder."""
  folder.mkdir(parents=True, exist_ok=True)
  for name in names:
    (folder / f'{name}.tflite').write_bytes(NETWORKS[name]())


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--inputs', type=int, default=3, help='inputs of each comparison')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--networks', default=','.join(sorted(NETWORKS)), help='between commas')
  parser.add_argument('--write', type=pathlib.Path, help='write the networks into a folder')
  arguments = parser.parse_args()
  names = arguments.networks.split(',')
  unknown = sorted({*names} - {*NETWORKS})
  if unknown:
    parser.error(f'unknown networks: {", ".join(unknown)}; known are {", ".join(NETWORKS)}')
  if arguments.write is not None:
    write(names, arguments.write)
    return
  found = (measure(name, rows, arguments.inputs) for name in names for rows in (None, 1))
  rows = [row for row in found if row is not None]
  if not arguments.json:
    print(table(rows))
    return
  figures = [{**dataclasses.asdict(row), 'ratio': round(row.ratio, 4)} for row in rows]
  commits = {'int8': INT8_COMMIT, 'int16': INT16_COMMIT}
  print(
    json.dumps({'schema_version': SCHEMA_VERSION, 'before': commits, 'networks': figures}, indent=2)
  )


if __name__ == '__main__':
  main()
