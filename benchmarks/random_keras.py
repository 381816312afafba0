# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Random Keras graphs of the layers that int8 networks are made of."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

layers = keras.layers

_MAX_CHANNELS = 48


def random_graph(rng: random.Random) -> Any:
  """A model of 6 to 14 random parts and a random head."""
  side = rng.randrange(12, 33, 4)
  source = keras.Input((side, side, rng.choice((1, 3))))
  x = _normalized(rng, layers.Conv2D(rng.randrange(4, 17, 4), 3, 2, 'same', use_bias=False)(source))
  for _ in range(rng.randint(6, 14)):
    x = rng.choice(_PARTS)(rng, x)
  return keras.Model(source, rng.choice(_HEADS)(rng, x))


def randomize(model: Any, seed: int) -> None:
  """Weights as training leaves them: no statistic is 0 or 1."""
  rng = np.random.default_rng(seed)
  for weight in model.weights:
    shape, path = tuple(weight.shape), weight.path
    if path.endswith('moving_variance'):
      weight.assign(rng.uniform(0.3, 2, shape))
    elif path.endswith(('gamma', 'alpha')):
      weight.assign(rng.uniform(0.2, 1.5, shape))
    elif path.endswith(('beta', 'bias', 'moving_mean')):
      weight.assign(rng.normal(0, 0.3, shape))


def _activated(rng: random.Random, x: Any) -> Any:
  return rng.choice(
    (
      layers.ReLU(),
      layers.ReLU(6.0),
      layers.Activation('hard_silu'),
      layers.Activation('tanh'),
      layers.Activation('silu'),
      layers.Activation('linear'),
      layers.LeakyReLU(0.2),
      layers.PReLU(shared_axes=[1, 2]),
    )
  )(x)


def _normalized(rng: random.Random, x: Any) -> Any:
  return _activated(rng, layers.BatchNormalization()(x) if rng.random() < 0.8 else x)


def _conv(rng: random.Random, x: Any) -> Any:
  stride = 2 if x.shape[1] >= 8 and rng.random() < 0.3 else 1
  channels = rng.randrange(8, _MAX_CHANNELS + 1, 4)
  kernel = rng.choice((1, 3, 3, 5))
  return _normalized(rng, layers.Conv2D(channels, kernel, stride, 'same')(x))


def _separable(rng: random.Random, x: Any) -> Any:
  y = layers.DepthwiseConv2D(rng.choice((3, 5)), padding='same', use_bias=False)(x)
  y = _normalized(rng, y)
  return _normalized(rng, layers.Conv2D(rng.randrange(8, _MAX_CHANNELS + 1, 4), 1)(y))


def _residual(rng: random.Random, x: Any) -> Any:
  y = _normalized(rng, layers.Conv2D(x.shape[3], rng.choice((1, 3)), padding='same')(x))
  y = layers.Conv2D(x.shape[3], 1)(y)
  joined = rng.choice((layers.Add, layers.Add, layers.Subtract, layers.Maximum, layers.Average))()
  return joined([x, y])


def _inverted(rng: random.Random, x: Any) -> Any:
  wide = min(x.shape[3] * rng.choice((2, 3)), 2 * _MAX_CHANNELS)
  y = _normalized(rng, layers.Conv2D(wide, 1, use_bias=False)(x))
  y = _normalized(rng, layers.DepthwiseConv2D(3, padding='same', use_bias=False)(y))
  y = layers.BatchNormalization()(layers.Conv2D(x.shape[3], 1, use_bias=False)(_squeeze(rng, y)))
  return layers.Add()([x, y])


def _squeeze(rng: random.Random, x: Any) -> Any:
  gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
  gate = layers.Conv2D(max(x.shape[3] // 4, 4), 1, activation='relu')(gate)
  end = rng.choice(('sigmoid', 'hard_sigmoid'))
  return layers.Multiply()([x, layers.Conv2D(x.shape[3], 1, activation=end)(gate)])


def _branches(rng: random.Random, x: Any) -> Any:
  parts = [_conv_of(rng, x, kernel) for kernel in (1, 3)]
  parts.append(layers.MaxPooling2D(3, 1, 'same')(x))
  return layers.Conv2D(rng.randrange(8, 33, 4), 1)(layers.Concatenate()(parts))


def _conv_of(rng: random.Random, x: Any, kernel: int) -> Any:
  return _normalized(rng, layers.Conv2D(rng.randrange(4, 17, 4), kernel, padding='same')(x))


def _pool(rng: random.Random, x: Any) -> Any:
  if x.shape[1] < 6:
    return layers.AveragePooling2D(3, 1, 'same')(x)
  kind = rng.choice((layers.MaxPooling2D, layers.AveragePooling2D))
  return kind(rng.choice((2, 3)), 2, rng.choice(('same', 'valid')))(x)


def _resize(rng: random.Random, x: Any) -> Any:
  if x.shape[1] > 12:
    return _pool(rng, x)
  if rng.random() < 0.3:
    return _activated(rng, layers.Conv2DTranspose(rng.randrange(4, 17, 4), 3, 2, 'same')(x))
  return layers.UpSampling2D(2, interpolation=rng.choice(('nearest', 'bilinear')))(x)


def _padded(rng: random.Random, x: Any) -> Any:
  if rng.random() < 0.5 and x.shape[1] > 5:
    return layers.Cropping2D(((1, 0), (0, 1)))(x)
  return layers.ZeroPadding2D(((1, 0), (0, 1)))(x)


def _dense(rng: random.Random, x: Any) -> Any:
  x = layers.GlobalAveragePooling2D()(x) if rng.random() < 0.6 else layers.Flatten()(x)
  return layers.Dense(10, activation=rng.choice(('softmax', 'softmax', 'sigmoid', None)))(x)


def _map(rng: random.Random, x: Any) -> Any:
  return layers.Conv2D(5, 1, activation=rng.choice((None, 'sigmoid', 'softmax')))(x)


def _two(rng: random.Random, x: Any) -> Any:
  return [_dense(rng, x), _map(rng, x)]


_Part = Callable[[random.Random, Any], Any]
_PARTS: tuple[_Part, ...] = (
  _conv,
  _separable,
  _residual,
  _residual,
  _inverted,
  _branches,
  _pool,
  _resize,
  _padded,
)
_HEADS: tuple[_Part, ...] = (_dense, _dense, _dense, _map, _two)
