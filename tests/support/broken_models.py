# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Damaged models, and valid ones that no stage can help."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from support.model_builder import ModelBuilder
from support.model_core import options, quantized
from tflm_patch.graph.types import DType, Operator


def healthy() -> bytes:
  """A small model with most kinds of tensors: a constant, a branch, float output."""
  b = ModelBuilder(11)
  x = b.conv(b.input((1, 6, 6, 3)), 4, activation='RELU6')
  x = b.add(x, b.depthwise(x))
  b.output(b.dequantize(b.softmax(b.fully_connected(x, 3))))
  return b.build()


def edited(edit: Callable[[Any], None], data: bytes | None = None) -> bytes:
  """The healthy model (or `data`) after an edit of its schema object."""
  tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data or healthy(), 0))
  edit(tree)
  builder = flatbuffers.Builder(1024)
  builder.Finish(tree.Pack(builder), b'TFL3')
  return bytes(builder.Output())


def _main(tree: Any) -> Any:
  return tree.subgraphs[0]


def _set_shape(tree: Any, shape: list[int]) -> None:
  # The map between the first two operators.
  _main(tree).tensors[int(_main(tree).operators[0].outputs[0])].shape = shape


def _loop(tree: Any) -> None:
  """The first operator reads what the last one makes."""
  operators = _main(tree).operators
  operators[0].inputs = [int(operators[-1].outputs[0]), *operators[0].inputs[1:]]


def _make_twice(tree: Any) -> None:
  operators = _main(tree).operators
  operators[1].outputs = list(operators[0].outputs)


def _constant(tree: Any) -> Any:
  """The weights of the first operator."""
  return _main(tree).tensors[int(_main(tree).operators[0].inputs[1])]


def _shorten_constant(tree: Any) -> None:
  buffer = tree.buffers[_constant(tree).buffer]
  buffer.data = buffer.data[:-1]


def _operator(tree: Any, index: int = 0) -> Any:
  return _main(tree).operators[index]


def _zip() -> bytes:
  file = BytesIO()
  with zipfile.ZipFile(file, 'w') as archive:
    archive.writestr('labels.txt', 'cat\ndog\n')
  return file.getvalue()


def _assign(path: Callable[[Any], Any], field: str, value: Any) -> Callable[[], bytes]:
  return lambda: edited(lambda tree: setattr(path(tree), field, value))


