# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What redistribution costs a trained network: `redistribution.py --accuracy` runs it.

A small network learns CIFAR-10; its receptive field is redistributed with the weights it
has; then both networks, the old and the new, are trained for the same few epochs more.
"""

from __future__ import annotations

import os
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

import tflm_patch
from tflm_patch import architecture, models
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.training import RedistributionOptions, redistribute

SPEC = 'in32x32x3 conv3_s2_c12 ir_k7_e2_c12 ir_k5_e2_c12 ir_k3_e4_s2_c24 x2 ir_k3_e3_s2_c32 x2 fc10'
OPTIONS = RedistributionOptions(goal=0.85, blocks=3, grid=(2, 2), least_kernel=3)
SEEDS = (1, 2, 3)
EPOCHS, MORE_EPOCHS = 4, 2
RATE, MORE_RATE = 0.1, 0.05
BATCH = 128
MAX_LOST_POINTS = 0.5
CALIBRATION, RECALIBRATION = 200, 2000
EVERY = 5  # test pictures that the int8 model is asked

Split = tuple[np.ndarray, np.ndarray]  # pictures uint8 and labels


def measure(
  seeds: Sequence[int] = SEEDS, epochs: int = EPOCHS, more_epochs: int = MORE_EPOCHS
) -> dict[str, Any]:
  """Accuracies of the network after more training, redistributed and as it was.

  Args:
    seeds: One training each.
    epochs: Before redistribution.
    more_epochs: After it, of both networks.
  """
  tar = pictures.DATA / 'cifar10.tar'
  found = [pictures.load(tar, f'cifar10/{part}', 32) for part in ('train', 'test')]
  train, test = [(each.images, each.labels) for each in found]
  rows = []
  for seed in seeds:
    rows.append(_one(seed, train, test, epochs, more_epochs))
    print(rows[-1], file=sys.stderr, flush=True)

  def median(of: Callable[[dict[str, Any]], float]) -> float:
    return round(statistics.median(of(row) for row in rows), 3)

  lost = median(lambda row: row['same']['accuracy'] - row['redistributed']['accuracy'])
  return {
    'data': 'CIFAR-10',
    'spec': SPEC,
    'epochs': epochs,
    'more_epochs': more_epochs,
    'seeds': rows,
    'median_accuracy_same': median(lambda row: row['same']['accuracy']),
    'median_accuracy_redistributed': median(lambda row: row['redistributed']['accuracy']),
    'median_points_lost': lost,
    'median_int8_points_lost': median(
      lambda row: row['same']['int8_accuracy'] - row['redistributed']['int8_accuracy']
    ),
    'reached': lost <= MAX_LOST_POINTS,
  }


def _one(seed: int, train: Split, test: Split, epochs: int, more_epochs: int) -> dict[str, Any]:
  keras.utils.set_random_seed(seed)
  start = time.process_time()
  model = models.build(SPEC, models.BuildOptions(momentum=0.9))
  fit(model, train, epochs, RATE, seed)
  before = accuracy(model, test)
  # Pictures lie class by class: the first ones are of one.
  chosen = np.random.default_rng(seed).choice(len(train[0]), RECALIBRATION, False)
  found = redistribute(model, OPTIONS, real(train[0][chosen]))
  at_once = accuracy(found.model, test)
  figures: dict[str, Any] = {
    'seed': seed,
    'spec_redistributed': architecture.format_spec(found.spec),
    'accuracy_before': before,
    'accuracy_at_once': at_once,
  }
  sides = {'same': (model, found.before), 'redistributed': (found.model, found.after)}
  for name, (each, plan) in sides.items():
    fit(each, train, more_epochs, MORE_RATE, seed + 1000)
    figures[name] = {
      'accuracy': accuracy(each, test),
      'int8_accuracy': int8_accuracy(each, train[0], test),
      **{field: plan.to_json()[field] for field in ('stage_overhead', 'macs', 'arena')},
    }
  return {**figures, 'cpu_seconds': round(time.process_time() - start)}


def fit(model: Any, train: Split, epochs: int, rate: float, seed: int) -> None:
  """SGD with momentum, a cosine, mirrored and moved pictures; all of it follows from the seed."""
  images, labels = train
  steps = epochs * -(-len(images) // BATCH)
  warm = min(100, steps // 10)
  schedule = keras.optimizers.schedules.CosineDecay(
    rate / 10, steps - warm, warmup_target=rate, warmup_steps=warm
  )
  model.compile(
    keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=5e-4),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    jit_compile=False,
  )
  rng = np.random.default_rng(seed)
  for _ in range(epochs):
    order = rng.permutation(len(images))
    shown = real(pictures.moved(images[order], rng, flip=True, shift=3))
    model.fit(shown, labels[order], batch_size=BATCH, shuffle=False, verbose=0)


def real(images: np.ndarray) -> np.ndarray:
  """float32, from -1 to 1."""
  return images.astype(np.float32) / 127.5 - 1


def accuracy(model: Any, test: Split) -> float:
  """Per cent of the test pictures that the Keras model gets right."""
  scores = model.predict(real(test[0]), batch_size=500, verbose=0)
  return round(100 * float(np.mean(np.argmax(scores, axis=-1) == test[1])), 3)


def int8_accuracy(model: Any, calibration: np.ndarray, test: Split) -> float:
  """Per cent of every fifth test picture that the converted int8 model gets right in TFLM."""
  rng = np.random.default_rng(0)
  samples = real(calibration[rng.choice(len(calibration), CALIBRATION, False)])
  quantized = tflm_patch.quantize(model, samples)
  tensor = quantized.model.main.tensors[quantized.model.main.inputs[0]]
  interpreter = Interpreter(tflm_patch.convert_model(quantized.data).data)
  images, labels = test[0][::EVERY], test[1][::EVERY]
  steps = np.rint(real(images) / tensor.quantization.scale) + tensor.quantization.zero_point
  steps = np.clip(steps, -128, 127).astype(np.int8)
  right = sum(
    int(np.argmax(interpreter.invoke([each[None]])[0]) == label)
    for each, label in zip(steps, labels)
  )
  return round(100 * right / len(labels), 3)


def table(found: dict[str, Any]) -> str:
  """The figures of `measure` in Markdown."""
  lines = [
    '| seed | trained | redistributed, at once | same, trained on | redistributed, trained on |',
    '|---|---:|---:|---:|---:|',
  ]
  for row in found['seeds']:
    cells = [row['accuracy_before'], row['accuracy_at_once']]
    cells += [row[name]['accuracy'] for name in ('same', 'redistributed')]
    lines.append(f'| {row["seed"]} | ' + ' | '.join(f'{each:.2f} %' for each in cells) + ' |')
  lines.append(
    f'\nLost: {found["median_points_lost"]:.2f} points (median; at most {MAX_LOST_POINTS}), '
    f'int8 in TFLM {found["median_int8_points_lost"]:.2f}.'
  )
  return '\n'.join(lines)
