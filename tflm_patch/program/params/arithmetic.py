# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameters of pools, of arithmetic with two maps, and of reductions."""

from __future__ import annotations

import dataclasses

from tflm_patch.program.fields import array_of, i8, i16, i32, nested, structure, u8, u16
from tflm_patch.program.params.base import Params, Window


@structure('tflm_patch_pool_params')
@dataclasses.dataclass(frozen=True, eq=False)
class PoolParams(Params):
  """AVERAGE_POOL_2D, MAX_POOL_2D; dilation 1.

  Cells outside the map are left out, of the average's count, too; every window of an average
  has a cell inside. accumulate 1 (average only, one output row): a step consumes input row
  first_row + step into int32[out_cols * channels] accumulators in the scratch; first_row is 0
  and there are min(rows, kernel_h - pad_top) steps.
  """

  window: Window = nested(Window)
  act_min: int = i16()
  act_max: int = i16()
  accumulate: int = u16()
  first_row: int = u16()


@structure('tflm_patch_add_params')
@dataclasses.dataclass(frozen=True, eq=False)
class AddParams(Params):
  """ADD (TFLM's Add, left_shift 20, for int16 maps 15): both inputs are scaled to a common scale.

  An input of 1 row, column or channel is broadcast. SUB, with the record of ADD: the second
  input's term is taken from the first's.
  """

  input_multiplier: tuple[int, int] = array_of('i', 2)
  output_multiplier: int = i32()
  input_shift: tuple[int, int] = array_of('b', 2)
  output_shift: int = i8()
  left_shift: int = i8()
  output_zero_point: int = i32()
  act_min: int = i16()
  act_max: int = i16()


@structure('tflm_patch_mul_params')
@dataclasses.dataclass(frozen=True, eq=False)
class MulParams(Params):
  """MUL, broadcast like ADD.

  The multiplier and shift are those of input_scale[0] * input_scale[1] / output_scale.
  """

  output_multiplier: int = i32()
  output_shift: int = i32()
  output_zero_point: int = i32()
  act_min: int = i16()
  act_max: int = i16()


@structure('tflm_patch_batch_matmul_params')
@dataclasses.dataclass(frozen=True, eq=False)
class BatchMatmulParams(Params):
  """BATCH_MATMUL: each cell of the first input is a vector that a matrix of the second multiplies.

  Row r of the output is made from row r of both inputs, of one that has a single row from
  that: the cells of the second input's row are the rows of the matrix. With `whole` 1 all rows
  of the second input, of one cell each, are the rows of one matrix; with 2 cell h of them makes up
  the matrix that multiplies cell h of the first input. The multiplier and shift
  are those of input_scale[0] * input_scale[1] / output_scale.
  """

  output_multiplier: int = i32()
  output_shift: int = i32()
  output_zero_point: int = i16()
  transposed: int = u8("the rows of the matrix are the output's channels")
  whole: int = u8()


@structure('tflm_patch_prelu_params')
@dataclasses.dataclass(frozen=True, eq=False)
class PreluParams(Params):
  """PRELU.

  The first input's values from its zero point on are scaled by multiplier[0]; those below it
  are multiplied by the second input, broadcast like ADD, and scaled by multiplier[1].
  """

  multiplier: tuple[int, int] = array_of('i', 2)
  shift: tuple[int, int] = array_of('b', 2)
  output_zero_point: int = i16()


@structure('tflm_patch_mean_params')
@dataclasses.dataclass(frozen=True, eq=False)
class MeanParams(Params):
  """MEAN over rows, columns and channels; with over_rows 0 it is a row operator.

  over_rows 1: a step consumes one input row into int32 accumulators, as many as an output row
  has values, in the scratch. The arithmetic is that of TFLM's int8 MEAN: with n the number of
  values in a mean (at most 2^23) and
    (m, s) = QuantizeMultiplier((double)input_scale / (double)output_scale)
    k = min(floor(log2(n)), 32, 31 + s)
  the record holds multiplier = (m << k) / n, rounded down, and shift = s - k. Of SUM it holds
  m and s.
  """

  multiplier: int = i32()
  shift: int = i32()
  output_zero_point: int = i32()
  over_rows: int = u16()
  over_cols: int = u8()
  over_channels: int = u8()


@structure('tflm_patch_reduce_params')
@dataclasses.dataclass(frozen=True, eq=False)
class ReduceParams(Params):
  """REDUCE_MAX, REDUCE_MIN over rows, columns and channels; over_rows 0: a row operator.

  over_rows 1: a step consumes one input row into int8 results, as many as an output row has
  values, in the scratch.
  """

  over_rows: int = u16()
  over_cols: int = u8()
  over_channels: int = u8()


@structure('tflm_patch_cumsum_params')
@dataclasses.dataclass(frozen=True, eq=False)
class CumsumParams(Params):
  """CUMSUM: sums in units of 2^-19 of the input's scale, and what brings them to the output's."""

  output_multiplier: int = i32()
  output_shift: int = i32()
  output_zero_point: int = i32()
  axis: int = u16('0 rows, 1 columns, 2 channels')
  exclusive: int = u8('a value is not in its own sum')
  reverse: int = u8('from the last column or channel on')


@structure('tflm_patch_arg_max_params')
@dataclasses.dataclass(frozen=True, eq=False)
class ArgMaxParams(Params):
  """ARG_MAX: of each cell of an int8 map the first channel with the largest value, int32."""

  sign: int = i32('-1: with the least value')
