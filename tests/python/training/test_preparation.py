# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A trained model made ready to learn on the chip."""

import types

import pytest
from support.bars import bars

from tflm_patch.architecture import load, to_graph
from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.training.data.dataset import Dataset, Task
from tflm_patch.training.options import Budgets, TrainOptions
from tflm_patch.training.preparation import check_adaptation, prepare_adaptation

SPEC = load('in8x8x1 conv3_s2_c8 ir_k3_e2_c8 fc2')


def trained(budgets, classes=('column', 'row')):
  """As `train` gives it, but for the training."""
  dataset = Dataset(bars(40, 1), bars(20, 2), classes)
  return types.SimpleNamespace(
    dataset=dataset,
    budgets=budgets,
    options=TrainOptions(seed=3),
    quantized=types.SimpleNamespace(model=to_graph(SPEC)),
  )


def test_a_scheme_and_a_rate_within_the_memory():
  said = []
  result = trained(Budgets(adapt_bytes=4096))
  found = prepare_adaptation(result, said.append)
  assert found.model is result.quantized.model
  memory = TrainingPlanner(found.model).memory(found.scheme)
  assert memory.total == found.memory.total <= 4096
  assert found.rate > 0 and found.learned.last.step == 5 * 40
  assert any('Looking for schemes' in line for line in said)


@pytest.mark.parametrize('subject', [SPEC, to_graph(SPEC)], ids=['spec', 'graph'])
def test_a_memory_too_small_is_told_before_the_training(subject):
  check_adaptation(subject, Budgets())
  check_adaptation(subject, Budgets(adapt_bytes=4096))
  with pytest.raises(TflmPatchError, match='100 bytes are too few to train: the least are'):
    check_adaptation(subject, Budgets(adapt_bytes=100))


def test_what_has_no_classes_is_refused():
  with pytest.raises(TflmPatchError, match='a chip adapts models of classes'):
    prepare_adaptation(trained(Budgets(adapt_bytes=4096), classes=()))
  with pytest.raises(TflmPatchError, match='this one is for detection'):
    check_adaptation(SPEC, Budgets(adapt_bytes=4096), Task.DETECTION)
  with pytest.raises(TflmPatchError, match='adapt_bytes'):
    prepare_adaptation(trained(Budgets()))
