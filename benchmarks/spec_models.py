# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Do a spec, and the Keras model of the spec, need the same arena and flash?

  pip install 'tflm-patch[keras]' jax
  python benchmarks/spec_models.py --specs 300
  python benchmarks/spec_models.py --json

Random specs of all kinds of blocks and heads are built in Keras, quantized on noise and
converted; the constraint engine says the same of the spec alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import sys
import time
from typing import Any

import numpy as np

import tflm_patch
from tflm_patch import architecture, models
from tflm_patch.conversion.spec_engine import requirements_of, trained_graph
from tflm_patch.graph.writer import serialize_model

MAX_FLASH_DIFFERENCE = 0.01
# A converted file is padded to 16 bytes here and there.
_PADDING = 64
_ACTIVATIONS = ('', '_relu', '_hswish', '_linear')
_HEADS = ('fc10', 'fc5_softmax', 'poolfc4_softmax', 'flatfc3', 'fomo2_softmax', 'none')
_DETECTORS = ('yolo2_a2_s{}', 'ssd2_a2_s{}')


@dataclasses.dataclass(frozen=True)
class Comparison:
  """A spec by the constraint engine, its graph and its Keras model by conversion.

  Attributes:
    spec: Its line.
    engine_arena: By the constraint engine.
    arena, flash: Of the graph.
    keras_arena, keras_flash: Of the Keras model.
  """

  spec: str
  engine_arena: int
  arena: int
  flash: int
  keras_arena: int
  keras_flash: int

  @property
  def agrees(self) -> bool:
    difference = abs(self.flash - self.keras_flash)
    is_close = difference <= max(_PADDING, MAX_FLASH_DIFFERENCE * self.flash)
    return self.engine_arena == self.arena == self.keras_arena and is_close


def random_spec(rng: random.Random) -> str:
  """The line of a random spec of a small network."""
  if rng.random() < 0.05:
    middle = ' '.join(f'dense{rng.randint(4, 64)}' for _ in range(rng.randint(1, 5)))
    return f'in{rng.randint(8, 200)} {middle} dense8_linear none'
  side = rng.randrange(16, 57, 4)
  words = [f'in{side}x{side}x{rng.choice((1, 3))}', f'conv3_s2_c{rng.randrange(4, 17, 4)}']
  size, scales = -(-side // 2), 1
  for _ in range(rng.randint(1, 7)):
    stride = 2 if size >= 8 and rng.random() < 0.4 else 1
    size, scales = -(-size // stride), scales + (stride == 2)
    words.append(_random_block(rng, stride))
  if rng.random() < 0.15:
    return ' '.join([*words, rng.choice(_DETECTORS).format(rng.randint(1, scales))])
  return ' '.join([*words, rng.choice(_HEADS)])


def _random_block(rng: random.Random, stride: int) -> str:
  kernel, channels = rng.choice((3, 5, 7)), rng.randrange(8, 41, 4)
  shape = f'_s{stride}_c{channels}'
  end = rng.choice(_ACTIVATIONS)
  squeeze = rng.choice(('', '', '_se0.25', '_se0.5'))
  expansion = rng.choice((1, 2, 3, 4, 6))
  if stride == 2 and rng.random() < 0.15:
    return rng.choice(('maxpool2', 'avgpool2', 'maxpool3_s2_same'))
  return rng.choice(
    (
      f'conv{rng.choice((1, 3))}{shape}{end}',
      f'ds{kernel}{shape}{end}',
      f'dw{kernel}_s{stride}{end}',
      f'ir_k{kernel}_e{expansion}{shape}{squeeze}',
      f'ir_k{kernel}_e{expansion}{shape}{squeeze}',
      f'er_k3_e{min(expansion, 3)}{shape}{squeeze}',
      f'basic3{shape}',
    )
  )


def compare(line: str, seed: int = 0, samples: int = 4) -> Comparison:
  """A spec by both ways."""
  spec = architecture.load(line)
  graph = tflm_patch.convert_model(serialize_model(trained_graph(spec)))
  keras_model = models.build(spec)
  rng = np.random.default_rng(seed)
  for weight in keras_model.weights:
    if weight.path.endswith(('beta', 'bias')):
      # Channels that are 0 on all samples, as untrained ones may be, are folded.
      weight.assign(rng.uniform(0.5, 1, tuple(weight.shape)))
  shape = (samples, *keras_model.inputs[0].shape[1:])
  noise = rng.normal(size=shape).astype(np.float32)
  result = tflm_patch.convert_model(tflm_patch.quantize(keras_model, noise).data)
  return Comparison(
    line,
    requirements_of(spec).arena.total,
    graph.converted_arena.total,
    graph.converted_bytes,
    result.converted_arena.total,
    result.converted_bytes,
  )


def main() -> int:
  """Prints the figures; 1 when some do not agree."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--specs', type=int, default=200)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  rng = random.Random(arguments.seed)
  start = time.monotonic()
  found = [compare(random_spec(rng), k) for k in range(arguments.specs)]
  figures: dict[str, Any] = {
    'specs': len(found),
    'seed': arguments.seed,
    'equal_arenas': sum(each.arena == each.keras_arena for each in found),
    'largest_flash_difference': max(abs(each.keras_flash / each.flash - 1) for each in found),
    'seconds': round(time.monotonic() - start, 1),
    'differing': [dataclasses.asdict(each) for each in found if not each.agrees],
  }
  if arguments.json:
    print(json.dumps(figures, indent=2))
  else:
    for name, value in figures.items():
      print(f'{name}: {value}')
  return 1 if figures['differing'] else 0


if __name__ == '__main__':
  sys.exit(main())
