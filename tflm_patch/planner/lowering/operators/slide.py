# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A window over rows of several invocations, which `conversion/states.py` puts into the graph."""

from __future__ import annotations

import numpy as np

from tflm_patch.planner.ir.stage_graph import RowReads, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import base, cells
from tflm_patch.planner.lowering.operators.base import OpView
from tflm_patch.program import records as program

SLIDE = 'TFLM_PATCH_SLIDE'


@base.register(SLIDE, reads=cells.whole, made_by='conversion/states.py')
def lower(op: OpView, builder: StageBuilder) -> None:
  """The last rows of the invocation before, and new ones behind them"""
  source = builder.read(op.operator.inputs[0])
  window = builder.keep(op.operator.outputs[0])
  rows = builder.map(window).rows
  last = np.arange(rows) - (rows - builder.map(source).rows)
  builder.add(
    op,
    StageOp(
      kind=program.Kind.SLIDE,
      inputs=(source,),
      outputs=(window,),
      steps=rows,
      reads=(RowReads(np.maximum(last, 0), last),),
    ),
  )
