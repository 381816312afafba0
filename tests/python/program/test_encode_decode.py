# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What `decode` reads is what `encode` was given, for any program."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import examples

from tflm_patch.program.decode import decode, header, is_fed_by_bands, tensor_of
from tflm_patch.program.encode import Program, ProgramMap, ProgramOp, ProgramSegment, encode
from tflm_patch.program.fields import Deferred, field_types
from tflm_patch.program.records import (
  ALIGNMENT,
  HEADER,
  NONE,
  PARAMS,
  PAUSE,
  SEGMENT,
  TYPE_CODES,
  Kind,
  MapEntry,
  Region,
)

# Of a generator: a program that fails is not made smaller, which would take minutes.
SEEDS = st.integers(0, 2**32 - 1)
RANGES = {
  'B': (0, 255),
  'b': (-128, 127),
  'H': (0, 65535),
  'h': (-32768, 32767),
  'I': (0, 2**32 - 1),
  'i': (-(2**31), 2**31 - 1),
}


def random_scalar(rng: random.Random, code: str):
  if code == 'f':
    return float(np.float32(rng.uniform(-4, 4)))
  return rng.randint(*RANGES[code])


def random_params(rng: random.Random, cls: type):
  """A value of a parameter class, and the fields that its record is to have.

  An array stands among the fields instead of the offset that it gets.
  """
  values, wanted = {}, {}
  for field, kind in field_types(cls):
    if kind.nested is not None:
      values[field.name], inner = random_params(rng, kind.nested)
      wanted.update({f'{field.name}.{name}': value for name, value in inner.items()})
    elif kind.stored_as is not None:
      dtype = np.dtype(kind.stored_as or '<i4')
      array = np.array([rng.randint(0, 99) for _ in range(rng.randint(1, 9))], dtype)
      values[field.name] = Deferred(lambda array=array: array) if rng.random() < 0.5 else array
      wanted[kind.name] = array
    elif len(kind.code) > 1:
      count = int(kind.code[:-1])
      wanted[field.name] = [random_scalar(rng, kind.code[-1]) for _ in range(count)]
      values[field.name] = tuple(wanted[field.name])
    else:
      wanted[field.name] = values[field.name] = random_scalar(rng, kind.code)
  return cls(**values), wanted


def random_map(rng: random.Random) -> ProgramMap:
  rows = rng.randint(1, 300)
  ring = rng.randint(1, rows)
  entry = MapEntry(
    offset=rng.randint(0, 2**20),
    row_bytes=rng.randint(-5000, 5000),
    rows=rows,
    ring_rows=ring,
    cols=rng.randint(1, 300),
    channels=rng.randint(1, 300),
    region=rng.choice([Region.WORKSPACE, Region.STATE, Region.TENSOR + 3]),
    type=rng.choice(list(TYPE_CODES.values())),
    zero_point=rng.randint(-128, 127),
    split_offset=rng.randint(0, 2**20),
    split=rng.randint(1, ring),
    split_region=rng.choice([Region.WORKSPACE, Region.TENSOR + 0]),
  )
  values = [rng.randint(-9, 9) for _ in range(rng.randint(1, 40))]
  return ProgramMap(entry, np.array(values, np.int8) if rng.random() < 0.2 else None)


def random_program(rng: random.Random) -> tuple[Program, list[dict]]:
  """A program, and the fields of the parameters of its operators."""
  maps = [random_map(rng) for _ in range(rng.randint(1, 12))]
  ops, wanted = [], []
  for _ in range(rng.randint(1, 12)):
    kind = rng.choice(list(Kind))
    params, fields = random_params(rng, PARAMS[kind]) if kind in PARAMS else (None, {})
    if rng.random() < 0.2 and ops:  # the same again: its record is stored once
      kind, params, fields = ops[-1].kind, ops[-1].params, wanted[-1]
    scratch = rng.choice([NONE, 0, 4096])
    ops.append(
      ProgramOp(
        kind,
        [rng.randrange(len(maps)) for _ in range(rng.randint(0, 3))],
        [rng.randrange(len(maps)) for _ in range(rng.randint(1, 3))],
        rng.randint(1, 65535),
        params,
        scratch,
        Region.TENSOR,
        0 if scratch == NONE else 64,
      )
    )
    wanted.append(fields)
  cuts = sorted({0, len(ops), *(rng.randint(0, len(ops)) for _ in range(2))})
  segments = []
  for first, last in itertools.pairwise(cuts):
    steps = [
      (rng.randrange(last - first), rng.randint(0, 65535), rng.randint(1, 255))
      for _ in range(rng.randint(0, 9))
    ]
    if rng.random() < 0.3:
      steps.append((PAUSE, 0, 0))
    segments.append(ProgramSegment(first, last - first, steps))
  program = Program(
    rng.randint(1, 8),
    rng.randint(1, 8),
    maps,
    ops,
    segments,
    16 * rng.randint(0, 9999),
    16 * rng.randint(0, 99),
    rng.randint(0, 3),
  )
  return program, wanted


