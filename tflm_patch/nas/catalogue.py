# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Search spaces by name, and from a file."""

from __future__ import annotations

import itertools
import json
import operator
from pathlib import Path

from tflm_patch.architecture import spaces
from tflm_patch.architecture.spec import Activation, Block, Head, Padding, Pair, SpecError, shown
from tflm_patch.architecture.text import unknown
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.space import SearchSpace, Shape, StageChoice
from tflm_patch.nas.space_json import space_from_json

_MAX_FILE_BYTES = 1 << 20
_SQUARE: tuple[Pair, ...] = ((3, 3), (5, 5), (7, 7))
# (channels, stride, depths)
_Row = tuple[int, int, tuple[int, ...]]


def _images(sides: range | tuple[int, ...]) -> tuple[Shape, ...]:
  return tuple((side, side, 3) for side in sides)


def _bottlenecks(
  rows: tuple[_Row, ...], expansions: tuple[float, ...], widths: tuple[float, ...] = (1.0,)
) -> tuple[StageChoice, ...]:
  return tuple(
    StageChoice(
      Block('ir', stride=(stride, stride), channels=channels), depths, _SQUARE, expansions, widths
    )
    for channels, stride, depths in rows
  )


_MCUNET_ROWS: tuple[_Row, ...] = tuple(
  (stage.channels, stage.stride, stage.depths) for stage in spaces.STAGES
)
# A stage has at least one block; ProxylessNAS may leave out the others.
_PROXYLESS_ROWS: tuple[_Row, ...] = (
  (32, 2, (1, 2, 3, 4)),
  (40, 2, (1, 2, 3, 4)),
  (80, 2, (1, 2, 3, 4)),
  (96, 1, (1, 2, 3, 4)),
  (192, 2, (1, 2, 3, 4)),
  (320, 1, (1,)),
)
_STEM = (Block('conv', stride=(2, 2), channels=32), Block('ir', channels=16))
_RELU = Activation.RELU
_TENTHS = tuple(k / 10 for k in range(1, 11))

MCUNET = SearchSpace(
  'mcunet',
  _images(spaces.MCUNET.resolutions),
  spaces.MCUNET.widths,
  _STEM,
  _bottlenecks(_MCUNET_ROWS, spaces.MCUNET.expansions),
  head=Head('fc', classes=1000),
)
MCUNET_V2 = SearchSpace(
  'mcunet_v2',
  _images((96, 128, 160, 192, 224, 256)),
  (0.35, 0.5, 0.75, 1.0),
  _STEM,
  _bottlenecks(_MCUNET_ROWS, spaces.MCUNET.expansions, (0.5, 0.75, 1.0)),
  head=Head('fc', classes=1000),
)
PROXYLESS = SearchSpace(
  'proxyless',
  _images((224,)),
  (1.0,),
  _STEM,
  _bottlenecks(_PROXYLESS_ROWS, (3.0, 6.0)),
  (Block('conv', kernel=(1, 1), channels=1280),),
  Head('fc', classes=1000),
)
MICRONETS_DS_CNN = SearchSpace(
  'micronets_ds_cnn',
  ((49, 10, 1),),
  (1.0,),
  (Block('conv', kernel=(10, 4), stride=(2, 2), channels=64, activation=_RELU),),
  tuple(
    StageChoice(Block('ds', channels=276, activation=_RELU), depths, widths=_TENTHS)
    for depths in ((1,), (1,), (1,), (1,), (1, 2, 3, 4, 5))
  ),
  head=Head('poolfc', classes=12),
  divisor=4,
)
SERIES = SearchSpace(
  'series',
  tuple((steps, 1, 1) for steps in (64, 128, 256)),
  (0.5, 1.0),
  (Block('conv', kernel=(5, 1), stride=(2, 1), channels=16, activation=_RELU),),
  tuple(
    StageChoice(
      Block('ds', stride=(2, 1), channels=channels, activation=_RELU),
      (1, 2, 3),
      ((3, 1), (5, 1), (9, 1)),
    )
    for channels in (24, 32, 64)
  ),
)

# k filters, then cells of a convolution and a pool; each has 2, 1.5, 1.25, ... times the filters of
# the cell before it.
_CELLS = 5
_CELL_GROWTH = tuple(itertools.accumulate((1 + 0.5**i for i in range(_CELLS)), operator.mul))
NANO_NAS = SearchSpace(
  'nanonas',
  ((50, 50, 3),),
  tuple(k / 4 for k in range(2, 17)),
  (Block('conv', channels=4, activation=_RELU),),
  (
    StageChoice(
      Block('conv', channels=4, activation=_RELU),
      tuple(range(1, _CELLS + 1)),
      growth=_CELL_GROWTH,
      after=(Block('maxpool', kernel=(2, 2), stride=(2, 2), padding=Padding.VALID),),
    ),
  ),
  divisor=1,
)

SPACES = {
  space.name: space for space in (MCUNET, MCUNET_V2, PROXYLESS, MICRONETS_DS_CNN, NANO_NAS, SERIES)
}


def load_space(name: str | Path) -> SearchSpace:
  """A space by its name, or from a JSON file (a name that ends in `.json`).

  Raises:
    TflmPatchError: there is none of that name; the file cannot be read or describes no space.
  """
  text = str(name)
  if not text.endswith('.json'):
    if text not in SPACES:
      raise unknown(text, 'search space', SPACES)
    return SPACES[text]
  try:
    with open(text, 'rb') as file:
      content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
      raise TflmPatchError(f'{text}: is no search space: above {_MAX_FILE_BYTES} bytes')
    return space_from_json(json.loads(content))
  except OSError as error:
    raise TflmPatchError(f'{text}: cannot be read: {error.strerror}') from None
  except SpecError as error:
    raise SpecError(f'{text}: {error}') from None
  except (ValueError, RecursionError) as error:
    raise TflmPatchError(f'{text}: is no JSON: {shown(str(error))}') from None
