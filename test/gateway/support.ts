/** A gateway by itself: the test is its queue and its workers, and its connections have no sockets. */
import { expect } from 'vitest';
import { createLogger } from 'winston';
import type { Broadcast } from '../../src/broadcast/broadcast.js';
import { createMemoryBroadcast } from '../../src/broadcast/memory.js';
import { Gateway, type GatewayConnection } from '../../src/gateway/gateway.js';
import { ChatMessagingConsumer, type EventPayloads } from '../../src/index.js';
import type { ChatJob, EventQueue } from '../../src/queue/queue.js';
import { resolveSettings } from '../../src/settings/settings.js';

/** A gateway whose jobs nobody takes. */
export interface BareGateway {
  readonly gateway: Gateway;
  readonly broadcast: Broadcast;
  /** Jobs that it added, one by one. */
  readonly added: ChatJob[];
  /** A connection that is ready; what it is sent is in `delivered`. */
  connect(userId: string): Promise<GatewayConnection & { readonly delivered: Buffer[] }>;
  close(): Promise<void>;
}

/** Opens one; the queue knows no job, and `add` may reject. */
export async function openBareGateway(add: (job: ChatJob) => Promise<void> = async () => {}): Promise<BareGateway> {
  const added: ChatJob[] = [];
  const queue = {
    add: (job: ChatJob) => {
      added.push(job);
      return add(job);
    },
    addInOrder: async () => {},
    has: async () => false,
    hasFailed: async () => false,
  } as unknown as EventQueue;
  const broadcast = createMemoryBroadcast({ historySize: 10 });
  const gateway = new Gateway({
    settings: resolveSettings({ database: 'sqlite::memory:' }),
    queue,
    broadcast,
    logger: createLogger({ silent: true }),
    eventTypes: new Map(),
    connectionClass: class {} as never,
    describeError: () => ({ code: 4006, detail: '' }),
  });
  await gateway.open();
  return {
    gateway,
    broadcast,
    added,
    async connect(userId) {
      const delivered: Buffer[] = [];
      const made = {
        id: `connection of ${userId}`,
        userId,
        isClosed: false,
        isReady: true,
        rooms: new Set(),
        delivered,
        deliver: (frame: Buffer) => void delivered.push(frame),
        expel: () => {
          made.isClosed = true;
        },
        drain: async () => {},
        goAway: async () => {},
      };
      const connection = made as unknown as GatewayConnection & { readonly delivered: Buffer[] };
      expect(await gateway.admit(connection)).toBe(true);
      return connection;
    },
    async close() {
      await gateway.close();
      await broadcast.close();
    },
  };
}

/** A consumer whose messages wait in their handler until then. */
export function messagesWaitFor(opened: Promise<unknown>): typeof ChatMessagingConsumer {
  return class extends ChatMessagingConsumer {
    override async receiveMessageSend(data: EventPayloads['message.send']): Promise<void> {
      await opened;
      await super.receiveMessageSend(data);
    }
  };
}
