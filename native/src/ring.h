// The batching ring: one turn collects what happened on every socket, calls JavaScript once, and executes its commands.
#pragma once

#include <node_api.h>
#include <sys/epoll.h>

#include <cstdint>
#include <vector>

#include "abi.h"
#include "socket_options.h"

struct bio_method_st;

namespace envoyts {

class Loop;
class TlsContext;
struct Tls;

// Bytes accepted by send that the kernel has not taken yet. Contiguous: [offset, offset + length) of `data`.
struct SendQueue {
  uint8_t* data;
  size_t offset;
  size_t length;
  size_t capacity;
};

// States of one connection number. A number with kUsed is owned by JavaScript until it commands `close`.
enum ConnectionFlag : uint32_t {
  kUsed = 1u << 0,
  kListener = 1u << 1,        // adopted: its descriptor is never closed here
  kConnecting = 1u << 2,      // `connect` not reported yet
  kPaused = 1u << 3,          // JavaScript does not want to read
  kReadable = 1u << 4,        // the kernel may hold unread bytes, a FIN or an error
  kPeerClosed = 1u << 5,      // FIN seen by epoll: a short read is the last one
  kEofSent = 1u << 6,         // `eof` delivered
  kRedeliver = 1u << 7,       // resume: deliver held bytes even when nothing new arrived
  kReady = 1u << 8,           // in the ready list
  kClosing = 1u << 9,         // close(flush) commanded, queue not empty yet: no more events
  kShutdownWhenFlushed = 1u << 10,
  kAboveHigh = 1u << 11,      // the queue was above the high watermark; `drain` is owed
  kFailed = 1u << 12,         // `error` (or a failed `connect`) delivered: nothing more happens until close
  kSendFailed = 1u << 13,     // `failure` is set; sends are dropped
  kUnix = 1u << 14,
  kResting = 1u << 15,        // listener: not watched until restUntilMs_ (out of descriptors or numbers)
  kReset = 1u << 16,          // EPOLLERR seen: read on until the error shows
  kHandshaking = 1u << 17,    // connected, TLS is not: `connect` not reported yet
};

struct Connection {
  int fd;
  uint32_t flags;
  uint32_t generation;   // tells a reused number from its predecessor in epoll's data
  uint32_t pending;      // epoll bits not handled yet
  uint32_t servicedTurn; // a connection is serviced, and so read, at most once per turn
  uint8_t* held;         // unconsumed bytes, put in front of the next read
  uint32_t heldLength;
  int32_t failure;       // errno to report; 0 = none
  uint32_t low;
  uint32_t high;
  SendQueue queue;
  Tls* tls;              // nullptr = plain text; else `queue` holds records
  uint32_t acceptBudget;  // listener: how many to accept in the next turn
  uint32_t peerLength;
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } peer;
};

// A connection in kClosing, watched so that a peer that never reads cannot keep it for ever.
struct Closing {
  int32_t id;
  uint32_t generation;
  int32_t queued;
  double deadlineMs;
};

// How a connect is secured.
struct TlsOptions {
  int32_t context;         // of addTlsContext; negative = not at all
  const char* serverName;  // "" = none is sent
  const uint8_t* alpn;     // nullptr = the context's
  size_t alpnLength;
  napi_ref accepts;        // asked about the peer's certificate; nullptr = nobody is
};

// Memory shared with JavaScript: freed when both the ring and its ArrayBuffer have let go.
struct Region {
  uint8_t* data;
  size_t size;
  int references;
};

struct RingSizes {
  uint32_t maxConnections;
  uint32_t arenaSize;
  uint32_t staticSize;
  uint32_t outSize;
  uint32_t recvSize;
};

// Byte offsets of the typed arrays in the table region.
struct TableLayout {
  size_t control, clock, counters, events, commands, queued, bytesRead, bytesWritten, size;
};

