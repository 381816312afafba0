# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Instructions of every model on every core, beside TFLM's CMSIS-NN kernels; Markdown.

  python benchmarks/cortex_m/table.py [--cpus m4,m7,m55] [--models vww,kws] [-O O2]
    [--update docs/results.md] [--json]

The models are the package's sample and those of the folder TFLM_PATCH_MODELS
(default: ../shared/models), converted at least memory with their own types of
inputs and outputs. Every output byte is compared.

The peers' figures are executed instructions of one `Invoke()`, counted on the same
emulated machines (QEMU 7.2, -icount shift=0): TFLM of August 2026 with CMSIS-NN of July
2026, compiled by arm-none-eabi-gcc 12.2 with TFLM's flags or -O3, whichever is better.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
from collections.abc import Mapping, Sequence

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import page

from tflm_patch.bench import cpus, image
from tflm_patch.bench.measure import BenchResult, measure, prepare
from tflm_patch.errors import TflmPatchError
from tflm_patch.sample.sample import sample_model_path

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA_VERSION = 1
CMSIS_NN_CORES = ('cortex-m4', 'cortex-m7', 'cortex-m55')
# Millions of instructions on the cores above.
CMSIS_NN = {
  'mlperf_vww_96_int8': (24.10, 24.03, 6.43),
  'mlperf_resnet8_int8': (29.86, 30.03, 4.81),
  'mlperf_kws_int8': (7.70, 7.64, 1.79),
  'mlperf_ad01_int8': (0.58, 0.58, 0.15),
  'tflm_person_detect': (22.93, 22.72, 6.38),
  'mcunet_vww': (48.60, 47.79, 11.84),
  'mcunet_detection': (75.99, 73.92, 20.58),
  'mcunetv2_large': (847.5, 832.7, 312.8),
  'mbv2_1.0_224_int8': (791.8, 783.5, 175.0),
}
HEADER = (
  '| model | core | MMACs | CMSIS-NN, Minsn | converted, Minsn | ratio | per MAC | executor '
  '| stack | code | exact |',
  '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|',
)


def peer(model: str, core: str) -> float | None:
  """Instructions of CMSIS-NN, None where nobody counted them."""
  if model not in CMSIS_NN or core not in CMSIS_NN_CORES:
    return None
  return 1e6 * CMSIS_NN[model][CMSIS_NN_CORES.index(core)]


def row(model: str, result: BenchResult) -> str:
  """One line of the table."""
  theirs = peer(model, result.cpu)
  cmsis_nn, ratio = '-', '-'
  if theirs is not None:
    cmsis_nn, ratio = f'{theirs / 1e6:.2f}', f'{result.instructions / theirs:.2f}x'
  per_mac = f'{result.instructions / result.macs:.2f}' if result.macs else '-'
  return (
    f'| {model} | {result.cpu} | {result.macs / 1e6:.2f} '
    f'| {cmsis_nn} | {result.instructions / 1e6:.2f} | {ratio} | {per_mac} '
    f'| {100 * result.executor_instructions / result.instructions:.2f} % | {result.stack:,} '
    f'| {result.code_bytes:,} | {"yes" if result.bit_exact else "NO"} |'
  )


def summary(results: Mapping[str, Sequence[BenchResult]]) -> str:
  """The models that peers have figures of, a line each, some columns for each core.

  Args:
    results: By model, of the same cores.
  """
  cores = [result.cpu for result in next(iter(results.values()))]
  columns = [
    f'{core.replace("cortex-m", "Cortex-M")}: CMSIS-NN | converted | ratio |' for core in cores
  ]
  lines = [f'| model | MMACs | {" ".join(columns)}', f'|---|{"---:|" * (1 + 3 * len(cores))}']
  for model, found in sorted(results.items()):
    cells = [model, f'{found[0].macs / 1e6:.2f}']
    for result in found:
      theirs = peer(model, result.cpu)
      if theirs is not None:
        mine = result.instructions
        cells += [f'{theirs / 1e6:.2f}', f'**{mine / 1e6:.2f}**', f'{mine / theirs:.2f}x']
    if len(cells) == 2 + 3 * len(found):
      lines.append(f'| {" | ".join(cells)} |')
  return '\n'.join(lines)


def for_machines(model: str, result: BenchResult) -> dict[str, object]:
  """A line of the table."""
  return {
    'model': model,
    'cpu': result.cpu,
    'macs': result.macs,
    'cmsis_nn_instructions': peer(model, result.cpu),
    'instructions': result.instructions,
    'executor_instructions': result.executor_instructions,
    'stack': result.stack,
    'code_bytes': result.code_bytes,
    'bit_exact': result.bit_exact,
  }


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--cpus', default=','.join(cpus.CPUS), help='cores, between commas')
  parser.add_argument('--models', default='', help="parts of models' names, between commas")
  parser.add_argument(
    '-O', dest='optimization', default='O2', choices=[flag[1:] for flag in image.OPTIMIZATIONS]
  )
  parser.add_argument(
    '--update', metavar='PAGE', nargs='+', help='replace the table in these pages'
  )
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  folder = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', ROOT.parent / 'shared' / 'models'))
  wanted = arguments.models.split(',')
  paths = [
    path
    for path in (sample_model_path(), *sorted(folder.glob('*.tflite')))
    if any(part in path.stem for part in wanted)
  ]
  exact = True
  results: dict[str, list[BenchResult]] = {}
  try:
    cores = [cpus.find(name) for name in arguments.cpus.split(',')]
    for core in cores:
      image.require_tools(core)
    if not arguments.json:
      print('\n'.join(HEADER))
    for path in paths:
      workload = prepare(path)
      for core in cores:
        result = measure(workload, core, f'-{arguments.optimization}')
        exact &= result.bit_exact
        results.setdefault(path.stem, []).append(result)
        if not arguments.json:
          print(row(path.stem, result), flush=True)
  except TflmPatchError as error:
    raise SystemExit(str(error)) from None
  if arguments.json:
    rows = [for_machines(name, each) for name, found in results.items() for each in found]
    print(json.dumps({'schema_version': SCHEMA_VERSION, 'rows': rows}, indent=2))
  if not exact:
    print('outputs differ', file=sys.stderr)
    raise SystemExit(1)
  if arguments.update:
    page.put(arguments.update, 'instructions', summary(results))


if __name__ == '__main__':
  main()
