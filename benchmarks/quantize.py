# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Our own int8 writer beside TensorFlow's converter, on eight trained Keras models.

  pip install 'tflm-patch[train]' scikit-learn
  python benchmarks/quantize.py
  python benchmarks/quantize.py --json
  python benchmarks/quantize.py --jax-python other-environment/bin/python

Each model learns scikit-learn's digits (enlarged to 16x16) for a few seconds on the CPU;
both writers calibrate on the same training digits; accuracies are those of the int8
models in the TFLM interpreter, on held-out digits that are moved, scaled and blurred by
noise. With --jax-python the same models, saved as .keras, are quantized once more by an
interpreter that has Keras and JAX, and no TensorFlow.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import tflm_patch
from tflm_patch.graph.types import Model
from tflm_patch.quantization import Backend, QuantizeOptions, quantize
from tflm_patch.runtime.tflm import Interpreter

layers = keras.layers

SIDE = 16
CLASSES = 10
CALIBRATION = 200
MAX_LOSS_POINTS = 0.3

_JAX = """
import os, sys
os.environ['KERAS_BACKEND'] = 'jax'
import numpy as np
from tflm_patch.quantization import load_keras_model, quantize
samples = np.load(sys.argv[2])
open(sys.argv[3], 'wb').write(quantize(load_keras_model(sys.argv[1]), samples).data)
assert 'tensorflow' not in sys.modules
"""


@dataclasses.dataclass(frozen=True)
class Digits:
  """float32[n, SIDE, SIDE, 1] in 0..255, and labels."""

  images: np.ndarray
  labels: np.ndarray


