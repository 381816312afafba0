# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What single techniques bring on a Cortex-M4, in instructions and bytes; Markdown.

  python benchmarks/cortex_m/techniques.py [--update docs/techniques.md] [--json]

Each technique is switched off alone. Models: those of the folder TFLM_PATCH_MODELS
(default: ../shared/models), converted at least memory. Output bytes are compared every time.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import page

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.bench import cpus
from tflm_patch.bench.measure import BenchResult, measure, prepare
from tflm_patch.planner import laid_out
from tflm_patch.planner.lowering.builder import SourceOperator, StageBuilder
from tflm_patch.planner.options import PlanOptions
from tflm_patch.program.records import Kind

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA_VERSION = 1
MODELS = ('mlperf_vww_96_int8', 'mbv2_0.35_144_int8')


@dataclasses.dataclass(frozen=True)
class Run:
  """A model under one set of techniques."""

  result: BenchResult

  def by_class(self) -> Counter[str]:
    """Instructions by kind of operator."""
    found: Counter[str] = Counter()
    for cost in self.result.operators:
      work = cost.operator
      name = Kind(work.kind).name
      if name == 'CONV_2D':
        name = 'pointwise' if ' 1x1 ' in f'{work.description} ' else 'other convolutions'
      elif name == 'DEPTHWISE_CONV_2D':
        name = 'depthwise'
      found[name] += cost.instructions
    return found


@contextlib.contextmanager
def without_depthwise_in_place() -> Iterator[None]:
  """Depthwise convolutions write beside their input."""
  add = StageBuilder.add

  def replaced(
    self: StageBuilder, op: SourceOperator, kind: Kind, *args: Any, **kwargs: Any
  ) -> None:
    if kind == Kind.DEPTHWISE_CONV_2D:
      kwargs['in_place'] = ()
    add(self, op, kind, *args, **kwargs)

  with mock.patch.object(StageBuilder, 'add', replaced):
    yield


@contextlib.contextmanager
def without_spare_scratch() -> Iterator[None]:
  """Kernels have only their stack."""
  none = lambda graph, chosen, regions: [None] * len(graph.ops)  # noqa: E731
  with mock.patch.object(laid_out, '_spare_scratch', none):
    yield


def run(path: pathlib.Path, core: cpus.Cpu) -> Run:
  """Measures a model at least memory."""
  result = measure(prepare(path, ConvertOptions()), core, '-O2')
  assert result.bit_exact, path
  return Run(result)


def heads(path: pathlib.Path) -> list[int]:
  """Bytes of the head: operator by operator, as converted, fed row by row."""
  found = []
  for options in (
    ConvertOptions(plan=PlanOptions(schedule='layer'), force_stage=True),
    ConvertOptions(),
    ConvertOptions(input_rows=1),
  ):
    result = convert_model(path.read_bytes(), options, path.name)
    found.append(result.converted_arena.head)
  return found


@dataclasses.dataclass(frozen=True)
class Technique:
  """What a technique changes of a model.

  Attributes:
    model: Its name.
    technique: In words, with the unit.
    without, with_it: The figure.
  """

  model: str
  technique: str
  without: int
  with_it: int


def measured(folder: pathlib.Path) -> list[Technique]:
  """The figures of all models."""
  core = cpus.find('m4')
  portable = dataclasses.replace(core, flags=(*core.flags, '-DTFLM_PATCH_PORTABLE'))
  found = []
  schedules = ('operator by operator', 'as converted', '`--input-rows 1`')
  for name in MODELS:
    path = folder / f'{name}.tflite'
    in_place = heads(path)
    with without_depthwise_in_place():
      beside = heads(path)
    best = run(path, core)
    plain = run(path, portable)
    with without_spare_scratch():
      on_stack = run(path, core)
    before, after = plain.by_class(), best.by_class()
    rows = [
      *(
        (f'depthwise in place, bytes of head {schedule}', beside[i], in_place[i])
        for i, schedule in enumerate(schedules)
      ),
      (
        'SIMD, unrolling and loop order, all instructions',
        plain.result.instructions,
        best.result.instructions,
      ),
      *(
        (f'of which {kind}', before[kind], after[kind])
        for kind in ('pointwise', 'other convolutions', 'depthwise')
      ),
      ('spare scratch, instructions', on_stack.result.instructions, best.result.instructions),
    ]
    found += [Technique(name, *row) for row in rows]
  return found


def table(rows: Sequence[Technique]) -> str:
  """Markdown."""
  lines = ['| model | technique | without | with |', '|---|---|---:|---:|']
  lines += [f'| {r.model} | {r.technique} | {r.without:,} | {r.with_it:,} |' for r in rows]
  return '\n'.join(lines)


def main() -> None:
  """Prints the table, and puts it into a page."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument(
    '--update', metavar='PAGE', nargs='+', help='replace the table in these pages'
  )
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  folder = os.environ.get('TFLM_PATCH_MODELS', ROOT.parent / 'shared' / 'models')
  rows = measured(pathlib.Path(folder))
  if arguments.json:
    rows_of_json = [dataclasses.asdict(row) for row in rows]
    print(json.dumps({'schema_version': SCHEMA_VERSION, 'techniques': rows_of_json}, indent=2))
  else:
    print(table(rows))
  if arguments.update:
    page.put(arguments.update, 'techniques', table(rows))


if __name__ == '__main__':
  main()
