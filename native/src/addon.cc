// The bindings: every function takes the ring's handle first. Called by native/index.ts only.
#include <node_api.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "abi.h"
#include "errors.h"
#include "listener.h"
#include "loop.h"
#include "ring.h"
#include "tls.h"
#include "values.h"

namespace envoyts {

namespace {

constexpr size_t kArgumentsMax = 15;

// A server name, its end, and one more that shows that it is too long.
constexpr size_t kServerNameSize = 257;

struct Arguments {
  size_t count = kArgumentsMax;
  napi_value value[kArgumentsMax];
};

// The ring behind argument 0; throws and returns nullptr when it is none, or is closed.
Ring* ringOf(napi_env env, napi_callback_info info, Arguments* arguments) {
  if (napi_get_cb_info(env, info, &arguments->count, arguments->value, nullptr, nullptr) != napi_ok) return nullptr;
  napi_valuetype type = napi_undefined;
  void* ring = nullptr;
  if (napi_typeof(env, arguments->value[0], &type) == napi_ok && type == napi_external) {
    napi_get_value_external(env, arguments->value[0], &ring);
  }
  if (ring == nullptr || static_cast<Ring*>(ring)->isClosed()) {
    napi_throw_error(env, "ERR_IO_CLOSED", "the io ring is closed");
    return nullptr;
  }
  return static_cast<Ring*>(ring);
}

// A numeric address argument. False when an exception is pending, or *error is set.
bool addressOf(napi_env env, napi_value value, uint32_t port, SocketAddress* address, socklen_t* length, int* error) {
  char buffer[kAddressTextSize];
  size_t n = 0;
  if (napi_get_value_string_utf8(env, value, buffer, sizeof(buffer), &n) != napi_ok || port > 65535) {
    *error = EINVAL;
    return false;
  }
  *error = n + 1 >= sizeof(buffer) ? ENAMETOOLONG : parseAddress(buffer, n, static_cast<uint16_t>(port), address, length);
  return *error == 0;
}

void releaseArrayBuffer(napi_env, void*, void* hint) { Ring::releaseRegion(static_cast<Region*>(hint)); }

void collectHandle(napi_env, void* data, void*) {
  // A started ring lives on without its handle: its handler can still be called, whoever else remembers it or not.
  Ring* ring = static_cast<Ring*>(data);
  if (!ring->isStarted()) ring->close();
  ring->release();
}

napi_status arrayBuffer(napi_env env, napi_value object, const char* name, Region* region) {
  napi_value value;
  ++region->references;
  const napi_status status =
      napi_create_external_arraybuffer(env, region->data, region->size, releaseArrayBuffer, region, &value);
  if (status != napi_ok) {
    --region->references;
    return status;
  }
  return napi_set_named_property(env, object, name, value);
}

napi_value describe(napi_env env, Ring* ring) {
  napi_value object;
  ENVOYTS_NAPI(napi_create_object(env, &object));
  ENVOYTS_NAPI(arrayBuffer(env, object, "slab", ring->slabRegion()));
  ENVOYTS_NAPI(arrayBuffer(env, object, "table", ring->tableRegion()));
  const TableLayout& layout = ring->layout();
  const struct {
    const char* name;
    size_t value;
  } numbers[] = {
      {"arenaSize", ring->sizes().arenaSize},
      {"staticSize", ring->sizes().staticSize},
      {"outSize", ring->sizes().outSize},
      {"controlOffset", layout.control},
      {"clockOffset", layout.clock},
      {"countersOffset", layout.counters},
      {"eventsOffset", layout.events},
      {"commandsOffset", layout.commands},
      {"queuedOffset", layout.queued},
      {"bytesReadOffset", layout.bytesRead},
      {"bytesWrittenOffset", layout.bytesWritten},
  };
  for (const auto& entry : numbers) {
    ENVOYTS_NAPI(napi_set_named_property(env, object, entry.name, number(env, static_cast<double>(entry.value))));
  }
  return object;
}

// createRing(maxConnections, arenaSize, staticSize, outSize, recvSize)
napi_value createRing(napi_env env, napi_callback_info info) {
  Arguments arguments;
  void* data = nullptr;
  ENVOYTS_NAPI(napi_get_cb_info(env, info, &arguments.count, arguments.value, nullptr, &data));
  RingSizes sizes{};
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[0], &sizes.maxConnections));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[1], &sizes.arenaSize));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[2], &sizes.staticSize));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[3], &sizes.outSize));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[4], &sizes.recvSize));
  constexpr uint32_t kLargest = 256u << 20;  // offsets are int32
  if (sizes.maxConnections < 1 || sizes.maxConnections > (1u << 22) || sizes.arenaSize > kLargest ||
      sizes.staticSize > kLargest || sizes.outSize > kLargest || sizes.recvSize < 1 ||
      sizes.arenaSize < 2ull * sizes.recvSize + 2 * kArenaAlignment) {
    napi_throw_range_error(env, nullptr, "bad sizes for an io ring");
    return nullptr;
  }
  Ring* ring = Ring::create(static_cast<Loop*>(data), sizes);
  if (ring == nullptr) {
    throwErrno(env, "epoll_create1", errno);
    return nullptr;
  }
  napi_value object = describe(env, ring);
  napi_value handle;
  if (object == nullptr || napi_create_external(env, ring, collectHandle, nullptr, &handle) != napi_ok) {
    ring->close();
    ring->release();
    return nullptr;
  }
  ENVOYTS_NAPI(napi_set_named_property(env, object, "handle", handle));
  return object;
}

