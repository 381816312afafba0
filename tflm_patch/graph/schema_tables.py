# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The layout of the TFLite schema's tables, for the verifier.

One word per field, in the schema's order: a digit is a scalar of so many bytes,
'[' before a digit a vector of such scalars, 's' a string, a name a table,
'[name' a vector of tables, and '|name' a union (its type byte and its value).
Tables that are not listed have no fields.
"""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema

TABLES: dict[str, str] = {
  'CustomQuantization': '[1',
  'BlockwiseQuantization': '4 4 4',
  'MultiAxisQuantization': '4 4 4 [4',
  'QuantizationParameters': '[4 [4 [4 [8 |QuantizationDetails 4',
  'Int32Vector': '[4',
  'Uint16Vector': '[2',
  'Uint8Vector': '[1',
  'DimensionMetadata': '1 4 |SparseIndexVector |SparseIndexVector',
  'SparsityParameters': '[4 [4 [DimensionMetadata',
  'VariantSubType': '[4 1 1',
  'Tensor': '[4 1 4 s QuantizationParameters 1 SparsityParameters [4 1 [VariantSubType 4',
  'StablehloGatherOptions': '[8 [8 [8 8 [8 1',
  'StablehloTransposeOptions': '[8',
  'StablehloDotGeneralOptions': '[8 [8 [8 [8 [4',
  'StablehloReduceWindowOptions': '[8 [8 [8 [8 [8 4',
  'StablehloWhileOptions': '4 4',
  'StablehloSortOptions': '8 1 4',
  'StablehloConcatenateOptions': '8',
  'StablehloBroadcastInDimOptions': '[8',
  'StablehloCompareOptions': '4 4',
  'StablehloDynamicSliceOptions': '[8',
  'StablehloPadOptions': '[8 [8 [8',
  'StablehloIotaOptions': '8',
  'StablehloCustomCallOptions': 's 1 s 4 [4 [1',
  'StablehloReduceOptions': '[8 4',
  'StablehloSliceOptions': '[8 [8 [8',
  'StablehloConvolutionOptions': '[8 [8 [8 [8 [1 8 8 [8 8 8 [8 8 8 [8 8 8 [4',
  'StablehloScatterOptions': '1 [8 [8 [8 8 1 4',
  'StablehloCaseOptions': '[4',
  'StablehloRngBitGeneratorOptions': '1',
  'Conv2DOptions': '1 4 4 1 4 4 1',
  'Conv3DOptions': '1 4 4 4 1 4 4 4',
  'Pool2DOptions': '1 4 4 4 4 1',
  'DepthwiseConv2DOptions': '1 4 4 4 1 4 4',
  'ConcatEmbeddingsOptions': '4 [4 [4',
  'LSHProjectionOptions': '1',
  'SVDFOptions': '4 1 1',
  'RNNOptions': '1 1',
  'SequenceRNNOptions': '1 1 1',
  'BidirectionalSequenceRNNOptions': '1 1 1 1',
  'FullyConnectedOptions': '1 1 1 1 1',
  'SoftmaxOptions': '4',
  'ConcatenationOptions': '4 1',
  'AddOptions': '1 1',
  'MulOptions': '1',
  'L2NormOptions': '1',
  'LocalResponseNormalizationOptions': '4 4 4 4',
  'LSTMOptions': '1 4 4 1 1',
  'UnidirectionalSequenceLSTMOptions': '1 4 4 1 1 1',
  'BidirectionalSequenceLSTMOptions': '1 4 4 1 1 1',
  'ResizeBilinearOptions': '4 4 1 1',
  'ResizeNearestNeighborOptions': '1 1',
  'CallOptions': '4',
  'ReshapeOptions': '[4',
  'SkipGramOptions': '4 4 1',
  'SpaceToDepthOptions': '4',
  'DepthToSpaceOptions': '4',
  'SubOptions': '1 1',
  'DivOptions': '1',
  'EmbeddingLookupSparseOptions': '1',
  'GatherOptions': '4 4',
  'ReducerOptions': '1',
  'SqueezeOptions': '[4',
  'SplitOptions': '4',
  'SplitVOptions': '4',
  'StridedSliceOptions': '4 4 4 4 4 1',
  'CastOptions': '1 1',
  'ArgMaxOptions': '1',
  'ArgMinOptions': '1',
  'TransposeConvOptions': '1 4 4 1 1',
  'SparseToDenseOptions': '1',
  'ShapeOptions': '1',
  'FakeQuantOptions': '4 4 4 1',
  'PackOptions': '4 4',
  'OneHotOptions': '4',
  'UnpackOptions': '4 4',
  'LeakyReluOptions': '4',
  'MirrorPadOptions': '1',
  'UniqueOptions': '1',
  'ReverseSequenceOptions': '4 4',
  'IfOptions': '4 4',
  'CallOnceOptions': '4',
  'WhileOptions': '4 4',
  'BatchMatMulOptions': '1 1 1',
  'CumsumOptions': '1 1',
  'HashtableOptions': '4 1 1',
  'VarHandleOptions': 's s',
  'RandomOptions': '8 8',
  'BucketizeOptions': '[4',
  'GeluOptions': '1',
  'OperatorCode': '1 s 4 4',
  'StableHLOCompositeOptions': 's 4 [1 1 4',
  'Operator': '4 [4 [4 |BuiltinOptions [1 1 [1 [4 8 8 |BuiltinOptions2 4',
  'SubGraph': '[Tensor [4 [4 [Operator s 4',
  'Buffer': '[1 8 8',
  'ExternalBufferGroup': 's',
  'ExternalBuffer': '4 4 8 8 s',
  'Metadata': 's 4',
  'TensorMap': 's 4',
  'SignatureDef': '[TensorMap [TensorMap s s 4',
  'Model': (
    '4 [OperatorCode [SubGraph s [Buffer '
    '[4 [Metadata [SignatureDef [ExternalBufferGroup [ExternalBuffer'
  ),
}


def _members(union: type) -> dict[int, str]:
  return {
    number: name
    for name, number in vars(union).items()
    if isinstance(number, int) and name != 'NONE'
  }


# The tables that a union may hold, by the number in its type byte.
UNIONS: dict[str, dict[int, str]] = {
  name: _members(getattr(schema, name))
  for name in ('BuiltinOptions', 'BuiltinOptions2', 'QuantizationDetails', 'SparseIndexVector')
}
