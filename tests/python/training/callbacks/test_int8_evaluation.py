# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Int8Evaluation: accuracy of the converted model in TFLM, while training."""

from __future__ import annotations

import numpy as np
import pytest
from support.keras_models import run_in_tflm

from tflm_patch.api import convert_model
from tflm_patch.errors import EnvironmentMissing, TflmPatchError


@pytest.fixture
def tflm():
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')


def test_accuracy_is_that_of_the_converted_model(keras, small_model, quarters, tflm, tmp_path):
  from tflm_patch.training import Int8Evaluation

  images, labels = quarters
  model = small_model()
  evaluation = Int8Evaluation((images[64:], labels[64:]), images[:64], every=2)
  path = tmp_path / 'best.keras'
  keep = keras.callbacks.ModelCheckpoint(
    str(path), monitor='val_int8_accuracy', mode='max', save_best_only=True
  )
  history = model.fit(
    images[:64], labels[:64], batch_size=16, epochs=4, verbose=0, callbacks=[evaluation, keep]
  ).history
  assert path.is_file()
  accuracies = history['val_int8_accuracy']
  assert len(accuracies) == 3 and accuracies[0] == accuracies[1]  # of epochs 2, 3 and 4
  converted = convert_model(evaluation.result.data)
  assert evaluation.data == converted.data
  assert history['arena_bytes'][-1] == converted.converted_arena.total
  (outputs,) = run_in_tflm(evaluation.result.model, evaluation.result.data, [images[64:]])
  assert accuracies[-1] == np.mean(outputs.argmax(1) == labels[64:])


def test_exact_forward_pass_stands_in(small_model, quarters, tflm, monkeypatch, capsys):
  from tflm_patch.training import Int8Evaluation, int8_inference

  model = small_model()
  outputs = []

  def keep(found, labels):
    outputs.append(found)
    return 0.0

  in_tflm = Int8Evaluation(quarters, quarters[0], metric=keep)
  in_tflm.evaluate(model)

  def absent():
    raise EnvironmentMissing('not installed')

  monkeypatch.setattr(int8_inference, 'require_wheel', absent)
  exact = Int8Evaluation(quarters, quarters[0], metric=keep)
  exact.evaluate(model)
  exact.evaluate(model)
  assert capsys.readouterr().out.count('tflite-micro is not installed') == 1
  assert np.array_equal(outputs[0][0], outputs[1][0])
  assert np.ptp(outputs[0][0]) > 0


def test_another_quantizer(small_model, quarters):
  from tflm_patch import QuantizeOptions, quantize
  from tflm_patch.training import Int8Evaluation

  options = QuantizeOptions(output_type='float32')
  quantizer = lambda model: quantize(model, quarters[0][:8], options)  # noqa: E731
  with pytest.raises(TflmPatchError, match='needs samples'):
    Int8Evaluation(quarters).evaluate(small_model())
  evaluation = Int8Evaluation(quarters, quantizer=quantizer, engine='exact')
  with pytest.raises(TflmPatchError, match='no exact forward pass'):
    evaluation.evaluate(small_model())
  assert evaluation.result.samples == 8


def test_accuracy_of_labels_of_all_forms():
  from tflm_patch.training.callbacks.int8_evaluation import accuracy

  scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
  for labels in ([1, 0, 0, 0], [[1], [0], [0], [0]], np.eye(2)[[1, 0, 0, 0]]):
    assert accuracy([scores], labels) == 0.75
  assert accuracy([scores[:, 1:]], [1, 0, 0, 0]) == 0.75
  with pytest.raises(TflmPatchError, match='4 inputs and 2 labels'):
    accuracy([scores], [1, 0])


@pytest.mark.parametrize(
  ('arguments', 'message'), [({'every': 0}, 'use 1 or more'), ({'engine': 'fast'}, 'use auto')]
)
def test_bad_arguments(keras, quarters, arguments, message):
  from tflm_patch.training import Int8Evaluation

  with pytest.raises(TflmPatchError, match=message):
    Int8Evaluation(quarters, **{'samples': quarters[0], **arguments})


def test_learned_ranges_are_used(keras, small_model, quarters):
  """Of quantization-aware training; figures are those of the model that it wraps."""
  from tflm_patch.training import ArenaBudget, Int8Evaluation, QuantizationAware, footprint

  images, labels = quarters
  model = small_model()
  aware = QuantizationAware(model, images[:32])
  loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
  aware.model.compile('adam', loss, jit_compile=False)
  evaluation = Int8Evaluation(quarters)
  history = aware.model.fit(
    *quarters, epochs=1, verbose=0, callbacks=[aware, ArenaBudget(), evaluation]
  ).history
  assert evaluation.result.data == aware.quantize().data
  found = keras.ops.convert_to_numpy(aware.model(images)).argmax(axis=1)
  assert history['val_int8_accuracy'] == [np.mean(found == labels)]
  assert history['flash_bytes'] == [footprint(model).flash]
