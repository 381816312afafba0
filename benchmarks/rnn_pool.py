# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""RNNPool (NeurIPS 2020) with its rows streamed, beside stock TFLM and a network without it.

  python benchmarks/rnn_pool.py
  python benchmarks/rnn_pool.py --json

Two untrained networks for pictures of 96x96x3 that end alike: in one RNNPool turns patches
of the stem's map into vectors, in the other the inverted bottlenecks of MobileNetV2 come
down to the same map. Both are quantized; arenas are what the TFLM interpreter of this machine
reports for the stock and for the converted model, whose outputs are compared on random
inputs, and what a 32-bit target needs. The exit code is 1 when an output differs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np

import tflm_patch
from tflm_patch.quantization.model_io import require_keras
from tflm_patch.runtime.tflm import Interpreter

SIDE, CLASSES, SEED, INPUTS = 96, 2, 1, 4


def rnn_pool(keras: Any) -> Any:
  """Stem of stride 2, patches of 6 every 4 cells as vectors, bottlenecks."""
  from tflm_patch.models import RNNPool

  source, x = _stem(keras)
  x = RNNPool(8, 8, size=6, strides=4, name='rnn_pool')(x)
  return _end(keras, source, x)


def mobilenet(keras: Any) -> Any:
  """Stem of stride 2, MobileNetV2's bottlenecks down to a map of the same kind."""
  source, x = _stem(keras)
  for channels, stride in ((8, 1), (16, 2), (16, 1), (32, 2), (32, 1)):
    x = _bottleneck(keras, x, channels, stride)
  return _end(keras, source, x)


def _stem(keras: Any) -> tuple[Any, Any]:
  source = keras.Input((SIDE, SIDE, 3), name='picture')
  return source, keras.layers.Conv2D(8, 3, 2, 'same', activation='relu6')(source)


def _bottleneck(keras: Any, x: Any, channels: int, stride: int) -> Any:
  layers = keras.layers
  made = layers.Conv2D(6 * x.shape[-1], 1, activation='relu6')(x)
  made = layers.DepthwiseConv2D(3, stride, 'same', activation='relu6')(made)
  made = layers.Conv2D(channels, 1)(made)
  return layers.Add()([x, made]) if x.shape == made.shape else made


def _end(keras: Any, source: Any, x: Any) -> Any:
  for channels, stride in ((32, 1), (48, 2), (48, 1)):
    x = _bottleneck(keras, x, channels, stride)
  scores = keras.layers.Dense(CLASSES)(keras.layers.GlobalAveragePooling2D()(x))
  return keras.Model(source, scores)


def measure(name: str, model: Any) -> dict[str, Any]:
  """Sizes of a network, and whether the converted one computes the same bytes."""
  rng = np.random.default_rng(SEED)
  samples = rng.uniform(-1, 1, (8, SIDE, SIDE, 3)).astype(np.float32)
  quantized = tflm_patch.quantize(model, samples)
  found = tflm_patch.convert_model(quantized.data)
  stock, ours = Interpreter(quantized.data), Interpreter(found.data)
  differing = 0
  for _ in range(INPUTS):
    picture = rng.integers(-128, 128, (1, SIDE, SIDE, 3)).astype(np.int8)
    outputs = [interpreter.invoke([picture])[0] for interpreter in (stock, ours)]
    differing += int(np.count_nonzero(outputs[0] != outputs[1]))
  return {
    'network': name,
    'parameters': model.count_params(),
    'stages': len(found.stages),
    'arena_stock_measured': stock.arena_usage().total,
    'arena_streamed_measured': ours.arena_usage().total,
    'arena_stock': found.original_arena.total,
    'arena_total': found.converted_arena.total,
    'file_bytes': found.converted_bytes,
    'differing_bytes': differing,
  }


def main() -> int:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  start = time.monotonic()
  keras = require_keras()
  keras.utils.set_random_seed(SEED)
  rows = [
    measure('with RNNPool', rnn_pool(keras)),
    measure('MobileNetV2, without', mobilenet(keras)),
  ]
  seconds = round(time.monotonic() - start, 1)
  reached = not any(row['differing_bytes'] for row in rows)
  if arguments.json:
    print(json.dumps({'reached': reached, 'networks': rows, 'seconds': seconds}, indent=2))
    return 0 if reached else 1
  print('| network | parameters | stock arena | streamed | stages | on a 32-bit target |')
  print('|---|---:|---:|---:|---:|---:|')
  for row in rows:
    print(
      f'| {row["network"]} | {row["parameters"]:,} | {row["arena_stock_measured"]:,} '
      f'| {row["arena_streamed_measured"]:,} | {row["stages"]} '
      f'| {row["arena_stock"]:,} -> {row["arena_total"]:,} |'
    )
  print('same bytes' if reached else 'outputs DIFFER')
  return 0 if reached else 1


if __name__ == '__main__':
  sys.exit(main())
