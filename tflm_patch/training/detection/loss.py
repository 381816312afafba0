# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The loss of a detector that looks at one map, a box a cell.

The cell in which the centre of a box lies has to tell it, as in YOLO (arXiv 1506.02640): whether
there is one (focal cross-entropy, arXiv 1708.02002), where (generalized IoU, arXiv 1902.09630) and
what. Targets are boxes, not maps, so that images of all sizes have the same.
"""

from __future__ import annotations

from typing import Any

from tflm_patch.training.detection.boxes import FIELDS

_BOX_WEIGHT = 2.0
_FOCUS = 2.0
_TINY = 1e-7


def detection_loss(targets: Any, outputs: Any) -> Any:
  """float32[n].

  Args:
    targets: float32[n, most, 5], as `boxes.padded` has them.
    outputs: float32[n, rows, columns, 5 + classes]: x and y within the cell, width and height as
      parts of the image, all before the logistic function; logits of a box, and of the classes.
  """
  from keras import ops

  # In a supernet's graph the size of the map is known only when it runs.
  height, width = ops.shape(outputs)[1:3]
  cells, numbers = height * width, outputs.shape[3]
  flat = ops.reshape(outputs, (-1, cells, numbers))
  rows, cols = ops.cast(height, flat.dtype), ops.cast(width, flat.dtype)
  targets = ops.cast(targets, flat.dtype)
  column = ops.clip(ops.floor(targets[..., 1] * cols), 0, cols - 1)
  row = ops.clip(ops.floor(targets[..., 2] * rows), 0, rows - 1)
  cell = ops.cast(row * cols + column, 'int32')
  there = _first_of_cell(ops, cell, ops.cast(targets[..., 0] >= 0, flat.dtype))
  chosen = ops.one_hot(cell, cells, dtype=flat.dtype) * there[..., None]
  told = ops.einsum('bmn,bnk->bmk', chosen, flat)
  where = ops.sigmoid(told[..., :4])
  x, y = (column + where[..., 0]) / cols, (row + where[..., 1]) / rows
  overlap = _generalized_iou(
    ops, (x, y, where[..., 2], where[..., 3]), [targets[..., k] for k in range(1, FIELDS)]
  )
  classes = ops.one_hot(
    ops.cast(ops.maximum(targets[..., 0], 0), 'int32'), numbers - FIELDS, dtype=flat.dtype
  )
  wrong = -ops.sum(classes * ops.log_softmax(told[..., FIELDS:]), axis=-1)
  of_boxes = ops.sum(there * (_BOX_WEIGHT * (1 - overlap) + wrong), axis=-1)
  objects = ops.sum(_focal(ops, ops.sum(chosen, axis=1), flat[..., 4]), axis=-1)
  return (of_boxes + objects) / ops.maximum(ops.sum(there, axis=-1), 1.0)


def _first_of_cell(ops: Any, cell: Any, there: Any) -> Any:
  """1 for boxes that are the first of their cell: it tells one."""
  same = ops.cast(ops.equal(cell[:, :, None], cell[:, None, :]), there.dtype) * there[:, None, :]
  earlier = ops.sum(ops.tril(same, -1), axis=-1)
  return there * ops.cast(earlier < 0.5, there.dtype)


def _generalized_iou(ops: Any, ours: Any, theirs: Any) -> Any:
  """-1 to 1, from x and y of centres, widths and heights."""

  def sides(box: Any) -> tuple[Any, Any, Any, Any]:
    x, y, width, height = box
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2

  left, top, right, bottom = sides(ours)
  left_2, top_2, right_2, bottom_2 = sides(theirs)
  common = ops.maximum(ops.minimum(right, right_2) - ops.maximum(left, left_2), 0.0) * ops.maximum(
    ops.minimum(bottom, bottom_2) - ops.maximum(top, top_2), 0.0
  )
  union = ours[2] * ours[3] + theirs[2] * theirs[3] - common
  around = (ops.maximum(right, right_2) - ops.minimum(left, left_2)) * (
    ops.maximum(bottom, bottom_2) - ops.minimum(top, top_2)
  )
  return common / (union + _TINY) - (around - union) / (around + _TINY)


def _focal(ops: Any, wanted: Any, logits: Any) -> Any:
  crossed = ops.relu(logits) - logits * wanted + ops.softplus(-ops.abs(logits))
  return ops.power(ops.abs(wanted - ops.sigmoid(logits)), _FOCUS) * crossed
