// What connections with TLS share: certificates, trust, sessions.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <climits>

#include "tls.h"

namespace envoyts {

namespace {

BIO* memoryOf(const std::string& text) {
  return text.size() > INT_MAX ? nullptr : BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

}  // namespace

TlsContext* TlsContext::create(const TlsConfig& config, std::string* error) {
  ERR_clear_error();
  TlsContext* context = new TlsContext;
  context->context_ = SSL_CTX_new(TLS_client_method());
  if (context->context_ != nullptr && context->configure(config)) {
    ERR_clear_error();
    return context;
  }
  char words[256];
  const unsigned long code = ERR_get_error();
  ERR_error_string_n(code, words, sizeof(words));
  *error = code == 0 ? context->trouble_ : words;
  ERR_clear_error();
  context->release();
  return nullptr;
}

TlsContext::~TlsContext() {
  for (const KeptSession& kept : sessions_) SSL_SESSION_free(kept.session);
  SSL_CTX_free(context_);
}

void TlsContext::release() {
  if (--references_ == 0) delete this;
}

bool TlsContext::configure(const TlsConfig& config) {
  flags_ = config.flags;
  maxSessions_ = config.maxSessions;
  SSL_CTX_set_app_data(context_, this);
  // A connection that is idle keeps no buffers; certificates that we show are those that we were given.
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!has(kTlsAllowsRenegotiation)) SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION);
  // OpenSSL has no cipher for the old versions on any level above.
  SSL_CTX_set_security_level(context_, config.minVersion < TLS1_2_VERSION ? 0 : 1);
  if (SSL_CTX_set_min_proto_version(context_, config.minVersion) != 1) return false;
  if (SSL_CTX_set_max_proto_version(context_, config.maxVersion) != 1) return false;
  if (!config.ciphers.empty() && SSL_CTX_set_cipher_list(context_, config.ciphers.c_str()) != 1) return false;
  if (!config.groups.empty() && SSL_CTX_set1_groups_list(context_, config.groups.c_str()) != 1) return complain("bad list of groups");
  const std::string& algorithms = config.signatureAlgorithms;
  if (!algorithms.empty() && SSL_CTX_set1_sigalgs_list(context_, algorithms.c_str()) != 1) return complain("bad list of signature algorithms");
  const std::string& alpn = config.alpn;
  const auto* protocols = reinterpret_cast<const unsigned char*>(alpn.data());
  if (!alpn.empty() && SSL_CTX_set_alpn_protos(context_, protocols, static_cast<unsigned>(alpn.size())) != 0) return false;
  // The first one comes last: that is the one OpenSSL takes where several will do.
  for (size_t i = config.certificates.size() / 2; i-- > 0;) {
    if (!addCertificate(config.certificates[2 * i], config.certificates[2 * i + 1])) return false;
  }
  SSL_CTX_set_session_cache_mode(context_, maxSessions_ == 0 ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  if (maxSessions_ > 0) SSL_CTX_sess_set_new_cb(context_, onSession);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, onVerified);
  SSL_CTX_set_cert_verify_callback(context_, verifyPeer, nullptr);
  return !has(kTlsVerifies) || trust(config);
}

bool TlsContext::trust(const TlsConfig& config) {
  bool hasCrl = false;
  size_t added = 0;
  if (!addTrusted(config.trustedCa, &hasCrl, &added)) return false;
  if (added == 0) return complain("no certificate to trust");
  if (!config.crl.empty() && !addTrusted(config.crl, &hasCrl, &added)) return false;
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
  if (hasCrl) flags |= has(kTlsLeafCrlOnly) ? X509_V_FLAG_CRL_CHECK : X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  if (config.maxDepth >= 0) SSL_CTX_set_verify_depth(context_, config.maxDepth);
  return X509_STORE_set_flags(SSL_CTX_get_cert_store(context_), flags) == 1;
}

