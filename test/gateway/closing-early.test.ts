/** A socket that closes while a worker registers its session. */
import { afterEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ChatConnection, EventHandler } from '../../src/index.js';
import { openTestChat, type TestChat } from '../../src/testing/index.js';
import { until } from '../helpers/processes.js';

let host: TestChat | undefined;

afterEach(async () => {
  await host?.close();
  host = undefined;
});

test('leaves no session behind', async () => {
  const steps: string[] = [];
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  class SlowSessions extends EventHandler {
    override async registerSession(...args: Parameters<EventHandler['registerSession']>) {
      steps.push('registering');
      await opened;
      const session = await super.registerSession(...args);
      steps.push('registered');
      return session;
    }
  }
  class Watched extends ChatConnection {
    override async disconnect(code: number): Promise<void> {
      await super.disconnect(code);
      steps.push('left');
    }
  }
  host = await openTestChat({ eventHandlerClass: SlowSessions, connectionClass: Watched });
  const socket = new WebSocket(host.urlOf(host.people.ann));
  socket.on('error', () => {});
  await until('the session is being registered', async () => expect(steps).toEqual(['registering']));
  socket.terminate();
  await until('the gateway has seen the socket go', async () => expect(steps).toContain('left'));
  open();
  await until('the session was registered', async () => expect(steps).toContain('registered'));
  await until('the session is gone', async () => expect(await host!.chat.models.Session.count()).toBe(0));
});
