// TLS on outgoing connections, by OpenSSL as Node exports it: contexts, and what one connection keeps. Records are OpenSSL's business;
// nothing here looks into them.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "ring.h"

namespace envoyts {

// Plain text of one record at most.
constexpr size_t kTlsRecordSize = 16384;
// Records are collected up to this size before they are sent: four of the largest.
constexpr size_t kTlsOutputSize = 4 * (kTlsRecordSize + 512);
// Handshakes cost a hundred times what a request costs: so many steps of them a turn takes, the rest waits for the next.
constexpr uint32_t kHandshakesPerTurn = 16;

// Bits of TlsConfig::flags; core/io/ring_io.ts has the same.
enum TlsFlag : uint32_t {
  kTlsVerifies = 1u << 0,
  kTlsLeafCrlOnly = 1u << 1,
  kTlsAllowsExpired = 1u << 2,
  kTlsAcceptsUntrusted = 1u << 3,
  kTlsAllowsRenegotiation = 1u << 4,
};

// TlsClientConfig of core/io/tls.ts.
struct TlsConfig {
  int minVersion;
  int maxVersion;
  uint32_t flags;
  int maxDepth;
  uint32_t maxSessions;
  std::string ciphers, groups, signatureAlgorithms, trustedCa, crl;
  std::vector<std::string> certificates;  // chain, key, chain, key ...
  std::string alpn;                       // as it is sent: each with its length in front
};

// What connections share. Counted: it lives as long as the last of them.
class TlsContext {
 public:
  // nullptr and the library's words when it does not take something.
  static TlsContext* create(const TlsConfig& config, std::string* error);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  void retain() { ++references_; }
  void release();
  SSL_CTX* get() const { return context_; }
  bool has(TlsFlag flag) const { return (flags_ & flag) != 0; }
  // Lets the connection resume the newest session, if there is one; with a server name: if it is one to that name.
  void offerSession(SSL* ssl, const char* serverName);

 private:
  TlsContext() = default;
  ~TlsContext();
  // For what OpenSSL has no words.
  bool complain(const char* what) {
    trouble_ = what;
    return false;
  }
  bool configure(const TlsConfig& config);
  bool trust(const TlsConfig& config);
  bool addTrusted(const std::string& pem, bool* hasCrl, size_t* added);
  bool addCertificate(const std::string& chain, const std::string& key);
  static int onSession(SSL* ssl, SSL_SESSION* session);
  static int onVerified(int isRight, X509_STORE_CTX* store);
  static int verifyPeer(X509_STORE_CTX* store, void*);

  SSL_CTX* context_ = nullptr;
  uint32_t flags_ = 0;
  uint32_t maxSessions_ = 0;
  const char* trouble_ = "OpenSSL does not take it";
  // A session, and the name that its server was asked for.
  struct KeptSession {
    SSL_SESSION* session;
    std::string serverName;
  };
  std::vector<KeptSession> sessions_;  // newest last
  int references_ = 1;
};

// Why it failed, in OpenSSL's numbers; core/io/tls_failure.ts has the words.
struct TlsTrouble {
  unsigned long error;  // 0 = not the library
  int verifyError;      // the first one; with kTlsAcceptsUntrusted it may be there without a failure
  int verifyDepth;
  int system;           // errno; 0 = the peer closed
  bool onClientHello;
  bool isRefused;       // JavaScript does not accept the peer
};

// One connection's state.
struct Tls {
  Ring* ring;
  int32_t id;
  SSL* ssl;
  TlsContext* context;
  const uint8_t* input;  // what was received and is not read yet
  size_t inputLength;
  uint64_t received;     // since the connect
  napi_ref accepts;      // nullptr = JavaScript is not asked about the peer
  SendQueue plain;       // what was sent before the handshake was done
  bool hasBegun;
  bool peerClosed;       // its close_notify was read
  bool hasFailed;
  TlsTrouble trouble;
};

}  // namespace envoyts
