# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Detectors: what is decoded, measured and learned; one is trained, searched and run in TFLM."""

import dataclasses

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.errors import TflmPatchError
from tflm_patch.training import Dataset, Part, TrainOptions, train
from tflm_patch.training.data.augmentation import Augmentation
from tflm_patch.training.detection.average_precision import mean_average_precision
from tflm_patch.training.detection.boxes import padded
from tflm_patch.training.detection.decode import decoded, iou

SPEC = 'in16x16x1 conv3_s2_c8 ir_k3_e2_c8 conv3_s2_c16 yolo2_a1_s1'


def logit(p):
  return np.log(p / (1 - p))


def scene_map(boxes, classes=2, rows=4, cols=4):
  """The map of a detector that is sure of some boxes."""
  found = np.full((1, rows, cols, 5 + classes), -8.0)
  for number, x, y, width, height in boxes:
    row, col = int(y * rows), int(x * cols)
    values = [x * cols - col, y * rows - row, width, height]
    found[0, row, col, :4] = [logit(value) for value in values]
    found[0, row, col, 4] = 8
    found[0, row, col, 5 + number] = 8
  return found


def squares(count, seed):
  """Bright squares of class 0 and dark ones of class 1."""
  rng = np.random.default_rng(seed)
  images, boxes = rng.integers(110, 146, (count, 16, 16, 1), np.uint8), []
  for each in images:
    kind, top, left, side = rng.integers(2), *rng.integers(0, 9, 2), rng.integers(4, 7)
    each[top : top + side, left : left + side] = 10 if kind else 245
    boxes.append([(int(kind), (left + side / 2) / 16, (top + side / 2) / 16, side / 16, side / 16)])
  return Part(images, padded(boxes))


@pytest.fixture(scope='module')
def scenes():
  return Dataset(squares(200, 1), squares(40, 2), ('bright', 'dark'))


def test_what_a_map_says():
  boxes = [(0, 0.3, 0.4, 0.2, 0.3), (1, 0.8, 0.9, 0.35, 0.15)]
  (found,) = decoded(scene_map(boxes))
  assert len(found) == 2 and np.all(found[:, 1] > 0.99)
  by_class = found[np.argsort(found[:, 0])]
  np.testing.assert_allclose(by_class[:, [0, 2, 3, 4, 5]], boxes, atol=1e-9)


def test_the_stronger_of_two_that_overlap_is_kept():
  outputs = scene_map([(0, 0.49, 0.3, 0.4, 0.4), (0, 0.51, 0.3, 0.4, 0.4)])
  outputs[0, 1, 2, 4] = 2
  (found,) = decoded(outputs)
  assert len(found) == 1 and found[0, 2] == pytest.approx(0.49)
  other = scene_map([(0, 0.49, 0.3, 0.4, 0.4), (1, 0.51, 0.3, 0.4, 0.4)])
  assert len(decoded(other)[0]) == 2


def test_overlaps():
  box = np.array([[0.5, 0.5, 0.4, 0.4]])
  others = np.array([[0.5, 0.5, 0.4, 0.4], [0.7, 0.5, 0.4, 0.4], [0.1, 0.1, 0.1, 0.1]])
  np.testing.assert_allclose(iou(box, others), [[1, 1 / 3, 0]])


def test_average_precision_of_known_answers():
  pytest.importorskip('pycocotools')
  boxes = [[(0, 0.3, 0.3, 0.2, 0.2)], [(0, 0.6, 0.6, 0.2, 0.2)], []]
  targets = padded(boxes)
  right = [decoded(scene_map(each))[0] for each in boxes]
  assert mean_average_precision(right, targets, 2) == pytest.approx(100)
  # One of two is found: precision 1 up to recall 0.5, which 51 of COCO's 101 recalls do not exceed.
  half = [right[0], right[2], right[2]]
  assert mean_average_precision(half, targets, 2) == pytest.approx(100 * 51 / 101)
  # A false box that is surer than both.
  false = np.array([[0, 1.0, 0.1, 0.9, 0.1, 0.1]])
  assert mean_average_precision([*right[:2], false], targets, 2) == pytest.approx(200 / 3)
  assert mean_average_precision([right[2]] * 3, targets, 2) == 0
  far = [np.add(each, [0, 0, 0.15, 0, 0, 0]) if len(each) else each for each in right]
  assert mean_average_precision(far, targets, 2) == 0


