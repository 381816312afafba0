# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware training beside quantization after training.

  pip install 'tflm-patch[train]'
  python benchmarks/qat.py
  python benchmarks/qat.py --json

A narrow depthwise network learns scikit-learn's digits (enlarged to 16x16, moved and noisy),
with three seeds. Its channels are then made uneven: what a ReLU gives is multiplied by
1/8 to 8, a factor a channel, and the weights that read it are divided by that. In float that
changes nothing; scales that channels share suffer, as in networks whose batch normalization
came out so. It is quantized after training, and trained on for a few epochs with
`QuantizationAware`; a control is trained on for as many epochs in float and then quantized.
Accuracies are those of held-out digits in the TFLM interpreter, and that of the
fake-quantized Keras model; with one scale a layer, and with one a channel.

The exit code is 1 when a figure is not reached: the int8 model within 0.3 points of the
fake-quantized one, and above quantization after training where that loses more than 1 point
(medians of the seeds), which must be so with one scale a layer: else nothing was compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tflm_patch.graph.types import Model
from tflm_patch.quantization import QuantizeOptions, quantize
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.training import QuantizationAware, QuantizationAwareOptions

layers = keras.layers

SIDE = 16
SEEDS = (1, 2, 3)
FLOAT_EPOCHS, AWARE_EPOCHS = 30, 12
BATCH, AWARE_RATE = 64, 0.003
CALIBRATION = 200
MAX_GAP, NOTABLE_LOSS = 0.3, 1.0
OCTAVES = 3  # of uneven channels, up and down
FIGURES = (
  'float',
  'after_training',
  'float_longer',
  'after_training_longer',
  'fake_quantized',
  'quantization_aware',
)


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
  """Images of training and test, labels of training and test."""
  images, labels = load_digits(return_X_y=True)
  rng = np.random.default_rng(7)
  parts = train_test_split(images, labels, test_size=0.4, random_state=7, stratify=labels)
  enlarged = [_enlarged(rng, part) for part in parts[:2]]
  return enlarged[0], enlarged[1], parts[2], parts[3]


def _enlarged(rng: np.random.Generator, images: np.ndarray) -> np.ndarray:
  large = images.reshape(-1, 8, 8).repeat(2, axis=1).repeat(2, axis=2)
  moves = rng.integers(-2, 3, (len(large), 2))
  moved = [np.roll(image, move, axis=(0, 1)) for image, move in zip(large, moves)]
  noisy = np.stack(moved) + rng.normal(0, 2, large.shape)
  return noisy.clip(0, 16).astype(np.float32)[..., None]


