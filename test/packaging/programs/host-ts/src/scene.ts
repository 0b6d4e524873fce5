/** Who takes part: five users, their connections, and what the host's handlers call. */
import assert from 'node:assert/strict';
import type { Chat } from 'express-realtime-chat';
import { connectTestClient, type TestClient } from 'express-realtime-chat/testing';
import { User } from './database.js';
import { type Hooks, listen } from './hooks.js';

export interface Scene {
  readonly chat: Chat;
  readonly url: string;
  readonly hooks: Hooks;
  readonly users: Record<'ann' | 'ben' | 'cleo' | 'dan' | 'bot', User>;
  connect(user: User, takeFirst?: boolean): Promise<TestClient>;
  /** Ends the connections and the chat. */
  close(): Promise<void>;
}

export async function openScene(chat: Chat, port: number): Promise<Scene> {
  const hooks = await listen();
  const url = `ws://127.0.0.1:${port}/messaging/`;
  const clients: TestClient[] = [];
  const make = (username: string, more: Partial<User> = {}) =>
    User.create({ username, email: `${username}@example.org`, profile_picture: `/${username}.png`, ...more });
  return {
    chat,
    url,
    hooks,
    users: {
      ann: await make('ann'),
      ben: await make('ben'),
      cleo: await make('cleo'),
      dan: await make('dan', { is_staff: true }),
      bot: await make('bot', { is_bot: true }),
    },
    async connect({ id }, takeFirst = true) {
      const client = await connectTestClient(`${url}?user=${id}`);
      clients.push(client);
      if (takeFirst) await client.expect('chat.notifications');
      return client;
    },
    async close() {
      for (const client of clients) await client.close();
      await chat.close();
      hooks.close();
    },
  };
}

/** The code of an answer that must be an error. */
export function codeOf({ error }: { error?: unknown }): number {
  assert(typeof error === 'object' && error !== null, `An error was expected, not ${JSON.stringify(error)}.`);
  return (error as { code: number }).code;
}
