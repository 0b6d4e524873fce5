import { describe, expect, it } from 'vitest';
import { createQueueEvents, fromJobId, toJobId } from '../../src/queue/job-id.js';
import { keepingLogger } from './support.js';

const uuid = '0193f0c2-7a5e-7c3e-8000-abcdefabcdef';

describe('job ids', () => {
  it.each([
    { type: 'message.send', userId: '42', roomId: uuid },
    { type: 'message.send', userId: '42', roomId: undefined },
    { type: '$notifications', userId: 'a~b:c%7E', roomId: '' },
    { type: 'custom event/ü', userId: '👍', roomId: '~~~' },
  ])('tell type $type, user $userId and room $roomId again', (rest) => {
    const id = toJobId({ id: uuid, ...rest });
    expect(fromJobId(id)).toEqual({ id: uuid, ...rest });
    expect(id).not.toMatch(/:|^\d+$/);
    expect(id).toBe(toJobId({ id: uuid, ...rest }));
  });

  it('keep a plain id readable', () => {
    expect(toJobId({ id: uuid, type: 'message.send', userId: '42', roomId: 'r-1' })).toBe(
      `${uuid}~message.send~42~r-1`,
    );
  });

  it('survive a lone surrogate', () => {
    expect(fromJobId(toJobId({ id: uuid, type: 'a', userId: '\ud800', roomId: undefined }))?.userId).toBe('\ufffd');
  });

  it.each(['', '1', 'repeat:x:1', `${uuid}~a`, `${uuid}~a~%~c`, 'a~b~c~d~e'])('of others are not ours: %j', (id) => {
    expect(fromJobId(id)).toBeUndefined();
  });
});

describe('queue events', () => {
  const event = { jobId: uuid, eventType: 'a', userId: '1', roomId: undefined, time: 1 };

  it('say once that somebody listens, and only to events of jobs', () => {
    let calls = 0;
    const { events } = createQueueEvents(keepingLogger().logger, () => calls++);
    events.on('error', () => {});
    expect(calls).toBe(0);
    events.once('stalled', () => {});
    events.on('waiting', () => {});
    expect(calls).toBe(1);
  });

  it('reach every listener though one throws and one rejects, and tell the error listeners of it', async () => {
    const { logger, lines } = keepingLogger();
    const { events, tell } = createQueueEvents(logger);
    const errors: string[] = [];
    const heard: unknown[] = [];
    events.on('waiting', () => {
      throw new Error('thrown');
    });
    events.on('waiting', async () => {
      throw new Error('rejected');
    });
    events.once('waiting', (told) => heard.push(told));
    events.on('error', ({ message }) => errors.push(message));
    tell('waiting', event);
    tell('waiting', event);
    await Promise.resolve();
    expect(heard).toEqual([event]);
    expect(errors).toEqual(['thrown', 'thrown', 'rejected', 'rejected']);
    expect(lines).toEqual([]);
  });

  it('log what a listener throws when nobody listens to errors', () => {
    const { logger, lines } = keepingLogger();
    const { events, tell } = createQueueEvents(logger);
    events.on('active', () => {
      throw new Error('thrown');
    });
    tell('active', event);
    expect(lines).toEqual(['error A listener to queue events failed.']);
  });
});
