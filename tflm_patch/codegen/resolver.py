# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A TFLM resolver with exactly the operators of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tflm_patch.codegen.model import ModelInfo
from tflm_patch.codegen.names import Names, fill
from tflm_patch.conversion.stage_operator import CUSTOM_NAME
from tflm_patch.errors import TflmPatchError

# Builtin operators of MicroMutableOpResolver whose method is Add<Name>.
_REGULAR = [
  'ABS',
  'ADD',
  'ADD_N',
  'ARG_MAX',
  'ARG_MIN',
  'ASSIGN_VARIABLE',
  'BATCH_TO_SPACE_ND',
  'BROADCAST_ARGS',
  'BROADCAST_TO',
  'CALL_ONCE',
  'CAST',
  'CEIL',
  'CONCATENATION',
  'COS',
  'DEPTH_TO_SPACE',
  'DEQUANTIZE',
  'DIV',
  'DYNAMIC_UPDATE_SLICE',
  'ELU',
  'EMBEDDING_LOOKUP',
  'EQUAL',
  'EXP',
  'EXPAND_DIMS',
  'FILL',
  'FLOOR',
  'FLOOR_DIV',
  'FLOOR_MOD',
  'FULLY_CONNECTED',
  'GATHER',
  'GATHER_ND',
  'GREATER',
  'GREATER_EQUAL',
  'HARD_SWISH',
  'IF',
  'L2_NORMALIZATION',
  'LEAKY_RELU',
  'LESS',
  'LESS_EQUAL',
  'LOG',
  'LOGICAL_AND',
  'LOGICAL_NOT',
  'LOGICAL_OR',
  'LOGISTIC',
  'LOG_SOFTMAX',
  'MAXIMUM',
  'MEAN',
  'MINIMUM',
  'MIRROR_PAD',
  'MUL',
  'NEG',
  'NOT_EQUAL',
  'PACK',
  'PAD',
  'PRELU',
  'QUANTIZE',
  'READ_VARIABLE',
  'REDUCE_ALL',
  'REDUCE_MAX',
  'REDUCE_MIN',
  'RELU',
  'RELU6',
  'RESHAPE',
  'RESIZE_BILINEAR',
  'RESIZE_NEAREST_NEIGHBOR',
  'REVERSE_V2',
  'ROUND',
  'RSQRT',
  'SELECT_V2',
  'SHAPE',
  'SIN',
  'SLICE',
  'SOFTMAX',
  'SPACE_TO_BATCH_ND',
  'SPACE_TO_DEPTH',
  'SPLIT',
  'SPLIT_V',
  'SQRT',
  'SQUARE',
  'SQUARED_DIFFERENCE',
  'SQUEEZE',
  'STRIDED_SLICE',
  'SUB',
  'SUM',
  'SVDF',
  'TANH',
  'TRANSPOSE',
  'TRANSPOSE_CONV',
  'UNPACK',
  'VAR_HANDLE',
  'WHILE',
  'ZEROS_LIKE',
]
_METHODS = {
  **{name: ''.join(part.capitalize() for part in name.split('_')) for name in _REGULAR},
  'AVERAGE_POOL_2D': 'AveragePool2D',
  'BATCH_MATMUL': 'BatchMatMul',
  'CONV_2D': 'Conv2D',
  'CUMSUM': 'CumSum',
  'DEPTHWISE_CONV_2D': 'DepthwiseConv2D',
  'L2_POOL_2D': 'L2Pool2D',
  'MAX_POOL_2D': 'MaxPool2D',
  'PADV2': 'PadV2',
  'UNIDIRECTIONAL_SEQUENCE_LSTM': 'UnidirectionalSequenceLSTM',
}

# Custom operators that come with TFLM.
_CUSTOM_METHODS = {
  'CIRCULAR_BUFFER': 'CircularBuffer',
  'SignalDelay': 'Delay',
  'SignalEnergy': 'Energy',
  'SignalFftAutoScale': 'FftAutoScale',
  'SignalFilterBank': 'FilterBank',
  'SignalFilterBankLog': 'FilterBankLog',
  'SignalFilterBankSpectralSubtraction': 'FilterBankSpectralSubtraction',
  'SignalFilterBankSquareRoot': 'FilterBankSquareRoot',
  'SignalFramer': 'Framer',
  'SignalIrfft': 'Irfft',
  'SignalOverlapAdd': 'OverlapAdd',
  'SignalPCAN': 'PCAN',
  'SignalRfft': 'Rfft',
  'SignalStacker': 'Stacker',
  'SignalWindow': 'Window',
  'TFLM_DECODE': 'Decode',
  'TFLite_Detection_PostProcess': 'DetectionPostprocess',
  'ethos-u': 'EthosU',
}


def resolver_header(info: ModelInfo, names: Names) -> str:
  """The text of `<name>_resolver.h`.

  Operators of the application's own are declared as functions that it defines.

  Raises:
    TflmPatchError: TFLM has no such builtin operator.
  """
  lines, declared = [], []
  for opcode, custom in info.operators:
    if custom is None:
      lines.append(f'resolver.Add{_method(opcode, info.source)}()')
    elif custom == CUSTOM_NAME:
      lines.append('tflm_patch::RegisterTflmPatchOps(resolver)')
    elif custom in _CUSTOM_METHODS:
      lines.append(f'resolver.Add{_CUSTOM_METHODS[custom]}()')
    else:
      function = f'{_identifier(custom)}Registration'
      declared.append(
        f'/* The operator "{_printable(custom)}"; the application defines this. */\n'
        f'const TFLMRegistration* {function}();\n'
      )
      lines.append(f'resolver.AddCustom("{_escaped(custom)}", {function}())')
  return fill(
    'resolver.h',
    names,
    count=len(lines),
    declared=''.join(f'\n{text}' for text in declared),
    first=lines[0],
    others=_chain(lines[1:]),
  )


def _chain(calls: list[str]) -> str:
  if not calls:
    return ''
  return '  constexpr auto kOk = static_cast<decltype(status)>(0);\n' + ''.join(
    f'  if (status == kOk) {{\n    status = {call};\n  }}\n' for call in calls
  )


def unresolved(operators: Iterable[tuple[str, str | None]]) -> list[str]:
  """Custom operators that the application has to bring."""
  return [
    custom
    for _, custom in operators
    if custom is not None and custom != CUSTOM_NAME and custom not in _CUSTOM_METHODS
  ]


def _method(opcode: str, source: str) -> str:
  if opcode not in _METHODS:
    raise TflmPatchError(
      f'{source or "model"}: TFLM has no operator {opcode}; replace it in the original model'
    )
  return _METHODS[opcode]


def _identifier(name: str) -> str:
  """A C++ identifier that begins with a capital: 'my-op' -> 'MyOp'."""
  parts = [part for part in re.split('[^0-9A-Za-z]+', name) if part]
  joined = ''.join(part[:1].upper() + part[1:] for part in parts)
  return joined if joined[:1].isalpha() else f'Custom{joined}'


def _printable(name: str) -> str:
  return re.sub('[^ -.0-~]', '?', name)


def _escaped(name: str) -> str:
  """For a C string literal; three octal digits end by themselves."""
  return ''.join(
    chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\?' else f'\\{byte:03o}'
    for byte in name.encode('utf-8', 'surrogateescape')
  )