// start(ring, handler)
napi_value start(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  if (ring->isStarted()) {
    napi_throw_error(env, "ERR_IO_STARTED", "the io ring is started already");
    return nullptr;
  }
  napi_valuetype type = napi_undefined;
  ENVOYTS_NAPI(napi_typeof(env, arguments.value[1], &type));
  if (type != napi_function) {
    napi_throw_type_error(env, nullptr, "the turn handler is not a function");
    return nullptr;
  }
  napi_ref handler;
  ENVOYTS_NAPI(napi_create_reference(env, arguments.value[1], 1, &handler));
  ring->setHandler(handler);
  const int error = ring->loop()->start(ring);
  if (error != 0) throwErrno(env, "epoll_ctl", error);
  return nullptr;
}

// flush(ring)
napi_value flush(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring != nullptr) ring->runCommands();
  return nullptr;
}

// adoptListener(ring, fd) -> connection
napi_value adoptListener(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  int32_t fd = -1;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &fd));
  const int32_t id = ring->adoptListener(fd);
  if (id >= 0) return number(env, id);
  throwErrno(env, "adopt_listener", -id);
  return nullptr;
}

// releaseListener(ring, connection)
napi_value releaseListener(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  int32_t id = -1;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &id));
  const int error = ring->releaseListener(id);
  if (error != 0) throwErrno(env, "release_listener", error);
  return nullptr;
}

