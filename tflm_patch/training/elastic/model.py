# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A Keras model whose every step trains several sub-networks of a space."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tflm_patch.architecture.spec import Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.models.builder import BuildOptions
from tflm_patch.training.elastic import weights
from tflm_patch.training.elastic.network import ElasticNetwork
from tflm_patch.training.elastic.space import Space, SubNetwork
from tflm_patch.training.soft_labels import soft_label_loss


class Slot(enum.Enum):
  """Which sub-network of a space trains."""

  FIRST = 'first'  # the first option of every group that is open
  LAST = 'last'  # the last one
  RANDOM = 'random'


@dataclasses.dataclass(frozen=True)
class ElasticOptions:
  """How a space is trained.

  Attributes:
    slots: The sub-networks of every step; the first gives what metrics see.
    weights: Of their losses; None for 1 each. The sum is divided by the number of slots
      where `mean` says so.
    mean: See `weights`.
    soft: Weight of the loss of the later slots against the first one's outputs, 0 for none.
    temperature: Of that loss.
    momentum: Of batch normalization.
    sliced: Compute the used parts alone, on TensorFlow; None where it runs.
    seed: Of what is drawn.
  """

  slots: tuple[Slot, ...] = (Slot.FIRST, Slot.LAST, Slot.RANDOM, Slot.RANDOM)
  weights: tuple[float, ...] | None = None
  mean: bool = True
  soft: float = 1.0
  temperature: float = 1.0
  momentum: float = 0.9
  sliced: bool | None = None
  seed: int = 0

  def __post_init__(self) -> None:
    if not self.slots or (self.weights and len(self.weights) != len(self.slots)):
      raise TflmPatchError('give at least one slot, and as many weights as slots')


