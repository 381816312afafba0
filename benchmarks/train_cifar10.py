# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10 for an arena of 16 KB and a file of 100 KB, within a budget of minutes.

  pip install 'tflm-patch[train]'
  python benchmarks/train_cifar10.py --data cifar10.tar --minutes 45 --out cifar10_45

Minutes are those of `--threads` free cores: the training ends when that much CPU time is
used (45 minutes of 2 threads are 90 CPU minutes), so that a busy machine gets the same
training, later. The data are folders train and test with a folder a class, or a .tar of
them. The accuracy is that of the converted int8 model in the TFLM interpreter on all test
images. The exit code is 1 when accuracy, arena or file miss their marks.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tflm_patch.training import Augmentation, Budgets, TrainOptions, read_images, train

ARENA_BYTES, FILE_BYTES = 16 * 1024, 100 * 1024
SPEC = 'in32x32x3 conv3_s2_c32 basic3_c32 ir_k3_e4_s2_c48 ir_k3_e4_c48 x2 conv1_c128 fc10'


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
  """All figures."""

  def say(text: str) -> None:
    if not arguments.quiet:
      print(text, file=sys.stderr, flush=True)

  dataset = read_images(arguments.data, (32, 32, 3), 0, say)
  options = TrainOptions(
    epochs=arguments.epochs,
    cpu_minutes=arguments.minutes * arguments.threads,
    minutes=arguments.wall_minutes,
    batch_size=arguments.batch_size,
    optimizer=arguments.optimizer,
    learning_rate=arguments.learning_rate,
    weight_decay=arguments.weight_decay,
    label_smoothing=arguments.label_smoothing,
    average=arguments.average,
    augmentation=Augmentation(
      shift=arguments.shift, cutout=arguments.cutout, mixup=arguments.mixup
    ),
    start_scale=arguments.start_scale,
    warmup=arguments.warmup,
    seed=arguments.seed,
    threads=arguments.threads,
    qat_epochs=arguments.qat_epochs,
  )
  result = train(
    dataset,
    arguments.spec,
    options,
    Budgets(ARENA_BYTES, FILE_BYTES),
    arguments.out,
    resume=arguments.resume,
    overwrite=not arguments.resume,
    progress=say,
  )
  found = result.to_json()
  missed = found['missed']
  if result.int8.score < arguments.least_accuracy:
    missed.append(f'accuracy: {result.int8.score:.2f} %, less than {arguments.least_accuracy:g} %')
  return {
    'seed': arguments.seed,
    'threads': arguments.threads,
    'minutes': arguments.minutes,
    'spec': result.name,
    'float_accuracy': result.float_score,
    'int8_accuracy': result.int8.score,
    'test_examples': result.int8.examples,
    'evaluated_by': result.int8.by.value,
    'bit_exact': result.verified,
    **{key: found[key] for key in ('arena_original', 'arena_total', 'file_bytes', 'macs')},
    **{key: found[key] for key in ('epochs', 'seconds', 'cpu_seconds', 'options')},
    'missed': missed,
  }


def define(parser: argparse.ArgumentParser) -> None:
  """Adds the options."""
  parser.add_argument('--data', required=True, help='the folder or .tar of the images')
  parser.add_argument('--spec', default=SPEC, help='the architecture, see docs/specs.md')
  parser.add_argument('--minutes', type=float, default=45.0, help='of --threads free cores')
  parser.add_argument('--wall-minutes', type=float, help='also a limit of wall time')
  parser.add_argument('--epochs', type=int, help='also a limit of epochs')
  parser.add_argument('--threads', type=int, default=2)
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--batch-size', type=int, default=128)
  parser.add_argument('--optimizer', default='sgd', choices=('sgd', 'adamw'))
  parser.add_argument('--learning-rate', type=float, default=0.2)
  parser.add_argument('--weight-decay', type=float)
  parser.add_argument('--label-smoothing', type=float, default=0.05)
  parser.add_argument('--average', type=float, default=0.998, help='decay of averaged weights')
  parser.add_argument('--shift', type=float, default=0.125)
  parser.add_argument('--cutout', type=float, default=0.0)
  parser.add_argument('--mixup', type=float, default=0.0)
  parser.add_argument('--start-scale', type=float, default=0.625, help='of sides, see docs')
  parser.add_argument('--warmup', type=float, default=0.08)
  parser.add_argument('--qat-epochs', type=int, default=0)
  parser.add_argument('--least-accuracy', type=float, default=84.0)
  parser.add_argument('--out', help='a folder for checkpoint and models')
  parser.add_argument('--resume', action='store_true', help='go on with the checkpoint in --out')
  parser.add_argument('--quiet', action='store_true', help='no lines of progress')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')


def main() -> int:
  """Trains, quantizes, converts, prints."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  define(parser)
  arguments = parser.parse_args()
  row = measure(arguments)
  if arguments.json:
    print(json.dumps(row, indent=2))
    return 1 if row['missed'] else 0
  print('| minutes | float | int8 in TFLM | arena, stock -> converted | file | MACs | epochs |')
  print('|---:|---:|---:|---:|---:|---:|---:|')
  print(
    f'| {row["minutes"]:g} | {row["float_accuracy"]:.2f} % | {row["int8_accuracy"]:.2f} % '
    f'| {row["arena_original"]:,} -> {row["arena_total"]:,} | {row["file_bytes"]:,} '
    f'| {row["macs"]:,} | {row["epochs"]} |'
  )
  print('\n'.join(row['missed']))
  return 1 if row['missed'] else 0


if __name__ == '__main__':
  sys.exit(main())
