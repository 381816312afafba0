# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Ten hand signs (2,062 photographs, a fifth held out) learned for arenas of 16 KB and 8 KB.

  pip install 'tflm-patch[train]'
  python benchmarks/train_sign_digits.py --data sign_digits.tar
  python benchmarks/train_sign_digits.py --data sign_digits.tar --nets 8kb --minutes 2 --json

Three networks: one of 64x64x3 in 16,384 bytes of arena with the image counted, one in 8,192
bytes and a file of 32 KB, and one of 96x96x3 that takes its image row by row in 8,192 bytes.
Accuracies are those of the converted int8 models in the TFLM interpreter. The exit code is 1
when one misses its mark.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
from typing import Any

from tflm_patch.training import Augmentation, Budgets, TrainOptions, read_images, train

KB = 1024
SPLIT_SEED = 1


@dataclasses.dataclass(frozen=True)
class Net:
  """A network and what it must reach.

  Attributes:
    spec: Its line.
    budgets: Limits of arena and file.
    least_accuracy: Of the int8 model in TFLM, per cent.
  """

  spec: str
  budgets: Budgets
  least_accuracy: float


NETS = {
  '16kb': Net(
    'in64x64x3 conv3_s2_c16 ir_k3_e2_s2_c24 ir_k3_e3_c24 ir_k3_e3_s2_c40 ir_k3_e3_c40 '
    'ir_k3_e3_s2_c64 conv1_c128 fc10',
    Budgets(arena_bytes=16 * KB),
    99.0,
  ),
  '8kb': Net(
    'in64x64x1 conv3_s2_c8 ir_k3_e3_s2_c16 ir_k3_e3_c16 ir_k3_e3_s2_c24 ir_k3_e3_c24 '
    'ir_k3_e3_s2_c48 fc10',
    Budgets(arena_bytes=8 * KB, flash_bytes=32 * KB),
    98.0,
  ),
  'rows': Net(
    'in96x96x3 conv3_s2_c8 ir_k3_e1_s2_c12 ir_k3_e3_s2_c20 ir_k3_e3_c20 x2 ir_k3_e3_s2_c40 '
    'ir_k3_e3_c40 conv1_c96 fc10',
    Budgets(arena_bytes=8 * KB, input_rows=1),
    99.0,
  ),
}


def measure(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
  """All figures of one network."""
  from tflm_patch import architecture

  net = NETS[name]
  say = None if arguments.quiet else lambda text: print(f'{name}: {text}', file=sys.stderr)
  say = say or (lambda text: None)
  shape = architecture.load(net.spec).input_shape
  dataset = read_images(arguments.data, shape, SPLIT_SEED, say)
  options = TrainOptions(
    epochs=arguments.epochs,
    minutes=arguments.minutes,
    cpu_minutes=arguments.cpu_minutes,
    batch_size=32,
    label_smoothing=0.1,
    augmentation=Augmentation(
      flip=False, shift=0.1, rotation=15, zoom=0.15, brightness=0.1, contrast=0.2
    ),
    seed=arguments.seed,
    threads=arguments.threads,
  )
  folder = None if arguments.out is None else pathlib.Path(arguments.out) / name
  result = train(
    dataset,
    net.spec,
    options,
    net.budgets,
    folder,
    resume=arguments.resume,
    overwrite=True,
    progress=say,
  )
  found = result.to_json()
  missed = found['missed']
  if result.int8.score < net.least_accuracy:
    missed.append(f'accuracy: {result.int8.score:.2f} %, less than {net.least_accuracy:g} %')
  return {
    'net': name,
    'spec': result.name,
    'input_rows': net.budgets.input_rows,
    'float_accuracy': result.float_score,
    'int8_accuracy': result.int8.score,
    'test_examples': result.int8.examples,
    'evaluated_by': result.int8.by.value,
    'bit_exact': result.verified,
    **{key: found[key] for key in ('arena_original', 'arena_total', 'file_bytes', 'macs')},
    **{key: found[key] for key in ('epochs', 'seconds', 'cpu_seconds')},
    'skipped': found['skipped'],
    'missed': missed,
  }


def main() -> int:
  """Trains, quantizes, converts, prints."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--data', required=True, help='the folder or .tar of the photographs')
  parser.add_argument('--nets', default=','.join(NETS), help='names with commas between')
  parser.add_argument('--epochs', type=int, default=None)
  parser.add_argument('--minutes', type=float, default=None, help='of wall time, a network')
  parser.add_argument('--cpu-minutes', type=float, default=None, help='of CPU time, a network')
  parser.add_argument('--threads', type=int, default=2)
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--out', help='a folder for checkpoints and models')
  parser.add_argument('--resume', action='store_true', help='go on with the checkpoints in --out')
  parser.add_argument('--quiet', action='store_true', help='no lines of progress')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  if arguments.epochs is arguments.minutes is arguments.cpu_minutes is None:
    arguments.cpu_minutes = 16.0
  rows = [measure(name, arguments) for name in arguments.nets.split(',')]
  missed = [f'{row["net"]}: {each}' for row in rows for each in row['missed']]
  if arguments.json:
    figures = {'seed': arguments.seed, 'threads': arguments.threads, 'nets': rows}
    print(json.dumps({**figures, 'missed': missed}, indent=2))
    return 1 if missed else 0
  print('| net | float | int8 in TFLM | arena, stock -> converted | file | MACs | CPU seconds |')
  print('|---|---:|---:|---:|---:|---:|---:|')
  for row in rows:
    print(
      f'| {row["net"]} | {row["float_accuracy"]:.2f} % | {row["int8_accuracy"]:.2f} % '
      f'| {row["arena_original"]:,} -> {row["arena_total"]:,} | {row["file_bytes"]:,} '
      f'| {row["macs"]:,} | {row["cpu_seconds"]:,.0f} |'
    )
  print('\n'.join(missed))
  return 1 if missed else 0


if __name__ == '__main__':
  sys.exit(main())
