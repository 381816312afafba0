# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What an operator of a stage needs beside its kernel: whatever one lacks is named here."""

import functools
import pathlib
import re

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support import golden, graphs, int16_graphs
from support.operator_cases import build_case

from e2e.test_operators import CASES  # isort: skip
from tflm_patch import cost
from tflm_patch.arena import operators as arena
from tflm_patch.codegen.operators import REGISTRY as EMITTED
from tflm_patch.graph.reader import parse_model
from tflm_patch.kernel_library import sources
from tflm_patch.kernel_library.kernel_table import kernel_name
from tflm_patch.planner.lowering.operators import REGISTRY
from tflm_patch.program.records import Kind

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Priced by the class 'without weights': they take little of a network's time.
WITHOUT_COST_CLASS = {'ADD_N', 'APPEND', 'HOP', 'SLIDE'}


@functools.cache
def text_of(*patterns):
  """The text of files together."""
  paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
  assert paths
  return '\n'.join(path.read_text() for path in paths)


def opcodes_of(data):
  return {op.opcode for graph in parse_model(data).subgraphs for op in graph.operators}


@functools.cache
def golden_cases():
  """What the corpus has from the golden cases, as text."""
  return ''.join(path.read_text() for path in golden.headers().glob('*.h'))


@functools.cache
def compared():
  """Operators that tests/e2e/test_operators.py compares with TFLM."""
  return frozenset().union(*(opcodes_of(build_case(case, False, 0, False)) for case in CASES))


@functools.cache
def generated():
  """Operators in graphs of the generators; some are drawn seldom, but named."""
  text = text_of('tests/support/*graphs.py', 'tests/support/*_blocks.py')
  found = {opcode for opcode in REGISTRY if re.search(rf"[.']{opcode.lower()}\b", text)}

  @settings(max_examples=400, phases=[Phase.generate], derandomize=True)
  @given(st.one_of(graphs.small_networks(), int16_graphs.int16_networks()))
  def collect(network):
    found.update(opcodes_of(network.data))

  collect()
  return found


def lacks_of_kind(name):
  """What a kind has not, in words."""
  core = cost.load('cortex-m4').instructions.classes
  work_name = name.removesuffix('_S16')
  in_corpus = text_of('tests/fuzz/corpus.c', 'tests/kernels/*.h') + golden_cases()
  facts = {
    'a kernel named after it in micro_kernels/src/': (
      kernel_name(name) in sources._tree().defined_by
    ),
    'a function in tflm_patch/codegen/operators/': name in {kind.name for kind in EMITTED},
    'a lowering in tflm_patch/planner/': bool(
      re.search(rf'Kind\.{name}\b', text_of('tflm_patch/planner/**/*.py'))
    ),
    'a class in tflm_patch/cost/*.json, or a place in WITHOUT_COST_CLASS': (
      {name, work_name} & set(core) != set() or name in WITHOUT_COST_CLASS
    ),
    'a program in tests/fuzz/corpus.c': bool(re.search(rf'TFLM_PATCH_{name}\b', in_corpus)),
  }
  return [f'{name} lacks {what}' for what, is_there in facts.items() if not is_there]


def lacks_of_operator(opcode):
  """What an operator of the graph has not, in words."""
  facts = {
    'a support rule and a lowering': opcode in REGISTRY,
    'its memory in tflm_patch/arena/operators.py': opcode in arena.known(),
    'a section in docs/supported_operators.md': f'\n## {opcode}\n'
    in text_of('docs/supported_operators.md'),
    'a case in tests/e2e/test_operators.py': opcode in compared(),
    'a place in tests/support/*graphs.py': opcode in generated(),
  }
  return [f'{opcode} lacks {what}' for what, is_there in facts.items() if not is_there]


@pytest.mark.slow
def test_nothing_is_forgotten():
  lacks = [text for kind in Kind for text in lacks_of_kind(kind.name)]
  in_models = [opcode for opcode, spec in REGISTRY.items() if not spec.made_by]
  lacks += [text for opcode in in_models for text in lacks_of_operator(opcode)]
  assert not lacks, '\n'.join(['', *lacks])


def test_costs_are_of_every_core():
  names = {cpu: set(cost.load(cpu).instructions.classes) for cpu in cost.known_cpus()}
  assert len(names) > 1
  for kind in Kind:
    has = {cpu for cpu in names if kind.name in names[cpu]}
    assert has in (set(), set(names)), f'{kind.name} has a cost class on {sorted(has)} alone'


@pytest.mark.slow
def test_a_new_operator_lacks_everything():
  assert len(lacks_of_kind('NEW_KIND')) == 5
  assert len(lacks_of_operator('NEW_OPERATOR')) == 5
