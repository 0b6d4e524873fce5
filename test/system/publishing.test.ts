/** What was committed is told, however long Redis or the database will not have it. */
import { ConnectionRefusedError } from 'sequelize';
import { describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import type { Broadcast } from '../../src/broadcast/broadcast.js';
import { Publisher } from '../../src/consumer/publisher.js';
import type { StoreContext } from '../../src/store/context.js';
import { chatJob } from './runtimes.js';

const logger = createLogger({ silent: true, transports: [new transports.Console()] });
const job = chatJob(1, 'message.send', {});
const committed = {
  envelopes: [{ roomId: 'room', offset: 1, frame: '{}', joined: ['1'] }],
  targeted: [{ id: '0', userIds: ['2'], frames: ['{}'] }],
  answer: ['{}'],
};

/** Each call fails with these, one after the other, and then does what it says. */
function failing(errors: readonly Error[]) {
  const done: string[] = [];
  const fails = (name: string) => {
    const left = [...errors];
    return async () => {
      const error = left.shift();
      if (error) throw error;
      done.push(name);
    };
  };
  const control = { join: fails('join'), frames: fails('frames') } as Record<string, () => Promise<void>>;
  const broadcast = {
    publish: fails('publish'),
    reply: fails('reply'),
    control: ({ kind }: { kind: string }) => control[kind]!(),
  } as unknown as Broadcast;
  return { done, publisher: new Publisher(broadcast, { logger } as StoreContext) };
}

const refusal = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

describe('what was committed and is refused by Redis or the database', () => {
  it.each([
    ['Redis is full', refusal("OOM command not allowed when used memory > 'maxmemory'.")],
    ['Redis cannot write its file', refusal('MISCONF Redis is configured to save RDB snapshots, but ...')],
    ['Redis takes no writes', refusal("READONLY You can't write against a read only replica.")],
    ['the database is away, which has what another worker left', new ConnectionRefusedError(new Error('refused'))],
  ])('is tried again while %s, in the same order', async (_, error) => {
    const { done, publisher } = failing([error, error, error]);
    await publisher.publish(job, committed);
    await publisher.answer(job, committed.answer, committed.envelopes, {});
    expect(done[0]).toBe('publish');
    expect(done.slice(1, 3).toSorted()).toEqual(['frames', 'join']);
    expect(done.slice(3)).toEqual(['reply']);
  });

  it.each([
    ['a connection that was closed', new Error('Connection is closed.')],
    ['a command that is wrong', refusal('WRONGTYPE Operation against a key holding the wrong kind of value')],
  ])('is not tried again after %s', async (_, error) => {
    const { done, publisher } = failing([error]);
    await expect(publisher.publish(job, committed)).rejects.toBe(error);
    expect(done).toEqual([]);
  });
});