def test_the_loss_is_least_for_the_truth(keras):
  from tflm_patch.training.detection.loss import detection_loss

  boxes = [[(0, 0.3, 0.4, 0.2, 0.3), (1, 0.8, 0.9, 0.35, 0.15)]]
  targets, truth = padded(boxes), scene_map(boxes[0]).astype(np.float32)

  def loss(outputs, wanted=targets):
    return float(np.asarray(detection_loss(wanted, outputs.astype(np.float32)))[0])

  least = loss(truth)
  assert 0 <= least < 0.01
  for at in ((1, 1, 0), (1, 1, 2), (1, 1, 4), (1, 1, 5), (3, 3, 3), (0, 0, 4)):
    worse = truth.copy()
    worse[(0, *at)] += 12 if worse[(0, *at)] < 3 else -16
    assert loss(worse) > least + 0.01, at
  # Rows without boxes say nothing; a second box in a cell says nothing either.
  more = padded([[*boxes[0], (1, 0.31, 0.41, 0.3, 0.3)]])
  assert loss(truth, more) == pytest.approx(least, abs=1e-6)
  empty = padded([[]])
  assert loss(np.full((1, 4, 4, 7), -8.0), empty) == pytest.approx(0, abs=1e-5)
  # Another size of the map has the same targets.
  assert loss(scene_map(boxes[0], rows=8, cols=6), targets) < 0.01


def test_heads_that_do_not_fit(scenes, dataset_of_classes):
  with pytest.raises(TflmPatchError, match='boxes need the head yolo10_a1_s1'):
    train(scenes, 'in16x16x1 conv3_s2_c8 fc2')
  with pytest.raises(TflmPatchError, match='boxes need the head yolo10_a1_s1'):
    train(scenes, 'in16x16x1 conv3_s2_c8 yolo2_a3_s1')
  with pytest.raises(TflmPatchError, match='the head yolo needs images with boxes'):
    train(dataset_of_classes, 'in16x16x1 conv3_s2_c8 yolo2_a1_s1')


@pytest.fixture
def dataset_of_classes(scenes):
  def part(found):
    return Part(found.inputs, found.targets[:, 0, 0].astype(np.int64))

  return dataclasses.replace(scenes, train=part(scenes.train), test=part(scenes.test))


def test_a_detector_is_trained_and_run_in_tflm(keras, scenes, tmp_path):
  pytest.importorskip('pycocotools')
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  from tflm_patch.report.training import summary, write_report

  options = TrainOptions(
    epochs=25,
    batch_size=20,
    optimizer='adamw',
    learning_rate=0.01,
    average=0.9,
    augmentation=Augmentation(flip=True, shift=0.1),
  )
  result = train(scenes, SPEC, options, output=tmp_path)
  assert result.int8.score > 60 and abs(result.int8.score - result.float_score) < 20
  assert result.verified and result.int8.confusion == ()
  assert 'mAP@0.5' in summary(result, write_report(result, tmp_path, 'train'))
  assert result.to_json()['task'] == 'detection'


def test_a_search_of_detectors(keras, scenes, tmp_path):
  pytest.importorskip('pycocotools')
  space = nas.space_from_json(
    {
      'name': 'detectors',
      'inputs': [[8, 8, 1], [16, 16, 1]],
      'stem': ['conv3_s2_c8'],
      'stages': [{'block': 'ir_s2_c16', 'depths': [1, 2], 'expansions': [2, 4]}],
      'head': 'yolo2_a1_s1',
    }
  )
  training = TrainOptions(optimizer='adamw', learning_rate=0.01)
  options = nas.SearchOptions(
    'random', effort=nas.Effort(epochs=3, training=training), trials=3, top=0
  )
  result = nas.search(scenes, space, nas.Objectives.of(arena=8_000), options)
  assert len(result.trials) == 3 and all(0 <= trial.score <= 100 for trial in result.trials)
  assert result.best.score > 0
  zico = dataclasses.replace(options, fitness='zico', trials=2)
  assert all(np.isfinite(t.score) for t in nas.search(scenes, space, options=zico).trials)