// connect(ring, address, port, noDelay, keepAliveOn, idleSec, intervalSec, probes, bindAddress | undefined, bindPort,
//         options | undefined, tlsContext | -1, serverName, alpn | undefined, accepts | undefined)
napi_value connect(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  uint32_t port = 0, bindPort = 0;
  bool noDelay = true;
  KeepAlive keepAlive;
  napi_valuetype bindType = napi_undefined;
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[2], &port));
  ENVOYTS_NAPI(napi_get_value_bool(env, arguments.value[3], &noDelay));
  ENVOYTS_NAPI(napi_get_value_bool(env, arguments.value[4], &keepAlive.on));
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[5], &keepAlive.idleSec));
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[6], &keepAlive.intervalSec));
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[7], &keepAlive.probes));
  ENVOYTS_NAPI(napi_typeof(env, arguments.value[8], &bindType));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[9], &bindPort));
  SocketAddress address, bindTo;
  socklen_t length = 0, bindLength = 0;
  int error = 0;
  if (!addressOf(env, arguments.value[1], port, &address, &length, &error)) return number(env, -error);
  const bool hasBind = bindType == napi_string;
  if (hasBind && !addressOf(env, arguments.value[8], bindPort, &bindTo, &bindLength, &error)) return number(env, -error);
  napi_valuetype optionsType = napi_undefined;
  ENVOYTS_NAPI(napi_typeof(env, arguments.value[10], &optionsType));
  SocketOptions options;
  if (optionsType == napi_object) {
    napi_typedarray_type type = napi_int32_array;
    void* words = nullptr;
    ENVOYTS_NAPI(napi_get_typedarray_info(env, arguments.value[10], &type, &options.count, &words, nullptr, nullptr));
    if (type != napi_int32_array) return number(env, -EINVAL);
    options.words = static_cast<const int32_t*>(words);
  }
  TlsOptions tls{-1, "", nullptr, 0, nullptr};
  char serverName[kServerNameSize];
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[11], &tls.context));
  if (tls.context >= 0) {
    size_t n = 0;
    ENVOYTS_NAPI(napi_get_value_string_utf8(env, arguments.value[12], serverName, sizeof(serverName), &n));
    if (n + 1 >= sizeof(serverName)) return number(env, -EINVAL);
    tls.serverName = serverName;
    bool hasAlpn = false;
    ENVOYTS_NAPI(napi_is_typedarray(env, arguments.value[13], &hasAlpn));
    if (hasAlpn && !bytesOf(env, arguments.value[13], &tls.alpn, &tls.alpnLength)) return number(env, -EINVAL);
    napi_valuetype acceptsType = napi_undefined;
    ENVOYTS_NAPI(napi_typeof(env, arguments.value[14], &acceptsType));
    if (acceptsType == napi_function) ENVOYTS_NAPI(napi_create_reference(env, arguments.value[14], 1, &tls.accepts));
  }
  const int32_t id = ring->connect(address, length, hasBind ? &bindTo : nullptr, bindLength, noDelay, keepAlive, options, tls);
  // With TLS it is the connection's.
  if (tls.accepts != nullptr && (id < 0 || ring->tlsOf(id) == nullptr)) napi_delete_reference(env, tls.accepts);
  return number(env, id);
}

// addTlsContext(ring, minVersion, maxVersion, flags, maxDepth, maxSessions, texts, alpn) -> context
// texts: ciphers, groups, signature algorithms, trusted CA, CRL, then chain and key of each certificate.
napi_value addTlsContext(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  TlsConfig config{};
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &config.minVersion));
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[2], &config.maxVersion));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[3], &config.flags));
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[4], &config.maxDepth));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[5], &config.maxSessions));
  uint32_t texts = 0;
  ENVOYTS_NAPI(napi_get_array_length(env, arguments.value[6], &texts));
  std::string* const fixed[] = {&config.ciphers, &config.groups, &config.signatureAlgorithms, &config.trustedCa, &config.crl};
  constexpr uint32_t kFixed = sizeof(fixed) / sizeof(fixed[0]);
  for (uint32_t i = 0; i < texts; ++i) {
    napi_value value;
    std::string string;
    ENVOYTS_NAPI(napi_get_element(env, arguments.value[6], i, &value));
    ENVOYTS_NAPI(stringOf(env, value, &string));
    if (i < kFixed) {
      *fixed[i] = string;
    } else {
      config.certificates.push_back(string);
    }
  }
  const uint8_t* alpn = nullptr;
  size_t alpnLength = 0;
  if (!bytesOf(env, arguments.value[7], &alpn, &alpnLength)) return nullptr;
  config.alpn.assign(reinterpret_cast<const char*>(alpn), alpnLength);
  // What one read of a connection can give must fit.
  if (ring->sizes().arenaSize < 2ull * (ring->sizes().recvSize + kTlsRecordSize)) {
    napi_throw_range_error(env, nullptr, "the read arena is too small for TLS");
    return nullptr;
  }
  std::string error;
  TlsContext* context = TlsContext::create(config, &error);
  if (context == nullptr) {
    napi_throw_error(env, nullptr, error.c_str());
    return nullptr;
  }
  const int32_t id = ring->addTlsContext(context);
  if (id >= 0) return number(env, id);
  context->release();
  throwErrno(env, "add_tls_context", ENOMEM);
  return nullptr;
}