class Ring {
 public:
  // nullptr and errno when memory or descriptors ran out.
  static Ring* create(Loop* loop, const RingSizes& sizes);
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // -- life: freed when JavaScript's handle is collected, it is closed (if it was started) and no turn is running
  void retain() { ++references_; }
  void release();
  bool isClosed() const { return epoll_ < 0; }
  // Closes every socket it made. Idempotent. Any thread state: also called when the environment ends.
  void close();

  // -- for the loop
  Loop* loop() const { return loop_; }
  int epoll() const { return epoll_; }
  bool isStarted() const { return started_; }
  void setStarted() { started_ = true; }
  int watchLibuv(int fd);
  bool watchesLibuv() const { return watchesLibuv_; }
  // Milliseconds that the ring may sleep given that libuv may sleep `boundMs` (-1 = for ever); 0 when work is ready.
  int sleepBound(int boundMs) const;
  // One turn. `libuvReady` is set when libuv's descriptor is readable. Returns the number of things that happened.
  int runTurn(int timeoutMs, bool* libuvReady);

  // -- for the bindings
  const RingSizes& sizes() const { return sizes_; }
  const TableLayout& layout() const { return layout_; }
  Region* slabRegion() const { return slabRegion_; }
  Region* tableRegion() const { return tableRegion_; }
  void setHandler(napi_ref handler) { handler_ = handler; }
  napi_ref takeHandler();
  void runCommands();
  int32_t adoptListener(int fd);  // number or -errno
  int releaseListener(int32_t id);
  int32_t connect(const SocketAddress& address, socklen_t length, const SocketAddress* bindTo, socklen_t bindLength,
                  bool noDelay, const KeepAlive& keepAlive, const SocketOptions& options, const TlsOptions& tls);
  void sendBytes(int32_t id, const uint8_t* bytes, size_t length);
  void setWatermarks(int32_t id, uint32_t low, uint32_t high);
  size_t remoteAddress(int32_t id, char* text) const;
  size_t localAddress(int32_t id, char* text) const;
  size_t originalDestination(int32_t id, char* text) const;
  void setTick(double intervalMs);
  int32_t addTlsContext(TlsContext* context);  // takes the caller's reference; -1 = no memory
  bool removeTlsContext(int32_t number);
  // nullptr: not in use, or without TLS.
  const Tls* tlsOf(int32_t id) const;
  bool acceptsPeer(const Tls& tls, const uint8_t* certificate, size_t length);
  // For OpenSSL's writes.
  void takeRecords(int32_t id, const uint8_t* bytes, size_t length);

  static void releaseRegion(Region* region);

 private:
  Ring() = default;
  ~Ring();
  bool allocate();

  // -- ring.cc: the turn
  void readClock();
  void serviceReady();
  void checkTimers();
  void checkClosing();
  void deliver();
  void callHandler();
  void holdUnconsumed();
  void hold(int32_t id, const uint8_t* bytes, size_t length);
  void push(int32_t id, EventKind kind, int32_t a, int32_t b);
  void markReady(int32_t id);
  void badCommand(const char* what, int32_t id);
  void executeClose(int32_t id, uint32_t mode);
  void executeResume(int32_t id);
  void executeShutdownWrite(int32_t id);

  // -- connection.cc: one connection
  int32_t allocateNumber(int fd, uint32_t flags);
  int watch(int32_t id, uint32_t events);
  int watchConnection(int32_t id);
  void service(int32_t id);
  bool serviceConnecting(int32_t id);
  void serviceWritable(int32_t id);
  void serviceReadable(int32_t id);
  void serviceClosing(int32_t id);
  bool hasRoom(size_t bytes) const;
  size_t receive(int32_t id, bool* isEof);
  void deliverData(int32_t id, size_t fresh);
  void reportFailure(int32_t id);
  void endRead(int32_t id, bool isEof);
  void fail(int32_t id, int error);
  void failConnect(int32_t id, int error);
  void sendRanges(int32_t id, const int32_t* pairs, uint32_t count);
  void sendVector(int32_t id, const int32_t* pairs, uint32_t count);
  void transmit(int32_t id, const uint8_t* bytes, size_t length);
  size_t afterSend(int32_t id, ssize_t sent, size_t length);
  void enqueue(int32_t id, const uint8_t* bytes, size_t length);
  bool append(SendQueue* queue, const uint8_t* bytes, size_t length);
  void flushQueue(int32_t id);
  void dropQueue(int32_t id);
  void updateQueued(int32_t id);
  void drainIfLow(int32_t id);
  void shutdownIfFlushed(int32_t id);
  void finishFlushClose(int32_t id);
  void discardInput(int32_t id);
  void destroy(int32_t id);
  bool isRange(int32_t offset, int32_t length) const;

