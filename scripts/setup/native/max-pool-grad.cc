// The gradient of max pooling as an operation of TensorFlow's, for the processor. TensorFlow's own MaxPoolGrad searches
// for every maximum anew: on SqueezeNet it takes a quarter of an input gradient. Here the maxima are known (y) and four
// channels are compared at once, which is as fast as the memory: one thread does (two took as long).
//
//     ConvscopeMaxPoolGrad(x, y, dy; window, strides, before) -> dx
//
// All tensors are float32 NHWC; `before` is the padding above and to the left. Each dy goes to the FIRST maximum of its
// window, row by row, as in TensorFlow and PyTorch.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

namespace {

struct Pooling {
  int64_t window[2], strides[2], before[2];
};

struct Shapes {
  int64_t images, rows, cols, channels, out_rows, out_cols;
};

// Four channels at once: a comparison of Floats yields all ones or all zeros in each of four Bits.
typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Bits __attribute__((vector_size(16)));

template <typename Wide>
inline Wide load(const float *from) {
  Wide wide;
  std::memcpy(&wide, from, sizeof wide);
  return wide;
}

// One window, four neighbouring channels: `open` is all ones where the maximum has not been met yet.
inline void scatter_four(const float *x, const float *y, const float *dy, float *dx, int64_t rows, int64_t cols,
                         int64_t line, int64_t channels) {
  const Floats maximum = load<Floats>(y);
  const Bits gradient = load<Bits>(dy);
  Bits open = {-1, -1, -1, -1};
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t col = 0; col < cols; col++) {
      const int64_t at = row * line + col * channels;
      const Bits hit = open & (load<Floats>(x + at) == maximum);
      const Floats sum = load<Floats>(dx + at) + (Floats)(hit & gradient);
      std::memcpy(dx + at, &sum, sizeof sum);
      open &= ~hit;
    }
  }
}

inline void scatter_one(const float *x, float y, float dy, float *dx, int64_t rows, int64_t cols, int64_t line,
                        int64_t channels) {
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t col = 0; col < cols; col++) {
      const int64_t at = row * line + col * channels;
      if (x[at] != y) continue;
      dx[at] += dy;
      return;
    }
  }
}

void scatter_all(const float *x, const float *y, const float *dy, float *dx, const Shapes &s, const Pooling &p) {
  const int64_t line = s.cols * s.channels;
  for (int64_t image = 0; image < s.images; image++) {
    for (int64_t row = 0; row < s.out_rows; row++) {
      for (int64_t col = 0; col < s.out_cols; col++) {
        const int64_t top = row * p.strides[0] - p.before[0], left = col * p.strides[1] - p.before[1];
        const int64_t first_row = std::max<int64_t>(0, top), first_col = std::max<int64_t>(0, left);
        const int64_t rows = std::min(s.rows, top + p.window[0]) - first_row;
        const int64_t cols = std::min(s.cols, left + p.window[1]) - first_col;
        const int64_t in = (image * s.rows + first_row) * line + first_col * s.channels;
        const int64_t out = ((image * s.out_rows + row) * s.out_cols + col) * s.channels;
        int64_t c = 0;
        for (; c + 4 <= s.channels; c += 4) {
          scatter_four(x + in + c, y + out + c, dy + out + c, dx + in + c, rows, cols, line, s.channels);
        }
        for (; c < s.channels; c++) {
          scatter_one(x + in + c, y[out + c], dy[out + c], dx + in + c, rows, cols, line, s.channels);
        }
      }
    }
  }
}

void *create(TF_OpKernelConstruction *construction) {
  auto *pooling = new Pooling();
  TF_Status *status = TF_NewStatus();
  const struct {
    const char *name;
    int64_t *values;
  } attributes[] = {{"window", pooling->window}, {"strides", pooling->strides}, {"before", pooling->before}};
  for (const auto &[name, values] : attributes) {
    TF_OpKernelConstruction_GetAttrInt64List(construction, name, values, 2, status);
    if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  }
  TF_DeleteStatus(status);
  return pooling;
}

void destroy(void *kernel) { delete static_cast<Pooling *>(kernel); }

void compute(void *kernel, TF_OpKernelContext *context) {
  TF_Status *status = TF_NewStatus();
  TF_Tensor *inputs[3] = {};
  for (int i = 0; i < 3; i++) TF_GetInput(context, i, &inputs[i], status);
  const int64_t dims[4] = {TF_Dim(inputs[0], 0), TF_Dim(inputs[0], 1), TF_Dim(inputs[0], 2), TF_Dim(inputs[0], 3)};
  const Shapes s = {dims[0], dims[1], dims[2], dims[3], TF_Dim(inputs[1], 1), TF_Dim(inputs[1], 2)};
  const size_t bytes = TF_TensorByteSize(inputs[0]);
  TF_Tensor *output = TF_AllocateOutput(context, 0, TF_FLOAT, dims, 4, bytes, status);
  if (TF_GetCode(status) == TF_OK) {
    const auto data = [](TF_Tensor *t) { return static_cast<float *>(TF_TensorData(t)); };
    std::memset(data(output), 0, bytes);
    scatter_all(data(inputs[0]), data(inputs[1]), data(inputs[2]), data(output), s, *static_cast<Pooling *>(kernel));
    TF_DeleteTensor(output);
  } else {
    TF_OpKernelContext_Failure(context, status);
  }
  for (TF_Tensor *input : inputs) TF_DeleteTensor(input);
  TF_DeleteStatus(status);
}

// Runs when the binding is loaded.
const bool registered = [] {
  TF_Status *status = TF_NewStatus();
  TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder("ConvscopeMaxPoolGrad");
  for (const char *input : {"x: float", "y: float", "dy: float"}) TF_OpDefinitionBuilderAddInput(op, input);
  TF_OpDefinitionBuilderAddOutput(op, "dx: float");
  for (const char *attribute : {"window: list(int)", "strides: list(int)", "before: list(int)"}) {
    TF_OpDefinitionBuilderAddAttr(op, attribute);
  }
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(op, status);
  TF_KernelBuilder *kernel = TF_NewKernelBuilder("ConvscopeMaxPoolGrad", "CPU", &create, &compute, &destroy);
  TF_RegisterKernelBuilder("ConvscopeMaxPoolGrad", kernel, status);
  const bool done = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return done;
}();

}  // namespace
