# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The functions of a stage's operators, and the calls of its steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from tflm_patch.codegen import c_text, loops
from tflm_patch.codegen.constant_arrays import ConstantArrays
from tflm_patch.codegen.memory import Memory
from tflm_patch.codegen.operators import REGISTRY, Code, Writer
from tflm_patch.codegen.operators.base import COUNT, FIRST, split_map_function
from tflm_patch.graph.types import Operator
from tflm_patch.program import records as program
from tflm_patch.program.decode import Map, Op, Stage, tensor_of
from tflm_patch.program.records import Region

Chunk = list[loops.Call]


@dataclasses.dataclass(frozen=True)
class _Body:
  """What tells functions apart; operators of equal bodies share one."""

  steps: int
  statics: tuple[str, ...]
  code: Code


class StageFunctions:
  """A stage's operators as functions.

  Args:
    stage: The program.
    operator: Of the graph.
    memory: Where everything lies.
    number: Of the stage.
    first_op: Operators of the stages before.
    constants: The stage's constants; made of the program without them.

  Attributes:
    constants: The stage's constants.
    hops: Invocations that fill the window of a program with HOP; 0 for others.
    chunks: Calls between the pauses for bands; `function` is an index for `name`.
  """

  def __init__(
    self,
    stage: Stage,
    operator: Operator,
    memory: Memory,
    number: int,
    first_op: int,
    constants: ConstantArrays | None = None,
  ) -> None:
    self.constants = constants or ConstantArrays(stage.constants)
    self._tensors = [memory.tensors[i] for i in (*operator.inputs[:-2], *operator.outputs)]
    self._workspace, self._state = memory.workspaces[number], memory.states[number]
    self._kept = stage.kept_maps
    self.hops = stage.hop_invocations or 0
    self._number = number
    self._first_op = first_op
    self._helpers: dict[str, list[str]] = {}
    self._bodies: dict[_Body, int] = {}
    self._sources: dict[int, Op] = {}
    functions = {op.index: self._function(op) for op in stage.ops}
    self.chunks = _chunks(stage, functions)
    self._counts: dict[int, set[tuple[int, int]]] = {}
    for chunk in self.chunks:
      for call in chunk:
        self._counts.setdefault(call.function, set()).add((call.base, call.count))

  # ---- what writers ask for ----

  def place(self, region: int, offset: int) -> str:
    """See `operators.base.Surroundings`."""
    if region == Region.FAST:
      return f'fast + {offset}'
    tensor = tensor_of(region)
    begin = self._workspace if tensor is None else self._tensors[tensor]
    if region == Region.STATE:
      begin = self._state
    return f'workspace + {begin + offset}'

  def split_map(self, m: Map) -> str:
    """See `operators.base.Surroundings`."""
    name = f'stage_{self._number}_map_{m.index}'
    self._helpers[name] = split_map_function(
      name, m, self.place(m.region, m.offset), self.place(m.split_region, m.split_offset)
    )
    return name

  # ---- what the source is made of ----

  def name(self, function: int) -> str:
    op = self._sources[function]
    return f'{op.kind.name.lower()}_{self._first_op + op.index}'

  def define(self) -> list[str]:
    """Lines that define the functions."""
    lines = [line for helper in self._helpers.values() for line in helper]
    for body, function in self._bodies.items():
      if function in self._counts:
        lines += self._definition(body, function)
    return lines

  @property
  def functions(self) -> int:
    """How many there are."""
    return len(self._counts)

  def call(self, call: loops.Call, row: str) -> str:
    """A statement; `row` is the first row as an expression."""
    op = self._sources[call.function]
    form = self._form(call.function, op)
    arguments = {'whole': (), 'row': (row,), 'rows': (row, call.count)}[form]
    return c_text.call(self.name(call.function), *arguments)

  def reset(self) -> list[str]:
    """Statements that bring what is kept to its zero points."""
    return [
      c_text.call(
        'memset', f'workspace + {self._state + m.offset}', m.zero_point, m.rows * m.row_bytes
      )
      for m in self._kept
    ]

  def _function(self, op: Op) -> int | None:
    """The function that makes an operator's rows, None for those that do nothing."""
    emit = REGISTRY[op.kind]
    if emit is None:
      return None
    writer = Writer(op, f'{op.kind.name.lower()}_{self._first_op + op.index}', self)
    code = emit(writer)
    body = _Body(op.steps, tuple(writer.statics), code)
    if body not in self._bodies:
      self._bodies[body] = op.index
      self._sources[op.index] = op
    return self._bodies[body]

  def _form(self, function: int, op: Op) -> str:
    """'whole': all rows in one call; 'row': one a call; 'rows': any number."""
    counts = self._counts[function]
    if counts == {(0, op.steps)}:
      return 'whole'
    if all(count == 1 for _, count in counts):
      code = self._code(function)
      uses_row = any('row' in _words(line) for line in code.row)
      return 'row' if uses_row or code.rows or code.first else 'whole'
    return 'rows'

  def _code(self, function: int) -> Code:
    return next(body.code for body, known in self._bodies.items() if known == function)

  def _definition(self, body: _Body, function: int) -> list[str]:
    op, code = self._sources[function], body.code
    form = self._form(function, op)
    parameters = {'whole': 'void', 'row': 'uint32_t row', 'rows': 'uint32_t row, uint32_t count'}
    is_whole = self._counts[function] == {(0, op.steps)}
    first: Sequence[str] = code.first
    last: Sequence[str] = code.last
    if not is_whole:
      end = op.steps - 1 if form == 'row' else op.steps
      first = _guarded('row == 0', first)
      last = _guarded(f'row == {end}', last)
    if form == 'rows':
      head = 'for (const uint32_t end = row + count; row < end; ++row) {'
    else:
      head = f'for (uint32_t row = 0; row < {op.steps}; ++row) {{'
    rows: Iterable[str] = code.row
    if code.rows:
      given = {'whole': ('0', str(op.steps)), 'row': ('row', '1'), 'rows': ('row', 'count')}[form]
      rows = [code.rows.replace(FIRST, given[0]).replace(COUNT, given[1])]
    elif form == 'rows' or (is_whole and op.steps > 1):
      rows = [head, *(f'  {line}' for line in code.row), '}']
    return [
      f'/* {_title(op)} */',
      f'static void {self.name(function)}({parameters[form]}) {{',
      *c_text.indented([*body.statics, *first, *rows, *last]),
      '}',
      '',
    ]


