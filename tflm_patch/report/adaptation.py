# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What was found for training on the chip: lines, a summary for machines, files."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

from tflm_patch.export.folder import MANIFEST, write_folder
from tflm_patch.graph.writer import serialize_model
from tflm_patch.on_device import scheme_file
from tflm_patch.on_device.component import ComponentOptions, TrainingComponent, make_component
from tflm_patch.on_device.instructions import StepInstructions
from tflm_patch.on_device.options import Arithmetic
from tflm_patch.on_device.scheme import LayerUpdate
from tflm_patch.on_device.simulation.adaptation import Adaptation
from tflm_patch.report import adaptation_page
from tflm_patch.report.tables import table

SCHEMA_VERSION = 1
ARITHMETIC = {
  Arithmetic.FLOAT32: 'float32',
  Arithmetic.INTEGER: 'integers with an exponent, for chips without a floating-point unit',
}
MODEL, SCHEME, RESULT, PAGE = 'model.tflite', 'scheme.json', 'result.json', 'report.html'


def component_of(found: Adaptation, name: str, standalone: bool) -> TrainingComponent:
  """The C of what was found."""
  options = ComponentOptions(
    name=name, standalone=standalone, learning_rate=found.rate, training=found.options.on_chip
  )
  return make_component(found.model, found.scheme, options)


def files_of(found: Adaptation, component: TrainingComponent, command: str) -> dict[str, bytes]:
  """Contents by name: the model, the scheme, the figures, the page and the C."""
  return {
    MODEL: serialize_model(found.model),
    SCHEME: _json(scheme_file.to_json(found.scheme, found.options.on_chip)),
    RESULT: _json(result_json(found, component)),
    PAGE: adaptation_page.page(found, component, command).encode(),
    **{name: text.encode() for name, text in component.files.items()},
  }


def write(
  found: Adaptation, component: TrainingComponent, command: str, folder: pathlib.Path, force: bool
) -> list[str]:
  """Writes all files, or none.

  Args:
    found: What is written.
    component: Its C.
    command: That finds the same again.
    folder: Where to.
    force: Replace the files of an earlier run.

  Returns:
    Their names.

  Raises:
    TflmPatchError: the folder holds other files, or cannot be written.
  """
  files = files_of(found, component, command)
  manifest = json.dumps({'files': sorted(files)}, indent=2) + '\n'
  write_folder(folder, {**files, MANIFEST: manifest.encode()}, force)
  return sorted(files)


def _json(value: Any) -> bytes:
  return (json.dumps(value, indent=2) + '\n').encode()


def result_json(found: Adaptation, component: TrainingComponent) -> dict[str, Any]:
  """All figures."""
  options = found.options
  return {
    'schema_version': SCHEMA_VERSION,
    'memory_limit': options.memory,
    'memory': found.memory.to_json(),
    'arithmetic': options.training.arithmetic.value,
    'momentum_bytes': found.memory.momentum,
    'instructions': instructions_json(found.instructions),
    'flash_constants': component.constants_bytes,
    'scheme': scheme_file.to_json(found.scheme, options.on_chip),
    'updated': [
      {'operator': name, 'weights': weights, 'of_weights': whole, 'biases': biases}
      for name, weights, whole, biases in updated_rows(found)
    ],
    'learning_rate': found.rate,
    'samples_an_update': options.training.samples,
    'epochs': options.epochs,
    'curve': [dataclasses.asdict(each) for each in found.learned.curve],
    'accuracy': found.learned.last.accuracy,
    'loss': found.learned.last.loss,
    'last_layer_alone': dataclasses.asdict(found.head_alone),
    'candidates': [
      {'layers': len(each.scheme.updates), 'memory': each.memory, 'value': each.value}
      for each in found.candidates
    ],
    'seed': options.seed,
    'seconds': round(found.seconds, 1),
  }


def instructions_json(found: StepInstructions) -> dict[str, Any]:
  """Predicted instructions."""
  return {
    'cpu': found.cpu,
    'inference': round(found.inference),
    'forward': round(found.forward),
    'step': round(found.step),
    'inferences': round(found.ratio, 3),
  }


def updated_rows(found: Adaptation) -> list[tuple[str, int, int, int]]:
  """Of every updated layer: its name, weights trained, all weights, biases trained."""
  return [_row(found, update) for update in found.scheme.updates]


def _row(found: Adaptation, update: LayerUpdate) -> tuple[str, int, int, int]:
  layer = found.network.layers[update.operator]
  whole = layer.initial.weights.size
  trained = whole // layer.channels * len(update.input_channels)
  return layer.view.name, trained, whole, layer.channels_out if update.bias else 0


def summary(found: Adaptation, component: TrainingComponent, output: str) -> str:
  """Lines for the terminal."""
  rows = [
    (name, f'{weights:,} of {whole:,}', f'{biases:,}')
    for name, weights, whole, biases in updated_rows(found)
  ]
  memory, last = found.memory, found.learned.last
  parts = [(part.name, f'{part.at_peak:,}') for part in memory.parts]
  return '\n'.join(
    [
      table(('updated layer', 'weights', 'biases'), rows),
      '',
      table(('memory of a training step, at its peak', 'bytes'), parts),
      '',
      f'gradients are {ARITHMETIC[found.options.training.arithmetic]}; momentum, not used, '
      f'would take {memory.momentum:,} bytes more',
      f'{memory.total:,} bytes in all, of {found.options.memory:,}; {memory.over_inference:,} more '
      f'than an inference',
      f'{found.instructions.step:,.0f} instructions a step on {found.instructions.cpu}, predicted: '
      f'{found.instructions.ratio:.2f} inferences',
      f'{component.constants_bytes:,} bytes of constants in flash',
      f'{_judged(last.accuracy, last.loss)} after {last.step:,} simulated updates at a learning '
      f'rate of {found.rate:g}; '
      f'{_judged(found.head_alone.accuracy, found.head_alone.loss)} of the last layer alone; '
      f'{_judged(found.learned.curve[0].accuracy, found.learned.curve[0].loss)} before',
      f'wrote {MODEL}, {SCHEME}, {RESULT}, {PAGE} and {component.name}.c into {output}',
    ]
  )


def _judged(accuracy: float | None, loss: float) -> str:
  return f'loss {loss:.4g}' if accuracy is None else f'{100 * accuracy:.2f} %'
