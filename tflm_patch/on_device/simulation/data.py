# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples that a chip learns from, and others that it is judged by."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.scheme import Loss


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
  """Inputs as the model takes them, and what is to be learned of them.

  Attributes:
    inputs: int8[n, ...].
    targets: int64[n], class numbers; or real outputs float64[n, k] for a squared error.
  """

  inputs: np.ndarray
  targets: np.ndarray

  def __len__(self) -> int:
    return len(self.targets)

  def chosen(self, which: np.ndarray) -> Samples:
    """Some of them."""
    return Samples(self.inputs[which], self.targets[which])


def check(samples: Samples, outputs: int, loss: Loss) -> None:
  """Raises when a model of so many outputs cannot learn from samples.

  Raises:
    TflmPatchError: there are none, or labels or targets do not fit the outputs.
  """
  if not len(samples):
    raise TflmPatchError('there are no samples to learn from; give some of every class')
  if len(samples.inputs) != len(samples.targets):
    raise TflmPatchError(
      f'{len(samples.inputs)} inputs have {len(samples.targets)} labels; give one for each'
    )
  targets = samples.targets
  if loss is Loss.CROSS_ENTROPY:
    if targets.ndim != 1 or targets.dtype.kind not in 'iu':
      raise TflmPatchError('labels of classes are whole numbers, one a sample')
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= outputs:
      wrong = low if low < 0 else high
      raise TflmPatchError(
        f'label {wrong} is out of range: the model has {outputs} classes, 0 to {outputs - 1}; '
        f'give the number of classes to learn (--classes) or other labels'
      )
  elif targets.reshape(len(targets), -1).shape[1] != outputs:
    raise TflmPatchError(f'targets are {list(targets.shape)}; the model has {outputs} outputs')


def divided(samples: Samples, share: float, seed: int) -> tuple[Samples, Samples]:
  """Samples to learn from, and a share of every class that is held out of them.

  Args:
    samples: At least two.
    share: Of each class; of one that has several, at least one is held out.
    seed: Of the choice.
  """
  rng = np.random.default_rng(seed)
  targets = samples.targets
  groups = targets if targets.ndim == 1 and targets.dtype.kind in 'iu' else np.zeros(len(targets))
  out = np.zeros(len(samples), bool)
  for group in np.unique(groups):
    members = rng.permutation(np.flatnonzero(groups == group))
    count = max(1, round(len(members) * share)) if len(members) > 1 else 0
    out[members[:count]] = True
  return samples.chosen(~out), samples.chosen(out)
