# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Distillation: the published loss, features with an adapter, what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.training import DistillationOptions


@pytest.fixture(autouse=True)
def distillation(keras):
  if not hasattr(keras, 'distillation'):
    pytest.skip('this version of Keras has no distillation')


def softmax(scores):
  powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
  return powers / powers.sum(axis=-1, keepdims=True)


def test_soft_labels_are_the_published_ones(keras):
  from tflm_patch.training.soft_labels import soft_label_loss

  wanted, found = np.random.default_rng(5).normal(0, 3, (2, 20, 4)).astype(np.float32)
  chances = softmax(wanted / 3), softmax(found / 3)
  soft = 9 * np.mean(np.sum(chances[0] * np.log(chances[0] / chances[1]), axis=-1))
  assert float(soft_label_loss(wanted, found, 3.0, False)) == pytest.approx(soft, rel=1e-4)
  # Probabilities say the same.
  both = softmax(wanted), softmax(found)
  assert float(soft_label_loss(*both, 3.0, True)) == pytest.approx(soft, rel=1e-2)


def test_labels_and_soft_labels_share_the_loss(small_model, quarters):
  from tflm_patch.training import distill
  from tflm_patch.training.soft_labels import soft_label_loss

  images, labels = quarters
  student, teacher = small_model(4), small_model(8)
  made = distill(student, teacher, DistillationOptions(weight=0.25, temperature=3.0))
  compile_(made)
  wanted, found = np.asarray(teacher(images)), np.asarray(student(images))
  hard = np.mean(-np.log(softmax(found)[np.arange(len(labels)), labels]))
  soft = float(soft_label_loss(wanted, found, 3.0, False))
  total = float(made.compute_loss(images, labels, student(images), training=False))
  assert total == pytest.approx(0.75 * hard + 0.25 * soft, rel=1e-4) and soft > 0


def compile_(model):
  import keras

  loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
  model.compile(keras.optimizers.Adam(0.02), loss, metrics=['accuracy'], jit_compile=False)


def test_a_student_learns_from_a_teacher_and_its_features(small_model, quarters, keras):
  from tflm_patch.training import distill

  images, labels = quarters
  student, teacher = small_model(4), small_model(8)
  kept = [np.array(weight) for weight in teacher.weights]
  options = DistillationOptions(features=(('stem_relu', 'stem_relu'),), feature_weight=0.5)
  made = distill(student, teacher, options)
  (adapter,) = made.adapters
  before = np.array(adapter.kernel)
  assert before.shape == (4, 8)
  compile_(made)
  history = made.fit(images, labels, epochs=3, batch_size=32, verbose=0).history
  assert history['distillation_loss'][-1] < history['distillation_loss'][0]
  assert (np.asarray(adapter.kernel) != before).all()
  for old, new in zip(kept, teacher.weights):
    np.testing.assert_array_equal(old, np.asarray(new))
  # The adapter is no part of the student.
  assert student.count_params() == small_model(4).count_params()


def test_models_that_do_not_fit(small_model, keras):
  from tflm_patch.training import distill

  student, teacher = small_model(4), small_model(8)
  with pytest.raises(TflmPatchError, match='no layer "nosuch"'):
    distill(student, teacher, DistillationOptions(features=(('nosuch', 'stem'),)))
  with pytest.raises(TflmPatchError, match='one size'):
    distill(student, teacher, DistillationOptions(features=(('image', 'stem'),)))
  certain = keras.Model(student.inputs, keras.layers.Softmax()(student.output))
  with pytest.raises(TflmPatchError, match='softmax'):
    distill(certain, teacher)
  wide = keras.Model(student.inputs, keras.layers.Dense(5)(student.output))
  with pytest.raises(TflmPatchError, match='incompatible'):
    distill(wide, teacher)
  assert teacher.trainable
  with pytest.raises(TflmPatchError, match='from 0 to 1'):
    DistillationOptions(weight=2)
  with pytest.raises(TflmPatchError, match='temperature'):
    DistillationOptions(temperature=0)