// removeTlsContext(ring, context)
napi_value removeTlsContext(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  int32_t id = -1;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &id));
  if (!ring->removeTlsContext(id)) napi_throw_error(env, nullptr, "no such TLS context");
  return nullptr;
}

// tlsSession(ring, connection) -> [version, cipher, group, signature's key type, its digest, session id, ALPN, isResumed, peer's certificate,
// isVerified] or null
napi_value tlsSession(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  int32_t id = -1;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &id));
  napi_value result = nullptr;
  ENVOYTS_NAPI(napi_get_null(env, &result));
  const Tls* tls = ring->tlsOf(id);
  if (tls == nullptr || !SSL_is_init_finished(tls->ssl)) return result;
  SSL* ssl = tls->ssl;
  const char* group = SSL_group_to_name(ssl, static_cast<int>(SSL_get_negotiated_group(ssl)));
  int keyType = 0, digest = 0;
  if (SSL_get_peer_signature_type_nid(ssl, &keyType) != 1 || SSL_get_peer_signature_nid(ssl, &digest) != 1) keyType = digest = 0;
  unsigned sessionIdLength = 0, alpnLength = 0;
  const unsigned char* sessionId = SSL_SESSION_get_id(SSL_get_session(ssl), &sessionIdLength);
  const unsigned char* alpn = nullptr;
  SSL_get0_alpn_selected(ssl, &alpn, &alpnLength);
  X509* leaf = SSL_get0_peer_certificate(ssl);
  unsigned char* der = nullptr;
  const int derLength = leaf == nullptr ? 0 : i2d_X509(leaf, &der);
  const bool isVerified = tls->context->has(kTlsVerifies) && leaf != nullptr && SSL_get_verify_result(ssl) == X509_V_OK;
  napi_value isResumed, verified;
  ENVOYTS_NAPI(napi_get_boolean(env, SSL_session_reused(ssl) == 1, &isResumed));
  ENVOYTS_NAPI(napi_get_boolean(env, isVerified, &verified));
  const napi_value values[] = {
      text(env, SSL_get_version(ssl), NAPI_AUTO_LENGTH),
      text(env, SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)), NAPI_AUTO_LENGTH),
      text(env, group == nullptr ? "" : group, NAPI_AUTO_LENGTH),
      number(env, keyType),
      number(env, digest),
      bytes(env, sessionId, sessionIdLength),
      text(env, reinterpret_cast<const char*>(alpn), alpnLength),
      isResumed,
      derLength > 0 ? bytes(env, der, static_cast<size_t>(derLength)) : result,
      verified,
  };
  OPENSSL_free(der);
  ERR_clear_error();
  return array(env, values, sizeof(values) / sizeof(values[0]));
}

// tlsFailure(ring, connection) -> [reason, its name, verify error's words ('' = none), its depth, errno, isOnClientHello] or null
napi_value tlsFailure(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  int32_t id = -1;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &id));
  napi_value result = nullptr;
  ENVOYTS_NAPI(napi_get_null(env, &result));
  const Tls* tls = ring->tlsOf(id);
  if (tls == nullptr || !tls->hasFailed) return result;
  const TlsTrouble& trouble = tls->trouble;
  const int reason = ERR_GET_REASON(trouble.error);
  const bool isVerify = ERR_GET_LIB(trouble.error) == ERR_LIB_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED && trouble.verifyError != X509_V_OK;
  const char* name = trouble.error == 0 ? nullptr : ERR_reason_error_string(trouble.error);
  const char* words = isVerify ? X509_verify_cert_error_string(trouble.verifyError) : "";
  napi_value onClientHello, isRefused;
  ENVOYTS_NAPI(napi_get_boolean(env, trouble.onClientHello, &onClientHello));
  ENVOYTS_NAPI(napi_get_boolean(env, trouble.isRefused, &isRefused));
  const napi_value values[] = {
      number(env, trouble.error == 0 ? 0 : reason), text(env, name == nullptr ? "" : name, NAPI_AUTO_LENGTH), text(env, words, NAPI_AUTO_LENGTH),
      number(env, trouble.verifyDepth),             number(env, trouble.system),                           onClientHello,
      isRefused,
  };
  return array(env, values, sizeof(values) / sizeof(values[0]));
}

