# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Reading and writing changes no meaning."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from support import real_models
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model, Subgraph, Tensor
from tflm_patch.graph.writer import OFFLINE_PLAN, compact, drop_offline_plan, serialize_model
from tflm_patch.sample.sample import sample_model_path

MODELS = [sample_model_path(), *sorted(real_models.FOLDER.glob('*.tflite'))]


def small_model() -> Model:
  b = ModelBuilder(5)
  x = b.input((1, 6, 6, 4))
  b.output(b.softmax(b.fully_connected(b.mean(b.conv(x, 3), (1, 2), keep_dims=False), 5)))
  return parse_model(b.build())


def plain(value: Any) -> Any:
  """A schema object as comparable data."""
  if value is None or isinstance(value, (bytes, str, int, float, bool)):
    return value
  if isinstance(value, (list, tuple, np.ndarray)):
    return [plain(item) for item in value] or None
  if isinstance(value, np.generic):
    return value.item()
  return {name: plain(item) for name, item in vars(value).items()}


def meaning(model: Model) -> Any:
  """Everything in a model but where its parts lie in the file."""
  graphs = []
  for graph in model.subgraphs:
    tensors = [
      (
        t.name,
        t.shape,
        t.dtype,
        None if t.data is None else t.data.tobytes(),
        t.is_variable,
        plain(t.origin.quantization),
        plain(t.origin.sparsity),
        plain(t.origin.shapeSignature),
      )
      for t in graph.tensors
    ]
    operators = [
      (
        o.opcode,
        o.inputs,
        o.outputs,
        o.custom_name,
        o.custom_options,
        o.version,
        type(o.options).__name__,
        plain(o.options),
      )
      for o in graph.operators
    ]
    graphs.append((tensors, operators, graph.inputs, graph.outputs, graph.name))
  metadata = [(name, data.tobytes()) for name, data in model.metadata]
  return graphs, metadata, [plain(s) for s in model.signatures], model.description


@pytest.mark.slow
@pytest.mark.parametrize('path', MODELS, ids=lambda path: path.stem)
def test_models_mean_the_same(path):
  model = parse_model(path.read_bytes(), str(path))
  data = serialize_model(model)
  assert meaning(parse_model(data)) == meaning(model)
  assert serialize_model(parse_model(data)) == data


@pytest.mark.slow
@pytest.mark.parametrize('path', MODELS, ids=lambda path: path.stem)
def test_constants_are_aligned(path):
  result = convert_model(path.read_bytes())
  for data in (serialize_model(result.original), result.data):
    tree = schema.Model.GetRootAs(data, 0)
    for i in range(tree.BuffersLength()):
      buffer = tree.Buffers(i)
      if buffer.DataLength():
        field = buffer._tab.Offset(4)
        assert buffer._tab.Vector(field) % 16 == 0


def test_several_subgraphs_and_variables():
  first = small_model()
  state = Tensor('state', (1, 4), DType.INT8, is_variable=True)
  second = Subgraph([state], [], (), (0,), name='second')
  model = parse_model(serialize_model(dataclasses.replace(first, subgraphs=[first.main, second])))
  assert [graph.name for graph in model.subgraphs] == ['main', 'second']
  assert model.subgraphs[1].tensors[0].is_variable


def test_associated_files_stay_readable():
  archive = io.BytesIO()
  with zipfile.ZipFile(archive, 'w') as file:
    file.writestr('labels.txt', 'zero\none\n')
  data = serialize_model(small_model()) + archive.getvalue()
  result = convert_model(data, ConvertOptions(force_stage=True))
  assert result.changed
  with zipfile.ZipFile(io.BytesIO(result.data)) as file:
    assert file.read('labels.txt') == b'zero\none\n'
    # Strict readers take the offsets as they stand: nothing may be shifted.
    info = file.getinfo('labels.txt')
    assert result.data[info.header_offset : info.header_offset + 4] == b'PK\x03\x04'


def test_offline_plan_is_dropped_when_tensors_change():
  model = small_model()
  plan = np.zeros(16, np.uint8)
  kept = ('other', np.arange(4, dtype=np.uint8))
  planned = dataclasses.replace(model, metadata=[(OFFLINE_PLAN, plan), kept])
  assert [name for name, _ in drop_offline_plan(planned).metadata] == ['other']
  again = parse_model(serialize_model(planned))
  assert [name for name, _ in again.metadata] == [OFFLINE_PLAN, 'other']


def test_compact_renumbers_signatures():
  model = small_model()
  graph = model.main
  unused = Tensor('unused', (3,), DType.INT8)
  moved = dataclasses.replace(
    graph,
    tensors=[unused, *graph.tensors],
    operators=[
      dataclasses.replace(
        o,
        inputs=tuple(t + 1 if t >= 0 else t for t in o.inputs),
        outputs=tuple(t + 1 for t in o.outputs),
      )
      for o in graph.operators
    ],
    inputs=tuple(t + 1 for t in graph.inputs),
    outputs=tuple(t + 1 for t in graph.outputs),
  )
  signature = schema.SignatureDefT(
    inputs=[schema.TensorMapT(b'image', moved.inputs[0])],
    outputs=[schema.TensorMapT(b'class', moved.outputs[0])],
    signatureKey=b'serving_default',
  )
  small = compact(dataclasses.replace(model, subgraphs=[moved], signatures=[signature]))
  assert 'unused' not in [t.name for t in small.main.tensors]
  assert small.signatures[0].inputs[0].tensorIndex == small.main.inputs[0]
  assert small.signatures[0].outputs[0].tensorIndex == small.main.outputs[0]
  result = convert_model(serialize_model(small), ConvertOptions(force_stage=True))
  read = parse_model(result.data)
  assert read.signatures[0].outputs[0].tensorIndex == read.main.outputs[0]