def load(seed: int) -> tuple[Digits, Digits]:
  """Training digits, and held-out ones, each of these four times, changed."""
  digits = load_digits()
  images = digits.images.astype(np.float32)[..., None] * (255 / 16)
  images = np.kron(images, np.ones((1, SIDE // 8, SIDE // 8, 1), np.float32))
  train, test, train_labels, test_labels = train_test_split(
    images, digits.target, test_size=0.3, stratify=digits.target, random_state=seed
  )
  rng = np.random.default_rng(seed)
  return (
    Digits(varied(np.repeat(train, 2, axis=0), rng), np.repeat(train_labels, 2)),
    Digits(varied(np.repeat(test, 4, axis=0), rng), np.repeat(test_labels, 4)),
  )


def varied(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
  """Moved by up to a pixel, with other contrast, with noise."""
  moved = [
    np.roll(image, rng.integers(-1, 2, 2), (0, 1)) * rng.uniform(0.6, 1.0) for image in images
  ]
  return np.clip(np.stack(moved) + rng.normal(0, 12, images.shape), 0, 255).astype(np.float32)


# ---- the models ----


def _norm(x: Any, activation: str | None = 'relu') -> Any:
  x = layers.BatchNormalization(momentum=0.9)(x)
  return x if activation is None else layers.Activation(activation)(x)


def plain(x: Any) -> Any:
  """Convolutions, batch normalization, pools; rescaling of the pixels."""
  x = layers.Rescaling(1 / 255)(x)
  for filters in (8, 16):
    x = _norm(layers.Conv2D(filters, 3, padding='same', use_bias=False)(x))
    x = layers.MaxPooling2D()(x)
  x = layers.Dropout(0.2)(layers.Flatten()(x))
  return layers.Dense(CLASSES, activation='softmax')(x)


def mobilenet_v2(x: Any) -> Any:
  """Inverted bottlenecks with RELU6."""
  x = layers.Rescaling(1 / 127.5, -1)(x)
  x = _norm(layers.Conv2D(8, 3, padding='same', use_bias=False)(x), 'relu6')
  for out, stride in ((8, 1), (16, 2), (16, 1), (24, 2)):
    y = _norm(layers.Conv2D(3 * x.shape[-1], 1, use_bias=False)(x), 'relu6')
    if stride == 2:
      y = layers.ZeroPadding2D(((0, 1), (0, 1)))(y)
    padding = 'valid' if stride == 2 else 'same'
    y = _norm(layers.DepthwiseConv2D(3, stride, padding, use_bias=False)(y), 'relu6')
    y = _norm(layers.Conv2D(out, 1, use_bias=False)(y), None)
    x = layers.Add()([x, y]) if stride == 1 and x.shape[-1] == out else y
  return layers.Dense(CLASSES, activation='softmax')(layers.GlobalAveragePooling2D()(x))


def resnet(x: Any) -> Any:
  """Residual blocks, activations after additions."""
  x = _norm(layers.Conv2D(8, 3, padding='same')(layers.Rescaling(1 / 255)(x)))
  for filters, stride in ((8, 1), (16, 2), (24, 2)):
    y = _norm(layers.Conv2D(filters, 3, stride, 'same')(x))
    y = _norm(layers.Conv2D(filters, 3, padding='same')(y), None)
    if stride == 2:
      x = layers.Conv2D(filters, 1, stride, 'same')(x)
    x = layers.ReLU()(layers.Add()([x, y]))
  x = layers.AveragePooling2D(4)(x)
  return layers.Dense(CLASSES, activation='softmax')(layers.Flatten()(x))


def ds_cnn(x: Any) -> Any:
  """Depthwise-separable convolutions; normalization of the input."""
  x = layers.Normalization(mean=[60.0], variance=[8000.0])(x)
  x = _norm(layers.Conv2D(12, (5, 3), 2, 'same')(x))
  for _ in range(3):
    x = _norm(layers.SeparableConv2D(12, 3, padding='same')(x))
  return layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x))


def mobilenet_v3(x: Any) -> Any:
  """Squeeze-excite, hard_swish, hard_sigmoid."""
  x = layers.Rescaling(1 / 127.5, -1)(x)
  x = _norm(layers.Conv2D(8, 3, padding='same', use_bias=False)(x), 'hard_swish')
  for out, stride in ((8, 1), (16, 2), (16, 1)):
    y = _norm(layers.Conv2D(3 * x.shape[-1], 1, use_bias=False)(x), 'hard_swish')
    y = _norm(layers.DepthwiseConv2D(3, stride, 'same', use_bias=False)(y), 'hard_swish')
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(8, 1, activation='relu')(gate)
    gate = layers.Conv2D(y.shape[-1], 1, activation='hard_sigmoid')(gate)
    y = _norm(layers.Conv2D(out, 1, use_bias=False)(layers.Multiply()([y, gate])), None)
    x = layers.Add()([x, y]) if stride == 1 and x.shape[-1] == out else y
  x = layers.GlobalAveragePooling2D()(x)
  return layers.Dense(CLASSES, activation='softmax')(layers.Dense(24, activation='hard_swish')(x))


def line(x: Any) -> Any:
  """1-D convolutions along the rows."""
  x = layers.Reshape((SIDE, SIDE))(layers.Rescaling(1 / 255)(x))
  x = _norm(layers.Conv1D(24, 3, padding='same')(x))
  y = _norm(layers.SeparableConv1D(24, 3, padding='same')(x))
  x = layers.MaxPooling1D()(layers.Add()([x, y]))
  x = _norm(layers.Conv1D(32, 3, padding='causal', dilation_rate=2)(x))
  x = layers.Flatten()(layers.AveragePooling1D(2)(x))
  return layers.Dense(CLASSES, activation='softmax')(x)


def perceptron(x: Any) -> Any:
  """Dense layers with batch normalization, tanh and sigmoid."""
  x = layers.Flatten()(layers.Rescaling(1 / 255)(x))
  x = _norm(layers.Dense(48, use_bias=False)(x))
  x = layers.Dense(32, activation='tanh')(layers.Dropout(0.1)(x))
  x = layers.Dense(24, activation='sigmoid')(x)
  return layers.Dense(CLASSES, activation='softmax')(x)


def inception(x: Any) -> Any:
  """Branches side by side, up-sampling, LeakyReLU, PReLU, silu; a nested model."""
  source = keras.Input((SIDE // 2, SIDE // 2, 8))
  branches = [
    layers.LeakyReLU(negative_slope=0.1)(layers.Conv2D(8, 1)(source)),
    layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(8, 3, padding='same')(source)),
    layers.Conv2D(8, 1, activation='silu')(layers.MaxPooling2D(3, 1, 'same')(source)),
    # Not the nearest cell: for that TensorFlow's converter writes TILE, which TFLM lacks.
    layers.UpSampling2D(interpolation='bilinear')(
      layers.Conv2D(8, 3, 2, 'same', activation='relu')(source)
    ),
  ]
  block = keras.Model(source, layers.Concatenate()(branches), name='block')
  x = layers.Conv2D(8, 3, 2, 'same', activation='relu')(layers.Rescaling(1 / 255)(x))
  x = layers.Conv2D(16, 3, 2, activation='relu')(block(x))
  x = layers.GlobalMaxPooling2D()(x)
  return layers.Dense(CLASSES, activation='softmax')(x)


MODELS: dict[str, Callable[[Any], Any]] = {
  'plain': plain,
  'mobilenet_v2': mobilenet_v2,
  'resnet': resnet,
  'ds_cnn': ds_cnn,
  'mobilenet_v3': mobilenet_v3,
  'line': line,
  'perceptron': perceptron,
  'inception': inception,
}


# ---- training and measuring ----


def train(name: str, digits: Digits, epochs: int, seed: int) -> Any:
  """A trained model."""
  keras.utils.set_random_seed(seed)
  source = keras.Input((SIDE, SIDE, 1), name='image')
  model = keras.Model(source, MODELS[name](source), name=name)
  steps = epochs * len(digits.labels) // 32
  model.compile(
    optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, steps)),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=name == 'ds_cnn'),
    metrics=['accuracy'],
    jit_compile=False,  # XLA is slow for depthwise convolutions on a CPU
  )
  model.fit(digits.images, digits.labels, batch_size=32, epochs=epochs, verbose=0)
  return model


