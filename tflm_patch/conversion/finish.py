# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What stands outside of stages becomes what TFLM can run again."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.graph import edit
from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.graph.writer import compact, drop_offline_plan


def finish(model: Model) -> Model:
  """Makes stock operators stock again and drops what nothing uses."""
  main = dataclasses.replace(
    model.main, tensors=list(model.main.tensors), operators=list(model.main.operators)
  )
  _unfold_padding(main)
  model = dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]])
  return compact(drop_offline_plan(model))


def _unfold_padding(graph: Subgraph) -> None:
  """Gives operators outside stages their PAD back; only a stage can pad explicitly."""
  index = 0
  while index < len(graph.operators):
    consumer = graph.operators[index]
    if consumer.explicit_padding is None:
      index += 1
      continue
    top, bottom, left, right = consumer.explicit_padding
    source = graph.tensors[consumer.inputs[0]]
    n, rows, cols, channels = source.shape
    padded = edit.add_tensor(
      graph,
      Tensor(
        name=f'{source.name}/padded',
        shape=(n, rows + top + bottom, cols + left + right, channels),
        dtype=source.dtype,
        quantization=source.quantization,
      ),
    )
    pads = np.array([[0, 0], [top, bottom], [left, right], [0, 0]], '<i4')
    paddings = edit.add_tensor(
      graph,
      Tensor(
        name=f'{source.name}/paddings',
        shape=(4, 2),
        dtype=DType.INT32,
        data=pads.reshape(-1).view(np.uint8),
      ),
    )
    graph.operators[index] = dataclasses.replace(
      consumer, inputs=(padded, *consumer.inputs[1:]), explicit_padding=None
    )
    graph.operators.insert(
      index, Operator('PAD', inputs=(consumer.inputs[0], paddings), outputs=(padded,))
    )
    index += 2
