# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks of int16 activations whose operators once cut their stages."""

from __future__ import annotations

from collections.abc import Callable

from support.model_builder import ModelBuilder
from tflm_patch.graph.types import DType


def _like(b: ModelBuilder, x: int, other: int) -> int:
  """A map in the scale of another one, as CONCATENATION needs it."""
  return b.quantize(x, DType.INT16, like=other)


def _double_conv(b: ModelBuilder, x: int, channels: int) -> int:
  return b.conv(b.conv(x, channels, activation='RELU'), channels, activation='RELU')


def unet(b: ModelBuilder) -> int:
  """Two levels, TRANSPOSE_CONV on the way up, a LOGISTIC mask."""
  skips = []
  x = b.input((1, 64, 64, 1), DType.INT16)
  for channels in (8, 16):
    x = _double_conv(b, x, channels)
    skips.append(x)
    x = b.max_pool(x)
  x = _double_conv(b, x, 32)
  for skip in reversed(skips):
    channels = b.shape(skip)[3]
    up = _like(b, b.transpose_conv(x, channels, 2), skip)
    x = _double_conv(b, b.concat([skip, up]), channels)
  return b.logistic(b.conv(x, 1, 1))


def attention_unet(b: ModelBuilder) -> int:
  """Nearest neighbours on the way up, skips that a gate multiplies, a SOFTMAX of four classes."""
  skips = []
  x = b.input((1, 48, 48, 3), DType.INT16)
  for channels in (8, 16):
    x = b.leaky_relu(b.conv(x, channels))
    skips.append(x)
    x = b.conv(x, 2 * channels, 3, 2, activation='RELU')
  for skip in reversed(skips):
    _, rows, cols, channels = b.shape(skip)
    up = b.conv(b.resize_nearest(x, rows, cols), channels, activation='RELU')
    gate = b.logistic(b.conv(b.add(b.conv(skip, channels, 1), up, 'RELU'), 1, 1))
    gated = b.mul(skip, gate)
    x = b.leaky_relu(b.conv(b.concat([gated, _like(b, up, gated)]), channels))
  return b.softmax(b.conv(x, 4, 1))


def denoiser(b: ModelBuilder) -> int:
  """A sound of one channel: gated dilated convolutions; the noise is taken off the input."""
  sound = b.input((1, 512, 1, 1), DType.INT16)
  x = b.conv(sound, 16, (3, 1), activation='RELU')
  for dilation in (1, 2, 4, 8):
    wide = b.conv(x, 16, (3, 1), dilation=(dilation, 1))
    gated = b.mul(b.tanh(wide), b.logistic(b.conv(x, 16, (3, 1), dilation=(dilation, 1))))
    x = b.add(x, b.conv(gated, 16, 1))
  return b.sub(sound, b.conv(x, 1, 1))


def squeeze_excite(b: ModelBuilder) -> int:
  """Inverted residuals with gates over the means of maps, and SiLU."""
  x = b.input((1, 64, 64, 3), DType.INT16)
  x = b.conv(x, 16, 3, 2)
  for stride, channels in ((1, 16), (2, 24), (1, 24)):
    wide = b.conv(x, 3 * b.shape(x)[3], 1)
    wide = b.mul(wide, b.logistic(wide))
    wide = b.depthwise(wide, 1, 3, stride, activation='RELU6')
    gate = b.conv(b.mean(wide), 8, 1, activation='RELU')
    wide = b.mul(wide, b.logistic(b.conv(gate, b.shape(wide)[3], 1)))
    narrow = b.conv(wide, channels, 1)
    x = b.add(x, narrow) if b.shape(x) == b.shape(narrow) else narrow
  return b.softmax(b.fully_connected(b.mean(x, keep_dims=False), 10))


def _built(network: Callable[[ModelBuilder], int]) -> Callable[[], bytes]:
  def build() -> bytes:
    b = ModelBuilder(16)
    b.output(network(b))
    return b.build()

  return build


NETWORKS = {
  'unet_16x8': _built(unet),
  'attention_unet_16x8': _built(attention_unet),
  'denoiser_16x8': _built(denoiser),
  'squeeze_excite_16x8': _built(squeeze_excite),
}
