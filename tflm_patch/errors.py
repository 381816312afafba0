# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors that a user can act on, and text that terminals and C comments can be given."""

import re


def printable(text: str) -> str:
  r"""Text with everything escaped that is not to be seen as it stands.

  Names in models and of files may hold control characters, which would move a terminal's
  cursor or begin a new line, and bytes that are not UTF-8: they become escapes like `\x1b`.
  """
  if text.isprintable():
    return text
  return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode('ascii') for c in text)


def c_comment(text: str) -> str:
  """Text for a comment in C: nothing that could end it."""
  return re.sub(r'[^A-Za-z0-9 _.,:;()\[\]+-]', '_', text)[:80]


class TflmPatchError(Exception):
  """A failure with a one-line message: what, why, and what to do next.

  Everything that goes wrong because of the user's input raises this class (or
  a subclass); the command line prints the message and exits with 1. What of the
  message cannot be printed is escaped, lines are joined.
  """

  def __init__(self, message: str) -> None:
    super().__init__(printable(' '.join(line.strip() for line in message.split('\n'))))


class ModelError(TflmPatchError):
  """A file is not a model that can be read; names the file and the reason."""


class EnvironmentMissing(TflmPatchError):
  """A package, library or tool that the request needs is not installed."""
