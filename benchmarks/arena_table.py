# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Arena of every model, stock and converted, on a 32-bit target; a Markdown table.

  python benchmarks/arena_table.py [--inputs N] [--update README.md docs/results.md] [--json]

The models are the package's sample and those of the folder TFLM_PATCH_MODELS
(default: ../shared/models). Every conversion is checked for equal output bytes. Arenas
are those of firmware with 4-byte pointers, predicted; what TFLM's Python interpreter
reports stands beside them, measured, and must be what is predicted for it.
A page to update holds the table between two marker comments, and says in the first which lines it
wants.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import sys
import time

import page

from tflm_patch.api import ConversionResult, ConvertOptions, convert_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.runtime.arena_measurement import measure_arena
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import as_frames, compare, io_adapter
from tflm_patch.sample.sample import sample_model_path

ROOT = pathlib.Path(__file__).resolve().parents[1]
INT8_IO = ('mcunet_vww', 'mcunet_detection', 'mcunetv2_large')
TAIL_TOLERANCE = 64  # bytes; the head must agree exactly
HEADER = (
  '| model | stock arena | converted (head + tail) | factor | `--input-rows 1` | factor '
  '| file | converted | in Python: stock | converted | time |',
  '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
)


def checked(path: pathlib.Path, options: ConvertOptions, inputs: int) -> ConversionResult:
  """A conversion whose outputs are equal, and whose arena is what was predicted."""
  data = path.read_bytes()
  result = convert_model(data, options, str(path))
  adapter = io_adapter(result.original, result.model)
  source = as_frames(result.model, result.original)
  comparison = compare(data, result.data, sample_inputs(source, inputs), adapter)
  if not comparison.bit_exact:
    raise SystemExit(f'{path}: {comparison.first}')
  for model, predicted in (
    (data, result.original_arena_host),
    (result.data, result.converted_arena_host),
  ):
    measured = measure_arena(model)
    if measured.head != predicted.head or abs(measured.tail - predicted.tail) > TAIL_TOLERANCE:
      raise SystemExit(f'{path}: predicted {predicted.head} + {predicted.tail}, is {measured}')
  return result


@dataclasses.dataclass(frozen=True)
class Row:
  """A model. Bytes on a 32-bit target, `in_python_...` in TFLM's Python interpreter.

  Attributes:
    model: Its name, with the options.
    stock, head, tail: The arena before, and both parts of it after the conversion.
    by_rows: The arena after a conversion with --input-rows 1; None where that is refused.
    file_bytes, converted_file_bytes: Before and after.
    in_python_stock, in_python_converted: Arenas.
    seconds: Of the conversion.
  """

  model: str
  stock: int
  head: int
  tail: int
  by_rows: int | None
  file_bytes: int
  converted_file_bytes: int
  in_python_stock: int
  in_python_converted: int
  seconds: float

  def line(self) -> str:
    """Of the table."""
    total = self.head + self.tail
    by_rows = (
      '- | -' if self.by_rows is None else f'{self.by_rows:,} | {self.stock / self.by_rows:.1f}x'
    )
    return (
      f'| {self.model} | {self.stock:,} | **{total:,}** ({self.head:,} + {self.tail:,}) '
      f'| {self.stock / total:.1f}x | {by_rows} '
      f'| {self.file_bytes:,} | {self.converted_file_bytes:,} '
      f'| {self.in_python_stock:,} | {self.in_python_converted:,} '
      f'| {self.seconds:.1f} s |'
    )


def measure(path: pathlib.Path, int8_io: bool, inputs: int) -> Row:
  """Converts a model both ways and compares."""
  start = time.monotonic()
  convert_model(path.read_bytes(), ConvertOptions(int8_io=int8_io), str(path))
  seconds = time.monotonic() - start
  result = checked(path, ConvertOptions(int8_io=int8_io), inputs)
  by_rows = None
  with contextlib.suppress(TflmPatchError):
    fed = checked(path, ConvertOptions(int8_io=int8_io, input_rows=1), inputs)
    by_rows = fed.converted_arena.total
  return Row(
    model=path.stem + (' --int8-io' if int8_io else ''),
    stock=result.original_arena.total,
    head=result.converted_arena.head,
    tail=result.converted_arena.tail,
    by_rows=by_rows,
    file_bytes=result.original_bytes,
    converted_file_bytes=result.converted_bytes,
    in_python_stock=result.original_arena_host.total,
    in_python_converted=result.converted_arena_host.total,
    seconds=round(seconds, 2),
  )


def main() -> None:
  """Prints the table, or puts it into a file."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--inputs', type=int, default=8, help='inputs to compare per model')
  parser.add_argument(
    '--update', metavar='PAGE', nargs='+', help='replace the table in these pages'
  )
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  folder = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', ROOT.parent / 'shared' / 'models'))
  models = sorted(folder.glob('*.tflite'))
  if not models:
    note = f'no models in {folder}; set TFLM_PATCH_MODELS to their folder'
    if arguments.update is not None:
      raise SystemExit(f'{", ".join(arguments.update)} left alone: {note}')
    print(f'the sample only: {note}', file=sys.stderr)
  rows: list[Row] = []
  for path in [sample_model_path(), *models]:
    for int8_io in (False, True) if path.stem in INT8_IO else (False,):
      try:
        rows.append(measure(path, int8_io, arguments.inputs))
      except TflmPatchError as error:
        print(f'left out: {error}', file=sys.stderr)
        continue
      print(rows[-1].line(), file=sys.stderr, flush=True)
  if arguments.json:
    models = [dataclasses.asdict(row) for row in rows]
    print(json.dumps({'schema_version': 1, 'models': models}, indent=2))
  table = '\n'.join([*HEADER, *(row.line() for row in rows)])
  if arguments.update is not None:
    page.put(arguments.update, 'arena table', table)
  elif not arguments.json:
    print(table)


if __name__ == '__main__':
  main()
