# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Mean average precision against resolution: what a streamed image is worth to a detector.

  pip install 'tflm-patch[train,detection,plot]'
  python benchmarks/detection.py --data sign_digits.tar --out runs --plot detection.png
  python benchmarks/detection.py --data sign_digits.tar --out runs --sides 48 96 --epochs 5 --json

Scenes of 160x160 pixels hold one to three photographs of hand signs on backgrounds of noise; held
out ones hold photographs that are held out. The same network looks at them in several resolutions.
The arena counts the image, and so it is the resolution that 32 KB limit: of stock TFLM, of the
converted model, and of one that takes its image row by row. mAP@0.5 is that of the converted int8
model in the TFLM interpreter, by pycocotools. A run that was killed goes on.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import provenance

from tflm_patch.graph.files import write_atomically
from tflm_patch.training import (
  Augmentation,
  Budgets,
  Dataset,
  Part,
  TrainOptions,
  read_images,
  train,
)
from tflm_patch.training.detection.boxes import Box, padded

RESULTS = pathlib.Path(__file__).resolve().parent / 'results'
KB = 1024
LIMIT = 32 * KB
SIDE, PHOTO = 160, 100  # of scenes, of the photographs as they are read
SPLIT_SEED, SCENE_SEED = 1, 7
MOST_SIGNS, SMALLEST, LARGEST = 3, 28, 64
TRIES = 30
NETWORK = (
  'in{side}x{side}x3 conv3_s2_c8 ir_k3_e2_s2_c16 ir_k3_e3_c16 ir_k3_e3_s2_c24 ir_k3_e3_c24 x2 '
  'yolo{classes}_a1_s1'
)


def scenes(photos: Part, count: int, seed: int) -> Part:
  """Images with signs.

  Args:
    photos: uint8[n, 100, 100, 3] and classes.
    count: Scenes.
    seed: Of everything random.
  """
  from PIL import Image

  rng = np.random.default_rng(seed)
  images, boxes = np.empty((count, SIDE, SIDE, 3), np.uint8), []
  for scene in images:
    coarse = rng.integers(30, 226, (6, 6, 3), np.uint8)
    ground = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    noise = rng.integers(-20, 21, (SIDE, SIDE, 3))
    scene[...] = np.clip(np.asarray(ground, np.int64) + noise, 0, 255)
    found: list[Box] = []
    for _ in range(rng.integers(1, MOST_SIGNS + 1)):
      number, side = int(rng.integers(len(photos))), int(rng.integers(SMALLEST, LARGEST + 1))
      place = _free_place(found, side, rng)
      if place is not None:
        top, left = place
        photo = Image.fromarray(photos.inputs[number]).resize((side, side))
        scene[top : top + side, left : left + side] = np.asarray(photo)
        middle = (left + side / 2) / SIDE, (top + side / 2) / SIDE
        found.append((int(photos.targets[number]), *middle, side / SIDE, side / SIDE))
    boxes.append(found)
  return Part(images, padded(boxes))


def _free_place(
  found: Sequence[Box], side: int, rng: np.random.Generator
) -> tuple[int, int] | None:
  """Top and left of a square that covers no other; None where none was found."""
  for _ in range(TRIES):
    top, left = (int(each) for each in rng.integers(0, SIDE - side + 1, 2))
    x, y = (left + side / 2) / SIDE, (top + side / 2) / SIDE
    if all(
      max(abs(x - other[1]), abs(y - other[2])) > (side / SIDE + other[3]) / 2 for other in found
    ):
      return top, left
  return None


def composed(path: str, signs: Sequence[str], count: int, held: int) -> Dataset:
  """Scenes to train with and scenes that are held out.

  Args:
    path: The folder or .tar of photographs.
    signs: Their classes.
    count, held: How many scenes.
  """
  photos = read_images(path, (PHOTO, PHOTO, 3), SPLIT_SEED)
  numbers = [photos.classes.index(sign) for sign in signs]

  def chosen(part: Part) -> Part:
    kept = np.flatnonzero(np.isin(part.targets, numbers))
    return Part(part.inputs[kept], np.searchsorted(numbers, part.targets[kept]))

  return Dataset(
    scenes(chosen(photos.train), count, SCENE_SEED),
    scenes(chosen(photos.test), held, SCENE_SEED + 1),
    tuple(signs),
  )


def in_side(dataset: Dataset, side: int) -> Dataset:
  """The scenes in another resolution."""
  from tflm_patch.nas.data import resized

  return resized(dataset, (side, side, 3))


def arenas(spec: str) -> dict[str, int]:
  """Bytes of arena: of stock TFLM, converted, and fed row by row."""
  from tflm_patch import architecture
  from tflm_patch.api import ConvertOptions, convert_model
  from tflm_patch.graph.writer import serialize_model

  data = serialize_model(architecture.to_graph(architecture.load(spec)))
  whole = convert_model(data, ConvertOptions(), spec)
  rows = convert_model(data, ConvertOptions(input_rows=1), spec)
  return {
    'stock': whole.original_arena.total,
    'converted': whole.converted_arena.total,
    'rows': rows.converted_arena.total,
  }


