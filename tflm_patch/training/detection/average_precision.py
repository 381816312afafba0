# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Mean average precision at an overlap of one half, by COCO's own evaluation."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Sequence

import numpy as np

from tflm_patch.errors import EnvironmentMissing
from tflm_patch.training.detection.boxes import corners, is_there
from tflm_patch.training.detection.decode import MOST

OVERLAP = 0.5
_SIDE = 1000.0  # what relative boxes are scaled to


def require_pycocotools() -> None:
  """Checks that it is there.

  Raises:
    EnvironmentMissing: it is not installed.
  """
  if importlib.util.find_spec('pycocotools') is None:
    raise EnvironmentMissing(
      'pycocotools, which measures detectors, is not installed; pip install "tflm-patch[detection]"'
    )


def mean_average_precision(found: Sequence[np.ndarray], targets: np.ndarray, classes: int) -> float:
  """mAP@0.5 in per cent: the mean over the classes that the images have.

  Args:
    found: Boxes of each image, as `decode.decoded` gives them.
    targets: float32[n, most, 5], as `boxes.padded` has them.
    classes: How many.

  Raises:
    EnvironmentMissing: pycocotools is not installed.
  """
  require_pycocotools()
  from pycocotools.coco import COCO
  from pycocotools.cocoeval import COCOeval

  answers = [
    {'image_id': image, 'category_id': int(row[0]), 'score': float(row[1]), **_place(row[2:])}
    for image, rows in enumerate(found)
    for row in rows
  ]
  if not answers or not is_there(targets).any():
    return 0.0
  wanted = [
    {'image_id': image, 'category_id': int(row[0]), 'iscrowd': 0, **_place(row[1:])}
    for image, rows in enumerate(targets)
    for row in rows[is_there(rows)]
  ]
  truth = COCO()
  with contextlib.redirect_stdout(io.StringIO()):
    truth.dataset = {
      'info': {},
      'images': [{'id': number} for number in range(len(targets))],
      'categories': [{'id': number} for number in range(classes)],
      'annotations': [{**each, 'id': number} for number, each in enumerate(wanted, 1)],
    }
    truth.createIndex()
    judged = COCOeval(truth, truth.loadRes(answers), 'bbox')
    judged.params.iouThrs = np.array([OVERLAP])
    judged.params.areaRng, judged.params.areaRngLbl = [[0, 1e10]], ['all']
    judged.params.maxDets = [MOST]
    judged.evaluate()
    judged.accumulate()
  precision = judged.eval['precision']  # overlaps, recalls, classes, areas, numbers of boxes
  known = precision[precision > -1]
  return 100 * float(known.mean()) if known.size else 0.0


def _place(box: np.ndarray) -> dict[str, object]:
  left, top, right, bottom = (_SIDE * float(each) for each in corners(np.asarray(box, np.float64)))
  width, height = right - left, bottom - top
  return {'bbox': [left, top, width, height], 'area': width * height}
