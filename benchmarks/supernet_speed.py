# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What elasticity costs: images a CPU-second of sub-networks, against networks alone.

  pip install 'tflm-patch[train]'
  python benchmarks/supernet_speed.py
  python benchmarks/supernet_speed.py --json --record

A training step (forward, backward, update) of a supernet runs its largest network, its smallest,
and some by chance, all in one traced TensorFlow graph; the largest and the smallest are trained
alone, too, as `models.build` makes them. One core; CPU-seconds, so that other processes
count little. The space is MCUNetV2's form at 64x64: kernels 3, 5, 7, expansions 3, 4, 6, depths
2 to 4, widths 0.5, 0.75, 1, resolutions 48 and 64.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import random
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')
os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np
import provenance

from tflm_patch import models, nas
from tflm_patch.nas.supernet import Supernet
from tflm_patch.training.loop import make_optimizer
from tflm_patch.training.options import TrainOptions

RESULTS = pathlib.Path(__file__).resolve().parent / 'results' / 'supernet_speed.json'
BATCH = 32
_CHOICES = {'depths': [2, 3, 4], 'kernels': [3, 5, 7], 'expansions': [3, 4, 6]}
SPACE = nas.space_from_json(
  {
    'name': 'mcunet_v2 at 64',
    'inputs': [[48, 48, 3], [64, 64, 3]],
    'stem': ['conv3_s2_c16', 'ir_k3_e1_c8'],
    'stages': [
      {'block': f'ir_{stride}c{channels}', **_CHOICES, 'widths': [0.5, 0.75, 1.0]}
      for channels, stride in ((16, 's2_'), (24, 's2_'), (40, ''))
    ],
    'head': 'fc10',
  }
)


def rate(step: Callable[[], object], seconds: float) -> float:
  """Images a CPU-second; the first step, which traces, does not count."""
  step()
  start, steps = time.process_time(), 0
  while time.process_time() - start < seconds:
    step()
    steps += 1
  return BATCH * steps / (time.process_time() - start)


def alone(spec: Any, images: np.ndarray, targets: np.ndarray, seconds: float) -> float:
  """A network without elasticity, trained by Keras' own compiled step."""
  import keras

  model = models.build(spec)
  loss = keras.losses.CategoricalCrossentropy(from_logits=True)
  model.compile(make_optimizer(model.trainable_variables, TrainOptions()), loss, jit_compile=False)
  rows, cols = spec.input_shape[:2]
  part = np.ascontiguousarray(images[:, :rows, :cols])
  return rate(lambda: model.train_on_batch(part, targets), seconds)


def main() -> int:
  """Measures, prints, records."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--seconds', type=float, default=10.0, help='of CPU time, a measurement')
  parser.add_argument('--networks', type=int, default=8, help='by chance')
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--record', action='store_true', help=f'write {RESULTS.name}, too')
  arguments = parser.parse_args()
  start = time.monotonic()
  rng = np.random.default_rng(arguments.seed)
  images = rng.normal(size=(BATCH, 64, 64, 3)).astype(np.float32)
  targets = np.eye(10, dtype=np.float32)[rng.integers(0, 10, BATCH)]
  supernet = Supernet(SPACE)
  engine = supernet.engine
  optimizer = make_optimizer(supernet.network.trainable_weights, TrainOptions())

  def step(candidate: Any) -> None:
    engine.gradients(images, targets, candidate.table, candidate.size, None, 0.0)
    engine.step(optimizer, 1)

  shared, chance = supernet.shared, random.Random(arguments.seed)
  drawn = [shared.sample(chance) for _ in range(arguments.networks)]
  part = arguments.seconds / max(1, len(drawn))
  figures = {
    'largest_alone': alone(shared.largest, images, targets, arguments.seconds),
    'largest': rate(lambda: step(shared.largest_candidate), arguments.seconds),
    'smallest_alone': alone(shared.smallest_candidate.spec, images, targets, arguments.seconds),
    'smallest': rate(lambda: step(shared.smallest_candidate), arguments.seconds),
    'random': float(np.mean([rate(lambda each=each: step(each), part) for each in drawn])),
  }
  whole = {
    'schema_version': 1,
    'command': ' '.join(['python', 'benchmarks/supernet_speed.py', *sys.argv[1:]]),
    'commit': provenance.commit(),
    'machine': f'{platform.machine()}, one core, load {os.getloadavg()[0]:.0f}',
    'seconds': round(time.monotonic() - start),
    'seed': arguments.seed,
    'space': SPACE.name,
    'space_size': SPACE.size,
    'graphs_traced': engine.traces,
    'images_per_cpu_second': {name: round(value) for name, value in figures.items()},
  }
  text = json.dumps(whole, indent=1)
  if arguments.record:
    RESULTS.write_text(text + '\n')
  if arguments.json:
    print(text)
    return 0
  print('| network | alone | in the supernet |\n|---|---:|---:|')
  for name in ('largest', 'smallest'):
    print(f'| {name} | {figures[f"{name}_alone"]:.0f} | {figures[name]:.0f} |')
  print(f'| by chance | | {figures["random"]:.0f} |')
  return 0


if __name__ == '__main__':
  sys.exit(main())
