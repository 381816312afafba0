# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of operators and types: against TFLM's interpreter, the rules and the tests' cases."""

import pathlib

import pytest
from support.kernel_types import types_of
from support.operator_cases import build_case

from e2e.test_int16 import CASES as INT16_CASES  # isort: skip
from e2e.test_operators import CASES  # isort: skip
from tflm_patch.arena import kernels
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.planner.lowering.operators import REGISTRY
from tflm_patch.planner.lowering.operators.base import stage_types
from tflm_patch.report import coverage

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Loops without end, state of several types, and handles: what TFLM's sources say.
NOT_ASKED = {
  'ASSIGN_VARIABLE',
  'CALL_ONCE',
  'IF',
  'READ_VARIABLE',
  'UNIDIRECTIONAL_SEQUENCE_LSTM',
  'VAR_HANDLE',
  'WHILE',
  'ZEROS_LIKE',
}


def test_the_page_is_current():
  command = 'python -m tflm_patch.report.coverage > docs/operators.md'
  assert (ROOT / 'docs/operators.md').read_text() == coverage.document(), command


def test_every_operator_of_stages_names_its_types():
  in_models = [opcode for opcode, spec in REGISTRY.items() if not spec.made_by]
  assert [opcode for opcode in in_models if not stage_types(opcode)] == []
  assert stage_types('SHAPE') == ()


@pytest.mark.slow
def test_what_int8_and_int16_stages_hold_is_compared_with_tflm():
  compared = set()
  for case in [*CASES, *INT16_CASES]:
    graph = parse_model(build_case(case, False, 0, False)).main
    for op in graph.operators:
      tensors = [graph.tensors[i] for i in op.inputs if i >= 0]
      compared |= {(op.opcode, t.dtype) for t in tensors if not t.is_constant}
  claimed = {
    (opcode, dtype)
    for opcode in REGISTRY
    for dtype in stage_types(opcode)
    if dtype in (DType.INT8, DType.INT16)
  }
  assert claimed - compared == set()


@pytest.mark.slow
@pytest.mark.parametrize('opcode', sorted(kernels.KERNELS - NOT_ASKED))
def test_types_of_tflm(opcode, monkeypatch):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  monkeypatch.syspath_prepend(str(ROOT / 'tests/python/arena'))
  import arena_operator_cases

  assert types_of(opcode, arena_operator_cases.CASES[opcode]) == kernels.TYPES[opcode]