def check_op(op, found, fields, constants):
  assert (found.kind, found.steps) == (op.kind, op.steps)
  assert [m.index for m in found.inputs] == op.inputs
  assert [m.index for m in found.outputs] == op.outputs
  assert found.scratch == (None if op.scratch == NONE else (op.scratch_region, op.scratch))
  assert found.scratch_bytes == op.scratch_bytes
  assert set(found.params) == set(fields)
  for name, value in fields.items():
    if isinstance(value, np.ndarray):
      at = found.params[name]
      assert constants[at : at + value.nbytes] == value.tobytes(), name
    else:
      assert found.params[name] == value, name


@settings(max_examples=examples(150))
@given(SEEDS)
def test_any_program(seed):
  program, fields = random_program(random.Random(seed))
  encoded = encode(program)
  stage = decode(encoded.program, encoded.constants)
  assert (stage.n_inputs, stage.n_outputs) == (program.n_inputs, program.n_outputs)
  assert (stage.workspace_bytes, stage.family) == (program.workspace_bytes, program.family)
  assert len(stage.maps) == len(program.maps)
  for found, wanted in zip(stage.maps, program.maps):
    for name in (
      'rows',
      'cols',
      'channels',
      'ring_rows',
      'row_bytes',
      'region',
      'split',
      'split_region',
      'split_offset',
      'type',
      'zero_point',
    ):
      assert getattr(found, name) == getattr(wanted.entry, name), name
    if wanted.constant is None:
      assert found.offset == wanted.entry.offset
    else:
      assert found.offset % ALIGNMENT == 0
      end = found.offset + wanted.constant.nbytes
      assert encoded.constants[found.offset : end] == wanted.constant.tobytes()
  assert len(stage.ops) == len(program.ops)
  for op, found, wanted in zip(program.ops, stage.ops, fields):
    check_op(op, found, wanted, encoded.constants)
  for segment, steps in zip(program.segments, stage.segments, strict=True):
    assert [(step.op, step.row, step.count) for step in steps] == [
      (None, 0, 0) if op == PAUSE else (segment.first_op + op, row, count)
      for op, row, count in segment.steps
    ]
  pauses = sum(op == PAUSE for segment in program.segments for op, _, _ in segment.steps)
  assert stage.pauses == pauses
  assert is_fed_by_bands(encoded.program) == any(op.kind == Kind.FEED for op in program.ops)


@settings(max_examples=examples(100))
@given(SEEDS, st.integers(1, 255), st.integers(0, HEADER.size - 1))
def test_what_is_cut_off_or_of_another_version_is_refused(seed, change, length):
  encoded = encode(random_program(random.Random(seed))[0])
  other = bytearray(encoded.program)
  other[HEADER.offset('version')] ^= change
  with pytest.raises(ValueError, match='version'):
    decode(bytes(other), encoded.constants)
  with pytest.raises(ValueError, match='damaged'):
    decode(encoded.program[:length], encoded.constants)


@settings(max_examples=examples(20))
@given(SEEDS, st.integers(1, 2**32 - 1))
def test_segments_that_do_not_follow_each_other_are_refused(seed, first_step):
  """Else a few bytes could have the steps read again and again."""
  encoded = encode(random_program(random.Random(seed))[0])
  other = bytearray(encoded.program)
  at = header(encoded.program).segments + SEGMENT.offset('first_step')
  other[at : at + 4] = first_step.to_bytes(4, 'little')
  with pytest.raises(ValueError, match='damaged'):
    decode(bytes(other), encoded.constants)


def test_tensors_count_after_the_other_regions():
  assert [tensor_of(region) for region in range(6)] == [None, None, None, None, 0, 1]
