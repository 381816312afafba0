# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Architectures by name, from their published definitions.

A name may be followed by a width, `mobilenet_v2:0.35`, by the side of the image,
`mobilenet_v2:0.35:144`, and by the number of classes, `mobilenet_v2:0.35:144:2`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from tflm_patch.architecture.spec import Spec, SpecError, shown
from tflm_patch.architecture.text import parse_spec, unknown

_NAME = re.compile(
  r'([a-z][a-z0-9_]*)(?::(\d{1,3}(?:\.\d{1,4})?))?(?::(\d{1,5}))?(?::(\d{1,5}))?', re.ASCII
)
_MAX_WIDTH = 8.0


@dataclasses.dataclass(frozen=True)
class Variant:
  """Which of a family's architectures.

  Attributes:
    width: Multiplies the channels.
    side: Rows and columns of the image.
    classes: Number of classes.
  """

  width: float
  side: int
  classes: int


@dataclasses.dataclass(frozen=True)
class Family:
  """Architectures of one definition.

  Attributes:
    source: Where it was published.
    variant: What a name alone means.
    line: The spec's text of a variant.
    scalable: Whether a name may give a width.
  """

  source: str
  variant: Variant
  line: Callable[[Variant], str]
  scalable: bool = True


def named(name: str) -> Spec:
  """A spec by name.

  Raises:
    SpecError: there is none of that name.
  """
  match = _NAME.fullmatch(name)
  if match is None:
    raise SpecError(f'"{shown(name)}": is no name; write for example mobilenet_v2:0.35:144')
  if match[1] not in FAMILIES:
    raise unknown(match[1], 'architecture', FAMILIES)
  family = FAMILIES[match[1]]
  variant = Variant(
    float(match[2] or family.variant.width),
    int(match[3] or family.variant.side),
    int(match[4] or family.variant.classes),
  )
  if not 0 < variant.width <= _MAX_WIDTH:
    raise SpecError(f'"{name}": a width is above 0 and at most {_MAX_WIDTH:g}')
  if not family.scalable and (variant.width, variant.side) != (1.0, family.variant.side):
    raise SpecError(f'"{name}": {match[1]} has one width and one size of image')
  return parse_spec(family.line(variant))


def divisible(channels: float, by: int = 8) -> int:
  """MobileNet's rounding to multiples of eight, never down by more than a tenth."""
  rounded = max(by, int(channels + by / 2) // by * by)
  return rounded + by if rounded < 0.9 * channels else rounded


def _mobilenet_v1(v: Variant) -> str:
  def c(channels: int) -> int:
    return max(1, int(channels * v.width))

  rows = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2))
  blocks = ' '.join(f'ds3_s{s}_c{c(n)}' for n, s in rows)
  return (
    f'in{v.side}x{v.side}x3 conv3_s2_c{c(32)} {blocks} ds3_c{c(512)} x5 '
    f'ds3_s2_c{c(1024)} ds3_c{c(1024)} fc{v.classes}_softmax'
  )


# (kernel, expansion, stride, channels, repetitions)
_Row = tuple[int, int, int, int, int]
_V2: tuple[_Row, ...] = (
  (3, 1, 1, 16, 1),
  (3, 6, 2, 24, 2),
  (3, 6, 2, 32, 3),
  (3, 6, 2, 64, 4),
  (3, 6, 1, 96, 3),
  (3, 6, 2, 160, 3),
  (3, 6, 1, 320, 1),
)
_LITE0: tuple[_Row, ...] = (
  (3, 1, 1, 16, 1),
  (3, 6, 2, 24, 2),
  (5, 6, 2, 40, 2),
  (3, 6, 2, 80, 3),
  (5, 6, 1, 112, 3),
  (5, 6, 2, 192, 4),
  (3, 6, 1, 320, 1),
)
_PROXYLESS: tuple[_Row, ...] = (
  (3, 1, 1, 16, 1),
  (5, 3, 2, 32, 1),
  (3, 3, 1, 32, 1),
  (7, 3, 2, 40, 1),
  (3, 3, 1, 40, 1),
  (5, 3, 1, 40, 2),
  (7, 6, 2, 80, 1),
  (5, 3, 1, 80, 3),
  (5, 6, 1, 96, 1),
  (5, 3, 1, 96, 3),
  (7, 6, 2, 192, 1),
  (7, 6, 1, 192, 1),
  (7, 3, 1, 192, 2),
  (7, 6, 1, 320, 1),
)
_MCUNET_VWW: tuple[_Row, ...] = (
  (3, 1, 1, 8, 1),
  (3, 6, 2, 16, 1),
  (3, 3, 1, 16, 2),
  (7, 3, 2, 24, 1),
  (3, 6, 1, 24, 1),
  (5, 5, 1, 24, 1),
  (7, 6, 2, 40, 1),
  (7, 6, 1, 40, 1),
  (3, 6, 1, 48, 1),
  (3, 4, 1, 48, 1),
  (5, 5, 2, 96, 1),
  (3, 5, 1, 96, 1),
  (3, 4, 1, 96, 1),
  (7, 3, 1, 160, 1),
)


