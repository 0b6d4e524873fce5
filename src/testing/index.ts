/** What a host's own tests need: a chat, a client that queues every frame, spies. Needs the packages `ws` and `sqlite3`. */

export {
  openTestChat,
  type TestChat,
  type TestChatOptions,
  type TestChatSettings,
  type TestConnectOptions,
  type TestUser,
} from './chat.js';
export {
  connectTestClient,
  TestClient,
  type TestClientOptions,
  type TestClosure,
  type TestFence,
  type TestFrame,
  UpgradeRefused,
} from './client.js';
export { errorOf } from './errors.js';
export type { LogEntry } from './log.js';
export { Spy, type WaitOptions, waitForQueueEvent } from './spies.js';
