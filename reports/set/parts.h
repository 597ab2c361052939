// The blocks of lines, one function for each thing to paste. For setting_lines.cpp alone.
#pragma once

#include "reports/how_to_set.h"

namespace batchtune::set {

SettingLines export_lines(const HowToSet& what);  // a model of the zoo as a file

SettingLines neuron_compile(const HowToSet& what);
SettingLines neuron_serve(const HowToSet& what);
SettingLines neuron_without_torch(const HowToSet& what);
SettingLines inferentia_compile(const HowToSet& what);
SettingLines inferentia_pipeline(const HowToSet& what);

SettingLines onnxruntime_python(const HowToSet& what);
SettingLines onnxruntime_c(const HowToSet& what);
SettingLines openvino_python(const HowToSet& what);
SettingLines openvino_benchmark(const HowToSet& what);

}  // namespace batchtune::set
