# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Bonsai, ProtoNN and FastGRNN: trained, quantized, and judged in TFLM.

  pip install 'tflm-patch[train]' aeon
  python benchmarks/tiny_learners.py
  python benchmarks/tiny_learners.py --json --models bonsai,proto_nn

Bonsai and ProtoNN learn scikit-learn's digits (a quarter held out), FastGRNN learns
JapaneseVowels (its own split), which lies in aeon's package. Accuracies are those of the
int8 models in the TFLM interpreter; file and arena are those of the converted model. The
exit code is 1 when one misses its mark.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import keras
import numpy as np

import tflm_patch
from tflm_patch import models
from tflm_patch.runtime.tflm import Interpreter

LIMIT_BYTES = 8192
STEPS = 29  # of the longest series


@dataclasses.dataclass(frozen=True)
class Data:
  """float32 inputs and labels, to train with and held out."""

  train: np.ndarray
  train_labels: np.ndarray
  test: np.ndarray
  test_labels: np.ndarray

  @property
  def classes(self) -> int:
    return int(self.train_labels.max()) + 1


def digits(seed: int) -> Data:
  """scikit-learn's digits, 0 to 1, a quarter held out."""
  from sklearn.datasets import load_digits
  from sklearn.model_selection import train_test_split

  found = load_digits()
  train, test, labels, test_labels = train_test_split(
    (found.data / 16).astype(np.float32),
    found.target,
    test_size=0.25,
    stratify=found.target,
    random_state=seed,
  )
  return Data(train, labels, test, test_labels)


def japanese_vowels(seed: int) -> Data:
  """Series of 12 coefficients by nine speakers, padded at the beginning."""
  del seed  # its split is given
  spec = importlib.util.find_spec('aeon')
  if spec is None or spec.origin is None:
    sys.exit('aeon is not installed; pip install aeon')
  folder = pathlib.Path(spec.origin).parent / 'datasets' / 'data' / 'JapaneseVowels'
  train, labels = _read_ts(folder / 'JapaneseVowels_TRAIN.ts')
  test, test_labels = _read_ts(folder / 'JapaneseVowels_TEST.ts')
  cells = np.concatenate(train)
  mean, deviation = cells.mean(axis=0), cells.std(axis=0)

  def padded(series: Sequence[np.ndarray]) -> np.ndarray:
    whole = np.zeros((len(series), STEPS, len(mean)), np.float32)
    for row, each in zip(whole, series):
      row[STEPS - len(each) :] = (each - mean) / deviation
    return whole

  return Data(padded(train), labels, padded(test), test_labels)


def _read_ts(path: pathlib.Path) -> tuple[list[np.ndarray], np.ndarray]:
  """Series float32[steps, channels] and labels from 0 of a file of the UEA archive."""
  series, labels = [], []
  text = path.read_text(encoding='utf-8')
  for line in text[text.lower().index('@data') :].splitlines()[1:]:
    if line.strip():
      *channels, label = line.strip().split(':')
      values = [np.array(each.split(','), np.float32) for each in channels]
      series.append(np.stack(values, axis=-1))
      labels.append(int(label) - 1)
  return series, np.array(labels)


# ---- the models ----


def train(layer: Any, data: Data, epochs: int, rate: float, more: Sequence[Any] = ()) -> Any:
  """A trained model of a layer that gives the scores of classes."""
  source = keras.Input(data.train.shape[1:], name='input')
  model = keras.Model(source, layer(source))
  return fit(model, data, epochs, rate, more)


