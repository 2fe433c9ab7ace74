// How failures leave the addon: as JavaScript errors with `code` and `errno`, or as positive errno numbers in events.
#pragma once

#include <node_api.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace envoyts {

// The symbolic name of the errno values a socket call can give; "UNKNOWN" for the rest.
const char* errnoName(int error);

// Throws Error("<what>: <text>") with code 'EADDRINUSE' and so on, errno (negative, as Node has it) and syscall.
void throwErrno(napi_env env, const char* syscall, int error);

// Returns from a binding when a Node-API call failed: the exception, if any, is already pending.
#define ENVOYTS_NAPI(call)                                                     \
  do {                                                                         \
    if ((call) != napi_ok) {                                                   \
      bool pending_ = false;                                                   \
      napi_is_exception_pending(env, &pending_);                               \
      if (!pending_) napi_throw_type_error(env, nullptr, "bad argument: " #call); \
      return nullptr;                                                          \
    }                                                                          \
  } while (0)

}  // namespace envoyts
