#pragma once

#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rowseal::testing {

/// CuttingProxy stands between a client and a server on loopback, and loses what a test asks for.
class CuttingProxy final {
 public:
  explicit CuttingProxy(int server_port);
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;
  ~CuttingProxy();

  int port() const noexcept { return port_; }

  /// LoseNextAnswer lets the next request through, and cuts the connection when its answer comes:
  /// the server has carried it out, and the client cannot know.
  void LoseNextAnswer() { lose_answer_ = true; }

  /// Hang keeps connections open and carries nothing any more, until Resume.
  void Hang() { hangs_ = true; }
  void Resume() { hangs_ = false; }

  /// cuts counts the connections that were cut.
  int cuts() const noexcept { return cuts_; }

 private:
  void Listen();
  void Carry(int client);

  int server_port_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> lose_answer_{false};
  std::atomic<bool> hangs_{false};
  std::atomic<bool> ends_{false};
  std::atomic<int> cuts_{0};
  std::mutex mutex_;
  std::list<std::thread> threads_;
  std::thread listening_;
};

}  // namespace rowseal::testing
