{
  # The only target: one shared object that uses Node-API, libuv and OpenSSL (whose symbols Node exports), nothing else of Node's internals.
  # `envoyts_sanitize=1` (set by native/test/run_sanitized.js) builds it with ASan and UBSan.
  "variables": { "envoyts_sanitize%": 0 },
  "targets": [
    {
      "target_name": "envoyts_native",
      "sources": [
        "src/addon.cc",
        "src/connection.cc",
        "src/listener.cc",
        "src/loop.cc",
        "src/ring.cc",
        "src/socket_options.cc",
        "src/tls.cc",
        "src/tls_context.cc",
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE=1"],
      "cflags_cc": [
        "-std=c++17", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden",
        "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Wno-unused-parameter",
      ],
      # A function that a Node does not export is noticed when the addon is loaded, not when it is called.
      "ldflags": ["-Wl,-z,now"],
      "conditions": [
        ["envoyts_sanitize==1", {
          "cflags_cc": ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
          "ldflags": ["-fsanitize=address,undefined"],
        }, {
          "cflags_cc": ["-O2"],
        }],
      ],
    }
  ]
}
