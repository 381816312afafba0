# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels that are masked while a model is trained.

The model holds masked weights, the dense ones are kept beside it; what an optimizer adds to
the masked weights is added to the dense ones, too (dynamic pruning with feedback, arXiv
2006.07253): a channel that was masked can come back.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from tflm_patch.training.channels.model_channels import ModelChannels


@dataclasses.dataclass(eq=False)
class _Masked:
  """A weight.

  Attributes:
    dense: What it is without the mask.
    mask: 0 or 1.
    last: What the model was given.
  """

  dense: np.ndarray
  mask: np.ndarray
  last: np.ndarray


class Masks:
  """The masks of a model.

  Args:
    channels: Of the model.
  """

  def __init__(self, channels: ModelChannels) -> None:
    self._axes = channels.masked()
    self._variables = {id(variable): variable for variable, _, _ in self._axes}
    self._masked: dict[int, _Masked] = {}

  def follow(self) -> None:
    """Takes over what the optimizer did, and masks again."""
    for key, masked in self._masked.items():
      now = _numpy(self._variables[key])
      masked.dense = masked.dense + (now - masked.last)
      self._give(key, masked)

  def restore(self) -> None:
    """Gives the model its dense weights."""
    for key, masked in self._masked.items():
      self._variables[key].assign(masked.dense)
    self._masked = {}

  def apply(self, gone: set[int]) -> None:
    """Masks atoms, and no others; the model has its dense weights.

    Args:
      gone: The atoms.
    """
    masks: dict[int, np.ndarray] = {}
    for variable, axis, atoms in self._axes:
      dead = np.isin(atoms, list(gone))
      if dead.any():
        mask = masks.setdefault(id(variable), np.ones(tuple(variable.shape), np.float32))
        np.moveaxis(mask, axis, -1)[..., dead] = 0
    for key, mask in masks.items():
      dense = _numpy(self._variables[key])
      self._masked[key] = _Masked(dense, mask, dense)
      self._give(key, self._masked[key])

  def _give(self, key: int, masked: _Masked) -> None:
    masked.last = masked.dense * masked.mask
    self._variables[key].assign(masked.last)


def _numpy(variable: Any) -> np.ndarray:
  return np.array(keras.ops.convert_to_numpy(variable), np.float32)
