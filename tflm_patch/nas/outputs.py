# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The folder of a search: what is in it, and what may be overwritten."""

from __future__ import annotations

import csv
import io
import json
import os
import pathlib
import shutil

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import write_atomically
from tflm_patch.nas.costs import COSTS
from tflm_patch.nas.result import SearchResult
from tflm_patch.training.outputs import claimed

STATE, SUMMARY, TABLE, SPEC = 'search.jsonl', 'search.json', 'trials.csv', 'spec.txt'
TOP = 'top'


class SearchOutputs:
  """A folder that a search writes into.

  Args:
    folder: Made if it is not there.
    resume: Go on with its state, if there is one.
    overwrite: Begin anew; files of an earlier search are replaced, others are left alone.

  Raises:
    TflmPatchError: it cannot be made, or holds a search and neither is said.
  """

  def __init__(self, folder: str | os.PathLike[str], resume: bool, overwrite: bool) -> None:
    self.folder = claimed(folder, 'search', (STATE,), resume or overwrite)
    self.state = self.folder / STATE
    self.resumes = resume and self.state.exists()
    if not self.resumes:
      for old in self.folder.glob(f'{TOP}[0-9]*'):
        if old.is_dir() and not old.is_symlink() and (old / SPEC).exists():
          shutil.rmtree(old, ignore_errors=True)

  def finalist(self, rank: int, spec: str) -> pathlib.Path:
    """The folder of a finalist, with its spec in it.

    One of another network, of a search that went on, is removed.

    Raises:
      TflmPatchError: it cannot be written.
    """
    folder = self.folder / f'{TOP}{rank}'
    line = f'{spec}\n'
    try:
      if folder.exists() and (not (folder / SPEC).exists() or (folder / SPEC).read_text() != line):
        shutil.rmtree(folder)
      folder.mkdir(exist_ok=True)
    except OSError as error:
      raise TflmPatchError(
        f'{folder}: cannot be replaced ({error.strerror}); remove it and use --resume'
      ) from None
    write_atomically(folder / SPEC, line.encode())
    return folder

  def write(self, result: SearchResult) -> list[str]:
    """Writes the figures; gives the names of the files.

    Raises:
      TflmPatchError: one cannot be written.
    """
    text = json.dumps(result.to_json(), indent=2) + '\n'
    write_atomically(self.folder / SUMMARY, text.encode())
    write_atomically(self.folder / TABLE, _table(result).encode())
    return [SUMMARY, TABLE]


def _table(result: SearchResult) -> str:
  """A line for each trial, as CSV."""
  front = {trial.number for trial in result.front}
  file = io.StringIO()
  writer = csv.writer(file, lineterminator='\n')
  writer.writerow(['trial', 'score', *COSTS, 'schedule', 'on_front', 'seconds', 'spec'])
  for trial in result.trials:
    costs = ['' if (v := cost.value(trial.needs)) is None else v for cost in COSTS.values()]
    on_front = int(trial.number in front)
    schedule, seconds = trial.needs.schedule.value, round(trial.seconds, 2)
    writer.writerow([trial.number, trial.score, *costs, schedule, on_front, seconds, trial.spec])
  return file.getvalue()
