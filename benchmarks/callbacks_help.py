# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Distillation, NetAug, pruning, low rank: each with and without, for the same steps.

  pip install 'tflm-patch[train]'
  python benchmarks/callbacks_help.py
  python benchmarks/callbacks_help.py --json --record

The data are the photographs of sign_digits.tar (in the folder TFLM_PATCH_DATA), grey and
32x32; where they are not, scikit-learn's digits. A fifth is held out. Every training has the
same number of steps of the same batches; the figures are medians over the seeds:

- distillation, NetAug: the small network with and without. The large one, trained for as
  many steps, is the teacher, and its time is not counted.
- pruning: the large network pruned to the file size of the small one, against the small one.
- low rank: the large network factored after three quarters of the steps, against itself.

An option helps when its network is better by more than it costs in size: better by at least
half a point where the sizes are equal; where the network gets smaller, worse by at most half
a point. Ten to twenty minutes of one core.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')

import keras
import numpy as np
import pictures
import provenance

from tflm_patch import models
from tflm_patch.training import (
  DistillationOptions,
  EndAugmentation,
  FactorizeOptions,
  NetAug,
  NetAugOptions,
  StructuredPruning,
  distill,
  factorize,
  footprint,
)

SEEDS = (1, 2, 3)
EPOCHS = 12
BATCH, RATE = 32, 0.005
POINTS = 0.5
SMALL = '{} conv3_s2_c8 ir_k3_e3_s2_c12 ir_k3_e3_s2_c16 fc10'
LARGE = '{} conv3_s2_c16 ir_k3_e4_s2_c24 ir_k3_e4_s2_c32 ir_k3_e4_c32 fc10'
RESULTS = pathlib.Path(__file__).resolve().parent / 'results' / 'callbacks_help.json'


@dataclasses.dataclass(frozen=True)
class Data:
  """float32 images from -1 to 1 and labels, to train with and held out."""

  name: str
  train: np.ndarray
  train_labels: np.ndarray
  test: np.ndarray
  test_labels: np.ndarray

  def spec(self, template: str) -> str:
    """A line of blocks, with the input of these images."""
    rows, columns, channels = self.train.shape[1:]
    return template.format(f'in{rows}x{columns}x{channels}')


def load() -> Data:
  """The photographs, or the digits."""
  tar = pictures.DATA / 'sign_digits.tar'
  if tar.exists():
    found = pictures.load(tar, 'sign_digits', 32, gray=True)
    name, images, labels = 'sign_digits, 32x32 grey', found.images, found.labels
  else:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.kron(digits.images, np.ones((1, 2, 2)))[..., None] * (255 / 16)
    name, labels = "scikit-learn's digits, 16x16", digits.target
  order = np.random.default_rng(0).permutation(len(labels))
  images, labels = images[order].astype(np.float32) / 127.5 - 1, labels[order]
  held = len(labels) // 5
  return Data(name, images[held:], labels[held:], images[:held], labels[:held])


