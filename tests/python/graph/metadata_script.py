# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes and reads model metadata with tflite-support, in an environment that has it.

metadata_script.py write MODEL OUTPUT    adds labels and normalisation parameters
metadata_script.py read MODEL            prints them as JSON
"""

import json
import sys


def write(model: str, output: str) -> None:
  import pathlib
  import tempfile

  from tflite_support.metadata_writers import image_classifier, writer_utils

  with tempfile.TemporaryDirectory() as folder:
    labels = pathlib.Path(folder) / 'labels.txt'
    labels.write_text('\n'.join(f'digit {i}' for i in range(10)))
    data = writer_utils.load_file(model)
    writer = image_classifier.MetadataWriter.create_for_inference(
      data, [127.5], [63.75], [str(labels)]
    )
    writer_utils.save_file(writer.populate(), output)


def read(model: str) -> None:
  from tflite_support import metadata

  displayer = metadata.MetadataDisplayer.with_model_file(model)
  tree = json.loads(displayer.get_metadata_json())
  files = displayer.get_packed_associated_file_list()
  contents = {name: displayer.get_associated_file_buffer(name).decode() for name in files}
  print(json.dumps({'metadata': tree, 'files': contents}, sort_keys=True))


if __name__ == '__main__':
  {'write': write, 'read': read}[sys.argv[1]](*sys.argv[2:])
