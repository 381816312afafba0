# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Data sets of the benchmarks of supernets: their spaces, and what is done in how much time."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from tflm_patch import nas
from tflm_patch.training import Augmentation

KB = 1024
Sides = Sequence[int]
DIGITS = 'digits'  # scikit-learn's, where no data are given


@dataclasses.dataclass(frozen=True)
class SupernetTask:
  """A data set.

  Attributes:
    space: Of the sides of images, their channels and the number of classes.
    sides: Rows, and columns, of inputs.
    augmentation: Of training images.
    batch: Of every training.
    supernet_cpu_minutes: Of the supernet.
    train_epochs: Of a network that is trained alone, from the beginning.
    flash: Limit of the file in bytes, of every search; None for none.
    macs: Limit of multiply-accumulates.
    images: Held-out images that inherited accuracies are of; None for all.
    finalists_cpu_minutes: Of all finalists of `joint_search` together; None to train each for
      `train_epochs`.
  """

  space: Callable[[Sides, int, int], nas.SearchSpace]
  sides: tuple[int, ...]
  augmentation: Augmentation
  batch: int = 32
  supernet_cpu_minutes: float = 120.0
  train_epochs: int = 40
  flash: int | None = None
  macs: int | None = None
  images: int | None = None
  finalists_cpu_minutes: float | None = None


def _space(
  sides: Sides,
  channels: int,
  classes: int,
  stem: Sequence[str],
  stages: Sequence[str],
  choices: dict[str, Any],
  tail: Sequence[str] = (),
) -> nas.SearchSpace:
  return nas.space_from_json(
    {
      'name': f'benchmark {"x".join(map(str, sides))}',
      'inputs': [[side, side, channels] for side in sides],
      'stem': list(stem),
      'stages': [{'block': block, **choices, 'widths': [0.5, 0.75, 1.0]} for block in stages],
      'tail': list(tail),
      'head': f'fc{classes}',
      'divisor': 4,
    }
  )


def _of_cameras(sides: Sides, channels: int, classes: int) -> nas.SearchSpace:
  """MCUNetV2's form, smaller; small images get less."""
  if max(sides) < 32:
    return _of_digits(sides, channels, classes)
  return _space(
    sides,
    channels,
    classes,
    ('conv3_s2_c16', 'ir_k3_e1_c8'),
    ('ir_s2_c16', 'ir_s2_c24', 'ir_s2_c40', 'ir_c48'),
    {'depths': [1, 2, 3], 'kernels': [3, 5, 7], 'expansions': [3, 4, 6]},
  )


def _of_digits(sides: Sides, channels: int, classes: int) -> nas.SearchSpace:
  return _space(
    sides,
    channels,
    classes,
    ('conv3_c8',),
    ('ir_s2_c12', 'ir_c16'),
    {'depths': [1, 2], 'kernels': [3, 5], 'expansions': [2, 3]},
  )


def _of_cifar(sides: Sides, channels: int, classes: int) -> nas.SearchSpace:
  """Small images are halved twice only."""
  return _space(
    sides,
    channels,
    classes,
    ('conv3_c16',),
    ('ir_s2_c24', 'ir_s2_c40', 'ir_c64'),
    {'depths': [1, 2, 3], 'kernels': [3, 5], 'expansions': [2, 3, 4]},
    ('conv1_c128',),
  )


_HANDS = Augmentation(flip=False, shift=0.1, rotation=15, zoom=0.15, brightness=0.1, contrast=0.2)
OTHERS = SupernetTask(_of_cameras, (32, 48, 64), _HANDS)
# By the name of the folder or archive; the others are photographs of a camera.
TASKS = {
  DIGITS: SupernetTask(_of_digits, (12, 16), _HANDS),
  # One core: 200 images a second of the largest network, 135 of a step of four; 36 minutes are
  # some 3 and 5 epochs of the two phases.
  'cifar10': SupernetTask(
    _of_cifar,
    (16, 20, 24, 28, 32),
    Augmentation(shift=0.125),
    batch=64,
    supernet_cpu_minutes=36.0,
    train_epochs=3,
    flash=100 * KB,
    macs=8_000_000,
    images=4000,
    finalists_cpu_minutes=60.0,
  ),
}


def task_of(data: str | None) -> SupernetTask:
  """The data set of a path; of None scikit-learn's digits."""
  return TASKS.get(DIGITS if data is None else pathlib.Path(data).stem, OTHERS)