def int8_accuracy(model: Model, data: bytes, digits: Digits) -> float:
  """Per cent of the digits that the model gets right in TFLM."""
  interpreter = Interpreter(data)
  quantization = model.main.tensors[model.main.inputs[0]].quantization
  assert quantization is not None
  steps = np.rint(digits.images / quantization.scale) + quantization.zero_point
  inputs = np.clip(steps, -128, 127).astype(np.int8)
  right = sum(
    int(np.argmax(interpreter.invoke([image[None]])[0]) == label)
    for image, label in zip(inputs, digits.labels)
  )
  return 100 * right / len(digits.labels)


def measure(model: Model, data: bytes, digits: Digits) -> dict[str, Any]:
  """Accuracy, operators, stages after conversion."""
  converted = tflm_patch.convert_model(data)
  return {
    'int8_accuracy': int8_accuracy(model, data, digits),
    'operators': len(model.main.operators),
    'stages': len(converted.stages),
    'stock_operators': len(converted.stock_operators),
    'file_bytes': len(data),
    'arena_converted': converted.converted_arena.total,
  }


def by_jax(python: str, model: Any, samples: np.ndarray) -> bytes:
  """What our writer makes of the saved model under JAX."""
  with tempfile.TemporaryDirectory() as folder:
    paths = [os.path.join(folder, name) for name in ('m.keras', 'samples.npy', 'm.tflite')]
    model.save(paths[0])
    np.save(paths[1], samples)
    subprocess.run([python, '-c', _JAX, *paths], check=True)
    return pathlib.Path(paths[2]).read_bytes()


def row(name: str, arguments: argparse.Namespace, train_set: Digits, test: Digits) -> dict:
  """All figures of one model."""
  model = train(name, train_set, arguments.epochs, arguments.seed)
  predictions = np.argmax(model.predict(test.images, verbose=0), axis=-1)
  samples = train_set.images[:CALIBRATION]
  result: dict[str, Any] = {
    'model': name,
    'float_accuracy': 100 * float(np.mean(predictions == test.labels)),
  }
  for key, backend in (('own', Backend.OWN), ('tensorflow', Backend.TENSORFLOW)):
    start = time.monotonic()
    quantized = quantize(model, samples, QuantizeOptions(backend=backend))
    seconds = time.monotonic() - start
    result[key] = {**measure(quantized.model, quantized.data, test), 'seconds': seconds}
  if arguments.jax_python:
    data = by_jax(arguments.jax_python, model, samples)
    from tflm_patch.graph.reader import parse_model

    result['jax'] = measure(parse_model(data), data, test)
  return result


def table(rows: Sequence[dict[str, Any]]) -> str:
  """The figures as Markdown."""
  lines = [
    '| model | float | own int8 | TensorFlow int8 | operators own / TF | stages own / TF '
    '| converted arena own / TF |',
    '|---|---:|---:|---:|---:|---:|---:|',
  ]
  for each in rows:
    own, other = each['own'], each['tensorflow']
    pairs = [f'{own[key]:,} / {other[key]:,}' for key in ('operators', 'stages', 'arena_converted')]
    lines.append(
      f'| {each["model"]} | {each["float_accuracy"]:.2f} % | {own["int8_accuracy"]:.2f} % '
      f'| {other["int8_accuracy"]:.2f} % | {" | ".join(pairs)} |'
    )
  return '\n'.join(lines)


def failures(rows: Sequence[dict[str, Any]]) -> list[str]:
  """What the figures must reach and do not."""
  found = []
  for each in rows:
    own, other = each['own'], each['tensorflow']
    if own['int8_accuracy'] < other['int8_accuracy'] - MAX_LOSS_POINTS:
      found.append(f"{each['model']}: less accurate than TensorFlow's")
    if own['operators'] > other['operators']:
      found.append(f"{each['model']}: more operators than TensorFlow's")
    if own['stages'] != 1 or own['stock_operators']:
      found.append(f'{each["model"]}: not one stage')
  return found


def main() -> int:
  """Trains, quantizes, measures, prints; 1 when a figure misses its mark."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--models', default=','.join(MODELS), help='names with commas between')
  parser.add_argument('--epochs', type=int, default=8)
  parser.add_argument('--seed', type=int, default=7)
  parser.add_argument('--jax-python', help='an interpreter with tflm-patch, Keras and JAX')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  train_set, test = load(arguments.seed)
  rows = []
  for name in arguments.models.split(','):
    rows.append(row(name, arguments, train_set, test))
    print(f'{name}: {rows[-1]}', file=sys.stderr, flush=True)
  missed = failures(rows)
  if arguments.json:
    print(json.dumps({'seed': arguments.seed, 'models': rows, 'missed': missed}, indent=2))
  else:
    print('\n'.join([table(rows), *missed]))
  return 1 if missed else 0


if __name__ == '__main__':
  sys.exit(main())