def _chunks(stage: Stage, functions: dict[int, int | None]) -> list[Chunk]:
  chunks: list[Chunk] = [[]]
  for segment in stage.segments:
    for step in segment:
      if step.op is None:
        chunks.append([])
        continue
      function = functions[step.op]
      if function is None:
        continue
      before = chunks[-1][-1] if chunks[-1] else None
      # What a step's count could not hold.
      if (
        before is not None
        and before.function == function
        and before.count >= program.MAX_STEP_ROWS
        and before.base + before.count == step.row
      ):
        chunks[-1][-1] = dataclasses.replace(before, count=before.count + step.count)
      else:
        chunks[-1].append(loops.Call(function, step.row, step.count))
  return chunks


def _guarded(condition: str, lines: Sequence[str]) -> list[str]:
  if not lines:
    return []
  return [f'if ({condition}) {{', *(f'  {line}' for line in lines), '}']


def _words(line: str) -> list[str]:
  return ''.join(c if c.isalnum() or c == '_' else ' ' for c in line).split()


def _title(op: Op) -> str:
  def shapes(maps: Sequence[Map]) -> str:
    return ', '.join(f'{m.rows} x {m.cols} x {m.channels}' for m in maps)

  constant = [m for m in op.inputs if m.region == Region.CONSTANTS]
  inputs = [m for m in op.inputs if m not in constant]
  return f'{op.kind.name} of {shapes(inputs)} to {shapes(op.outputs)}'