// sendBytes(ring, connection, bytes, offset, length)
napi_value sendBytes(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  int32_t id = -1;
  int64_t offset = 0, length = 0;
  napi_typedarray_type type = napi_uint8_array;
  size_t size = 0;
  void* data = nullptr;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &id));
  ENVOYTS_NAPI(napi_get_typedarray_info(env, arguments.value[2], &type, &size, &data, nullptr, nullptr));
  ENVOYTS_NAPI(napi_get_value_int64(env, arguments.value[3], &offset));
  ENVOYTS_NAPI(napi_get_value_int64(env, arguments.value[4], &length));
  if (type != napi_uint8_array || offset < 0 || length < 0 || static_cast<uint64_t>(offset) > size ||
      static_cast<uint64_t>(length) > size - static_cast<uint64_t>(offset)) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "sendBytes: range outside the bytes");
    return nullptr;
  }
  ring->sendBytes(id, static_cast<const uint8_t*>(data) + offset, static_cast<size_t>(length));
  return nullptr;
}

// setWatermarks(ring, connection, low, high)
napi_value setWatermarks(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  int32_t id = -1;
  uint32_t low = 0, high = 0;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &id));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[2], &low));
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[3], &high));
  ring->setWatermarks(id, low, high);
  return nullptr;
}

using AddressOf = size_t (Ring::*)(int32_t id, char* text) const;

napi_value addressText(napi_env env, napi_callback_info info, AddressOf addressOf) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  int32_t id = -1;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[1], &id));
  char buffer[kAddressTextSize];
  const size_t n = (ring->*addressOf)(id, buffer);
  return text(env, buffer, n);
}

napi_value remoteAddress(napi_env env, napi_callback_info info) { return addressText(env, info, &Ring::remoteAddress); }
napi_value localAddress(napi_env env, napi_callback_info info) { return addressText(env, info, &Ring::localAddress); }
napi_value originalDestination(napi_env env, napi_callback_info info) {
  return addressText(env, info, &Ring::originalDestination);
}

// setTick(ring, ms)
napi_value setTick(napi_env env, napi_callback_info info) {
  Arguments arguments;
  Ring* ring = ringOf(env, info, &arguments);
  if (ring == nullptr) return nullptr;
  double ms = 0;
  ENVOYTS_NAPI(napi_get_value_double(env, arguments.value[1], &ms));
  ring->setTick(ms);
  return nullptr;
}

// close(ring): idempotent, so it does not go through ringOf
napi_value close(napi_env env, napi_callback_info info) {
  Arguments arguments;
  void* ring = nullptr;
  ENVOYTS_NAPI(napi_get_cb_info(env, info, &arguments.count, arguments.value, nullptr, nullptr));
  ENVOYTS_NAPI(napi_get_value_external(env, arguments.value[0], &ring));
  static_cast<Ring*>(ring)->close();
  napi_ref handler = static_cast<Ring*>(ring)->takeHandler();
  if (handler != nullptr) napi_delete_reference(env, handler);
  return nullptr;
}

