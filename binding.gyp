{
  "targets": [
    {
      "target_name": "hart",
      "sources": [
        "native/binding/addon.cc",
        "native/binding/fd_watch.cc",
        "native/binding/file_blocks.cc",
        "native/binding/file_holes.cc",
        "native/binding/file_locks.cc",
        "native/binding/hart_wrap.cc",
        "native/binding/tap.cc",
        "native/core/access.cc",
        "native/core/block_cache.cc",
        "native/core/csr.cc",
        "native/core/decode.cc",
        "native/core/exec.cc",
        "native/core/exec_alu.cc",
        "native/core/exec_float.cc",
        "native/core/exec_memory.cc",
        "native/core/exec_system.cc",
        "native/core/fetch.cc",
        "native/core/flush.cc",
        "native/core/hart.cc",
        "native/core/machine.cc",
        "native/core/mmu.cc",
        "native/core/softfloat.cc",
        "native/core/softfloat_convert.cc",
        "native/core/trap.cc",
        "native/core/jit/callbacks.cc",
        "native/core/jit/code_buffer_posix.cc",
        "native/core/jit/code_buffer_windows.cc",
        "native/core/jit/plan.cc",
        "native/core/jit/plan_loops.cc",
        "native/core/jit/plan_pages.cc",
        "native/core/jit/run.cc",
        "native/core/jit/translator.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "NAPI_VERSION=8"],
      "cflags": ["-Wall", "-Wextra"],
      "cflags_cc": ["-std=c++20", "-O2", "-fno-exceptions", "-fno-rtti", "-fno-strict-aliasing", "-fvisibility=hidden"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-O3"],
      "conditions": [
        ["clang==1 or OS=='win'", { "defines": ["NODEVISOR_LOOP_DISPATCH"] }],
        ["target_arch=='x64'", {
          "sources": [
            "native/core/jit/x64/emitter.cc",
            "native/core/jit/x64/lower_bits.cc",
            "native/core/jit/x64/lower_fp.cc",
            "native/core/jit/x64/lower_int.cc",
            "native/core/jit/x64/lower_loops.cc",
            "native/core/jit/x64/lower_memory.cc",
            "native/core/jit/x64/lower_pages.cc",
            "native/core/jit/x64/lower_status.cc",
            "native/core/jit/x64/thunks.cc",
            "native/core/jit/x64/values.cc"
          ]
        }]
      ],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
        "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
        "GCC_ENABLE_CPP_RTTI": "NO",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "11.0"
      },
      "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/std:c++20"] } }
    }
  ]
}
