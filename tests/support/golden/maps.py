# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""golden_map_cases.h: binary operators, MEAN and pools as TFLM computes them.

Each case is a random model of one operator, run in the interpreter of the
tflite-micro wheel; its parameter record is encoded as the planner does.
test_golden_maps.c runs the case as a stage program and compares every byte.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from support.golden.c_text import TOP, array, fields
from support.golden.operators import Spec, Window, run, single_operator
from tflm_patch.graph import quantize
from tflm_patch.planner.lowering.operators.add import LEFT_SHIFT
from tflm_patch.planner.lowering.operators.mean import mean_multiplier
from tflm_patch.program import records as program

Shape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class MapCase:
  """An operator on int8 maps, ready for C; a second input is a constant map."""

  kind: str
  shapes: tuple[Shape, ...]
  zero_points: tuple[int, ...]
  out_shape: Shape
  steps: int
  scratch_bytes: int
  params: bytes
  inputs: tuple[np.ndarray, ...]
  output: np.ndarray


def _scale(rng: np.random.Generator) -> float:
  """A float32 scale; now and then a power of two, where rounding is exact."""
  if rng.random() < 0.2:
    return float(2.0 ** -rng.integers(3, 8))
  return float(np.float32(np.exp(rng.uniform(-5, -2))))


def _zero_point(rng: np.random.Generator) -> int:
  return int(rng.choice([-128, 0, 127, *rng.integers(-128, 128, 3)]))