// createListenSocket(address, port, backlog, reusePort, ipv6Only, transparent, freebind, tcpFastOpen, unixMode) -> fd
napi_value listenSocket(napi_env env, napi_callback_info info) {
  Arguments arguments;
  ENVOYTS_NAPI(napi_get_cb_info(env, info, &arguments.count, arguments.value, nullptr, nullptr));
  uint32_t port = 0;
  ListenOptions options;
  ENVOYTS_NAPI(napi_get_value_uint32(env, arguments.value[1], &port));
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[2], &options.backlog));
  ENVOYTS_NAPI(napi_get_value_bool(env, arguments.value[3], &options.reusePort));
  ENVOYTS_NAPI(napi_get_value_bool(env, arguments.value[4], &options.ipv6Only));
  ENVOYTS_NAPI(napi_get_value_bool(env, arguments.value[5], &options.transparent));
  ENVOYTS_NAPI(napi_get_value_bool(env, arguments.value[6], &options.freebind));
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[7], &options.tcpFastOpen));
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[8], &options.unixMode));
  SocketAddress address;
  socklen_t length = 0;
  int error = 0;
  const char* failedCall = "parse_address";
  if (addressOf(env, arguments.value[0], port, &address, &length, &error)) {
    const int fd = createListenSocket(address, length, options, &failedCall);
    if (fd >= 0) return number(env, fd);
    error = -fd;
  }
  throwErrno(env, failedCall, error);
  return nullptr;
}

// boundAddress(fd) -> { address, port }
napi_value boundAddress(napi_env env, napi_callback_info info) {
  Arguments arguments;
  ENVOYTS_NAPI(napi_get_cb_info(env, info, &arguments.count, arguments.value, nullptr, nullptr));
  int32_t fd = -1;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[0], &fd));
  SocketAddress address{};
  socklen_t length = sizeof(address);
  if (getsockname(fd, &address.any, &length) != 0) {
    throwErrno(env, "getsockname", errno);
    return nullptr;
  }
  char host[kAddressTextSize];
  uint16_t port = 0;
  const size_t n = formatHost(address, length, host, &port);
  napi_value object;
  ENVOYTS_NAPI(napi_create_object(env, &object));
  ENVOYTS_NAPI(napi_set_named_property(env, object, "address", text(env, host, n)));
  ENVOYTS_NAPI(napi_set_named_property(env, object, "port", number(env, port)));
  return object;
}

// closeFd(fd)
napi_value closeFd(napi_env env, napi_callback_info info) {
  Arguments arguments;
  ENVOYTS_NAPI(napi_get_cb_info(env, info, &arguments.count, arguments.value, nullptr, nullptr));
  int32_t fd = -1;
  ENVOYTS_NAPI(napi_get_value_int32(env, arguments.value[0], &fd));
  if (::close(fd) != 0) throwErrno(env, "close", errno);
  return nullptr;
}

}  // namespace

}  // namespace envoyts

// Runs once per environment: a worker gets its own Loop.
NAPI_MODULE_INIT() {
  using namespace envoyts;
  Loop* loop = Loop::create(env);
  if (loop == nullptr) {
    napi_throw_error(env, nullptr, "cannot hook into the event loop");
    return nullptr;
  }
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {
      {"createRing", createRing},
      {"start", start},
      {"flush", flush},
      {"adoptListener", adoptListener},
      {"releaseListener", releaseListener},
      {"connect", connect},
      {"sendBytes", sendBytes},
      {"setWatermarks", setWatermarks},
      {"remoteAddress", remoteAddress},
      {"localAddress", localAddress},
      {"originalDestination", originalDestination},
      {"addTlsContext", addTlsContext},
      {"removeTlsContext", removeTlsContext},
      {"tlsSession", tlsSession},
      {"tlsFailure", tlsFailure},
      {"setTick", setTick},
      {"close", close},
      {"createListenSocket", listenSocket},
      {"boundAddress", boundAddress},
      {"closeFd", closeFd},
  };
  for (const auto& entry : functions) {
    napi_value function;
    if (napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.call, loop, &function) != napi_ok) return nullptr;
    if (napi_set_named_property(env, exports, entry.name, function) != napi_ok) return nullptr;
  }
  napi_value abi;
  if (napi_create_int32(env, kAbiVersion, &abi) != napi_ok) return nullptr;
  if (napi_set_named_property(env, exports, "abi", abi) != napi_ok) return nullptr;
  return exports;
}
