// Limits of one connection, shared by ring.cc and connection.cc.
#pragma once

#include <cstddef>

namespace envoyts {

// Ranges of one send command up to this many bytes are copied together and sent by one send(): cheaper than an iovec.
constexpr size_t kGatherSize = 16384;
// First size of a send queue's buffer.
constexpr size_t kQueueSize = 16384;
// No queue grows beyond this: the connection fails with ENOBUFS. Water marks keep far below.
constexpr size_t kQueueLimit = 1u << 30;
// A close(flush) whose peer takes nothing for so long is dropped.
constexpr double kFlushStallMs = 30000;

}  // namespace envoyts
