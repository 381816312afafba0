# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Images with boxes: both forms are read, what is wrong is one line that names the file."""

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.augmentation import Augmentation
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.data.read import read_data
from tflm_patch.training.detection import annotations
from tflm_patch.training.detection.augment import augment_scenes, check
from tflm_patch.training.detection.boxes import corners, is_there, padded

VOC = """<annotation><size><width>40</width><height>20</height></size>
<object><name>dog</name><bndbox><xmin>10</xmin><ymin>5</ymin><xmax>30</xmax><ymax>15</ymax></bndbox>
</object></annotation>"""
SHAPE = (16, 16, 3)


def image(path, size=(40, 20), color=(200, 10, 10)):
  image_module = pytest.importorskip('PIL.Image')
  path.parent.mkdir(parents=True, exist_ok=True)
  image_module.new('RGB', size, color).save(path)


def voc_folder(folder, count=5):
  for number in range(count):
    image(folder / 'JPEGImages' / f'{number}.png')
    (folder / 'Annotations').mkdir(exist_ok=True)
    (folder / 'Annotations' / f'{number}.xml').write_text(VOC)
  return folder


def yolo_folder(folder):
  for part, count in (('train', 3), ('val', 2)):
    for number in range(count):
      image(folder / 'images' / part / f'{number}.png')
      labels = folder / 'labels' / part
      labels.mkdir(parents=True, exist_ok=True)
      if number:
        (labels / f'{number}.txt').write_text('1 0.5 0.5 0.5 0.5\n0 0.25 0.25 0.1 0.2\n')
  (folder / 'classes.txt').write_text('cat\ndog\n')
  return folder


def test_pascal_voc(tmp_path):
  dataset = read_data(voc_folder(tmp_path), SHAPE)
  assert dataset.task is Task.DETECTION and dataset.classes == ('dog',) and dataset.outputs == 1
  assert len(dataset.train) == 4 and len(dataset.test) == 1
  np.testing.assert_allclose(dataset.train.targets[0], [[0, 0.5, 0.5, 0.5, 0.5]])
  assert dataset.train.inputs.shape == (4, *SHAPE) and dataset.train.inputs[0, 0, 0, 0] == 200


def test_yolo(tmp_path):
  cache = tmp_path / 'cache.npz'
  dataset = read_data(yolo_folder(tmp_path / 'data'), SHAPE, cache=cache)
  assert dataset.classes == ('cat', 'dog')
  assert len(dataset.train) == 3 and len(dataset.test) == 2
  there = is_there(dataset.train.targets)
  assert there.sum(axis=1).tolist() == [0, 2, 2]
  np.testing.assert_allclose(dataset.train.targets[1, 1], [0, 0.25, 0.25, 0.1, 0.2])
  again = read_data(tmp_path / 'data', SHAPE, cache=cache)
  np.testing.assert_array_equal(again.test.targets, dataset.test.targets)


def test_without_names_numbers_are_names(tmp_path):
  folder = yolo_folder(tmp_path)
  (folder / 'classes.txt').unlink()
  assert read_data(folder, SHAPE).classes == ('0', '1')


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('<!DOCTYPE a><annotation/>', 'document type or entities'),
    ('<annotation>', 'no element found'),
    (VOC.replace('<width>40</width>', ''), 'no size/width'),
    (VOC.replace('<width>40</width>', '<width>0</width>'), 'division by zero'),
    (VOC.replace('<xmin>10', '<xmin>ten'), 'ten'),
    (VOC.replace('<xmin>10', '<xmin>30'), 'a box of class "dog" has no size'),
    (VOC.replace('<xmax>30', '<xmax>nan'), 'has no size'),
    (VOC.replace('<xmax>30', '<xmax>99'), 'lies outside of its image'),
    (VOC.replace('dog', ' '), 'a box has no class'),
  ],
)
def test_bad_xml(tmp_path, text, message):
  folder = voc_folder(tmp_path)
  (folder / 'Annotations' / '3.xml').write_text(text)
  with pytest.raises(TflmPatchError, match=message) as caught:
    read_data(folder, SHAPE)
  assert 'Annotations/3.xml: no annotation' in str(caught.value)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('1 0.5 0.5 0.5', 'is no class and four numbers'),
    ('-1 0.5 0.5 0.5 0.5', 'is no class and four numbers'),
    ('1 0.5 0.5 0.5 x', 'could not convert'),
    ('1 0.5 1.5 0.5 0.5', 'lies outside of its image'),
    ('1 0.5 0.5 0.5 inf', 'has no size'),
    ('0 0.5 0.5 0.1 0.1\n' * 501, '501 boxes; at most 500'),
    ('7 0.5 0.5 0.5 0.5', 'a box of class 7, but classes.txt has 2 names'),
    ('é', 'ascii'),
  ],
)
def test_bad_lines(tmp_path, text, message):
  folder = yolo_folder(tmp_path)
  (folder / 'labels' / 'train' / '1.txt').write_text(text, encoding='utf-8')
  with pytest.raises(TflmPatchError, match=message):
    read_data(folder, SHAPE)