// Certificates and revocation lists of a bundle.
bool TlsContext::addTrusted(const std::string& pem, bool* hasCrl, size_t* added) {
  X509_STORE* store = SSL_CTX_get_cert_store(context_);
  BIO* bio = memoryOf(pem);
  STACK_OF(X509_INFO)* entries = bio == nullptr ? nullptr : PEM_X509_INFO_read_bio(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  if (entries == nullptr) return false;
  bool isRight = true;
  for (int i = 0; isRight && i < sk_X509_INFO_num(entries); ++i) {
    const X509_INFO* entry = sk_X509_INFO_value(entries, i);
    if (entry->x509 != nullptr) {
      isRight = X509_STORE_add_cert(store, entry->x509) == 1;
      ++*added;
    }
    if (isRight && entry->crl != nullptr) {
      isRight = X509_STORE_add_crl(store, entry->crl) == 1;
      *hasCrl = true;
    }
  }
  sk_X509_INFO_pop_free(entries, X509_INFO_free);
  return isRight;
}

bool TlsContext::addCertificate(const std::string& chain, const std::string& key) {
  BIO* chainBio = memoryOf(chain);
  BIO* keyBio = memoryOf(key);
  char noPassword[] = "";
  X509* leaf = chainBio == nullptr ? nullptr : PEM_read_bio_X509_AUX(chainBio, nullptr, nullptr, noPassword);
  EVP_PKEY* privateKey = keyBio == nullptr || leaf == nullptr ? nullptr : PEM_read_bio_PrivateKey(keyBio, nullptr, nullptr, noPassword);
  STACK_OF(X509)* others = sk_X509_new_null();
  bool isRight = leaf != nullptr && privateKey != nullptr && others != nullptr;
  while (isRight) {
    X509* next = PEM_read_bio_X509(chainBio, nullptr, nullptr, noPassword);
    if (next == nullptr) break;
    if (sk_X509_push(others, next) == 0) X509_free(next);
  }
  // The end of the text shows as an error.
  const unsigned long last = ERR_peek_last_error();
  if (isRight && ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE) ERR_clear_error();
  isRight = isRight && ERR_peek_error() == 0 && SSL_CTX_use_cert_and_key(context_, leaf, privateKey, others, 1) == 1;
  if (others != nullptr) sk_X509_pop_free(others, X509_free);
  X509_free(leaf);
  EVP_PKEY_free(privateKey);
  BIO_free(chainBio);
  BIO_free(keyBio);
  return isRight;
}

// 1: the session is ours now.
int TlsContext::onSession(SSL* ssl, SSL_SESSION* session) {
  auto* context = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  std::vector<KeptSession>& sessions = context->sessions_;
  if (sessions.size() >= context->maxSessions_) {
    SSL_SESSION_free(sessions.front().session);
    sessions.erase(sessions.begin());
  }
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  sessions.push_back({session, name == nullptr ? "" : name});
  return 1;
}

void TlsContext::offerSession(SSL* ssl, const char* serverName) {
  if (sessions_.empty()) return;
  if (serverName != nullptr && sessions_.back().serverName != serverName) return;
  SSL_SESSION* session = sessions_.back().session;
  SSL_set_session(ssl, session);
  // A ticket of TLS 1.3 is shown once: who sees it twice could tell that both connections are of one client.
  if (SSL_SESSION_get_protocol_version(session) != TLS1_3_VERSION) return;
  sessions_.pop_back();
  SSL_SESSION_free(session);
}

// Called for every certificate of a chain, and for every trouble with one. 0 ends the handshake.
int TlsContext::onVerified(int isRight, X509_STORE_CTX* store) {
  if (isRight == 1) return 1;
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* tls = static_cast<Tls*>(SSL_get_app_data(ssl));
  TlsTrouble& trouble = tls->trouble;
  const int error = X509_STORE_CTX_get_error(store);
  if (tls->context->has(kTlsAllowsExpired) && (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID)) {
    // As if it had not been: the verdict is what it was before.
    X509_STORE_CTX_set_error(store, trouble.verifyError);
    return 1;
  }
  if (trouble.verifyError == X509_V_OK) {
    trouble.verifyError = error;
    trouble.verifyDepth = X509_STORE_CTX_get_error_depth(store);
  }
  return tls->context->has(kTlsAcceptsUntrusted) ? 1 : 0;
}

// The chain, where it is to be verified, and then whatever JavaScript asks of the leaf. 1: the handshake goes on.
int TlsContext::verifyPeer(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* tls = static_cast<Tls*>(SSL_get_app_data(ssl));
  if (tls->context->has(kTlsVerifies) && X509_verify_cert(store) != 1) return 0;
  if (tls->accepts == nullptr) return 1;
  unsigned char* der = nullptr;
  const int length = i2d_X509(X509_STORE_CTX_get0_cert(store), &der);
  const bool isAccepted = length > 0 && tls->ring->acceptsPeer(*tls, der, static_cast<size_t>(length));
  OPENSSL_free(der);
  if (isAccepted) return 1;
  tls->trouble.isRefused = true;
  // One that has no alert of its own: the peer is told that its certificate is not what we want.
  X509_STORE_CTX_set_error(store, X509_V_ERR_SUBTREE_MINMAX);
  return 0;
}

}  // namespace envoyts
