/** What a host's own tests need: a client that queues every frame. Needs the package `ws`, version 8. */

export {
  connectTestClient,
  TestClient,
  type TestClientOptions,
  type TestClosure,
  type TestFence,
  type TestFrame,
  UpgradeRefused,
} from './client.js';