  // -- tls.cc: between the socket and the arena
  int prepareTls(int32_t id, const TlsOptions& options);
  void endTls(int32_t id);
  void releaseTls();
  void serviceHandshake(int32_t id);
  void continueHandshake(int32_t id, bool* isEof);
  void endOfRead(int32_t id, int why, bool* isEof);
  size_t decrypt(int32_t id, size_t length, bool* isEof);
  void sendTls(int32_t id, const int32_t* pairs, uint32_t count);
  void encrypt(int32_t id, const uint8_t* bytes, size_t length);
  void flushPlain(int32_t id);
  void flushRecords(int32_t id);
  void closeNotify(int32_t id);
  void failTls(int32_t id);
  int noteBroken(int32_t id, int error);

  // -- listener.cc
  void acceptSome(int32_t listener);
  void rest(int32_t listener);
  void wakeRested();

  bool isNumber(int32_t id) const { return id >= 0 && static_cast<uint32_t>(id) < sizes_.maxConnections; }
  void count(CounterWord word) { counters_[word] += 1; }

  Loop* loop_ = nullptr;
  RingSizes sizes_{};
  TableLayout layout_{};
  Region* slabRegion_ = nullptr;
  Region* tableRegion_ = nullptr;
  uint8_t* slab_ = nullptr;
  size_t slabSize_ = 0;
  int32_t* control_ = nullptr;
  double* clock_ = nullptr;
  double* counters_ = nullptr;
  int32_t* events_ = nullptr;
  int32_t* commands_ = nullptr;
  int32_t* queued_ = nullptr;
  double* bytesRead_ = nullptr;
  double* bytesWritten_ = nullptr;

  Connection* connections_ = nullptr;
  uint32_t freshNumbers_ = 0;          // numbers from here on were never used
  std::vector<int32_t> freeNumbers_;
  std::vector<int32_t> freeAfterTurn_;
  std::vector<int32_t> ready_;
  std::vector<int32_t> readyNow_;
  std::vector<Closing> closing_;
  std::vector<int32_t> resting_;

  int epoll_ = -1;
  bool started_ = false;
  bool watchesLibuv_ = false;
  bool starved_ = false;  // the last turn had no room for all: begin the next one with those
  bool complained_ = false;
  int references_ = 1;
  napi_ref handler_ = nullptr;

  uint32_t turn_ = 0;
  uint32_t eventCount_ = 0;
  size_t arenaUsed_ = 0;
  double tickIntervalMs_ = 0;
  double nextTickMs_ = 0;
  double nextClosingCheckMs_ = 0;
  double restUntilMs_ = 0;
  epoll_event waited_[128];
  uint8_t* gather_ = nullptr;

  std::vector<TlsContext*> tlsContexts_;
  bio_method_st* bioMethod_ = nullptr;
  uint8_t* cipherText_ = nullptr;  // what one recv brought, to be decrypted
  uint8_t* records_ = nullptr;     // what is encrypted and not sent yet
  size_t recordsUsed_ = 0;
  uint32_t handshakesLeft_ = 0;    // in this turn

  friend class Loop;
  Ring* next_ = nullptr;  // Loop's list
};

}  // namespace envoyts
