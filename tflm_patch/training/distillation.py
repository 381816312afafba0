# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`distill`: a student learns from a teacher, through Keras' Distiller."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import ops

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.training.soft_labels import soft_label_loss


@dataclasses.dataclass(frozen=True)
class DistillationOptions:
  """What the student learns from.

  Attributes:
    weight: Of what the teacher says; the labels' loss has the rest of 1.
    temperature: Of soft labels.
    features: Pairs of names of layers, the teacher's and the student's, whose maps should be
      alike. Where the channels differ, a pointwise layer that is not part of the student
      adapts them. They cost a second forward pass of the student.
    feature_weight: Of each pair's mean squared error, beside the soft labels' 1.
  """

  weight: float = 0.5
  temperature: float = 4.0
  features: tuple[tuple[str, str], ...] = ()
  feature_weight: float = 1.0

  def __post_init__(self) -> None:
    if not 0 <= self.weight <= 1:
      raise TflmPatchError(f'a weight of {self.weight:g} is not from 0 to 1')
    if self.temperature <= 0 or self.feature_weight < 0:
      raise TflmPatchError('a temperature is above 0, the weight of features 0 or more')


def distill(
  student: Any, teacher: Any, options: DistillationOptions = DistillationOptions()
) -> Any:
  """A model to compile and fit, whose training is the student's.

  The loss is (1 - weight) * labels + weight * (T^2 KL of soft labels + features), Hinton et
  al., arXiv 1503.02531. Both models may end with scores or, both, with a softmax. Afterwards
  the student itself is trained; the teacher stays as it is.

  Args:
    student, teacher: Functional or Sequential Keras models of the same inputs and outputs.
    options: See `DistillationOptions`.

  Returns:
    A `keras.distillation.Distiller`; its logs have `student_loss` and `distillation_loss`.

  Raises:
    EnvironmentMissing: Keras is older than 3.12.
    TflmPatchError: the models do not fit to each other; says how.
  """
  if not hasattr(keras, 'distillation'):
    raise EnvironmentMissing(
      f'Keras {keras.__version__} has no distillation; pip install "keras>=3.12"'
    )
  losses: list[Any] = [_soft_labels(_is_probability(student, teacher), options.temperature)]
  adapters = []
  for theirs, ours in options.features:
    shapes = _shape(teacher, theirs, 'teacher'), _shape(student, ours, 'student')
    adapter = _adapter(*shapes, f'"{ours}" of the student and "{theirs}" of the teacher')
    losses.append(_features(theirs, ours, adapter))
    adapters += [adapter] if adapter is not None else []
  was = teacher.trainable
  try:
    made = keras.distillation.Distiller(
      teacher,
      student,
      losses,
      distillation_loss_weights=[1.0, *[options.feature_weight] * len(options.features)],
      student_loss_weight=1 - options.weight,
    )
  except ValueError as error:
    teacher.trainable = was
    raise TflmPatchError(' '.join(str(error).split())) from None
  made.adapters = adapters
  return made


def _is_probability(student: Any, teacher: Any) -> bool:
  """Whether both models end with a softmax.

  Raises:
    TflmPatchError: one of them does.
  """
  found = [_ends_in_softmax(each) for each in (student, teacher)]
  if found[0] != found[1]:
    raise TflmPatchError(
      'one of student and teacher ends with a softmax, and the other gives scores; leave it '
      'out of both, or have it in both'
    )
  return found[0]


def _ends_in_softmax(model: Any) -> bool:
  last = model.layers[-1]
  if isinstance(last, keras.layers.Softmax):
    return True
  return getattr(last, 'activation', None) is keras.activations.softmax


def _shape(model: Any, name: str, whose: str) -> tuple[int | None, ...]:
  try:
    return tuple(model.get_layer(name).output.shape)
  except ValueError:
    raise TflmPatchError(f'the {whose} has no layer "{name}"') from None


def _adapter(theirs: tuple[int | None, ...], ours: tuple[int | None, ...], what: str) -> Any:
  """A layer from the student's channels to the teacher's; None where they are as many."""
  if theirs[:-1] != ours[:-1]:
    raise TflmPatchError(
      f'{what} have maps of {ours[1:-1]} and {theirs[1:-1]}; features need maps of one size'
    )
  if theirs[-1] == ours[-1]:
    return None
  adapter = keras.layers.Dense(theirs[-1], use_bias=False)
  adapter.build(ours)
  return adapter


def _soft_labels(probability: bool, temperature: float) -> Any:
  class SoftLabels(keras.distillation.LogitsDistillation):
    """Of scores, or of probabilities."""

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
      wanted = ops.stop_gradient(teacher_outputs)
      return soft_label_loss(wanted, student_outputs, self.temperature, probability)

  return SoftLabels(temperature)


def _features(theirs: str, ours: str, adapter: Any) -> Any:
  class Features(keras.distillation.FeatureDistillation):
    """Of maps, the student's adapted."""

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
      found = student_outputs if adapter is None else adapter(student_outputs)
      return ops.mean(ops.square(found - ops.stop_gradient(teacher_outputs)))

  return Features(teacher_layer_name=theirs, student_layer_name=ours)
