/** The queue that the peer may put between its sockets and its transactions: what both of its sides know of it. */
import { Redis } from 'ioredis';
import type { WireUser } from './wire.js';

export const QUEUE = 'messages';

/** A job. */
export interface QueuedSend {
  readonly sender: WireUser;
  readonly room_id: string;
  readonly content: string;
}

/** A connection as BullMQ wants it. */
export const openRedis = (url: string) => new Redis(url, { maxRetriesPerRequest: null });