def _values(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
  """Random values; now and then mostly extreme ones."""
  values = rng.integers(-128, 128, shape)
  if rng.random() < 0.3:
    values = np.clip(values * 8, -128, 127)
  return values.astype(np.int8)


def binary_case(kind: str, rng: np.random.Generator) -> MapCase:
  """ADD, SUB or MUL of a map and a constant of the same shape or one to broadcast."""
  options = getattr(schema, f'{kind.capitalize()}OptionsT')()
  options.fusedActivationFunction = int(rng.integers(0, 4))
  shape: Shape = (3, 4, int(rng.integers(1, 9)))
  keep = rng.random(3) < 0.6
  other: Shape = tuple(size if kept else 1 for size, kept in zip(shape, keep))  # type: ignore
  scales = [_scale(rng), _scale(rng), _scale(rng)]
  zero_points = [_zero_point(rng) for _ in scales]
  inputs = (_values(rng, (1, *shape)), _values(rng, (1, *other)))
  model = single_operator(
    getattr(schema.BuiltinOperator, kind),
    options,
    [
      Spec((1, *shape), np.int8, scales[:1], zero_points[0]),
      Spec((1, *other), np.int8, scales[1:2], zero_points[1], data=inputs[1]),
    ],
    Spec((1, *shape), np.int8, scales[2:], zero_points[2]),
  )
  low, high = quantize.activation_range(options.fusedActivationFunction, scales[2], zero_points[2])
  common = {'output_zero_point': zero_points[2], 'act_min': low, 'act_max': high}
  if kind in ('ADD', 'SUB'):
    twice = 2 * max(scales[:2])
    divide = quantize.float_quotient if kind == 'SUB' else operator.truediv
    terms = [quantize.quantize_multiplier(divide(scale, twice)) for scale in scales[:2]]
    total = quantize.quantize_multiplier(divide(twice, (1 << LEFT_SHIFT) * scales[2]))
    params = program.PARAMETERS[program.Kind.ADD].pack(
      input_multiplier=[term[0] for term in terms],
      input_shift=[term[1] for term in terms],
      output_multiplier=total[0],
      output_shift=total[1],
      left_shift=LEFT_SHIFT,
      **common,
    )
  else:
    multiplier, shift = quantize.quantize_multiplier(scales[0] * scales[1] / scales[2])
    params = program.PARAMETERS[program.Kind.MUL].pack(
      output_multiplier=multiplier, output_shift=shift, **common
    )
  return MapCase(
    kind,
    (shape, other),
    tuple(zero_points[:2]),
    shape,
    shape[0],
    0,
    params,
    inputs,
    run(model, inputs[0]),
  )


def add_case(rng: np.random.Generator) -> MapCase:
  """ADD."""
  return binary_case('ADD', rng)


def sub_case(rng: np.random.Generator) -> MapCase:
  """SUB."""
  return binary_case('SUB', rng)


def mul_case(rng: np.random.Generator) -> MapCase:
  """MUL."""
  return binary_case('MUL', rng)


def prelu_case(rng: np.random.Generator) -> MapCase:
  """PRELU with slopes for every value or to broadcast."""
  shape: Shape = (3, 4, int(rng.integers(1, 9)))
  slopes: Shape = tuple(int(rng.choice([1, size])) for size in shape)  # type: ignore
  scales = [_scale(rng), _scale(rng), _scale(rng)]
  zero_points = [_zero_point(rng) for _ in scales]
  inputs = (_values(rng, (1, *shape)), _values(rng, (1, *slopes)))
  model = single_operator(
    schema.BuiltinOperator.PRELU,
    None,
    [
      Spec((1, *shape), np.int8, scales[:1], zero_points[0]),
      Spec((1, *slopes), np.int8, scales[1:2], zero_points[1], data=inputs[1]),
    ],
    Spec((1, *shape), np.int8, scales[2:], zero_points[2]),
  )
  pairs = [
    quantize.quantize_multiplier(scales[0] / scales[2]),
    quantize.quantize_multiplier(scales[0] * scales[1] / scales[2]),
  ]
  params = program.PARAMETERS[program.Kind.PRELU].pack(
    multiplier=[pair[0] for pair in pairs],
    shift=[pair[1] for pair in pairs],
    output_zero_point=zero_points[2],
  )
  return MapCase(
    'PRELU',
    (shape, slopes),
    tuple(zero_points[:2]),
    shape,
    shape[0],
    0,
    params,
    inputs,
    run(model, inputs[0]),
  )


def mean_case(rng: np.random.Generator) -> MapCase:
  """MEAN over rows, columns or both, dimensions kept or, with both, dropped."""
  axes = [(1,), (2,), (1, 2), (2, 1), (-3, -2)][int(rng.integers(0, 5))]
  over_rows, over_cols = bool({1, -3} & set(axes)), bool({2, -2} & set(axes))
  shape: Shape = tuple(int(size) for size in rng.integers(1, 10, 3))  # type: ignore
  out_shape: Shape = (1 if over_rows else shape[0], 1 if over_cols else shape[1], shape[2])
  options = schema.ReducerOptionsT()
  options.keepDims = len(axes) == 1 or bool(rng.integers(0, 2))
  scales = [_scale(rng), _scale(rng)]
  zero_points = [_zero_point(rng), _zero_point(rng)]
  if rng.random() < 0.3:
    scales[1], zero_points[1] = scales[0], zero_points[0]
  value = _values(rng, (1, *shape))
  model = single_operator(
    schema.BuiltinOperator.MEAN,
    options,
    [
      Spec((1, *shape), np.int8, scales[:1], zero_points[0]),
      Spec((len(axes),), np.int32, data=np.array(axes, np.int32)),
    ],
    Spec(
      (1, *out_shape) if options.keepDims else (1, shape[2]), np.int8, scales[1:], zero_points[1]
    ),
  )
  count = (shape[0] if over_rows else 1) * (shape[1] if over_cols else 1)
  multiplier, shift = mean_multiplier(scales[0], scales[1], count)
  params = program.PARAMETERS[program.Kind.MEAN].pack(
    multiplier=multiplier,
    shift=shift,
    output_zero_point=zero_points[1],
    over_rows=int(over_rows),
    over_cols=int(over_cols),
  )
  scratch = 4 * out_shape[1] * out_shape[2] if over_rows else 0
  return MapCase(
    'MEAN',
    (shape,),
    (zero_points[0],),
    out_shape,
    shape[0],
    scratch,
    params,
    (value,),
    run(model, value),
  )


def pool_case(kind: str, rng: np.random.Generator) -> MapCase:
  """A pool; an average with one output row is summed up row by row half the time."""
  rows, cols, channels = (int(size) for size in rng.integers(1, 9, 3))
  kernel = (int(rng.integers(1, rows + 1)), int(rng.integers(1, cols + 1)))
  stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
  if rng.random() < 0.4:
    kernel = (rows, kernel[1])
  window = Window(kernel, stride, same=bool(rng.integers(0, 2)))
  (out_rows, top), (out_cols, left) = window.output(rows, 0), window.output(cols, 1)
  options = schema.Pool2DOptionsT()
  options.padding = schema.Padding.SAME if window.same else schema.Padding.VALID
  options.filterHeight, options.filterWidth = kernel
  options.strideH, options.strideW = stride
  options.fusedActivationFunction = int(rng.integers(0, 4))
  scale, zero_point = _scale(rng), _zero_point(rng)
  value = _values(rng, (1, rows, cols, channels))
  model = single_operator(
    getattr(schema.BuiltinOperator, kind),
    options,
    [Spec((1, rows, cols, channels), np.int8, [scale], zero_point)],
    Spec((1, out_rows, out_cols, channels), np.int8, [scale], zero_point),
  )
  low, high = quantize.activation_range(options.fusedActivationFunction, scale, zero_point)
  accumulate = kind == 'AVERAGE_POOL_2D' and out_rows == 1 and bool(rng.integers(0, 2))
  params = program.PARAMETERS[program.Kind.AVERAGE_POOL_2D].pack(
    **{
      'window.kernel_h': kernel[0],
      'window.kernel_w': kernel[1],
      'window.stride_h': stride[0],
      'window.stride_w': stride[1],
      'window.dilation_h': 1,
      'window.dilation_w': 1,
      'window.pad_top': top,
      'window.pad_left': left,
    },
    act_min=low,
    act_max=high,
    accumulate=int(accumulate),
  )
  return MapCase(
    kind,
    ((rows, cols, channels),),
    (zero_point,),
    (out_rows, out_cols, channels),
    min(rows, kernel[0] - top) if accumulate else out_rows,
    4 * out_cols * channels if accumulate else 0,
    params,
    (value,),
    run(model, value),
  )


def average_case(rng: np.random.Generator) -> MapCase:
  """AVERAGE_POOL_2D."""
  return pool_case('AVERAGE_POOL_2D', rng)


def max_case(rng: np.random.Generator) -> MapCase:
  """MAX_POOL_2D."""
  return pool_case('MAX_POOL_2D', rng)


CASES: tuple[Callable[[np.random.Generator], MapCase], ...] = (
  add_case,
  mul_case,
  mean_case,
  average_case,
  max_case,
  sub_case,
  prelu_case,
)


def write(case: MapCase, i: int) -> str:
  """Prints a case's arrays; returns its table entry."""
  print(array('uint8_t', f'kMapParams{i}', np.frombuffer(case.params, np.uint8)))
  for k, value in enumerate(case.inputs):
    print(array('int8_t', f'kMapInput{i}_{k}', value))
  print(array('int8_t', f'kMapOutput{i}', case.output))
  return fields(
    {
      'kind': f'TFLM_PATCH_{case.kind}',
      'n_inputs': len(case.inputs),
      'shapes': tuple('{' + ', '.join(map(str, shape)) + '}' for shape in case.shapes),
      'zero_points': case.zero_points,
      'output_shape': case.out_shape,
      'steps': case.steps,
      'scratch_bytes': case.scratch_bytes,
      'params': f'kMapParams{i}',
      'params_bytes': f'sizeof(kMapParams{i})',
      'inputs': tuple(f'kMapInput{i}_{k}' for k in range(len(case.inputs))),
      'output': f'kMapOutput{i}',
    }
  )


def main(count: int = 12, seed: int = 0) -> None:
  """Prints the header, with `count` cases of an operator."""
  rng = np.random.default_rng(seed)
  print(TOP)
  cases = [make(rng) for make in CASES for _ in range(count)]
  table = ''.join(write(case, i) for i, case in enumerate(cases))
  print(f'static const golden_map kMaps[] = {{\n{table}}};')
