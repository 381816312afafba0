# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Examples and options as bytes for another machine, without pickled objects."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tflm_patch.nas.fitness import Effort
from tflm_patch.training.data.augmentation import Augmentation
from tflm_patch.training.data.dataset import Dataset, Part, Scaling
from tflm_patch.training.options import TrainOptions

_PARTS = ('train', 'test')


def packed(dataset: Dataset) -> bytes:
  """A dataset as a `.npz`, but for the names of files that were left out."""
  arrays: dict[str, np.ndarray] = {}
  for name in _PARTS:
    part: Part = getattr(dataset, name)
    arrays[f'{name}_inputs'], arrays[f'{name}_targets'] = part.inputs, part.targets
  for name in ('inputs_by', 'targets_by'):
    scaling: Scaling | None = getattr(dataset, name)
    if scaling is not None:
      arrays[f'{name}_offset'], arrays[f'{name}_scale'] = scaling.offset, scaling.scale
  arrays['classes'] = np.frombuffer(json.dumps(dataset.classes).encode(), np.uint8)
  whole = io.BytesIO()
  np.savez(whole, allow_pickle=False, **arrays)
  return whole.getvalue()


def unpacked(data: bytes) -> Dataset:
  """The dataset of `packed`."""
  with np.load(io.BytesIO(data), allow_pickle=False) as archive:
    train, test = (Part(archive[f'{n}_inputs'], archive[f'{n}_targets']) for n in _PARTS)
    inputs_by, targets_by = (
      Scaling(archive[f'{name}_offset'], archive[f'{name}_scale'])
      if f'{name}_scale' in archive
      else None
      for name in ('inputs_by', 'targets_by')
    )
    classes = tuple(json.loads(archive['classes'].tobytes()))
  assert inputs_by is not None
  return Dataset(train, test, classes, inputs_by=inputs_by, targets_by=targets_by)


def packed_weights(weights: Sequence[np.ndarray]) -> bytes:
  """Weights as a `.npz`."""
  whole = io.BytesIO()
  np.savez(whole, allow_pickle=False, **{str(k): each for k, each in enumerate(weights)})
  return whole.getvalue()


def unpacked_weights(data: bytes) -> list[np.ndarray]:
  """The weights of `packed_weights`."""
  with np.load(io.BytesIO(data), allow_pickle=False) as archive:
    return [archive[str(k)] for k in range(len(archive.files))]


def options_from(fields: Mapping[str, Any]) -> TrainOptions:
  """Options from what `dataclasses.asdict` made of them."""
  return TrainOptions(**{**fields, 'augmentation': Augmentation(**fields['augmentation'])})


def effort_from(fields: Mapping[str, Any]) -> Effort:
  """An effort from what `dataclasses.asdict` made of it."""
  return Effort(**{**fields, 'training': options_from(fields['training'])})


def fields_of(options: Effort | TrainOptions) -> dict[str, Any]:
  """As JSON."""
  found: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(options)))
  return found
