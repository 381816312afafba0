# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small models with every operator that gradients pass through, and what of them is trained."""

from __future__ import annotations

import numpy as np

from support.model_builder import ModelBuilder
from tflm_patch.graph.types import Model
from tflm_patch.on_device.network import TRAINABLE
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme


def every_operator(seed: int = 3) -> Model:
  """Convolutions of all kinds, pools, a residual, PAD, RELU, MEAN, RESHAPE, FULLY_CONNECTED."""
  b = ModelBuilder(seed)
  x = b.input((1, 13, 11, 3))
  x = b.conv(x, 8, kernel=3, stride=2, activation='RELU6')
  x = b.conv(x, 6, kernel=(3, 2), padding='VALID')
  x = b.max_pool(x, kernel=2, stride=1, padding='SAME')
  shortcut = x
  x = b.conv(x, 12, kernel=1, activation='RELU6')
  x = b.depthwise(x, kernel=3, activation='RELU')
  x = b.conv(x, 6, kernel=1, per_channel=False)
  x = b.add(shortcut, x)
  x = b.relu(x)
  x = b.pad_spatial(x, 1, 0, 0, 1)
  x = b.average_pool(x, kernel=2, stride=2, padding='SAME')
  x = b.depthwise(x, kernel=2, stride=2, padding='SAME')
  x = b.mean(x, axes=(1, 2), keep_dims=False)
  x = b.reshape(x, (1, 6))
  x = b.fully_connected(x, 9)
  x = b.fully_connected(x, 5)
  b.output(b.softmax(x))
  return b.model()


def layers(model: Model) -> list[tuple[int, int]]:
  """Operators with weights, and how many input channels they have."""
  main = model.main
  return [
    (index, main.tensors[operator.inputs[1]].shape[-1])
    for index, operator in enumerate(main.operators)
    if operator.opcode in TRAINABLE
  ]


def scheme_of(
  model: Model, first: int = 0, step: int = 1, bias: bool = True, loss: Loss = Loss.CROSS_ENTROPY
) -> Scheme:
  """Trains the layers from number `first` on, every `step`th channel of all but the last."""
  chosen = layers(model)[first:]
  updates = []
  for number, (index, channels) in enumerate(chosen):
    by = 1 if number == len(chosen) - 1 else step
    updates.append(LayerUpdate(index, bias, tuple(range(0, channels, by))))
  return Scheme(tuple(updates), loss)


def random_chain(seed: int) -> Model:
  """Blocks of any kind one after the other, with strides, dilations and windows of any kind."""
  rng = np.random.default_rng(seed)
  b = ModelBuilder(seed)

  def pick(*choices):
    return choices[rng.integers(len(choices))]

  x = b.input((1, int(rng.integers(9, 15)), int(rng.integers(8, 14)), int(rng.integers(1, 5))))
  for _ in range(int(rng.integers(2, 5))):
    channels = int(rng.integers(3, 9))
    activation = pick('NONE', 'RELU', 'RELU6')
    padding = pick('SAME', 'VALID')
    kind = pick('conv', 'dilated', 'block', 'residual', 'depthwise', 'pool')
    if kind == 'conv':
      kernel = (pick(1, 2, 3), pick(1, 2, 3))
      x = b.conv(
        x, channels, kernel=kernel, stride=pick(1, 2), padding=padding, activation=activation
      )
    elif kind == 'dilated':
      x = b.depthwise(x, kernel=2, dilation=pick(1, 2), padding='SAME', activation=activation)
    elif kind == 'depthwise':
      x = b.depthwise(x, kernel=(3, pick(1, 3)), stride=pick(1, 2), padding='SAME')
    elif kind == 'pool':
      pool = pick(b.max_pool, b.average_pool)
      x = pool(x, kernel=pick(2, 3), stride=pick(1, 2), padding='SAME', activation=activation)
    else:
      shortcut = x
      stride = 1 if kind == 'residual' else pick(1, 2)
      x = b.conv(x, int(rng.integers(5, 14)), kernel=1, activation='RELU6')
      x = b.depthwise(x, kernel=pick(3, 5), stride=stride, activation='RELU6')
      x = b.conv(x, b.shape(shortcut)[3], kernel=1, per_channel=pick(True, False))
      x = b.add(shortcut, x) if kind == 'residual' else x
  x = b.mean(x) if pick(True, False) else x
  b.output(b.fully_connected(b.reshape(x, (1, int(np.prod(b.shape(x))))), 4))
  return b.model()