def inverted_bottlenecks(rows: tuple[_Row, ...], width: float) -> str:
  """Words of the blocks of a table."""
  words = []
  for kernel, expansion, stride, channels, count in rows:
    word = f'ir_k{kernel}_e{expansion}_s{stride}_c{divisible(channels * width)}'
    words.append(word + (f' x{count}' if count > 1 else ''))
  return ' '.join(words)


def _bottleneck_family(rows: tuple[_Row, ...]) -> Callable[[Variant], str]:
  def line(v: Variant) -> str:
    last = divisible(1280 * max(1.0, v.width))
    return (
      f'in{v.side}x{v.side}x3 conv3_s2_c{divisible(32 * v.width)} '
      f'{inverted_bottlenecks(rows, v.width)} conv1_c{last} fc{v.classes}_softmax'
    )

  return line


def _mcunet_vww(v: Variant) -> str:
  blocks = inverted_bottlenecks(_MCUNET_VWW, 1.0)
  return f'in80x80x3 conv3_s2_c16 {blocks} fc{v.classes}'


def _fomo(v: Variant) -> str:
  """MobileNetV2 up to the expansion of its seventh block: an eighth of the image's side."""
  blocks = inverted_bottlenecks(_V2[:3], v.width)
  inner = 6 * divisible(32 * v.width)
  return (
    f'in{v.side}x{v.side}x3 conv3_s2_c{divisible(32 * v.width)} {blocks} conv1_c{inner} '
    f'fomo{v.classes}_softmax'
  )


def _resnet8(v: Variant) -> str:
  return (
    f'in32x32x3 conv3_c16_relu basic3_c16 basic3_s2_c32 basic3_s2_c64 poolfc{v.classes}_softmax'
  )


def _ds_cnn(v: Variant) -> str:
  return f'in49x10x1 conv10x4_s2_c64_relu ds3_c64_relu x4 poolfc{v.classes}_softmax'


def _autoencoder(v: Variant) -> str:
  del v
  return 'in640 dense128 x4 dense8 dense128 x4 dense640_linear none'


FAMILIES: dict[str, Family] = {
  'mobilenet_v1': Family('arXiv 1704.04861', Variant(1.0, 224, 1000), _mobilenet_v1),
  'mobilenet_v2': Family('arXiv 1801.04381', Variant(1.0, 224, 1000), _bottleneck_family(_V2)),
  'efficientnet_lite0': Family(
    'TensorFlow TPU models', Variant(1.0, 224, 1000), _bottleneck_family(_LITE0)
  ),
  'proxyless_mobile': Family(
    'arXiv 1812.00332', Variant(1.0, 224, 1000), _bottleneck_family(_PROXYLESS)
  ),
  'mcunet_vww': Family('arXiv 2007.10319', Variant(1.0, 80, 2), _mcunet_vww, scalable=False),
  'fomo': Family('Edge Impulse FOMO', Variant(0.35, 96, 2), _fomo),
  'resnet8': Family('MLPerf Tiny', Variant(1.0, 32, 10), _resnet8, scalable=False),
  'ds_cnn': Family('MLPerf Tiny', Variant(1.0, 49, 12), _ds_cnn, scalable=False),
  'ad_autoencoder': Family('MLPerf Tiny', Variant(1.0, 1, 0), _autoencoder, scalable=False),
}


def load(text: str) -> Spec:
  """A spec from its line ('in96x96x3 conv3_s2_c16 fc10') or from a name.

  Raises:
    SpecError: it is neither.
  """
  return parse_spec(text) if text.startswith('in') or ' ' in text.strip() else named(text.strip())