class ElasticModel(keras.Model):
  """Trains the sub-networks of a space, which share the weights of the largest.

  Compile and fit it as any Keras model, with `jit_compile=False` on a CPU. A step runs every
  slot of the options on the same batch and adds their losses. Predictions and evaluation are
  those of the sub-network of `judge`, at first the first one.

  Args:
    space: The sub-networks.
    options: See `ElasticOptions`.
    name: Of the model.

  Attributes:
    network: [images, table of numbers] -> outputs.
    slots: The sub-networks of every step.
  """

  def __init__(
    self, space: Space, options: ElasticOptions = ElasticOptions(), name: str = 'supernet'
  ) -> None:
    super().__init__(name=name)
    self.space, self.options = space, options
    self.slots = options.slots
    sliced = keras.backend.backend() == 'tensorflow' if options.sliced is None else options.sliced
    self.network = ElasticNetwork(
      space.largest,
      optional=space.optional,
      momentum=options.momentum,
      sliced=sliced,
      name='elastic',
    )
    self._base = ops.convert_to_tensor(space.table(space.uniform(0)))
    self._draws = _draws(space)
    self._random = keras.random.SeedGenerator(options.seed)
    self._open = self._number(space.counts, 'open_options')
    self._judged = self._number(space.table(space.uniform(0)), 'judged')
    self.built = True

  def _number(self, values: np.ndarray, name: str) -> Any:
    return self.add_weight(
      shape=values.shape,
      initializer=lambda shape, dtype=None: ops.cast(values, dtype),
      trainable=False,
      name=name,
    )

  # ---- what is trained ----

  def open(self, counts: Sequence[int]) -> None:
    """Lets each group draw from so many of its first options."""
    self._open.assign(np.minimum(np.maximum(counts, 1), self.space.counts))

  def use_slots(self, slots: Sequence[Slot]) -> None:
    """Trains these sub-networks from the next step on; at most as many as the weights there are."""
    if tuple(slots) != self.slots:
      self.slots = tuple(slots)
      if getattr(self, 'train_function', None) is not None:
        self.make_train_function(force=True)

  def judge(self, sub: SubNetwork) -> None:
    """Predicts and evaluates with this sub-network, with the statistics that were trained."""
    self._judged.assign(self.space.table(sub))

  def call(self, x: Any, training: bool = False) -> Any:
    table = self._table(self.slots[0]) if training else ops.convert_to_tensor(self._judged)
    return self._outputs(x, table, training)

  def compute_loss(
    self,
    x: Any = None,
    y: Any = None,
    y_pred: Any = None,
    sample_weight: Any = None,
    training: bool = True,
  ) -> Any:
    """The first slot's loss; while training the others' too, hard and soft."""

    def hard(outputs: Any) -> Any:
      return super(ElasticModel, self).compute_loss(x, y, outputs, sample_weight, training)

    loss = hard(y_pred)
    if not training:
      return loss
    options = self.options
    factors = options.weights or (1.0,) * len(self.slots)
    loss = factors[0] * loss
    wanted = ops.stop_gradient(y_pred)
    for slot, factor in zip(self.slots[1:], factors[1:]):
      outputs = self._outputs(x, self._table(slot), training=True)
      one = hard(outputs)
      if options.soft:
        soft = soft_label_loss(
          wanted, outputs, options.temperature, self.space.largest.head.softmax
        )
        one = one + options.soft * soft
      loss = loss + factor * one
    return loss / len(self.slots) if options.mean else loss

  def _outputs(self, x: Any, table: Any, training: bool) -> Any:
    # JAX without jit hands over NumPy's arrays, which Keras does not take beside tensors.
    return self.network([ops.convert_to_tensor(x), table], training=training)

  def _table(self, slot: Slot) -> Any:
    """The numbers of a sub-network of this kind; see `Space.table`."""
    if not self._draws:
      return self._base
    count = ops.cast(ops.convert_to_tensor(self._open), 'float32')
    if slot is Slot.FIRST:
      picks = ops.zeros_like(count)
    elif slot is Slot.LAST:
      picks = count - 1
    else:
      drawn = keras.random.uniform(self._open.shape, seed=self._random)
      picks = ops.minimum(ops.floor(drawn * count), count - 1)
    groups, options, where = self._draws
    chosen = ops.take(picks, groups)  # of each cell that varies
    hot = ops.one_hot(ops.cast(chosen, 'int32'), options.shape[1])
    values = ops.sum(hot * options, axis=-1)
    place = ops.reshape(ops.matmul(values, where), self._base.shape)
    fixed = ops.reshape(1 - ops.sum(where, axis=0), self._base.shape)
    return self._base * fixed + place

  # ---- what it gives ----

  def extract(
    self, sub: SubNetwork, samples: np.ndarray, dropout: float = 0.0, spec: Spec | None = None
  ) -> Any:
    """A plain Keras model of a sub-network, with recalibrated batch normalization.

    It is what `models.build` makes of the sub-network's spec.

    Args:
      sub: Which one.
      samples: Inputs as in training; some hundreds will do.
      dropout: Before the classifier, for further training.
      spec: What the sub-network is called; None for the space's name of it.
    """
    options = BuildOptions(momentum=self.options.momentum, dropout=dropout)
    model = weights.extract(
      self.network, spec or self.space.spec_of(sub), self.space.origin(sub), options
    )
    weights.recalibrate(model, samples)
    return model


def _draws(space: Space) -> tuple[Any, Any, Any] | None:
  """For each cell of the table that varies: its group, its options, and where it stands.

  int32[cells], float32[cells, most options], float32[cells, cells of the table]. A cell
  depends on one group alone.
  """
  base = space.table(space.uniform(0)).ravel()
  groups, rows, places = [], [], []
  most = max((group.count for group in space.groups), default=0)
  for number, group in enumerate(space.groups):
    tables = []
    for option in range(most):
      picks = [0] * len(space.groups)
      picks[number] = min(option, group.count - 1)
      tables.append(space.table(SubNetwork(tuple(picks))).ravel())
    for place in np.flatnonzero((np.array(tables) != base).any(axis=0)):
      groups.append(number)
      rows.append([table[place] for table in tables])
      places.append(place)
  if not groups:
    return None
  where = np.zeros((len(places), base.size), np.float32)
  where[np.arange(len(places)), places] = 1
  return (
    ops.convert_to_tensor(np.array(groups, np.int32)),
    ops.convert_to_tensor(np.array(rows, np.float32)),
    ops.convert_to_tensor(where),
  )
