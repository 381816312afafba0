# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The Keras model without some of its channels, with the weights of the others."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tflm_patch.training.channels.layers import narrowed
from tflm_patch.training.channels.model_channels import ModelChannels
from tflm_patch.training.clone import clone, copied


def without(model: Any, channels: ModelChannels, gone: set[int]) -> Any:
  """A new model, not compiled, of the same layers with fewer channels.

  Args:
    model: Is left alone.
    channels: Of the model, which has not changed its structure since.
    gone: Atoms of some of its groups.
  """
  uses = {id(use.layer): use for use in channels.uses}

  def narrow(layer: Any) -> list[Any]:
    use = uses.get(id(layer))
    if use is None:
      return [copied(layer)]
    config = narrowed(use, lambda value: channels.kept(value, gone).size)
    return [layer.__class__.from_config(config)]

  made, layers = clone(model, narrow)
  kept: dict[int, list[tuple[int, np.ndarray]]] = {}  # of each weight: axes and indices
  for use, slots in zip(channels.uses, channels.slots):
    for axis, atoms, weight in ((s.axis, s.atoms, getattr(use.layer, s.attribute)) for s in slots):
      indices = np.flatnonzero(~np.isin(atoms, list(gone)))
      axes = kept.setdefault(id(weight), [])
      if axis not in dict(axes):  # else of another call of the layer
        axes.append((axis, indices))
  for old, (new,) in layers.values():
    for theirs, ours in zip(old.weights, new.weights):
      values = keras.ops.convert_to_numpy(theirs)
      for axis, indices in kept.get(id(theirs), []):
        values = np.take(values, indices, axis)
      ours.assign(values)
  return made
