# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch: int8 models in a fraction of TFLM's arena, bit-exactly.

import tflm_patch
result = tflm_patch.convert('model.tflite')            # writes model_patch.tflite
analysis = tflm_patch.analyze('model.tflite')          # memory over time
check = tflm_patch.verify('model.tflite', 'model_patch.tflite')
fit = tflm_patch.fits('model.tflite', 'stm32f412')       # does it fit, and by how much

Public are the names in `__all__` here, and those in `__all__` of the packages that have one,
like `tflm_patch.export` and `tflm_patch.bench`. Everything else may change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tflm_patch.version import __version__

if TYPE_CHECKING:
  from tflm_patch.analysis.memory import Analysis, analyze
  from tflm_patch.analysis.pareto import Pareto, pareto
  from tflm_patch.analysis.patch_report import ReceptiveFieldReport, receptive_field
  from tflm_patch.analysis.suggestions import Suggestion, suggest
  from tflm_patch.analysis.verification import Verification, verify
  from tflm_patch.api import ConversionResult, ConvertOptions, convert, convert_model
  from tflm_patch.architecture import Spec, SpecError
  from tflm_patch.codegen.compiler import CompiledModel, CompileOptions, compile_file, compile_model
  from tflm_patch.conversion.fit import Fit, FitOptions, fits, fits_many
  from tflm_patch.conversion.space_fit import Distribution, distributions
  from tflm_patch.cost.memories import Memories
  from tflm_patch.errors import EnvironmentMissing, ModelError, TflmPatchError
  from tflm_patch.graph.reader import read_model
  from tflm_patch.graph.types import Model
  from tflm_patch.planner.options import Objective, PlanOptions, Schedule
  from tflm_patch.quantization import QuantizeOptions, quantize
  from tflm_patch.runtime.rows import run_rows
  from tflm_patch.runtime.tflm import Interpreter, InterpreterError

__all__ = [
  'Analysis',
  'CompileOptions',
  'CompiledModel',
  'ConversionResult',
  'ConvertOptions',
  'Distribution',
  'EnvironmentMissing',
  'Fit',
  'FitOptions',
  'Interpreter',
  'InterpreterError',
  'Memories',
  'Model',
  'ModelError',
  'Objective',
  'Pareto',
  'PlanOptions',
  'QuantizeOptions',
  'ReceptiveFieldReport',
  'Schedule',
  'Spec',
  'SpecError',
  'Suggestion',
  'TflmPatchError',
  'Verification',
  '__version__',
  'analyze',
  'compile_file',
  'compile_model',
  'convert',
  'convert_model',
  'distributions',
  'fits',
  'fits_many',
  'pareto',
  'quantize',
  'read_model',
  'receptive_field',
  'run_rows',
  'suggest',
  'verify',
]

# Loaded when first used: importing the package stays quick.
_HOMES = {
  'Model': 'tflm_patch.graph.types',
  'read_model': 'tflm_patch.graph.reader',
  'Analysis': 'tflm_patch.analysis.memory',
  'analyze': 'tflm_patch.analysis.memory',
  'Pareto': 'tflm_patch.analysis.pareto',
  'pareto': 'tflm_patch.analysis.pareto',
  'ReceptiveFieldReport': 'tflm_patch.analysis.patch_report',
  'receptive_field': 'tflm_patch.analysis.patch_report',
  'Suggestion': 'tflm_patch.analysis.suggestions',
  'suggest': 'tflm_patch.analysis.suggestions',
  'Verification': 'tflm_patch.analysis.verification',
  'verify': 'tflm_patch.analysis.verification',
  'ConversionResult': 'tflm_patch.api',
  'ConvertOptions': 'tflm_patch.api',
  'convert': 'tflm_patch.api',
  'convert_model': 'tflm_patch.api',
  'Spec': 'tflm_patch.architecture',
  'SpecError': 'tflm_patch.architecture',
  'CompileOptions': 'tflm_patch.codegen.compiler',
  'CompiledModel': 'tflm_patch.codegen.compiler',
  'compile_file': 'tflm_patch.codegen.compiler',
  'compile_model': 'tflm_patch.codegen.compiler',
  'Fit': 'tflm_patch.conversion.fit',
  'FitOptions': 'tflm_patch.conversion.fit',
  'fits': 'tflm_patch.conversion.fit',
  'fits_many': 'tflm_patch.conversion.fit',
  'Distribution': 'tflm_patch.conversion.space_fit',
  'distributions': 'tflm_patch.conversion.space_fit',
  'Memories': 'tflm_patch.cost.memories',
  'EnvironmentMissing': 'tflm_patch.errors',
  'ModelError': 'tflm_patch.errors',
  'TflmPatchError': 'tflm_patch.errors',
  'Objective': 'tflm_patch.planner.options',
  'PlanOptions': 'tflm_patch.planner.options',
  'Schedule': 'tflm_patch.planner.options',
  'QuantizeOptions': 'tflm_patch.quantization',
  'quantize': 'tflm_patch.quantization',
  'run_rows': 'tflm_patch.runtime.rows',
  'Interpreter': 'tflm_patch.runtime.tflm',
  'InterpreterError': 'tflm_patch.runtime.tflm',
}


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
  return sorted({*globals(), *__all__})
