import type { OutboxEntry, OutboxStorage } from './outbox.js';

/** What is used of `localStorage` or `sessionStorage`. */
export interface WebStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Keeps the outbox in `localStorage` or `sessionStorage`, a key for each message. Two tabs may share it: a message that
 * both send is one message, by its client id. Name a prefix for each user of the device.
 */
export function webOutboxStorage(storage: WebStorage, prefix = 'chat-outbox:'): OutboxStorage {
  return {
    all() {
      const entries: OutboxEntry[] = [];
      for (let index = 0; index < storage.length; index++) {
        const key = storage.key(index);
        if (!key?.startsWith(prefix)) continue;
        try {
          entries.push(JSON.parse(storage.getItem(key) ?? '') as OutboxEntry);
        } catch {
          // Not ours, or cut short: of no use to anybody.
        }
      }
      return entries;
    },
    put: (entry) => storage.setItem(prefix + entry.client_id, JSON.stringify(entry)),
    remove: (clientId) => storage.removeItem(prefix + clientId),
  };
}
