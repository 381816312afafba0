# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Search spaces of MCUNet's kind, and random specs from them (arXiv 2007.10319)."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence

from tflm_patch.architecture.catalogue import divisible
from tflm_patch.architecture.spec import Block, Head, Spec, SpecError


@dataclasses.dataclass(frozen=True)
class Stage:
  """Inverted bottlenecks of one width; the first has the stride.

  Attributes:
    channels: Before the width multiplier.
    stride: Of the first block.
    depths: How many blocks there may be.
  """

  channels: int
  stride: int
  depths: tuple[int, ...] = (2, 3, 4)


STAGES = (
  Stage(24, 2),
  Stage(40, 2),
  Stage(80, 2),
  Stage(96, 1),
  Stage(192, 2),
  Stage(320, 1, (1,)),
)


_IMAGENET = Head('fc', classes=1000)


@dataclasses.dataclass(frozen=True)
class Space:
  """Choices from which specs are made.

  Attributes:
    resolutions: Sides of the image.
    widths: Multipliers of all channels.
    kernels, expansions: Of each block.
    stages: After the first convolution and a block without expansion.
    first_channels: Of the first convolution and of that block, before the multiplier.
    head: The end.
  """

  resolutions: tuple[int, ...]
  widths: tuple[float, ...]
  kernels: tuple[int, ...] = (3, 5, 7)
  expansions: tuple[float, ...] = (3.0, 4.0, 6.0)
  stages: tuple[Stage, ...] = STAGES
  first_channels: tuple[int, int] = (32, 16)
  head: Head = _IMAGENET

  def __post_init__(self) -> None:
    for name in ('resolutions', 'widths', 'kernels', 'expansions', 'stages'):
      if not getattr(self, name):
        raise SpecError(f'a search space without {name}')

  def sample(self, rng: random.Random) -> Spec:
    """A random spec, every choice as likely as the others."""
    side, width = rng.choice(self.resolutions), rng.choice(self.widths)
    first, second = (divisible(channels * width) for channels in self.first_channels)
    blocks = [Block('conv', stride=(2, 2), channels=first), Block('ir', channels=second)]
    for stage in self.stages:
      channels = divisible(stage.channels * width)
      for k in range(rng.choice(stage.depths)):
        kernel, stride = rng.choice(self.kernels), stage.stride if k == 0 else 1
        blocks.append(
          Block(
            'ir',
            kernel=(kernel, kernel),
            stride=(stride, stride),
            expansion=float(rng.choice(self.expansions)),
            channels=channels,
          )
        )
    return Spec((side, side, 3), tuple(blocks), self.head)

  def samples(self, count: int, seed: int) -> list[Spec]:
    """`count` random specs; the same for the same seed."""
    rng = random.Random(seed)
    return [self.sample(rng) for _ in range(count)]


MCUNET = Space(tuple(range(96, 177, 16)), (0.35, 0.5, 0.75, 1.0))


# TinyNAS' 12 resolutions and 9 widths.
TINY_NAS_SIDES = tuple(range(48, 225, 16))
TINY_NAS_WIDTHS = tuple(tenths / 10 for tenths in range(2, 11))


def tiny_nas_spaces(base: Space = MCUNET) -> Sequence[Space]:
  """TinyNAS' 108 spaces: 12 resolutions x 9 widths."""
  return [
    dataclasses.replace(base, resolutions=(side,), widths=(width,))
    for side in TINY_NAS_SIDES
    for width in TINY_NAS_WIDTHS
  ]