def network() -> Any:
  """Blocks of depthwise and pointwise convolutions, 6 to 16 channels."""
  image = keras.Input((SIDE, SIDE, 1))
  x = layers.Rescaling(1 / 16)(image)
  x = layers.Conv2D(6, 3, 2, 'same', use_bias=False)(x)
  x = layers.ReLU()(layers.BatchNormalization()(x))
  for channels, stride in ((8, 1), (12, 2), (16, 1)):
    x = layers.DepthwiseConv2D(3, stride, 'same', use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(channels, 1, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
  x = layers.GlobalAveragePooling2D()(x)
  return keras.Model(image, layers.Dense(10, activation='softmax')(x))


def make_uneven(model: Any, seed: int) -> None:
  """Multiplies what each ReLU gives by a factor a channel; the next weights undo it.

  The last ReLU feeds the mean and the dense layer, and stays as it is.
  """
  rng = np.random.default_rng(seed)
  order = model.layers
  for relu in [k for k, each in enumerate(order) if isinstance(each, layers.ReLU)][:-1]:
    norm, reader = order[relu - 1], order[relu + 1]
    factors = 2 ** rng.uniform(-OCTAVES, OCTAVES, norm.gamma.shape[0])
    norm.gamma.assign(norm.gamma * factors)
    norm.beta.assign(norm.beta * factors)
    reader.kernel.assign(reader.kernel / factors[:, None])  # [rows, columns, channels, outputs]


def compiled(model: Any, rate: float, steps: int) -> Any:
  """The model, ready to be fit with a rate that falls to 0."""
  schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
  model.compile(
    keras.optimizers.Adam(schedule),
    'sparse_categorical_crossentropy',
    metrics=['accuracy'],
    jit_compile=False,
  )
  return model


def accuracy_in_tflm(model: Model, file: bytes, images: np.ndarray, labels: np.ndarray) -> float:
  """Per cent."""
  source = model.main.tensors[model.main.inputs[0]].quantization
  assert source is not None
  steps = np.rint(images / source.scale) + source.zero_point
  interpreter = Interpreter(file)
  found = [
    int(np.argmax(interpreter.invoke([each[None]])[0]))
    for each in steps.clip(-128, 127).astype(np.int8)
  ]
  return 100 * float(np.mean(np.array(found) == labels))


def one(seed: int, per_channel: Sequence[bool]) -> dict[bool, dict[str, float]]:
  """Figures of one seed, with and without scales per channel."""
  images, test_images, labels, test_labels = data()
  keras.utils.set_random_seed(seed)
  steps = -(-len(images) // BATCH)
  model = compiled(network(), 0.01, steps * FLOAT_EPOCHS)
  model.fit(images, labels, BATCH, FLOAT_EPOCHS, verbose=0)
  make_uneven(model, seed)
  weights = model.get_weights()
  exact = 100 * model.evaluate(test_images, test_labels, verbose=0)[1]
  compiled(model, AWARE_RATE, steps * AWARE_EPOCHS)
  model.fit(images, labels, BATCH, AWARE_EPOCHS, verbose=0)
  longer = 100 * model.evaluate(test_images, test_labels, verbose=0)[1]
  longer_weights = model.get_weights()
  samples, test = images[:CALIBRATION], (test_images, test_labels)
  figures = {}
  for channels in per_channel:
    found = {'float': exact, 'float_longer': longer}
    for name, values in (('after_training_longer', longer_weights), ('after_training', weights)):
      model.set_weights(values)
      after = quantize(model, samples, QuantizeOptions(per_channel=channels))
      found[name] = accuracy_in_tflm(after.model, after.data, *test)
    options = QuantizationAwareOptions(per_channel=channels, freeze_ranges_epoch=AWARE_EPOCHS // 2)
    aware = QuantizationAware(model, samples, options)
    compiled(aware.model, AWARE_RATE, steps * AWARE_EPOCHS)
    aware.model.fit(images, labels, BATCH, AWARE_EPOCHS, verbose=0, callbacks=[aware])
    fake = aware.model.evaluate(test_images, test_labels, verbose=0, callbacks=[aware])
    result = aware.quantize()
    found['fake_quantized'] = 100 * fake[1]
    found['quantization_aware'] = accuracy_in_tflm(result.model, result.data, *test)
    figures[channels] = found
  return figures


def main() -> int:
  """Prints accuracies."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--seeds', type=int, nargs='+', default=list(SEEDS))
  arguments = parser.parse_args()
  keras.config.disable_interactive_logging()
  start = time.monotonic()
  runs = []
  for seed in arguments.seeds:
    runs.append(one(seed, (False, True)))
    print(seed, runs[-1], file=sys.stderr, flush=True)
  report: dict[str, Any] = {'seeds': arguments.seeds}
  reached = True
  for channels, name in ((False, 'per_tensor'), (True, 'per_channel')):
    each = [run[channels] for run in runs]
    medians = {key: round(statistics.median(run[key] for run in each), 2) for key in FIGURES}
    gap = statistics.median(abs(run['quantization_aware'] - run['fake_quantized']) for run in each)
    loss = medians['float'] - medians['after_training']
    better = medians['quantization_aware'] > medians['after_training']
    compared = loss > NOTABLE_LOSS
    reached &= gap <= MAX_GAP and (better if compared else channels)
    rounded = [{key: round(value, 2) for key, value in run.items()} for run in each]
    report[name] = {**medians, 'gap': round(gap, 2), 'compared': compared, 'runs': rounded}
  report |= {'reached': reached, 'seconds': round(time.monotonic() - start)}
  if arguments.json:
    print(json.dumps(report, indent=2))
  else:
    print(f'{"weights":12}' + ''.join(f'{key:>23}' for key in (*FIGURES, 'gap')))
    for name in ('per_tensor', 'per_channel'):
      print(f'{name:12}' + ''.join(f'{report[name][key]:23.2f}' for key in (*FIGURES, 'gap')))
    print('reached' if reached else 'NOT reached')
  return 0 if reached else 1


if __name__ == '__main__':
  sys.exit(main())
