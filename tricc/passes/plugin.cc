/* plugin.cc - the door through which clang comes in: passes.c at the beginning of its pipeline, at every level of optimisation.
 *
 * The only C++ here: registering a pass is not in LLVM's C interface.
 */
#include "passes.h"

#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Passes/PassPlugin.h>
#include <llvm/Support/Signals.h>
#include <unistd.h>

using namespace llvm;

namespace {
class Tricc : public PassInfoMixin<Tricc> {
    unsigned level;

public:
    explicit Tricc(unsigned l) : level(l) {}
    static bool isRequired() { return true; }

    PreservedAnalyses run(Module &module, ModuleAnalysisManager &analyses) {
        bool keep_debug;
        if (!tricc_passes_run_module(wrap(&module), level, &keep_debug)) {
            sys::RunInterruptHandlers(); /* what is half written goes */
            _exit(1);
        }
        /* What clang does before passes, where variables are followed through the optimiser: switched off there, as ours read the older form. */
        if (keep_debug && level) AssignmentTrackingPass().run(module, analyses);
        return PreservedAnalyses::none();
    }
};
}

extern "C" __attribute__((visibility("default"))) PassPluginLibraryInfo llvmGetPassPluginInfo() {
    return {LLVM_PLUGIN_API_VERSION, "tricc", "1", [](PassBuilder &builder) {
                builder.registerPipelineStartEPCallback([](ModulePassManager &passes, OptimizationLevel level) {
                    passes.addPass(Tricc(level.getSpeedupLevel()));
                });
            }};
}
