# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""MLPerf Tiny on Cortex-M4 and M33: instructions and modelled cycles beside published ones.

  python benchmarks/mlperf_tiny.py [--cpus m4,m33] [--models kws,ad] [--json]
    [--update docs/speed.md README.md] [--image kws=firmware.elf]

Every model is measured in two plans: the smallest one, and the fastest one in at most its
stock arena (`--minimize cycles`). Ours are modelled, see docs/bench.md, without wait states
and with those of the board. The published ones were measured on boards: their source is
results.txt and systems/*.json of mlcommons/tiny_results_v1.0 to v1.3, closed division,
CPU alone; cycles are the seconds of an inference by the clock.

--image measures firmware of other engines by the same rule: an ELF file for QEMU's
mps2-an386 with tflm_patch/bench/firmware/marks.c in it that calls board_mark(2) before its
inference and board_mark(0) behind it, and ends by semihosting. What lies outside counts
nothing, and neither does board_mark itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import page
import provenance

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.bench import cpus, image
from tflm_patch.bench.foreign import cycles_of_image
from tflm_patch.bench.measure import measure, prepare
from tflm_patch.bench.timing import Flash
from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.options import PlanOptions

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCHEMA_VERSION = 1
MODELS = {
  'vww': 'mlperf_vww_96_int8',
  'ic': 'mlperf_resnet8_int8',
  'kws': 'mlperf_kws_int8',
  'ad': 'mlperf_ad01_int8',
}
PLANS = {'smallest': PlanOptions(), 'fastest': PlanOptions(minimize='cycles')}
# STM32L4R5 at 120 MHz: RM0432, "Read access latency"; its accelerator is Flash's default.
WAIT_STATES = {'cortex-m4': 5}


@dataclasses.dataclass(frozen=True)
class Published:
  """An engine on a board: millions of cycles by model."""

  engine: str
  cpu: str
  board: str
  source: str
  million_cycles: dict[str, float]


def _published(engine: str, cpu: str, board: str, source: str, *cycles: float) -> Published:
  return Published(engine, cpu, board, source, dict(zip(MODELS, cycles)))


_L4R5, _U575 = 'STM32L4R5, 120 MHz', 'STM32U575, 160 MHz'
PUBLISHED = (
  _published('X-CUBE-AI 9.0', 'cortex-m4', _L4R5, 'v1.2', 10.67, 19.8, 5.18, 0.631),
  _published('X-CUBE-AI 10.2', 'cortex-m4', _L4R5, 'v1.3', 10.73, 19.9, 5.21, 0.575),
  _published('Plumerai 2023.05', 'cortex-m4', _L4R5, 'v1.1', 11.85, 20.1, 5.73, 0.486),
  _published('Bosch HALE 1.0', 'cortex-m4', _L4R5, 'v1.2', 21.7, 21.5, 7.22, 0.567),
  _published('X-CUBE-AI 10.2', 'cortex-m33', _U575, 'v1.3', 9.48, 17.5, 4.64, 0.514),
  _published('Plumerai 2023.05', 'cortex-m33', _U575, 'v1.1', 9.52, 16.7, 4.81, 0.588),
)


@dataclasses.dataclass(frozen=True)
class Row:
  """A model in a plan on a core.

  Attributes:
    cycles: Modelled, of memory that does not wait.
    board_cycles: With the wait states of the board; None where they are not known.
    arena: Bytes; of the stock model `stock_arena`.
  """

  model: str
  cpu: str
  plan: str
  arena: int
  stock_arena: int
  instructions: int
  cycles: int
  board_cycles: int | None


def rows_of(name: str, path: pathlib.Path, cores: Sequence[cpus.Cpu]) -> list[Row]:
  """A model in all plans on some cores.

  Raises:
    TflmPatchError: a byte differs, or a core's cycles cannot be told.
  """
  found = []
  for plan, plan_options in PLANS.items():
    options = ConvertOptions(plan=plan_options, force_stage=True)
    converted = convert_model(path.read_bytes(), options, str(path))
    workload = prepare(path, options)
    for core in cores:
      waits = WAIT_STATES.get(core.name)
      result = measure(workload, core, flash=None if waits is None else Flash(waits))
      if not result.bit_exact:
        raise TflmPatchError(f'{path.name}: output bytes differ on {core.name}')
      if result.cycles is None:
        raise TflmPatchError(f'{core.name}: {result.cycles_missing}')
      total = result.cycles.total
      found.append(
        Row(
          name,
          core.name,
          plan,
          converted.converted_arena.total,
          converted.original_arena.total,
          result.instructions,
          total.cycles - total.waits,
          None if waits is None else total.cycles,
        )
      )
  return found


def table(rows: Sequence[Row]) -> str:
  """Markdown: engines a line, models a column."""
  names = [name for name in MODELS if any(row.model == name for row in rows)]
  lines = [
    f'| core | engine | cycles are | {" | ".join(name.upper() for name in names)} |',
    f'|---|---|---|{"---:|" * len(names)}',
  ]
  for cpu in dict.fromkeys(row.cpu for row in rows):
    here = [row for row in rows if row.cpu == cpu]
    for plan in PLANS:
      mine = {row.model: row for row in here if row.plan == plan}
      cells = [f'{mine[name].cycles / 1e6:.2f}' for name in names]
      lines.append(_line(cpu, f'tflm-patch, {plan} plan', 'modelled, no wait states', cells))
      if all(row.board_cycles is not None for row in mine.values()):
        cells = [f'{(mine[name].board_cycles or 0) / 1e6:.2f}' for name in names]
        how = f'modelled, {WAIT_STATES[cpu]} wait states'
        lines.append(_line(cpu, f'tflm-patch, {plan} plan', how, cells))
    for other in PUBLISHED:
      if other.cpu == cpu:
        cells = [f'{other.million_cycles[name]:g}' for name in names]
        how = f'measured, {other.board} ({other.source})'
        lines.append(_line(cpu, other.engine, how, cells))
  return '\n'.join(lines)


def _line(cpu: str, engine: str, how: str, cells: Sequence[str]) -> str:
  core = cpu.replace('cortex-m', 'Cortex-M')
  return f'| {core} | {engine} | {how} | {" | ".join(cells)} |'


def figures(rows: Sequence[Row]) -> list[dict[str, Any]]:
  """For machines: a model on a core an entry."""
  found = []
  for model, cpu in dict.fromkeys((row.model, row.cpu) for row in rows):
    plans = {
      row.plan: {
        key: value
        for key, value in dataclasses.asdict(row).items()
        if key not in ('model', 'cpu', 'plan')
      }
      for row in rows
      if (row.model, row.cpu) == (model, cpu)
    }
    published = [
      {
        'engine': other.engine,
        'board': other.board,
        'source': f'MLPerf Tiny {other.source}',
        'cycles': round(1e6 * other.million_cycles[model]),
      }
      for other in PUBLISHED
      if other.cpu == cpu and model in MODELS
    ]
    found.append({'model': model, 'cpu': cpu, **plans, 'published_cycles': published})
  return found


def foreign(images: Sequence[str]) -> list[dict[str, Any]]:
  """Firmware of other engines, measured."""
  core = cpus.find('cortex-m4')
  found = []
  for each in images:
    name, _, path = each.partition('=')
    if name not in MODELS or not path:
      raise TflmPatchError(f'--image {each}: write MODEL=FILE, with one of {", ".join(MODELS)}')
    plain = cycles_of_image(core, pathlib.Path(path))
    slow = cycles_of_image(core, pathlib.Path(path), Flash(WAIT_STATES[core.name]))
    found.append(
      {
        'model': name,
        'image': pathlib.Path(path).name,
        'instructions': plain.instructions,
        'cycles': plain.cycles,
        'board_cycles': slow.cycles,
      }
    )
  return found


def define(parser: argparse.ArgumentParser, models: Iterable[str]) -> None:
  """Adds the options of tables of some models, and of firmware of others."""
  parser.add_argument('--models', default=','.join(models), help='models, between commas')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument(
    '--update', metavar='PAGE', nargs='+', help='replace the table in these pages'
  )
  parser.add_argument('--image', action='append', default=[], metavar='MODEL=FILE')


def main() -> None:
  """Prints the table or the figures."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--cpus', default='m4,m33', help='cores, between commas')
  define(parser, MODELS)
  arguments = parser.parse_args()
  start = time.monotonic()
  folder = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', ROOT.parent / 'shared' / 'models'))
  try:
    others = foreign(arguments.image)
    cores = [cpus.find(name) for name in arguments.cpus.split(',')]
    for core in cores:
      image.require_tools(core)
    names = arguments.models.split(',')
    if not set(names) <= set(MODELS):
      raise TflmPatchError(f'--models: known are {", ".join(MODELS)}')
    rows = []
    for name in names:
      print(f'{name} ...', file=sys.stderr, flush=True)
      rows += rows_of(name, folder / f'{MODELS[name]}.tflite', cores)
  except (TflmPatchError, OSError) as error:
    raise SystemExit(str(error)) from None
  if arguments.update:
    page.put(arguments.update, 'mlperf tiny', table(rows))
  if not arguments.json:
    print(table(rows))
    for other in others:
      print(f'{other["image"]} ({other["model"]}): {other["cycles"]:,} cycles')
    return
  content = {
    'schema_version': SCHEMA_VERSION,
    'command': 'python benchmarks/mlperf_tiny.py ' + ' '.join(sys.argv[1:]),
    'commit': provenance.commit(),
    'machine': platform.machine(),
    'seed': 0,
    'seconds': round(time.monotonic() - start),
    'models': figures(rows),
    'images': others,
  }
  print(json.dumps(content, indent=2))


if __name__ == '__main__':
  main()
