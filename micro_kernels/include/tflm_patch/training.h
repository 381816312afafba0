/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Training on the chip: gradients of int8 operators, updates of their weights, and
 * what is kept of them over a power cut. Generated components call these
 * (tflm_patch.on_device); they allocate nothing and check no argument that the
 * generator knows.
 *
 * Gradients are float32 with respect to the integers as they are stored, laid out
 * as the values: [rows][columns][channels]. Every operation is rounded by itself
 * and sums are made in the order that is stated, so every target gets the same
 * bits; compile without -ffast-math. The formulas are those of
 * tflm_patch/on_device/__init__.py.
 */
#ifndef TFLM_PATCH_TRAINING_H_
#define TFLM_PATCH_TRAINING_H_

#include <float.h>
#include <stdint.h>

#include "tflm_patch/kernels.h"

/* Whether floats are computed as floats, operation by operation. */
#if defined(__FAST_MATH__) || (defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0)
#define TFLM_PATCH_HAS_EXACT_FLOATS 0
#else
#define TFLM_PATCH_HAS_EXACT_FLOATS 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  TFLM_PATCH_TRAINING_OK = 0,
  TFLM_PATCH_TRAINING_BAD_LABEL = 1,   /* no class has this number */
  TFLM_PATCH_TRAINING_BAD_LOSS = 2,    /* the loss is no finite number */
  TFLM_PATCH_TRAINING_BAD_RATE = 3,    /* the learning rate is negative or not finite */
  TFLM_PATCH_TRAINING_NO_FORWARD = 4,  /* nothing was computed since the last update */
  TFLM_PATCH_TRAINING_NO_DELTA = 5,    /* no whole delta is in the flash */
  TFLM_PATCH_TRAINING_OTHER_MODEL = 6, /* the delta belongs to another model or scheme */
  TFLM_PATCH_TRAINING_BAD_FLASH = 7,   /* the flash failed, or its slots are too small */
} tflm_patch_training_status;

/* One short English line for a status; never NULL. */
const char* tflm_patch_training_status_text(tflm_patch_training_status status);

/* What outlives a training step, beside the parameters. */
typedef struct {
  uint32_t counter;     /* random numbers drawn for updates so far */
  uint32_t samples;     /* whose gradients are in the sums */
  float rate;           /* learning rate */
  float loss;           /* of the last step */
  uint32_t sequence;    /* of the last delta that was saved or loaded */
  uint32_t is_computed; /* the maps are those of a forward pass that was not learned from */
  uint32_t band;        /* the next one of a frame, of models that are fed by rows */
  uint32_t unused;
} tflm_patch_training_state;

/* How parameters change in a step. */
typedef struct {
  float rate;       /* learning rate / samples of an update */
  uint32_t counter; /* plus a parameter's number: what its random number is made of */
  uint32_t is_last; /* of the samples of an update: parameters change, sums begin again */
} tflm_patch_update;

/* What is trained of a layer. */
typedef struct {
  int8_t* weights;              /* the trained ones, in the order of their numbers */
  int32_t* bias;                /* with the input's zero point folded in */
  float* weight_sums;           /* of gradients; NULL when an update has one sample */
  float* bias_sums;             /* likewise */
  const float* weight_inverses; /* what gradients are multiplied by, of output channel */
  const float* bias_inverses;   /* c at c * inverse_step */
  uint32_t inverse_step;
  uint32_t number;      /* of the first weight among all parameters */
  uint32_t bias_number; /* of the first bias */
  int32_t input_zero_point;
} tflm_patch_trained_layer;

/* Shapes of an operator with a window; a vector is 1 x 1 cells. */
typedef struct {
  tflm_patch_window window;
  uint32_t rows, cols, channels;
  uint32_t output_rows, output_cols, output_channels;
  int32_t input_zero_point;
} tflm_patch_backward_geometry;

/* ---- loss.c ---- */

/* e^x for x <= 0, and the natural logarithm of x >= 1: float32, within 2 ulp. */
float tflm_patch_exp(float x);
float tflm_patch_log(float x);

/* Cross-entropy of softmax over n int8 logits, and its gradient. */
float tflm_patch_cross_entropy(const int8_t* logits, uint32_t n, float scale, int32_t zero_point,
                               uint32_t label, float* gradient);

/* Mean of squared differences of n int8 values from targets, and its gradient. */
float tflm_patch_squared_error(const int8_t* values, uint32_t n, float scale, int32_t zero_point,
                               const float* targets, float* gradient);

/* ---- clamp.c ---- */

/* Bit k % 32 of word k / 32, k = first + i: whether low < values[i] < high. Bits before `first`
 * are left alone, those behind the last of its word become 0: write a map from its beginning. */
void tflm_patch_clamp_mask(const int8_t* values, uint32_t n, int32_t low, int32_t high,
                           uint32_t* mask, uint32_t first);

/* In place: gradients [cells][channels] times the channel's scale where the mask is
 * set, 0 elsewhere. */
