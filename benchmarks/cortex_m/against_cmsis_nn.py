# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Modelled cycles on Cortex-M4 beside those of TFLM with its CMSIS-NN kernels; Markdown.

  python benchmarks/cortex_m/against_cmsis_nn.py [--models person_detect,kws] [--json]
    [--update docs/speed.md] [--image mlperf_kws=firmware.elf]

Both by the same rule, see docs/bench.md, of memory that does not wait; ours in the smallest plan
and in the fastest one of at most the stock arena (`--minimize cycles`). Every output byte of both
equals that of TFLM's reference kernels. Theirs is one `Invoke()` of TFLM 90b983c2 (August 2026)
with CMSIS-NN 4ab83cc3 and TFLM's own flags (CMSIS-NN and kernels -O2), compiled by
arm-none-eabi-gcc 12.2; -O3 gives 0 to 4 % more cycles. --image measures it anew: an ELF file as
benchmarks/mlperf_tiny.py wants it.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import time
from collections.abc import Mapping, Sequence

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import mlperf_tiny
import page
import provenance

from tflm_patch.bench import cpus, image
from tflm_patch.bench.foreign import cycles_of_image
from tflm_patch.errors import TflmPatchError

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = 'cortex-m4'
# Cycles of TFLM with CMSIS-NN; table.py has its instructions.
CMSIS_NN = {
  'mcunet_vww': 60_113_032,
  'mbv2_0.35_144_int8': 134_257_814,
  'mbv2_1.0_224_int8': 952_007_521,
  'tflm_person_detect': 27_865_376,
  'mlperf_vww_96_int8': 29_637_705,
  'mlperf_resnet8_int8': 36_879_206,
  'mlperf_kws_int8': 9_307_566,
}


def measured(images: Sequence[str], core: cpus.Cpu) -> dict[str, int]:
  """What replaces the recorded figures.

  Args:
    images: MODEL=FILE each.
    core: That they are for.
  """
  found = {}
  for each in images:
    name, _, path = each.partition('=')
    if name not in CMSIS_NN or not path:
      raise TflmPatchError(f'--image {each}: write MODEL=FILE, with one of {", ".join(CMSIS_NN)}')
    found[name] = cycles_of_image(core, pathlib.Path(path)).cycles
  return found


def table(rows: Sequence[mlperf_tiny.Row], stock: Mapping[str, int]) -> str:
  """Markdown: a model a line, millions of cycles."""
  lines = [
    '| model | TFLM + CMSIS-NN | smallest plan | | arena | fastest plan | | arena | stock arena |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
  ]
  for name in dict.fromkeys(row.model for row in rows):
    wanted = stock[name]
    cells = [f'{wanted / 1e6:.2f}']
    mine = {row.plan: row for row in rows if row.model == name}
    for plan in mlperf_tiny.PLANS:
      row = mine[plan]
      cells += [f'{row.cycles / 1e6:.2f}', f'{row.cycles / wanted:.2f}x', f'{row.arena:,}']
    lines.append(f'| {name} | {" | ".join(cells)} | {row.stock_arena:,} |')
  return '\n'.join(lines)


def main() -> None:
  """Prints the table or the figures."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  mlperf_tiny.define(parser, CMSIS_NN)
  arguments = parser.parse_args()
  start = time.monotonic()
  folder = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', ROOT.parent / 'shared' / 'models'))
  core = cpus.find(CORE)
  names = arguments.models.split(',')
  rows: list[mlperf_tiny.Row] = []
  try:
    if not set(names) <= set(CMSIS_NN):
      raise TflmPatchError(f'--models: known are {", ".join(CMSIS_NN)}')
    stock = {**CMSIS_NN, **measured(arguments.image, core)}
    image.require_tools(core)
    for name in names:
      print(f'{name} ...', file=sys.stderr, flush=True)
      rows += mlperf_tiny.rows_of(name, folder / f'{name}.tflite', [core])
  except (TflmPatchError, OSError) as error:
    raise SystemExit(str(error)) from None
  if arguments.update:
    page.put(arguments.update, 'cmsis-nn', table(rows, stock))
  if not arguments.json:
    print(table(rows, stock))
    return
  models = [
    {**each, 'cmsis_nn': dict(zip(('instructions', 'cycles'), stock[each['model']]))}
    for each in mlperf_tiny.figures(rows)
  ]
  content = {
    'schema_version': 1,
    'command': ' '.join(['python benchmarks/cortex_m/against_cmsis_nn.py', *sys.argv[1:]]),
    'commit': provenance.commit(),
    'seconds': round(time.monotonic() - start),
    'models': models,
  }
  print(json.dumps(content, indent=1))


if __name__ == '__main__':
  main()
