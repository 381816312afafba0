# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""NetAug (Cai et al., ICLR 2022): a tiny network learns as a part of wider ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from tflm_patch import architecture
from tflm_patch.architecture.spec import Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.training.elastic.augmentation import augmented_space
from tflm_patch.training.elastic.model import ElasticModel, ElasticOptions, Slot


@dataclasses.dataclass(frozen=True)
class NetAugOptions:
  """How a network is augmented.

  Attributes:
    widths: Factors of the channels of blocks; the first is 1.
    expansions: Factors of the channels inside of bottlenecks; the first is 1.
    weight: Of the augmented network's loss.
    momentum: Of batch normalization.
    seed: Of what is drawn.
  """

  widths: tuple[float, ...] = (1.0, 1.8, 2.6)
  expansions: tuple[float, ...] = (1.0, 1.6, 2.2, 2.8)
  weight: float = 1.0
  momentum: float = 0.9
  seed: int = 0

  def __post_init__(self) -> None:
    if not self.weight >= 0:
      raise TflmPatchError(f'a weight of {self.weight:g} is not 0 or more')


class NetAug(ElasticModel):
  """Trains the network of a spec beside a wider one, drawn anew for every step, around it.

  The loss is that of the network, plus the weighted one of the wider network, which the
  network is a part of: its channels are the first ones. Metrics, predictions and evaluation
  are the network's. Compile and fit it, then take the network out with `result`.

  Args:
    spec: The network: convolutions, inverted bottlenecks, pools, a mean and a classifier.
    options: See `NetAugOptions`.

  Raises:
    SpecError: the spec cannot exist.
    TflmPatchError: a block cannot be wider.
  """

  def __init__(self, spec: Spec | str, options: NetAugOptions = NetAugOptions()) -> None:
    self.spec = architecture.load(spec) if isinstance(spec, str) else spec
    space = augmented_space(self.spec, options.widths, options.expansions)
    elastic = ElasticOptions(
      slots=(Slot.FIRST, Slot.RANDOM),
      weights=(1.0, options.weight),
      mean=False,
      soft=0.0,
      momentum=options.momentum,
      sliced=False,
      seed=options.seed,
    )
    super().__init__(space, elastic, name='net_aug')

  def result(self, samples: np.ndarray, dropout: float = 0.0) -> Any:
    """The network alone, as `models.build` makes it, with recalibrated batch normalization.

    Args:
      samples: Inputs as in training; some hundreds will do.
      dropout: Before the classifier, for further training.
    """
    return self.extract(self.space.uniform(0), samples, dropout, self.spec)


class EndAugmentation(keras.callbacks.Callback):
  """Trains the network of a `NetAug` alone from an epoch on, counted from 0."""

  def __init__(self, epoch: int) -> None:
    super().__init__()
    self.epoch = epoch

  def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
    self.model.use_slots((Slot.FIRST, Slot.RANDOM) if epoch < self.epoch else (Slot.FIRST,))
