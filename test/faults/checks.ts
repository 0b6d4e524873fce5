/** What must hold after every fault, whatever it was. */
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { decodeEnvelope, type Envelope } from '../../src/protocol/envelope.js';
import { until } from '../helpers/processes.js';
import type { OwnStack } from '../helpers/stack.js';
import type { Crowd, Sent } from '../system/crowd.js';
import type { Device } from './devices.js';

/** First offset at which a user is a member, and the one at which no more (Infinity: still is). */
type Membership = [from: number, until: number];

/** Each acknowledged message is one row, with the number it was given; nothing that was not acknowledged is two. */
export async function checkRows(crowd: Crowd, roomIds: readonly string[], sent: readonly Sent[]): Promise<void> {
  const rows = (await Promise.all(roomIds.map((id) => crowd.checkRoom(id)))).flat();
  const byContent = new Map(rows.map((row) => [row.content, row]));
  expect(byContent.size, 'a message is stored once').toBe(rows.length);
  for (const { content, ack } of sent) {
    if (ack) expect(byContent.get(content), content).toMatchObject({ id: ack.message_id, seq: ack.seq });
  }
}

/**
 * Live, broadcasts came in order, each once. After a resume every device of every member holds the same broadcasts, and
 * nobody was sent one from a time when not a member.
 */
export async function checkDevices(
  crowd: Crowd,
  roomIds: readonly string[],
  devices: readonly Device[],
): Promise<void> {
  for (const roomId of roomIds) {
    const envelopes = await envelopesOf(crowd, roomId);
    const last = envelopes.at(-1)?.offset ?? 0;
    for (const device of devices) {
      const memberships = membershipsOf(device.userId, envelopes);
      const isMemberAt = (offset: number) => memberships.some(([from, to]) => offset >= from && offset < to);
      const expected = envelopes.filter(({ offset, frame }) => frame !== undefined && isMemberAt(offset));
      const now = memberships.find(([, to]) => to === Number.POSITIVE_INFINITY);
      if (now && device.isOpen) {
        await until(`offset ${last} of ${roomId}`, async () => {
          if ((device.live(roomId).at(-1) ?? last) < last)
            throw new Error(`the last one is ${device.live(roomId).at(-1)}`);
        });
      }
      checkLive(device.live(roomId), isMemberAt);
      if (now) {
        // Up to where it has everything, as a client counts.
        const held = device.held(roomId);
        let known = now[0] - 1;
        while (held.has(known + 1)) known++;
        if (known < last) {
          const resumed = await device.resume({ [roomId]: known });
          expect(resumed.rooms[roomId]).toEqual({ recovered: true, offset: last });
        }
        const frames = expected.filter(({ offset }) => offset >= now[0]).map(({ frame }) => JSON.parse(frame!));
        const holds = device.held(roomId);
        expect(frames.map(({ offset }) => holds.get(offset))).toEqual(frames);
      }
      const strangers = [...device.held(roomId).keys()].filter((offset) => !isMemberAt(offset));
      expect(strangers, `broadcasts of a time when user ${device.userId} was not a member`).toEqual([]);
      expect(device.client.breaches).toEqual([]);
    }
  }
}

/** In order, each once, and without a hole but where the user was not a member. */
function checkLive(offsets: readonly number[], isMemberAt: (offset: number) => boolean): void {
  for (const [index, offset] of offsets.entries()) {
    const before = offsets[index - 1];
    if (before === undefined) continue;
    expect(offset, `after ${before}`).toBeGreaterThan(before);
    for (let between = before + 1; between < offset; between++) {
      expect(isMemberAt(between), `${between} is missing between ${before} and ${offset}`).toBe(false);
    }
  }
}

async function envelopesOf(crowd: Crowd, roomId: string): Promise<Envelope[]> {
  const rows = await crowd.query<{ envelope: string }>(
    'SELECT envelope FROM chat_outcomes WHERE room_id = ? ORDER BY room_offset',
    [roomId],
  );
  return rows.map(({ envelope }) => decodeEnvelope(envelope));
}

function membershipsOf(userId: string, envelopes: readonly Envelope[]): Membership[] {
  const memberships: Membership[] = [];
  for (const { offset, joined, left, deleted } of envelopes) {
    const open = memberships.at(-1)?.[1] === Number.POSITIVE_INFINITY ? memberships.at(-1)! : undefined;
    if (open && left?.some(({ userIds }) => userIds.includes(userId))) open[1] = offset;
    else if (open && deleted) open[1] = offset + 1;
    else if (!open && joined?.includes(userId)) memberships.push([offset, Number.POSITIVE_INFINITY]);
  }
  return memberships;
}

/** Nothing waits or runs; `failed` jobs are kept as poison. */
export async function checkQueue(stack: OwnStack, failed = 0): Promise<void> {
  const redis = new Redis(stack.redis!.url);
  try {
    await until('the queue is empty', async () => {
      const counts = (queue: string) =>
        Promise.all([
          ...['wait', 'active', 'paused'].map((name) => redis.llen(`chat:${queue}:${name}`)),
          ...['failed', 'completed', 'delayed', 'prioritized'].map((name) => redis.zcard(`chat:${queue}:${name}`)),
        ]);
      expect(await counts('chat-events')).toEqual([0, 0, 0, failed, 0, 0, 0]);
      expect(await counts('chat-events-lossy')).toEqual([0, 0, 0, 0, 0, 0, 0]);
    });
  } finally {
    redis.disconnect();
  }
}
