# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An architecture as data: blocks, a head, the shape of the input.

A spec has no weights and needs no training framework. Its three forms say the same:
these dataclasses, a line of text (`text.py`) and JSON (`json_form.py`).
"""

from __future__ import annotations

import dataclasses
import enum

from tflm_patch.errors import TflmPatchError

_SHOWN = 60  # characters of a part of a spec that a message quotes


def shown(text: str) -> str:
  """A user's text for a message: not too long, and in one line that can be printed."""
  short = text if len(text) <= _SHOWN else f'{text[: _SHOWN - 3]}...'
  return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in short)


Pair = tuple[int, int]  # rows and columns


class SpecError(TflmPatchError):
  """A spec that cannot exist; the message quotes the part that is wrong."""


class Activation(enum.Enum):
  """What follows a block's convolutions."""

  NONE = 'linear'
  RELU = 'relu'
  RELU6 = 'relu6'
  HARD_SWISH = 'hswish'
  LOGISTIC = 'sigmoid'


class Padding(enum.Enum):
  """TFLite's names: SAME keeps the size at stride 1, VALID uses no cell outside."""

  SAME = 'same'
  VALID = 'valid'


@dataclasses.dataclass(frozen=True)
class Block:
  """A block of layers.

  A kind uses some of the fields; the others keep their defaults.

  Attributes:
    kind: Name of a registered kind, see `tflm_patch.architecture.blocks`.
    kernel: Rows and columns of the window.
    stride: Rows and columns.
    expansion: Channels inside the block over its input channels.
    channels: Of the output; units of a dense layer.
    squeeze: Channels of the squeeze-and-excite branch over the block's input
      channels; 0 for none.
    activation: After the convolutions that have one.
    padding: Of the windows.
    skip: Add the input to the output where the shapes are equal.
  """

  kind: str
  kernel: Pair = (3, 3)
  stride: Pair = (1, 1)
  expansion: float = 1.0
  channels: int = 0
  squeeze: float = 0.0
  activation: Activation = Activation.RELU6
  padding: Padding = Padding.SAME
  skip: bool = True


@dataclasses.dataclass(frozen=True)
class Head:
  """What turns feature maps into the answer.

  Attributes:
    kind: Name of a registered kind, see `tflm_patch.architecture.heads`.
    classes: Number of classes; 0 for heads without.
    anchors: Boxes for each cell, of detectors.
    scales: How many of the last resolutions a detector looks at.
    softmax: Ends with a SOFTMAX.
  """

  kind: str = 'fc'
  classes: int = 10
  anchors: int = 3
  scales: int = 1
  softmax: bool = False


@dataclasses.dataclass(frozen=True)
class Spec:
  """An architecture.

  Attributes:
    input_shape: (rows, columns, channels) of the int8 image; (1, 1, n) is a vector.
    blocks: In order.
    head: The end of the network.
  """

  input_shape: tuple[int, int, int]
  blocks: tuple[Block, ...]
  head: Head = Head()

  @property
  def classes(self) -> int:
    """Number of classes; 0 for a spec without."""
    return self.head.classes


MAX_BLOCKS = 512
MAX_SIZE = 0xFFFF  # of a side, of channels, of units
