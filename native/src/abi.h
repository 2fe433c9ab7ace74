// Numbers that the addon and TypeScript agree on: core/io/io.ts has the same ones under the same names.
// A change here is a change of kAbiVersion, and of ABI_VERSION in native/index.ts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace envoyts {

constexpr int32_t kAbiVersion = 4;

// Kinds of event. One event is kEventWords int32: connection, kind, a, b.
enum EventKind : int32_t {
  kEventAccept = 1,
  kEventConnect = 2,
  kEventData = 3,
  kEventEof = 4,
  kEventError = 5,
  kEventDrain = 6,
  kEventTick = 7,
};
constexpr uint32_t kEventWords = 4;
constexpr uint32_t kEventCapacity = 1024;

// Commands. First word `op | count << 8`, second the connection.
enum CommandOp : uint32_t {
  kCommandSend = 1,
  kCommandClose = 2,
  kCommandPause = 3,
  kCommandResume = 4,
  kCommandShutdownWrite = 5,
};
constexpr uint32_t kCommandCapacity = 1u << 18;  // int32 words

// Added to the errno of a failed connect: what failed was not the connect itself.
constexpr int32_t kBindFailed = 1 << 16;
constexpr int32_t kOptionFailed = 1 << 17;
constexpr int32_t kTlsFailed = 1 << 18;

enum CloseMode : uint32_t { kCloseFlush = 0, kCloseNow = 1, kCloseReset = 2 };

// Words of `control` (int32).
enum ControlWord : uint32_t { kControlCommandWords = 0, kControlEvents = 1, kControlSize = 16 };

// Words of `clock` (double).
enum ClockWord : uint32_t { kClockMonotonicMs = 0, kClockWallMs = 1, kClockSize = 8 };

// Words of `counters` (double).
enum CounterWord : uint32_t {
  kCounterTurns = 0,
  kCounterReceives = 1,
  kCounterSends = 2,
  kCounterWaits = 3,
  kCounterAccepts = 4,
  kCounterConnects = 5,
  kCounterCloses = 6,
  kCounterShortSends = 7,
  kCounterHeldCopies = 8,
  kCounterBadCommands = 9,
  kCounterStaleCommands = 10,   // for a number that is closed already: ignored
  kCounterEmptyReceives = 11,   // recv that found nothing
  kCounterAcceptStalls = 12,    // a listener rested because descriptors or numbers ran out
  kCounterSize = 16,
};

// Every data event is followed by at least this many writable bytes, so that a parser may set a sentinel.
constexpr size_t kArenaGap = 8;
constexpr size_t kArenaAlignment = 64;

}  // namespace envoyts
