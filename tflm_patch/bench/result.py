# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What measuring a model on a core finds out."""

from __future__ import annotations

import dataclasses
from typing import Any

from tflm_patch.bench.model_cycles import ModelCycles
from tflm_patch.cost.work import OperatorWork

SCHEMA_VERSION = 2  # cycles; estimates in milliseconds are theirs


@dataclasses.dataclass(frozen=True)
class OperatorCost:
  """An operator of a stage, measured.

  Attributes:
    stage: Which stage, from 0.
    operator: Its shapes and how often it is called.
    instructions: In its kernel.
    cycles: In its kernel, modelled; None where the core has no model.
  """

  stage: int
  operator: OperatorWork
  instructions: int
  cycles: int | None = None

  @property
  def instructions_per_mac(self) -> float | None:
    """None for an operator without multiply-accumulates."""
    return self.instructions / self.operator.macs if self.operator.macs else None


@dataclasses.dataclass(frozen=True)
class BenchResult:
  """A model measured on a core; all stages together.

  Attributes:
    cpu: Name of the core.
    optimization: The compiler's flag.
    operators: Every operator of every stage.
    stock_operators: Opcodes of operators outside stages: these are not measured.
    instructions: Of an inference, inside the stages.
    bands: Invocations that make up an inference, more than one where the input comes
      in bands of rows.
    longest_band: Instructions of the band that takes most, in the stage that is fed:
      the camera's lines must wait that long. All of them where the input comes whole.
    validate_instructions: Of checking the programs, once, in `AllocateTensors()`.
    workspace: Bytes of the largest workspace.
    fast: Bytes of the fast memory beside it; 0 with one memory.
    stack: Bytes of an inference, at its deepest; of checking the program.
    validate_stack: Likewise, of checking the program.
    code_bytes: Executor and all kernels: code and read-only data.
    code_by_file: The same, by source file.
    exact_on_host: Whether the converted model gives the original's bytes in TFLM
      on this computer.
    compared_with_original: Whether there was an original; else the converted model
      was all that there was, and `exact_on_host` is True.
    different_bytes: Of the outputs on the core, against the converted model in TFLM.
    stray_bytes: Written around the memory that belongs to the stages.
    predicted_instructions: By the planner's cost model; None for a core without one.
    predicted_cycles: Likewise; None for a core without timings.
    predicted_optimization: The compiler's flag that the cost model was fitted with.
    cycles: Modelled, of the same inference; None where there is no model or no trace.
    cycles_missing: Why there are none.
  """

  cpu: str
  optimization: str
  operators: tuple[OperatorCost, ...]
  stock_operators: tuple[str, ...]
  instructions: int
  bands: int
  longest_band: int
  validate_instructions: int
  workspace: int
  fast: int
  stack: int
  validate_stack: int
  code_bytes: int
  code_by_file: dict[str, int]
  exact_on_host: bool
  compared_with_original: bool
  different_bytes: int
  stray_bytes: int
  predicted_instructions: int | None
  predicted_cycles: int | None
  predicted_optimization: str | None
  cycles: ModelCycles | None = None
  cycles_missing: str | None = None

  @property
  def bit_exact(self) -> bool:
    """Whether every byte is what TFLM's reference kernels give, and nothing else is written."""
    return self.exact_on_host and not self.different_bytes and not self.stray_bytes

  @property
  def macs(self) -> int:
    """Multiply-accumulates of an inference, inside the stages."""
    return sum(cost.operator.macs for cost in self.operators)

  @property
  def executor_instructions(self) -> int:
    """Instructions outside the kernels."""
    return self.instructions - sum(cost.instructions for cost in self.operators)

  def to_json(self) -> dict[str, Any]:
    """The result for machines."""
    return {
      'schema_version': SCHEMA_VERSION,
      'cpu': self.cpu,
      'optimization': self.optimization,
      'instructions': self.instructions,
      **self._cycles_to_json(),
      'predicted_instructions': self.predicted_instructions,
      'predicted_cycles': self.predicted_cycles,
      'predicted_optimization': self.predicted_optimization,
      'bands': self.bands,
      'longest_band': self.longest_band,
      'macs': self.macs,
      'bit_exact': self.bit_exact,
      'compared_with_original': self.compared_with_original,
      'exact_on_host': self.exact_on_host,
      'different_bytes': self.different_bytes,
      'stray_bytes': self.stray_bytes,
      'workspace': self.workspace,
      'fast': self.fast,
      'stack': self.stack,
      'code_bytes': self.code_bytes,
      'code_by_file': self.code_by_file,
      'executor_instructions': self.executor_instructions,
      'validate': {'instructions': self.validate_instructions, 'stack': self.validate_stack},
      'stock_operators': list(self.stock_operators),
      'operators': [
        {
          'stage': cost.stage,
          'kind': cost.operator.kind.name,
          'description': cost.operator.description,
          'instructions': cost.instructions,
          'cycles': cost.cycles,
          'macs': cost.operator.macs,
          'instructions_per_mac': cost.instructions_per_mac,
          'calls': cost.operator.calls,
        }
        for cost in self.operators
      ],
    }

  def _cycles_to_json(self) -> dict[str, Any]:
    found = self.cycles
    return {
      'cycles': None if found is None else found.total.cycles,
      'cycles_bounds': None if found is None else [found.total.least, found.total.most],
      'cycles_model': None if found is None else found.source,
      'cycles_missing': self.cycles_missing,
      'wait_states': None if found is None else found.wait_states,
      'wait_cycles': None if found is None else found.total.waits,
      'longest_band_cycles': None if found is None else found.longest_band,
      'executor_cycles': None if found is None else found.executor,
      'validate_cycles': None if found is None else found.validate,
    }