void tflm_patch_backward_clamp(const uint32_t* mask, uint32_t cells, uint32_t channels,
                               const float* scales, float* gradient);

/* ---- elementwise.c ---- */

/* result = (added ? result : 0) + gradient * scale; result may be gradient when not added. */
void tflm_patch_backward_scale(const float* gradient, uint32_t n, float scale, float* result,
                               uint32_t added);

/* The gradient [outer][inner] of means over `count`, to [outer][count][inner]. */
void tflm_patch_backward_mean(const float* gradient, uint32_t outer, uint32_t count, uint32_t inner,
                              float scale, float* result, uint32_t added);

/* The gradient of a padded map to that of the map within. */
void tflm_patch_backward_pad(uint32_t rows, uint32_t cols, uint32_t channels, uint32_t top,
                             uint32_t left, uint32_t padded_cols, const float* gradient,
                             float* result, uint32_t added);

/* Channels of every cell, one after the other. */
void tflm_patch_gather_channels(const int8_t* values, uint32_t cells, uint32_t channels,
                                const uint16_t* chosen, uint32_t n_chosen, int8_t* gathered);

/* ---- pool.c ---- */

void tflm_patch_backward_average_pool(const tflm_patch_backward_geometry* geometry,
                                      const float* gradient, float* result, uint32_t added);

/* To the first of the greatest values of each window, rows first. */
void tflm_patch_backward_max_pool(const tflm_patch_backward_geometry* geometry,
                                  const int8_t* values, const float* gradient, float* result,
                                  uint32_t added);

/* ---- conv_input.c ---- */

/* The gradient of the input of a convolution from that of its accumulators. Sums begin with the
 * result as it is when it is added to.
 * weights: [output channels][taps][n_channels], of the input channels in `channels`, NULL for
 * all; the results of others are left alone. */
void tflm_patch_backward_conv_input(const tflm_patch_backward_geometry* geometry,
                                    const int8_t* weights, uint32_t n_channels,
                                    const uint16_t* channels, const float* accumulators,
                                    float* result, uint32_t added);

/* ---- conv_weights.c ---- */

/* Learns the weights of a convolution. values: [cells of the input][n_channels], the trained
 * channels. Gradients are sums over output cells, rows first. */
void tflm_patch_backward_conv_weights(const tflm_patch_backward_geometry* geometry,
                                      const int8_t* values, uint32_t n_channels,
                                      const float* accumulators,
                                      const tflm_patch_trained_layer* layer,
                                      const tflm_patch_update* update);

/* Learns biases: sums over cells. */
void tflm_patch_backward_bias(uint32_t cells, uint32_t channels, const float* accumulators,
                              const tflm_patch_trained_layer* layer,
                              const tflm_patch_update* update);

/* ---- depthwise.c ---- */

/* Both of a depthwise convolution, channel by channel: result, NULL when nobody needs it, may
 * begin where the accumulators do. weights: [taps][channels]. values: [cells][n_trained]; layer
 * NULL when no weights are trained. trained: the trained channels, whose weights then are the
 * layer's, [taps][n_trained]; NULL for all, whose weights are `weights`. scratch: a float for
 * every output cell. */
void tflm_patch_backward_depthwise(const tflm_patch_backward_geometry* geometry,
                                   const int8_t* weights, const int8_t* values,
                                   const uint16_t* trained, uint32_t n_trained,
                                   const float* accumulators, float* result, uint32_t added,
                                   float* scratch, const tflm_patch_trained_layer* layer,
                                   const tflm_patch_update* update);

/* ---- block.c ---- */

#define TFLM_PATCH_BLOCK_CHANNELS 4u /* of the wide maps, at a time */

/* A layer of a block. weights: of the forward pass, [outputs][inputs] or [taps][channels], 0 or
 * anything where trained ones lie apart. */
typedef struct {
  const tflm_patch_backward_geometry* geometry;
  const int8_t* weights;
  const tflm_patch_trained_layer* trained; /* NULL when nothing is trained */
  uint32_t trains_bias;
  uint32_t n_trained;       /* channels with trained weights */
  const uint16_t* channels; /* which they are when they lie apart, else NULL */
  const int8_t* values;     /* of the input, [cells][n_trained] */
  const uint32_t* mask;     /* where outputs are within their clamp */
  const float* scales;      /* of output channel c at c * scale_step */
  uint32_t scale_step;
} tflm_patch_block_layer;

/* How a layer of a block runs forward. */
typedef struct {
  const int32_t* bias; /* as it is now, with the input's zero point folded in */
  const tflm_patch_requant_args* requant;
} tflm_patch_layer_forward;

/* What a block's clamps are computed again from, instead of being kept: neither the expansion's
 * trained weights nor the depthwise convolution's lie apart then. */
