# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A training step with oneDNN's kernels beside one with TensorFlow's own, in turns.

  pip install 'tflm-patch[train]'
  python benchmarks/training_kernels.py
  python benchmarks/training_kernels.py --json --record

CPU milliseconds of a step (forward, backward, update) as `train` does it, on one thread; every
measurement is a process of its own, because TensorFlow chooses its kernels when it is imported.
Where it takes oneDNN's by itself both are asked for by name all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import provenance

RESULTS = pathlib.Path(__file__).resolve().parent / 'results' / 'training_kernels.json'
# What is trained, and the batch; those of the benchmarks of CIFAR-10 and of hand signs.
NETWORKS = {
  'CIFAR-10': (
    'in32x32x3 conv3_c16 basic3_c16 basic3_s2_c32 ir_k3_e4_s2_c48 x3 conv1_c160 fc10',
    128,
  ),
  'hand signs': ('in48x48x1 conv3_s2_c16 ir_k3_e3_s2_c24 ir_k3_e3_s2_c40 ir_k3_e3_s2_c64 fc10', 32),
}
KERNELS = {'tensorflow': '0', 'onednn': '1'}


def step_ms(name: str, steps: int, seed: int) -> float:
  """CPU milliseconds of a step, in this process; the first three, which trace, do not count."""
  import numpy as np

  from tflm_patch import architecture, models
  from tflm_patch.training import TrainOptions
  from tflm_patch.training.backend import prepare
  from tflm_patch.training.fused_normalization import fused_normalization
  from tflm_patch.training.loop import make_optimizer

  keras = prepare(threads=1)
  text, batch = NETWORKS[name]
  spec = architecture.parse_spec(text)
  model = models.build(spec)
  loss = keras.losses.CategoricalCrossentropy(from_logits=True)
  model.compile(make_optimizer(model.trainable_variables, TrainOptions()), loss, jit_compile=False)
  rng = np.random.default_rng(seed)
  images = rng.normal(size=(batch, *spec.input_shape)).astype(np.float32)
  targets = np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)]
  with fused_normalization(model):
    for _ in range(3):
      model.train_on_batch(images, targets)
    start = time.process_time()
    for _ in range(steps):
      model.train_on_batch(images, targets)
  return 1000 * (time.process_time() - start) / steps


def _passed(arguments: argparse.Namespace) -> list[str]:
  return ['--steps', str(arguments.steps), '--seed', str(arguments.seed)]


def measured(name: str, kernels: str, arguments: argparse.Namespace) -> float:
  """The same in a process of its own, with these kernels."""
  found = subprocess.run(
    [sys.executable, __file__, '--one', name, *_passed(arguments)],
    env={
      **os.environ,
      'TF_ENABLE_ONEDNN_OPTS': KERNELS[kernels],
      'KERAS_BACKEND': 'tensorflow',
      'PYTHONPATH': os.pathsep.join(filter(None, sys.path)),
    },
    stdout=subprocess.PIPE,
    text=True,
    check=True,
  )
  return float(found.stdout)


def main() -> int:
  """Measures, prints, records."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--steps', type=int, default=15, help='of a measurement')
  parser.add_argument('--turns', type=int, default=3, help='whose median counts')
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument(
    '--one', choices=NETWORKS, help='measure one here, with the kernels there are'
  )
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--record', action='store_true', help=f'write {RESULTS.name}, too')
  arguments = parser.parse_args()
  if arguments.one:
    print(step_ms(arguments.one, arguments.steps, arguments.seed))
    return 0
  start = time.monotonic()
  rows = {}
  for name in NETWORKS:
    turns: dict[str, list[float]] = {kernels: [] for kernels in KERNELS}
    for turn in range(arguments.turns):
      print(f'{name}: turn {turn + 1} of {arguments.turns}', file=sys.stderr, flush=True)
      for kernels, found in turns.items():
        found.append(measured(name, kernels, arguments))
    median = {kernels: statistics.median(found) for kernels, found in turns.items()}
    rows[name] = {
      **{kernels: round(value, 1) for kernels, value in median.items()},
      'ratio': round(median['onednn'] / median['tensorflow'], 2),
    }
  whole = {
    'schema_version': 1,
    'command': ' '.join(['python', 'benchmarks/training_kernels.py', *sys.argv[1:]]),
    'commit': provenance.commit(),
    'machine': f'{platform.machine()}, {_vectors()}, one thread, load {os.getloadavg()[0]:.0f}',
    'seconds': round(time.monotonic() - start),
    'seed': arguments.seed,
    'cpu_milliseconds_of_a_step': rows,
  }
  text = json.dumps(whole, indent=1)
  if arguments.record:
    RESULTS.write_text(text + '\n')
  if arguments.json:
    print(text)
    return 0
  print('| network | TensorFlow | oneDNN | |\n|---|---:|---:|---:|')
  for name, row in rows.items():
    print(f'| {name} | {row["tensorflow"]:.0f} ms | {row["onednn"]:.0f} ms | {row["ratio"]:.2f}x |')
  return 0


def _vectors() -> str:
  """The widest vectors that the processor names."""
  try:
    flags = pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8').split()
  except OSError:
    return 'vectors unknown'
  return next((name for name in ('avx512f', 'avx2') if name in flags), 'no AVX2')


if __name__ == '__main__':
  sys.exit(main())
