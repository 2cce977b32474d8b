// Many operations of TensorFlow's as ONE. The library traces a network once, writes the operations down as a graph, and
// from then on calls them by a name: TensorFlow runs independent branches at once, and no JavaScript runs between them.
//
//     ConvscopeDefineFunction(parts)      parts: [name, GraphDef, inputs, outputs], strings; no result
//     ConvscopeForgetFunction(name)       name: [name]
//
// `inputs` and `outputs` name tensors of the graph, "node:index" with commas between.
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tstring.h"

// The package keeps its context to itself: the linker (--wrap) sends its call here first.
static TFE_Context *context = nullptr;
extern "C" TFE_Context *__real_TFE_NewContext(const TFE_ContextOptions *options, TF_Status *status);
extern "C" TFE_Context *__wrap_TFE_NewContext(const TFE_ContextOptions *options, TF_Status *status) {
  return context = __real_TFE_NewContext(options, status);
}

namespace {

std::vector<std::string> strings_of(TF_OpKernelContext *kernel, TF_Status *status) {
  TF_Tensor *tensor = nullptr;
  TF_GetInput(kernel, 0, &tensor, status);
  std::vector<std::string> strings;
  if (TF_GetCode(status) != TF_OK) return strings;
  const auto *values = static_cast<const TF_TString *>(TF_TensorData(tensor));
  for (int64_t i = 0; i < TF_TensorElementCount(tensor); i++) {
    strings.emplace_back(TF_TString_GetDataPointer(values + i), TF_TString_GetSize(values + i));
  }
  TF_DeleteTensor(tensor);
  return strings;
}

// "node:index,node:index"
std::vector<TF_Output> tensors_of(TF_Graph *graph, const std::string &list, TF_Status *status) {
  std::vector<TF_Output> tensors;
  for (size_t from = 0; from < list.size();) {
    const size_t end = std::min(list.find(',', from), list.size());
    const size_t colon = list.rfind(':', end);
    TF_Operation *operation = TF_GraphOperationByName(graph, list.substr(from, colon - from).c_str());
    if (operation == nullptr) {
      TF_SetStatus(status, TF_NOT_FOUND, list.substr(from, end - from).c_str());
      break;
    }
    tensors.push_back({operation, std::stoi(list.substr(colon + 1, end - colon - 1))});
    from = end + 1;
  }
  return tensors;
}

void define(const std::vector<std::string> &parts, TF_Status *status) {
  TF_Graph *graph = TF_NewGraph();
  TF_Buffer *definition = TF_NewBufferFromString(parts[1].data(), parts[1].size());
  TF_ImportGraphDefOptions *options = TF_NewImportGraphDefOptions();
  TF_GraphImportGraphDef(graph, definition, options, status);
  TF_DeleteImportGraphDefOptions(options);
  TF_DeleteBuffer(definition);
  std::vector<TF_Output> inputs, outputs;
  if (TF_GetCode(status) == TF_OK) inputs = tensors_of(graph, parts[2], status);
  if (TF_GetCode(status) == TF_OK) outputs = tensors_of(graph, parts[3], status);
  if (TF_GetCode(status) == TF_OK) {
    TF_Function *function =
        TF_GraphToFunction(graph, parts[0].c_str(), 0, -1, nullptr, inputs.size(), inputs.data(), outputs.size(),
                           outputs.data(), nullptr, nullptr, nullptr, status);
    if (TF_GetCode(status) == TF_OK) TFE_ContextAddFunction(context, function, status);
    if (function != nullptr) TF_DeleteFunction(function);
  }
  TF_DeleteGraph(graph);
}

void compute_define(void *, TF_OpKernelContext *kernel) {
  TF_Status *status = TF_NewStatus();
  const auto parts = strings_of(kernel, status);
  if (parts.size() != 4 || context == nullptr) TF_SetStatus(status, TF_INVALID_ARGUMENT, "four strings");
  if (TF_GetCode(status) == TF_OK) define(parts, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(kernel, status);
  TF_DeleteStatus(status);
}

void compute_forget(void *, TF_OpKernelContext *kernel) {
  TF_Status *status = TF_NewStatus();
  const auto names = strings_of(kernel, status);
  for (const auto &name : names) TFE_ContextRemoveFunction(context, name.c_str(), status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(kernel, status);
  TF_DeleteStatus(status);
}

void add_operation(const char *name, void (*compute)(void *, TF_OpKernelContext *)) {
  TF_Status *status = TF_NewStatus();
  TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddInput(op, "strings: string");
  TF_OpDefinitionBuilderSetIsStateful(op, true);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(op, status);
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", nullptr, compute, nullptr), status);
  TF_DeleteStatus(status);
}

// Runs when the binding is loaded.
const bool registered = [] {
  add_operation("ConvscopeDefineFunction", &compute_define);
  add_operation("ConvscopeForgetFunction", &compute_forget);
  return true;
}();

}  // namespace