typedef struct {
  const int8_t* input; /* of the expansion */
  tflm_patch_layer_forward expand;
  tflm_patch_layer_forward depthwise;
  int8_t*
      values; /* TFLM_PATCH_BLOCK_CHANNELS for every cell of the depthwise convolution's input */
  uint32_t* masks; /* a word for every eight cells of its input, and of its output */
} tflm_patch_block_forward;

/* Where the clamps of a group of channels are noted: channel k of cell p is bit
 * p * channels + first + k. */
typedef struct {
  const uint32_t* expand;
  const uint32_t* depthwise;
  uint32_t channels;
  uint32_t first;
} tflm_patch_group_masks;

/* A pointwise expansion, a depthwise convolution, a pointwise projection. */
typedef struct {
  tflm_patch_block_layer expand; /* without geometry when nothing is trained before the others */
  tflm_patch_block_layer depthwise;
  tflm_patch_block_layer project; /* neither its mask nor its values are used */
  const float* accumulators;      /* gradients of the projection's */
  float* result;                  /* of the expansion's input, NULL when nobody needs it */
  uint32_t added;
  float* scratch; /* TFLM_PATCH_BLOCK_CHANNELS floats for every cell of the depthwise
                   * convolution's input and output, and one more for every cell of the output */
  const tflm_patch_block_forward* forward; /* NULL when the masks are kept */
  const tflm_patch_update* update;
} tflm_patch_block_args;

/* Learns the expansion and the depthwise convolution, and makes the gradient of the block's
 * input; the projection learns afterwards, by the functions above. */
void tflm_patch_backward_block(const tflm_patch_block_args* args);

/* ---- recompute.c ---- */

/* The masks of `count` channels from `first` on: computed again, or those that are kept when
 * forward is NULL. */
tflm_patch_group_masks tflm_patch_masks_of(const tflm_patch_block_layer* expand_layer,
                                           const tflm_patch_block_layer* depthwise_layer,
                                           const tflm_patch_block_forward* forward, uint32_t first,
                                           uint32_t count);

/* ---- learn.c ---- */

/* Parameters take their gradients in: they change with the last sample of an update. Weights are
 * those of an output channel, from number `first` of the layer on. */
void tflm_patch_learn_weights(const tflm_patch_trained_layer* layer,
                              const tflm_patch_update* update, uint32_t first, uint32_t channel,
                              const float* gradients, uint32_t count);
void tflm_patch_learn_bias(const tflm_patch_trained_layer* layer, const tflm_patch_update* update,
                           uint32_t channel, float gradient);

/* ---- apart.c ---- */

/* CONV_2D and FULLY_CONNECTED whose trained weights lie apart: args->weights has 0 in their
 * places, `trained` is [output channels][taps][n_trained], `gathered` the input's values
 * [cells][n_trained]. The same bytes as with all weights in one place. */
void tflm_patch_conv_apart(const tflm_patch_backward_geometry* geometry,
                           const tflm_patch_requant_args* requant, const int8_t* weights,
                           const int8_t* trained, uint32_t n_trained, const int32_t* bias,
                           const int8_t* input, const int8_t* gathered, int8_t* output);

/* The trained channels of a DEPTHWISE_CONV_2D, written over those of `output`. */
void tflm_patch_depthwise_apart(const tflm_patch_backward_geometry* geometry,
                                const tflm_patch_requant_args* requant, const int8_t* trained,
                                const uint16_t* channels, uint32_t n_trained, const int32_t* bias,
                                const int8_t* gathered, int8_t* output);

/* ---- delta.c ---- */

/* The application's flash: two slots of slot_bytes, one after the other. Every function gives 0
 * when it has done all. */
typedef struct {
  void* context;
  uint32_t slot_bytes; /* a multiple of what is erased at once */
  int (*read)(void* context, uint32_t at, void* data, uint32_t bytes);
  int (*erase)(void* context, uint32_t at, uint32_t bytes);
  int (*write)(void* context, uint32_t at, const void* data, uint32_t bytes);
} tflm_patch_flash;

/* Parameters and the state to go on training. A slot holds a header, the parameters, and a
 * checksum, which is written last: power may fail at any moment. */
#define TFLM_PATCH_DELTA_HEADER_BYTES 32u
#define TFLM_PATCH_DELTA_BYTES(parameters) (TFLM_PATCH_DELTA_HEADER_BYTES + (parameters) + 16u)

/* Writes the slot that does not hold the newest delta. */
tflm_patch_training_status tflm_patch_save_delta(const tflm_patch_flash* flash, uint32_t identity,
                                                 const void* parameters, uint32_t bytes,
                                                 tflm_patch_training_state* state);

/* Reads the newest whole delta. Parameters change only after it was found to be whole. */
tflm_patch_training_status tflm_patch_load_delta(const tflm_patch_flash* flash, uint32_t identity,
                                                 void* parameters, uint32_t bytes,
                                                 tflm_patch_training_state* state);

#ifdef __cplusplus
}
#endif

#endif /* TFLM_PATCH_TRAINING_H_ */
