# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether stages are faster than the operators that they replace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tflm_patch import cost
from tflm_patch.conversion.stage_operator import PlannedStage
from tflm_patch.cost import stock
from tflm_patch.graph.types import Subgraph
from tflm_patch.planner.lowering.operators.macs import operator_macs
from tflm_patch.planner.work import predict

# Predicted work must fall by this part.
_WORTH = 0.02
_MACS = {
  'CONV_2D': 'conv_macs',
  'TRANSPOSE_CONV': 'conv_macs',
  'DEPTHWISE_CONV_2D': 'depthwise_macs',
  'FULLY_CONNECTED': 'dense_macs',
}


def features_of(subgraph: Subgraph, operators: Iterable[int]) -> dict[str, int]:
  """What stock operators have to do, by `stock.FEATURES`."""
  found: Counter[str] = Counter(dict.fromkeys(stock.FEATURES, 0))
  for i in operators:
    operator = subgraph.operators[i]
    outputs = sum(subgraph.tensors[t].elements for t in operator.outputs)
    macs = _MACS.get(operator.opcode)
    if macs is None:
      found['outputs'] += outputs
    else:
      found[macs] += operator_macs(subgraph, operator)
      found['outputs_with_weights'] += outputs
  return dict(found)


def are_faster(subgraph: Subgraph, stages: Sequence[PlannedStage], cpu: str | None) -> bool:
  """Whether the predicted work of stages is below that of the operators in them.

  Args:
    subgraph: What the regions of the stages refer to.
    stages: All that count.
    cpu: A core; False where its stock kernels are not known.
  """
  if cpu is None or not stages:
    return False
  in_cycles = cost.load(cpu).cycles is not None
  features = features_of(subgraph, (i for stage in stages for i in stage.region))
  before = stock.predict(features, cpu, in_cycles)
  after = sum(predict(stage.plan, cpu).work for stage in stages)
  return before is not None and after <= (1 - _WORTH) * before