def test_no_boxes(tmp_path):
  folder = voc_folder(tmp_path)
  for number in range(5):
    path = folder / 'Annotations' / f'{number}.xml'
    path.write_text('<annotation><size><width>4</width><height>2</height></size></annotation>')
  with pytest.raises(TflmPatchError, match='no image has a box'):
    read_data(folder, SHAPE)
  image(tmp_path / 'few' / 'images' / '1.png')
  (tmp_path / 'few' / 'labels').mkdir()
  (tmp_path / 'few' / 'labels' / '1.txt').write_text('')
  with pytest.raises(TflmPatchError, match='1 image in a folder images/ beside labels/'):
    read_data(tmp_path / 'few', SHAPE)


def test_large_annotations_are_refused(tmp_path, monkeypatch):
  folder = voc_folder(tmp_path)
  (folder / 'Annotations' / '2.xml').write_bytes(b' ' * (annotations.MAX_BYTES + 1))
  with pytest.raises(TflmPatchError, match=r'2.xml: larger than 1 MB'):
    read_data(folder, SHAPE)


def test_boxes_move_with_their_images():
  """Each image has one bright rectangle: after any variation it lies where the box says."""
  rng = np.random.default_rng(1)
  images, boxes = np.full((64, 32, 24, 1), 128, np.uint8), []
  for each in images:
    top, left = rng.integers(8, 20), rng.integers(6, 14)
    each[top : top + 6, left : left + 4] = 250
    boxes.append([(0, (left + 2) / 24, (top + 3) / 32, 4 / 24, 6 / 32)])
  options = Augmentation(flip=True, shift=0.25, brightness=0.1, contrast=0.1)
  varied, targets = augment_scenes(images, padded(boxes), options, rng)
  assert varied.dtype == np.float32 and varied.shape == images.shape
  moved = 0
  for found, (target,), before in zip(varied, targets, boxes):
    rows, cols = np.nonzero(found[..., 0] > found.min() + 60)
    scale = [24, 32, 24, 32]
    assert is_there(target)
    np.testing.assert_allclose(
      corners(target[1:]) * scale,
      [cols.min(), rows.min(), cols.max() + 1, rows.max() + 1],
      atol=1e-4,
    )
    moved += not np.allclose(target, before[0])
  assert moved > 55


def test_what_leaves_the_image_is_no_box():
  image = np.zeros((1, 10, 10, 1), np.uint8)
  target = padded([[(0, 0.9, 0.5, 0.2, 0.2), (0, 0.5, 0.5, 0.2, 0.2)]])
  gone, cut = 0, 0
  for seed in range(40):
    rng = np.random.default_rng(seed)
    _, ((first, second),) = augment_scenes(image, target, Augmentation(flip=False, shift=0.2), rng)
    assert is_there(second) and corners(first[1:]).max() <= 1 + 1e-6
    gone += not is_there(first)
    cut += is_there(first) and first[3] < 0.19
  assert gone and cut


def test_what_boxes_cannot_follow():
  for name in ('rotation', 'zoom', 'mixup'):
    with pytest.raises(TflmPatchError, match=f'{name} is not known for images with boxes'):
      check(Augmentation(**{name: 0.1}))