def fit(model: Any, data: Data, epochs: int, rate: float, more: Sequence[Any] = ()) -> Any:
  """Trains with Adam and a cosine schedule."""
  steps = epochs * -(-len(data.train) // 32)
  model.compile(
    optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=['accuracy'],
    jit_compile=False,
  )
  model.fit(
    data.train, data.train_labels, batch_size=32, epochs=epochs, verbose=0, callbacks=list(more)
  )
  return model


def bonsai(data: Data) -> Any:
  """A tree of seven nodes in ten dimensions; half of the projection is 0."""
  layer = models.Bonsai(data.classes, projection=10, depth=2)
  epochs = 90
  callbacks = [
    models.RoutingSchedule(epochs),
    models.HardThresholding({'project': 0.5}, epochs // 3, 2 * epochs // 3),
  ]
  return train(layer, data, epochs, 0.02, callbacks)


def proto_nn(data: Data) -> Any:
  """Sixty prototypes in sixteen dimensions, which begin on training points."""
  layer = models.ProtoNN(data.classes, projection=16, prototypes=60, gamma=1.0)
  source = keras.Input(data.train.shape[1:], name='input')
  scores = layer(source)
  rng = np.random.default_rng(0)
  chosen = np.concatenate(
    [rng.choice(np.flatnonzero(data.train_labels == k), 6, False) for k in range(data.classes)]
  )
  layer.place_prototypes(data.train[chosen], data.train_labels[chosen])
  layer.labels.kernel.assign(6 * layer.labels.kernel)
  return fit(keras.Model(source, scores), data, 80, 0.01)


def fast_grnn(data: Data) -> Any:
  """Twenty-four units, U of rank 12, of which half of the values are 0."""
  layers = keras.layers
  source = keras.Input(data.train.shape[1:], name='input')
  x = layers.GaussianNoise(0.3)(source)
  x = models.FastGRNN(24, state_rank=12)(x)
  scores = layers.Dense(data.classes)(layers.Dropout(0.2)(x))
  epochs = 120
  sparse = models.HardThresholding({'state_projection': 0.5}, epochs // 3, 2 * epochs // 3)
  return fit(keras.Model(source, scores), data, epochs, 0.01, [sparse])


@dataclasses.dataclass(frozen=True)
class Learner:
  """A model, its data, and what it must reach.

  Attributes:
    data: Loads them.
    train: Gives the trained Keras model.
    least_accuracy: Of the int8 model in TFLM, per cent.
    limit: Of file and arena together; None for none.
  """

  data: Callable[[int], Data]
  train: Callable[[Data], Any]
  least_accuracy: float
  limit: int | None = None


LEARNERS = {
  'bonsai': Learner(digits, bonsai, 93.0, LIMIT_BYTES),
  'proto_nn': Learner(digits, proto_nn, 96.0, LIMIT_BYTES),
  'fast_grnn': Learner(japanese_vowels, fast_grnn, 94.0),
}


def int8_accuracy(quantized: Any, data: bytes, inputs: np.ndarray, labels: np.ndarray) -> float:
  """Per cent of the inputs that a model gets right in TFLM."""
  interpreter = Interpreter(data)
  quantization = quantized.model.main.tensors[quantized.model.main.inputs[0]].quantization
  steps = np.rint(inputs / quantization.scale) + quantization.zero_point
  steps = np.clip(steps, -128, 127).astype(np.int8)
  right = sum(
    int(np.argmax(interpreter.invoke([each[None]])[0]) == label)
    for each, label in zip(steps, labels)
  )
  return 100 * right / len(labels)


def measure(name: str, seed: int) -> dict[str, Any]:
  """All figures of one learner."""
  learner = LEARNERS[name]
  keras.utils.set_random_seed(seed)
  start = time.monotonic()
  data = learner.data(seed)
  model = learner.train(data)
  seconds = time.monotonic() - start
  predicted = np.argmax(model.predict(data.test, verbose=0), axis=-1)
  quantized = tflm_patch.quantize(model, data.train)
  converted = tflm_patch.convert_model(quantized.data)
  weights = [np.asarray(keras.ops.convert_to_numpy(each)) for each in model.trainable_weights]
  return {
    'model': name,
    'float_accuracy': 100 * float(np.mean(predicted == data.test_labels)),
    'int8_accuracy': int8_accuracy(quantized, converted.data, data.test, data.test_labels),
    'operators': len(quantized.model.main.operators),
    'stages': len(converted.stages),
    'original_file_bytes': len(quantized.data),
    'file_bytes': converted.converted_bytes,
    'arena_original': converted.original_arena.total,
    'arena_total': converted.converted_arena.total,
    'weights': sum(each.size for each in weights),
    'weights_not_0': sum(int(np.count_nonzero(each)) for each in weights),
    'sparse_weights_stored_sparse': False,  # int8 tensors of TFLM and of stages are dense
    'training_seconds': round(seconds, 1),
  }


def failures(rows: Sequence[dict[str, Any]]) -> list[str]:
  """What the figures must reach and do not."""
  found = []
  for row in rows:
    learner = LEARNERS[row['model']]
    size = row['file_bytes'] + row['arena_total']
    if row['int8_accuracy'] < learner.least_accuracy:
      found.append(f'{row["model"]}: less than {learner.least_accuracy:g} %')
    if learner.limit is not None and size > learner.limit:
      found.append(f'{row["model"]}: file and arena take more than {learner.limit:,} bytes')
  return found


def main() -> int:
  """Trains, quantizes, converts, prints."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--models', default=','.join(LEARNERS), help='names with commas between')
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  rows = [measure(name, arguments.seed) for name in arguments.models.split(',')]
  missed = failures(rows)
  if arguments.json:
    print(json.dumps({'seed': arguments.seed, 'models': rows, 'missed': missed}, indent=2))
    return 1 if missed else 0
  print('| model | float | int8 in TFLM | converted file | arena before -> after | weights != 0 |')
  print('|---|---:|---:|---:|---:|---:|')
  for row in rows:
    print(
      f'| {row["model"]} | {row["float_accuracy"]:.2f} % | {row["int8_accuracy"]:.2f} % '
      f'| {row["file_bytes"]:,} | {row["arena_original"]:,} -> {row["arena_total"]:,} '
      f'| {row["weights_not_0"]:,} of {row["weights"]:,} |'
    )
  print('Sparse weights are stored dense.')
  print('\n'.join(missed))
  return 1 if missed else 0


if __name__ == '__main__':
  sys.exit(main())
