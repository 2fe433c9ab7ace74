// JavaScript's values from and to those of C++.
#pragma once

#include <node_api.h>

#include <cstring>
#include <string>

#include "errors.h"

namespace envoyts {

inline napi_value number(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value text(napi_env env, const char* value, size_t length) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, value, length, &result);
  return result;
}

inline napi_value bytes(napi_env env, const uint8_t* data, size_t length) {
  napi_value buffer = nullptr, result = nullptr;
  void* to = nullptr;
  if (napi_create_arraybuffer(env, length, &to, &buffer) != napi_ok) return nullptr;
  if (length > 0) memcpy(to, data, length);
  napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &result);
  return result;
}

// The bytes of a Uint8Array. False: it is none; an exception may be pending.
inline bool bytesOf(napi_env env, napi_value value, const uint8_t** data, size_t* length) {
  napi_typedarray_type type = napi_uint8_array;
  void* at = nullptr;
  if (napi_get_typedarray_info(env, value, &type, length, &at, nullptr, nullptr) != napi_ok || type != napi_uint8_array) return false;
  *data = static_cast<const uint8_t*>(at);
  return true;
}

inline napi_status stringOf(napi_env env, napi_value value, std::string* string) {
  size_t length = 0;
  napi_status status = napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  if (status != napi_ok) return status;
  string->resize(length + 1);
  status = napi_get_value_string_utf8(env, value, &(*string)[0], length + 1, &length);
  string->resize(length);
  return status;
}

inline napi_value array(napi_env env, const napi_value* values, size_t count) {
  napi_value result;
  ENVOYTS_NAPI(napi_create_array_with_length(env, count, &result));
  for (size_t i = 0; i < count; ++i) ENVOYTS_NAPI(napi_set_element(env, result, static_cast<uint32_t>(i), values[i]));
  return result;
}

}  // namespace envoyts