def measure(
  side: int, dataset: Dataset, arguments: argparse.Namespace, say: Callable[[str], None]
) -> dict[str, Any]:
  """All figures of a resolution; those of an earlier run are read."""
  folder = pathlib.Path(arguments.out) / str(side)
  known = folder / 'figures.json'
  settings = [arguments.epochs, arguments.scenes, list(arguments.signs)]
  if known.exists():
    figures: dict[str, Any] = json.loads(known.read_text())
    if figures.pop('settings') == settings:
      return figures
    raise SystemExit(f'{known}: of another run; choose another --out')
  spec = NETWORK.format(side=side, classes=len(dataset.classes))
  needs = arenas(spec)
  start = time.monotonic()
  result = train(
    in_side(dataset, side),
    spec,
    TrainOptions(
      epochs=arguments.epochs,
      batch_size=16,
      optimizer='adamw',
      learning_rate=0.005,
      augmentation=Augmentation(flip=False, shift=0.1, brightness=0.1, contrast=0.2),
      threads=arguments.threads,
      checkpoint_seconds=20,
    ),
    Budgets(input_rows=1),
    folder,
    resume=True,
    progress=lambda text: say(f'{side}: {text}'),
  )
  figures = {
    'side': side,
    'map': round(result.int8.score, 2),
    'map_float': round(result.float_score, 2),
    'int8_by': result.int8.by.value,
    'verified': result.verified,
    **{f'arena_{name}': value for name, value in needs.items()},
    'file_bytes': result.file_bytes,
    'macs': result.converted.converted_macs,
    'cpu_seconds': round(result.cpu_seconds),
    'seconds': round(time.monotonic() - start),
  }
  write_atomically(known, json.dumps({**figures, 'settings': settings}).encode())
  return figures


def reached(rows: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
  """For each way to run it: the best resolution that keeps the limit, and its mAP."""
  found = {}
  for way in ('stock', 'converted', 'rows'):
    fit = [row for row in rows if row[f'arena_{way}'] <= limit]
    best = max(fit, key=lambda row: row['map'], default=None)
    found[way] = None if best is None else {'side': best['side'], 'map': best['map']}
  return found


def table(rows: Sequence[dict[str, Any]], best: dict[str, Any]) -> str:
  """For people."""
  lines = ['side  mAP@0.5  stock TFLM  converted  by rows     MACs']
  lines += [
    f'{row["side"]:4}  {row["map"]:7.2f}  {row["arena_stock"]:10,}  {row["arena_converted"]:9,}  '
    f'{row["arena_rows"]:7,}  {row["macs"]:7,}'
    for row in rows
  ]
  for way, figures in best.items():
    what = 'nothing' if figures is None else f'{figures["map"]:.2f} % at {figures["side"]}'
    lines.append(f'in {LIMIT:,} bytes, {way}: {what}')
  return '\n'.join(lines)


def plot(rows: Sequence[dict[str, Any]], path: str) -> None:
  """A chart: mAP by resolution, and how far each way to run it gets in the limit."""
  from tflm_patch.report.plot import CONVERTED, STOCK, pyplot_module, write_png

  pyplot = pyplot_module()
  figure, axis = pyplot.subplots(figsize=(7, 4.4))
  sides = [row['side'] for row in rows]
  axis.plot(sides, [row['map'] for row in rows], color=CONVERTED, marker='o')
  for way, color, label in (
    ('stock', STOCK, 'stock TFLM'),
    ('converted', CONVERTED, 'converted'),
    ('rows', '#d1602b', 'converted, image by rows'),
  ):
    fit = [row['side'] for row in rows if row[f'arena_{way}'] <= LIMIT]
    if fit:
      axis.axvline(max(fit), color=color, linestyle='--', label=f'{label}: up to {max(fit)}')
  axis.set_xlabel('rows and columns of the image')
  axis.set_ylabel('mAP@0.5 of the int8 model, %')
  axis.set_title(f'in {LIMIT // KB} KB of arena, the image counted', fontsize=10)
  axis.spines[['top', 'right']].set_visible(False)
  axis.legend(frameon=False, loc='upper left')
  figure.tight_layout()
  write_png(pyplot, figure, path)


def main(words: Sequence[str] | None = None) -> int:
  """See the module."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--data', required=True, help='the folder or .tar of photographs')
  parser.add_argument('--out', required=True, help='a folder; a run there is gone on with')
  parser.add_argument('--sides', type=int, nargs='+', default=[32, 48, 64, 96, 128, 160])
  parser.add_argument('--signs', nargs='+', default=['0', '5', '9'], help='classes')
  parser.add_argument('--scenes', type=int, default=600, help='to train with; a third is held out')
  parser.add_argument('--epochs', type=int, default=40)
  parser.add_argument('--threads', type=int, default=1)
  parser.add_argument('--plot', metavar='FILE.png')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--record', action='store_true', help='write them into results/, too')
  parser.add_argument('--quiet', action='store_true', help='no lines of progress')
  arguments = parser.parse_args(words)
  signs = sorted(arguments.signs)
  arguments = argparse.Namespace(**{**vars(arguments), 'signs': signs})

  def say(text: str) -> None:
    if not arguments.quiet:
      print(text, file=sys.stderr, flush=True)

  dataset = composed(arguments.data, signs, arguments.scenes, max(1, arguments.scenes // 3))
  rows = [measure(side, dataset, arguments, say) for side in sorted(arguments.sides)]
  best = reached(rows, LIMIT)
  if arguments.plot:
    plot(rows, arguments.plot)
  text = json.dumps(
    {
      'schema_version': 1,
      'command': ' '.join(['python', 'benchmarks/detection.py', *(words or sys.argv[1:])]),
      'commit': provenance.commit(),
      'seconds': sum(row['seconds'] for row in rows),
      'cpu_seconds': sum(row['cpu_seconds'] for row in rows),
      'seed': SCENE_SEED,
      'limit': LIMIT,
      'scenes': arguments.scenes,
      'epochs': arguments.epochs,
      'signs': signs,
      'network': NETWORK,
      'rows': rows,
      'best': best,
    },
    indent=1,
  )
  if arguments.record:
    (RESULTS / 'detection.json').write_text(f'{text}\n')
  print(text if arguments.json else table(rows, best))
  return 0 if all(row['verified'] is not False for row in rows) else 1


if __name__ == '__main__':
  sys.exit(main())