class Run:
  """Trainings of one seed; each has the same steps.

  Args:
    data: What is learned.
    seed: Of weights and batches.
    epochs: Of every training.
  """

  def __init__(self, data: Data, seed: int, epochs: int) -> None:
    self.data, self.seed, self.epochs = data, seed, epochs

  def fit(self, model: Any, first: int, last: int, callbacks: Sequence[Any] = ()) -> Any:
    """Trains the epochs from `first` to `last`; the rate follows a cosine over all of them."""
    steps = -(-len(self.data.train) // BATCH)
    rates = [0.5 * RATE * (1 + np.cos(np.pi * each / self.epochs)) for each in range(self.epochs)]
    boundaries = [steps * k for k in range(1, last - first)]
    schedule: Any = rates[first]
    if boundaries:
      schedule = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates[first:last])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule), loss, jit_compile=False)
    keras.utils.set_random_seed(self.seed + 1000 * first)
    model.fit(
      self.data.train,
      self.data.train_labels,
      batch_size=BATCH,
      epochs=last - first,
      verbose=0,
      callbacks=list(callbacks),
    )
    return model

  def build(self, template: str) -> Any:
    """An untrained network; batch normalization follows these few steps."""
    keras.utils.set_random_seed(self.seed)
    return models.build(self.data.spec(template), models.BuildOptions(momentum=0.9))

  def small(self) -> Any:
    """The small network, plainly."""
    return self.fit(self.build(SMALL), 0, self.epochs)

  def large(self) -> Any:
    """The large network, plainly."""
    return self.fit(self.build(LARGE), 0, self.epochs)

  def distilled(self, teacher: Any) -> Any:
    """The small network, taught by the large one."""
    student = self.build(SMALL)
    self.fit(distill(student, teacher, DistillationOptions()), 0, self.epochs)
    return student

  def augmented(self) -> Any:
    """The small network within wider ones, alone for the last third."""
    keras.utils.set_random_seed(self.seed)
    model = NetAug(self.data.spec(SMALL), NetAugOptions((1, 1.8), (1, 1.6), seed=self.seed))
    self.fit(model, 0, self.epochs, [EndAugmentation(2 * self.epochs // 3)])
    return model.result(self.data.train)

  def pruned(self, flash: int) -> Any:
    """The large network, with channels pruned until its file is as small as the small one's."""
    until = max(1, self.epochs // 2)
    pruning = StructuredPruning(flash=flash, begin=0, end=until)
    self.fit(self.build(LARGE), 0, until, [pruning])
    return self.fit(pruning.pruned_model, until, self.epochs)

  def factored(self) -> Any:
    """The large network, factored where the planner gains by it, and trained on."""
    until = max(1, 3 * self.epochs // 4)
    found = factorize(self.fit(self.build(LARGE), 0, until), FactorizeOptions())
    return self.fit(found.model, until, self.epochs)

  def measure(self, make: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """A trained network, and its figures."""
    start = time.process_time()
    model = make()
    seconds = round(time.process_time() - start, 1)
    scores = model.predict(self.data.test, verbose=0)
    right = np.argmax(scores, axis=-1) == self.data.test_labels
    needs = footprint(model)
    figures = {
      'accuracy': round(100 * float(np.mean(right)), 2),
      'arena': needs.arena,
      'flash': needs.flash,
      'macs': needs.macs,
      'cpu_seconds': seconds,
    }
    return model, figures

  def all(self) -> dict[str, dict[str, Any]]:
    """Figures of every network."""
    found = {}
    _, found['small'] = self.measure(self.small)
    teacher, found['large'] = self.measure(self.large)
    _, found['distilled'] = self.measure(lambda: self.distilled(teacher))
    _, found['net_aug'] = self.measure(self.augmented)
    _, found['pruned'] = self.measure(lambda: self.pruned(found['small']['flash']))
    _, found['low_rank'] = self.measure(self.factored)
    return found


# Option: the network with it, and without.
PAIRS = {
  'distillation': ('distilled', 'small'),
  'NetAug': ('net_aug', 'small'),
  'pruning': ('pruned', 'small'),
  'low rank': ('low_rank', 'large'),
}


def judge(runs: Sequence[dict[str, dict[str, Any]]]) -> list[dict[str, Any]]:
  """What each option does, by medians."""
  rows = []
  for option, (ours, without) in PAIRS.items():
    gain = statistics.median(run[ours]['accuracy'] - run[without]['accuracy'] for run in runs)
    row: dict[str, Any] = {'option': option, 'points_gained': round(gain, 2)}
    for name, which in (('with', ours), ('without', without)):
      row[name] = {
        field: statistics.median(run[which][field] for run in runs)
        for field in ('accuracy', 'arena', 'flash', 'macs', 'cpu_seconds')
      }
    smaller = option == 'low rank' and row['with']['flash'] < row['without']['flash']
    row['helps'] = gain >= -POINTS if smaller else gain >= POINTS
    rows.append(row)
  return rows


def table(data: str, rows: Sequence[dict[str, Any]]) -> str:
  """In Markdown."""
  lines = [
    f'{data}; medians; without -> with\n',
    '| option | accuracy | arena | file | CPU-seconds | helps |',
    '|---|---:|---:|---:|---:|---|',
  ]
  for row in rows:
    a, b = row['without'], row['with']
    lines.append(
      f'| {row["option"]} | {a["accuracy"]:.2f} -> {b["accuracy"]:.2f} % '
      f'| {a["arena"]:,} -> {b["arena"]:,} | {a["flash"]:,} -> {b["flash"]:,} '
      f'| {a["cpu_seconds"]:.0f} -> {b["cpu_seconds"]:.0f} | {"yes" if row["helps"] else "no"} |'
    )
  return '\n'.join(lines)


def main() -> int:
  """Trains, prints, records."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--seeds', type=int, nargs='+', default=list(SEEDS))
  parser.add_argument('--epochs', type=int, default=EPOCHS)
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--record', action='store_true', help=f'write {RESULTS.name}, too')
  arguments = parser.parse_args()
  start = time.monotonic()
  data, runs = load(), []
  for seed in arguments.seeds:
    runs.append(Run(data, seed, arguments.epochs).all())
    print(seed, runs[-1], file=sys.stderr, flush=True)
  rows = judge(runs)
  whole = {
    'command': ' '.join(['python', 'benchmarks/callbacks_help.py', *sys.argv[1:]]),
    'commit': provenance.commit(),
    'seeds': arguments.seeds,
    'epochs': arguments.epochs,
    'seconds': round(time.monotonic() - start),
    'data': data.name,
    'options': rows,
    'runs': runs,
  }
  text = json.dumps(whole, indent=1)
  if arguments.record:
    RESULTS.write_text(text + '\n')
  print(text if arguments.json else table(data.name, rows))
  return 0


if __name__ == '__main__':
  sys.exit(main())
