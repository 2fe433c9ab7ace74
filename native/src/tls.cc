// The part of a connection with TLS between the socket and the arena: what was received becomes plain text in the arena, what is
// sent becomes records. OpenSSL reads from and writes to memory of ours; every length is one that we or it gave.
#include "tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "loop.h"

namespace envoyts {

namespace {

// No other kind of BIO shall be taken for ours; numbers from BIO_get_new_index are few and never come back.
constexpr int kBioType = BIO_TYPE_SOURCE_SINK | 0x7e;

// A server that dislikes our first message answers with nothing but an alert.
constexpr uint64_t kAlertRecordSize = 7;

int readInput(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  Tls* tls = static_cast<Tls*>(BIO_get_data(bio));
  if (size <= 0) return 0;
  if (tls->inputLength == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t n = tls->inputLength < static_cast<size_t>(size) ? tls->inputLength : static_cast<size_t>(size);
  memcpy(to, tls->input, n);
  tls->input += n;
  tls->inputLength -= n;
  return static_cast<int>(n);
}

int writeOutput(BIO* bio, const char* from, int size) {
  Tls* tls = static_cast<Tls*>(BIO_get_data(bio));
  if (size > 0) tls->ring->takeRecords(tls->id, reinterpret_cast<const uint8_t*>(from), static_cast<size_t>(size));
  return size;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int prepare(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// The error that says most: the first of the SSL library, else the first. Empties the queue, which this thread's Node shares.
unsigned long takeError() {
  unsigned long found = 0;
  for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
    if (found == 0 || (ERR_GET_LIB(found) != ERR_LIB_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL)) found = error;
  }
  return found;
}

}  // namespace

int32_t Ring::addTlsContext(TlsContext* context) {
  if (cipherText_ == nullptr) cipherText_ = static_cast<uint8_t*>(malloc(sizes_.recvSize));
  if (records_ == nullptr) records_ = static_cast<uint8_t*>(malloc(kTlsOutputSize));
  if (bioMethod_ == nullptr) {
    bioMethod_ = BIO_meth_new(kBioType, "envoyts");
    if (bioMethod_ != nullptr) {
      BIO_meth_set_read(bioMethod_, readInput);
      BIO_meth_set_write(bioMethod_, writeOutput);
      BIO_meth_set_ctrl(bioMethod_, control);
      BIO_meth_set_create(bioMethod_, prepare);
    }
  }
  if (cipherText_ == nullptr || records_ == nullptr || bioMethod_ == nullptr) return -1;
  for (size_t i = 0; i < tlsContexts_.size(); ++i) {
    if (tlsContexts_[i] != nullptr) continue;
    tlsContexts_[i] = context;
    return static_cast<int32_t>(i);
  }
  tlsContexts_.push_back(context);
  return static_cast<int32_t>(tlsContexts_.size() - 1);
}

bool Ring::removeTlsContext(int32_t number) {
  if (number < 0 || static_cast<size_t>(number) >= tlsContexts_.size() || tlsContexts_[number] == nullptr) return false;
  tlsContexts_[number]->release();
  tlsContexts_[number] = nullptr;
  return true;
}

void Ring::releaseTls() {
  for (size_t i = 0; i < tlsContexts_.size(); ++i) removeTlsContext(static_cast<int32_t>(i));
  BIO_meth_free(bioMethod_);
  bioMethod_ = nullptr;
  free(cipherText_);
  free(records_);
  cipherText_ = records_ = nullptr;
}

// 0 or errno.
int Ring::prepareTls(int32_t id, const TlsOptions& options) {
  if (options.context < 0 || static_cast<size_t>(options.context) >= tlsContexts_.size()) return EINVAL;
  TlsContext* context = tlsContexts_[options.context];
  if (context == nullptr) return EINVAL;
  ERR_clear_error();
  BIO* bio = BIO_new(bioMethod_);
  SSL* ssl = SSL_new(context->get());
  Tls* tls = static_cast<Tls*>(calloc(1, sizeof(Tls)));
  bool isRight = bio != nullptr && ssl != nullptr && tls != nullptr;
  if (isRight && options.serverName[0] != '\0') isRight = SSL_set_tlsext_host_name(ssl, options.serverName) == 1;
  if (isRight && options.alpn != nullptr) isRight = SSL_set_alpn_protos(ssl, options.alpn, static_cast<unsigned>(options.alpnLength)) == 0;
  ERR_clear_error();
  if (!isRight) {
    BIO_free(bio);
    SSL_free(ssl);
    free(tls);
    return EINVAL;
  }
  tls->ring = this;
  tls->id = id;
  tls->ssl = ssl;
  tls->accepts = options.accepts;
  tls->context = context;
  context->retain();
  BIO_set_data(bio, tls);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, tls);
  SSL_set_connect_state(ssl);
  // A peer whose names are asked for was not asked for those of another connection.
  context->offerSession(ssl, options.accepts == nullptr ? nullptr : options.serverName);
  connections_[id].tls = tls;
  return 0;
}

void Ring::endTls(int32_t id) {
  Tls* tls = connections_[id].tls;
  connections_[id].tls = nullptr;
  free(tls->plain.data);
  // Its session may be resumed even if the peer was not told of the end.
  if (!tls->hasFailed && SSL_is_init_finished(tls->ssl)) SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(tls->ssl);
  if (tls->accepts != nullptr) napi_delete_reference(loop_->env(), tls->accepts);
  tls->context->release();
  free(tls);
}

// Asks JavaScript in the middle of a handshake step: no microtasks run, so nothing can command the ring meanwhile.
bool Ring::acceptsPeer(const Tls& tls, const uint8_t* certificate, size_t length) {
  napi_env env = loop_->env();
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  napi_value function, receiver, result, bytes, isVerified, arguments[2];
  void* copy = nullptr;
  bool isAccepted = false;
  napi_status status = napi_get_reference_value(env, tls.accepts, &function);
  if (status == napi_ok) status = napi_get_undefined(env, &receiver);
  if (status == napi_ok) status = napi_create_buffer_copy(env, length, certificate, &copy, &bytes);
  if (status == napi_ok) status = napi_get_boolean(env, tls.context->has(kTlsVerifies) && tls.trouble.verifyError == X509_V_OK, &isVerified);
  if (status == napi_ok) {
    arguments[0] = bytes;
    arguments[1] = isVerified;
    status = napi_call_function(env, receiver, function, 2, arguments, &result);
  }
  if (status == napi_ok) status = napi_get_value_bool(env, result, &isAccepted);
  bool isPending = false;
  if (status != napi_ok && napi_is_exception_pending(env, &isPending) == napi_ok && isPending) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
  return status == napi_ok && isAccepted;
}

const Tls* Ring::tlsOf(int32_t id) const {
  return isNumber(id) && (connections_[id].flags & kUsed) != 0 ? connections_[id].tls : nullptr;
}

// Records that OpenSSL wrote: sent together at the end of what it was asked for.
void Ring::takeRecords(int32_t id, const uint8_t* bytes, size_t length) {
  while (length > 0) {
    if (recordsUsed_ == kTlsOutputSize) flushRecords(id);
    const size_t room = kTlsOutputSize - recordsUsed_;
    const size_t n = length < room ? length : room;
    memcpy(records_ + recordsUsed_, bytes, n);
    recordsUsed_ += n;
    bytes += n;
    length -= n;
  }
}

void Ring::flushRecords(int32_t id) {
  const size_t n = recordsUsed_;
  recordsUsed_ = 0;
  if (n == 0 || (connections_[id].flags & (kFailed | kSendFailed)) != 0) return;
  if (connections_[id].queue.length > 0) {
    enqueue(id, records_, n);
  } else {
    transmit(id, records_, n);
  }
}

// Plain text becomes records; before the handshake is done (or while another one runs) it waits.
void Ring::encrypt(int32_t id, const uint8_t* bytes, size_t length) {
  Connection& connection = connections_[id];
  Tls& tls = *connection.tls;
  const bool mustWait = (connection.flags & (kConnecting | kHandshaking)) != 0 || tls.plain.length > 0;
  ERR_clear_error();
  while (length > 0 && !mustWait && (connection.flags & kSendFailed) == 0) {
    const size_t part = length < kTlsRecordSize ? length : kTlsRecordSize;
    size_t written = 0;
    if (SSL_write_ex(tls.ssl, bytes, part, &written) != 1) {
      if (SSL_get_error(tls.ssl, 0) == SSL_ERROR_WANT_READ) break;
      return failTls(id);
    }
    bytesWritten_[id] += static_cast<double>(written);
    bytes += written;
    length -= written;
  }
  if (length == 0 || (connection.flags & kSendFailed) != 0) return;
  if (!append(&tls.plain, bytes, length)) return fail(id, ENOBUFS);
  updateQueued(id);
}

void Ring::flushPlain(int32_t id) {
  Tls& tls = *connections_[id].tls;
  if (tls.plain.length == 0) return;
  const SendQueue queue = tls.plain;
  tls.plain = SendQueue{nullptr, 0, 0, 0};
  encrypt(id, queue.data + queue.offset, queue.length);
  free(queue.data);
  updateQueued(id);
}

void Ring::sendTls(int32_t id, const int32_t* pairs, uint32_t rangeCount) {
  size_t gathered = 0;
  for (uint32_t i = 0; i < rangeCount; ++i) {
    const uint8_t* from = slab_ + pairs[2 * i];
    size_t left = static_cast<size_t>(pairs[2 * i + 1]);
    if (gathered == 0 && (i + 1 == rangeCount || left >= kTlsRecordSize)) {
      // Whole records need not be copied together first.
      const size_t whole = i + 1 == rangeCount ? left : left - left % kTlsRecordSize;
      encrypt(id, from, whole);
      from += whole;
      left -= whole;
    }
    while (left > 0) {
      const size_t n = left < kTlsRecordSize - gathered ? left : kTlsRecordSize - gathered;
      memcpy(gather_ + gathered, from, n);
      gathered += n;
      from += n;
      left -= n;
      if (gathered < kTlsRecordSize) continue;
      encrypt(id, gather_, gathered);
      gathered = 0;
    }
  }
  encrypt(id, gather_, gathered);
  flushRecords(id);
}

// What lies in cipherText_ goes through OpenSSL; plain text stands behind the room for held bytes. Returns how much of it there is. All of
// it is read: a record that is not complete stays inside OpenSSL, so at most that one's plain text comes on top of what was received.
size_t Ring::decrypt(int32_t id, size_t length, bool* isEof) {
  Connection& connection = connections_[id];
  Tls& tls = *connection.tls;
  tls.input = cipherText_;
  tls.inputLength = length;
  tls.received += length;
  ERR_clear_error();
  size_t plain = 0;
  if ((connection.flags & kHandshaking) != 0) continueHandshake(id, isEof);
  if ((connection.flags & (kHandshaking | kClosing | kSendFailed)) == 0) {
    uint8_t* to = slab_ + arenaUsed_ + connection.heldLength;
    const size_t room = sizes_.arenaSize - arenaUsed_ - connection.heldLength - kArenaGap;
    size_t got = 0;
    while (SSL_read_ex(tls.ssl, to + plain, room - plain, &got) == 1) plain += got;
    endOfRead(id, SSL_get_error(tls.ssl, 0), isEof);
    bytesRead_[id] += static_cast<double>(plain);
    if ((connection.flags & kSendFailed) == 0) flushPlain(id);
  }
  tls.inputLength = 0;
  flushRecords(id);
  return plain;
}

void Ring::continueHandshake(int32_t id, bool* isEof) {
  Connection& connection = connections_[id];
  Tls& tls = *connection.tls;
  tls.hasBegun = true;
  const int result = SSL_do_handshake(tls.ssl);
  if (result != 1) return endOfRead(id, SSL_get_error(tls.ssl, result), isEof);
  connection.flags &= ~kHandshaking;
  if ((connection.flags & kClosing) == 0) push(id, kEventConnect, 0, 0);
  flushPlain(id);
  if ((connection.flags & (kClosing | kShutdownWhenFlushed)) != 0) closeNotify(id);
}

// Why OpenSSL did not go on: mostly because it has read everything.
void Ring::endOfRead(int32_t id, int why, bool* isEof) {
  Connection& connection = connections_[id];
  if (why == SSL_ERROR_WANT_READ) return;
  connection.flags &= ~kReadable;
  *isEof = why == SSL_ERROR_ZERO_RETURN;
  if (!*isEof) return failTls(id);
  connection.tls->peerClosed = true;
}

// An alert that OpenSSL has to tell the peer goes out first.
void Ring::failTls(int32_t id) {
  Tls& tls = *connections_[id].tls;
  tls.trouble.error = takeError();
  tls.trouble.system = EPROTO;
  // (SSL_get_state tells other numbers in every OpenSSL.)
  tls.trouble.onClientHello = tls.received <= kAlertRecordSize;
  tls.hasFailed = true;
  flushRecords(id);
  connections_[id].flags &= ~kReadable;
  fail(id, EPROTO);
}

// The connection broke before the handshake was done, unless something worse is known. Returns what the connect is told to have ended with.
int Ring::noteBroken(int32_t id, int error) {
  Tls& tls = *connections_[id].tls;
  if (!tls.hasFailed) tls.trouble.system = error;
  tls.hasFailed = true;
  return EPROTO | kTlsFailed;
}

void Ring::closeNotify(int32_t id) {
  const Connection& connection = connections_[id];
  if (connection.tls == nullptr || (connection.flags & (kConnecting | kHandshaking | kFailed | kSendFailed)) != 0) return;
  if ((SSL_get_shutdown(connection.tls->ssl) & SSL_SENT_SHUTDOWN) != 0) return;
  ERR_clear_error();
  SSL_shutdown(connection.tls->ssl);
  ERR_clear_error();
  flushRecords(id);
}

// One step of a handshake, and what came with its last one.
void Ring::serviceHandshake(int32_t id) {
  Connection& connection = connections_[id];
  Tls& tls = *connection.tls;
  if (connection.failure == 0) {
    if (tls.hasBegun && (connection.flags & kReadable) == 0) return;
    if (handshakesLeft_ == 0 || !hasRoom(sizes_.recvSize + kTlsRecordSize + kArenaGap + kArenaAlignment)) {
      starved_ = true;
      return markReady(id);
    }
    --handshakesLeft_;
  }
  size_t fresh = 0;
  bool isEof = false;
  if (connection.failure == 0 && !tls.hasBegun) decrypt(id, 0, &isEof);
  if (connection.failure == 0 && (connection.flags & kReadable) != 0) fresh = receive(id, &isEof);
  if ((connection.flags & kHandshaking) != 0) {
    if (connection.failure == 0 && !isEof) return;
    return failConnect(id, noteBroken(id, connection.failure));
  }
  if (connection.queue.length == 0) {
    if ((connection.flags & kClosing) != 0) return finishFlushClose(id);
    shutdownIfFlushed(id);
  }
  drainIfLow(id);
  if ((connection.flags & kPaused) == 0) {
    if (fresh > 0) deliverData(id, fresh);
    return endRead(id, isEof);
  }
  if (fresh > 0) hold(id, slab_ + arenaUsed_, fresh);
  // It is paused: the end waits for the data. A FIN shows again with the next read.
  if (isEof && !tls.peerClosed) connection.flags |= kReadable;
  if (connection.failure != 0) reportFailure(id);
}

}  // namespace envoyts