# Name -> the file's bytes, and a word that the message must hold.
BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
  'empty_file': (lambda: b'', 'empty'),
  'seven_bytes': (lambda: healthy()[:7], 'identifier'),
  'header_only': (lambda: healthy()[:8], 'damaged'),
  'half': (lambda: healthy()[: len(healthy()) // 2], 'damaged'),
  'text': (lambda: b'hello, this is no model at all\n' * 9, 'identifier'),
  'zip': (_zip, 'identifier'),
  'wrong_identifier': (lambda: healthy()[:4] + b'TFL2' + healthy()[8:], 'identifier'),
  'root_outside': (lambda: b'\xff\xff\xff\x7f' + healthy()[4:], 'damaged'),
  'zeros_behind_identifier': (lambda: b'\0\0\0\0TFL3' + bytes(200), 'damaged'),
  'schema_version': (_assign(lambda t: t, 'version', 2), 'version'),
  'no_subgraphs': (_assign(lambda t: t, 'subgraphs', []), 'subgraph'),
  'no_operators': (_assign(_main, 'operators', []), 'operator'),
  'no_tensors': (_assign(_main, 'tensors', []), 'tensor'),
  'no_operator_codes': (_assign(lambda t: t, 'operatorCodes', []), 'code'),
  'no_buffers': (_assign(lambda t: t, 'buffers', []), 'buffer'),
  'zero_rows': (lambda: edited(lambda t: _set_shape(t, [1, 0, 6, 4])), 'shape'),
  'zero_channels': (lambda: edited(lambda t: _set_shape(t, [1, 6, 6, 0])), 'shape'),
  'negative_rows': (lambda: edited(lambda t: _set_shape(t, [1, -6, 6, 4])), 'shape'),
  'huge': (lambda: edited(lambda t: _set_shape(t, [1, 2**30, 2**30, 4])), 'large'),
  'input_dangles': (_assign(_operator, 'inputs', [99]), 'tensor 99'),
  'input_negative': (_assign(_operator, 'inputs', [-2, 1, 2]), 'tensor -2'),
  'output_dangles': (_assign(_operator, 'outputs', [99]), 'tensor 99'),
  'output_absent': (_assign(_operator, 'outputs', [-1]), 'tensor -1'),
  'model_input_dangles': (_assign(_main, 'inputs', [1234]), 'tensor 1234'),
  'model_output_dangles': (_assign(_main, 'outputs', [1234]), 'tensor 1234'),
  'operator_code_dangles': (_assign(_operator, 'opcodeIndex', 77), 'code'),
  'buffer_dangles': (_assign(_constant, 'buffer', 5000), 'buffer'),
  'cycle': (lambda: edited(_loop), 'before it is made'),
  'nothing_makes_it': (_assign(_main, 'inputs', []), 'nothing makes'),
  'made_twice': (lambda: edited(_make_twice), 'made already'),
  'constant_too_short': (lambda: edited(_shorten_constant), 'bytes'),
  'unknown_type': (_assign(_constant, 'type', 77), 'type'),
  'nan_scale': (
    lambda: edited(lambda t: setattr(_constant(t).quantization, 'scale', [float('nan')] * 4)),
    'scale',
  ),
  'scales_of_other_axis': (
    lambda: edited(lambda t: setattr(_constant(t).quantization, 'quantizedDimension', 7)),
    'axis',
  ),
}


# ---- valid models that gain nothing ----


def _weights(
  b: ModelBuilder, shape: tuple[int, ...], dtype: DType, quantization: Any = None
) -> int:
  values = b.rng.integers(0, 100, shape)
  return b.constant(values, dtype, quantization)


def float_only() -> bytes:
  b = ModelBuilder()
  x = b.input((1, 8, 8, 3), DType.FLOAT32)
  for channels in (4, 5):
    weights = _weights(b, (channels, 3, 3, b.shape(x)[3]), DType.FLOAT32)
    bias = _weights(b, (channels,), DType.FLOAT32)
    y = b.tensor((1, 8, 8, channels), DType.FLOAT32)
    fields = options('Conv2DOptions', strideH=1, strideW=1)
    x = b.add_operator('CONV_2D', (x, weights, bias), y, fields)
  b.output(x)
  return b.build()


def old_uint8() -> bytes:
  """Asymmetric uint8 weights, as TensorFlow 1 made them."""
  b = ModelBuilder()
  x = b.input((1, 8, 8, 3), DType.UINT8)
  for channels in (4, 5):
    weights = _weights(b, (channels, 3, 3, b.shape(x)[3]), DType.UINT8, quantized(0.02, 128))
    bias = _weights(b, (channels,), DType.INT32, quantized(0.001, 0))
    y = b.tensor((1, 8, 8, channels), DType.UINT8, quantized(0.05, 120))
    fields = options('Conv2DOptions', strideH=1, strideW=1)
    x = b.add_operator('CONV_2D', (x, weights, bias), y, fields)
  b.output(x)
  return b.build()


def stock_builtin() -> bytes:
  b = ModelBuilder()
  x = b.input((1, 8, 8, 3))
  for _ in range(2):
    y = b.tensor((1, 8, 8, 3), DType.INT8, quantized(1 / 128, 0))
    x = b.add_operator('ZEROS_LIKE', (x,), y, options('ZerosLikeOptions'))
  b.output(x)
  return b.build()


def newer_builtin() -> bytes:
  """An operator code that no schema has yet."""
  b = ModelBuilder()
  b.output(b.logistic(b.input((1, 8, 8, 3))))
  return edited(lambda tree: setattr(tree.operatorCodes[0], 'builtinCode', 4321), b.build())


def custom() -> bytes:
  b = ModelBuilder()
  x = b.input((1, 8, 8, 3))
  y = b.tensor((1, 8, 8, 3), DType.INT8, quantized(0.1, 0))
  b.operators.append(
    Operator('CUSTOM', (x,), (y,), custom_name='SomeoneElses', custom_options=b'\x01\x02')
  )
  b.output(y)
  return b.build()


def svdf() -> bytes:
  """A recurrent layer: its state is a variable tensor."""
  b = ModelBuilder()
  batch, features, units, memory = 1, 12, 4, 5
  x = b.input((batch, features))
  weights = _weights(b, (units, features), DType.INT8, quantized(0.02, 0))
  times = _weights(b, (units, memory), DType.INT16, quantized(0.001, 0))
  bias = _weights(b, (units,), DType.INT32, quantized(0.0001, 0))
  state = b.tensor((batch, units * memory), DType.INT16, quantized(0.01, 0), variable=True)
  y = b.tensor((batch, units), DType.INT8, quantized(0.1, 3))
  fields = options('SVDFOptions', rank=1, fusedActivationFunction=1)
  b.output(b.add_operator('SVDF', (x, weights, times, bias, state), y, fields))
  return b.build()


def lstm() -> bytes:
  """An int8 LSTM over five steps, with its gates' scales as intermediates left out."""
  b = ModelBuilder()
  steps, features, units = 5, 6, 4
  x = b.input((1, steps, features))
  per_gate = [
    [_weights(b, (units, size), DType.INT8, quantized(0.01, 0)) for _ in range(4)]
    for size in (features, units)
  ]
  biases = [_weights(b, (units,), DType.INT32, quantized(0.001, 0)) for _ in range(4)]
  hidden = b.tensor((1, units), DType.INT8, quantized(0.01, 0), variable=True)
  cell = b.tensor((1, units), DType.INT16, quantized(2**-11, 0), variable=True)
  y = b.tensor((1, steps, units), DType.INT8, quantized(0.01, 0))
  inputs = (x, *per_gate[0], *per_gate[1], -1, -1, -1, *biases, -1, -1, hidden, cell)
  fields = options('UnidirectionalSequenceLSTMOptions', fusedActivationFunction=4)
  b.output(b.add_operator('UNIDIRECTIONAL_SEQUENCE_LSTM', inputs, y, fields))
  return b.build()


# Name -> model, and a word of the reason.
GAIN_NOTHING: dict[str, tuple[Callable[[], bytes], str]] = {
  'float_only': (float_only, 'FLOAT32'),
  'old_uint8': (old_uint8, 'UINT8'),
  'stock_builtin': (stock_builtin, 'ZEROS_LIKE'),
  'newer_builtin': (newer_builtin, '4321'),
  'custom': (custom, 'SomeoneElses'),
  'svdf': (svdf, 'SVDF'),
  'lstm': (lstm, 'UNIDIRECTIONAL_SEQUENCE_LSTM'),
}


# ---- mutations ----


def flipped(data: bytes, rng: np.random.Generator) -> bytes:
  """Some bits flipped, mostly in one place."""
  array = np.frombuffer(data, np.uint8).copy()
  start = int(rng.integers(len(array)))
  for _ in range(int(rng.integers(1, 6))):
    at = start + int(rng.integers(16)) if rng.random() < 0.5 else int(rng.integers(len(array)))
    array[at % len(array)] ^= 1 << int(rng.integers(8))
  return array.tobytes()


def overwritten(data: bytes, rng: np.random.Generator) -> bytes:
  """One 32-bit word replaced by a value at some edge."""
  words = [
    0,
    1,
    2,
    7,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    len(data),
    len(data) - 4,
    0x7FC00000,
  ]
  at = int(rng.integers(len(data) // 4)) * 4
  word = int(rng.choice(words)) if rng.random() < 0.7 else int(rng.integers(2**32))
  return data[:at] + word.to_bytes(4, 'little') + data[at + 4 :]


def truncated(data: bytes, rng: np.random.Generator) -> bytes:
  return data[: int(rng.integers(len(data)))]


def moved(data: bytes, rng: np.random.Generator) -> bytes:
  """A piece repeated or left out: what follows moves."""
  at, size = int(rng.integers(8, len(data))), int(rng.integers(1, 40))
  if rng.random() < 0.5:
    return data[:at] + data[at + size :]
  return data[:at] + data[at - 8 : at - 8 + size] + data[at:]


MUTATIONS = (flipped, overwritten, truncated, moved)
