# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Computes single operators on constants, with LiteRT's reference kernels.

For values that are moved and for whole numbers they agree with TFLM's, which
come from the same source; other arithmetic does not belong here.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.graph.types import Model, Operator, Subgraph
from tflm_patch.graph.writer import serialize_model


@functools.cache
def _interpreter() -> Callable[[bytes], Any] | None:
  """Makes an interpreter of a model; None on platforms where LiteRT has none."""
  try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
  except ImportError:
    return None
  return functools.partial(_make, Interpreter, OpResolverType.BUILTIN_REF)


def _make(interpreter: Any, resolver: Any, data: bytes) -> Any:
  return interpreter(model_content=data, experimental_op_resolver_type=resolver)


def evaluate(graph: Subgraph, operator: Operator) -> list[np.ndarray] | None:
  """The outputs of an operator whose inputs are constants.

  Args:
    graph: Where its tensors are. The caller bounds the sizes: the kernel allocates
      what the inputs ask for.
    operator: A builtin operator.

  Returns:
    One array per output, of the types and shapes that the graph names; None when the
    kernel refuses the inputs or makes other shapes, or when there is no interpreter.
  """
  make = _interpreter()
  if make is None:
    return None
  used = sorted({t for t in (*operator.inputs, *operator.outputs) if t >= 0})
  position = {t: i for i, t in enumerate(used)} | {-1: -1}
  alone = dataclasses.replace(
    operator,
    inputs=tuple(position[t] for t in operator.inputs),
    outputs=tuple(position[t] for t in operator.outputs),
  )
  tensors = [dataclasses.replace(graph.tensors[t], origin=None) for t in used]
  model = Model([Subgraph(tensors, [alone], (), alone.outputs)])
  try:
    interpreter = make(serialize_model(model))
    interpreter.allocate_tensors()
    interpreter.invoke()
    made = [np.array(interpreter.get_tensor(t)) for t in alone.outputs]
  except (RuntimeError, ValueError):
    return None
  wanted = [graph.tensors[t] for t in operator.outputs]
  fits = all(a.shape == t.shape and a.dtype == t.dtype.numpy for a, t in zip(made, wanted))
  return made if fits else None
