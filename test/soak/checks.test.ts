/** What the soak checks at its end with is code too: each kind of broken data is found, and sound data is not. */
import { describe, expect, it } from 'vitest';
import { checkDevice } from './checks.js';
import { DeviceLog } from './device-log.js';
import { checkMemory } from './memory.js';
import { ANN, BEN, QuietReport, ROOM, SoundWorld } from './sound-world.js';
import type { RoomTruth } from './truth.js';

/** Breaks a sound world; gives the kinds of what was found, and all texts. */
async function found(breakIt: (world: SoundWorld) => void): Promise<[kinds: string[], texts: string]> {
  const world = new SoundWorld();
  breakIt(world);
  const kinds = await world.check();
  return [kinds, world.report.breaches.map(({ text }) => text).join('\n')];
}

it('finds nothing where nothing is wrong, and has looked', async () => {
  const world = new SoundWorld();
  expect(await world.check()).toEqual([]);
  expect(world.report.counts).toMatchObject({
    'broadcasts checked': 6,
    'messages acknowledged': 3,
    'reads checked': 1,
    'sends acked': 3,
  });
});

describe('what was acknowledged', () => {
  it.each<[string, (world: SoundWorld) => void, string[]]>([
    ['and is not stored is a loss', (world) => world.messages.splice(1, 1), ['loss']],
    ['and is stored in another place is a loss', (world) => Object.assign(world.messages[0]!, { seq: 7 }), ['loss']],
    [
      'and is stored as another text is a loss',
      (world) => Object.assign(world.messages[0]!, { content: '' }),
      ['loss'],
    ],
    [
      'and is stored by another sender is a loss',
      (world) => Object.assign(world.messages[0]!, { sender_id: BEN }),
      ['loss'],
    ],
    [
      'and is stored twice is a duplicate',
      (world) => world.messages.push({ ...world.messages[0]!, id: 'another', seq: 4 }),
      ['duplicate'],
    ],
    [
      'as the message of another send is a duplicate',
      (world) => Object.assign(world.sent(2), { id: world.sent(0).id, content: 'first', seq: 1 }),
      ['duplicate', 'loss', 'reordering'],
    ],
    [
      'after what was sent later is a reordering',
      (world) => {
        [world.sent(0), world.sent(2)].forEach((message, index) => {
          message.seq = [3, 1][index]!;
          world.messages.find(({ id }) => id === message.id)!.seq = message.seq;
        });
      },
      ['reordering'],
    ],
    [
      'as deleted and is still there is a loss',
      (world) => {
        world.sent(0).isDeleted = 'acked';
      },
      ['loss'],
    ],
    [
      'as a reaction and is another is a loss',
      (world) => Object.assign(world.reactions[0]!, { reaction_content: 'no' }),
      ['loss'],
    ],
    ['as a reaction and is not there is a loss', (world) => world.reactions.pop(), ['loss']],
    ['as read and has no receipt is a loss', (world) => world.receipts.pop(), ['loss']],
    [
      'as a membership and is not is a loss',
      (world) => world.ledger.membership(ROOM, BEN, true).settle(true, 'acked'),
      ['loss'],
    ],
    [
      'as a new room and is not there is a loss',
      (world) => world.ledger.rooms.push({ ...world.ledger.rooms[0]!, id: 'another' }),
      ['loss'],
    ],
    ['as a new room and is two is a duplicate', (world) => world.groups.push({ name: 'room 1' }), ['duplicate']],
  ])('%s', async (_, breakIt, kinds) => {
    expect((await found(breakIt))[0]).toEqual(kinds);
  });

  it('may be gone when its deletion has an unknown outcome, and changed when its edit has', async () => {
    const [kinds] = await found((world) => {
      world.sent(1).isDeleted = 'unknown';
      world.messages.splice(1, 1);
      world.sent(0).edited.settle('another text', 'unknown');
      world.messages[0]!.content = 'another text';
    });
    expect(kinds).toEqual([]);
  });
});

it('finds what was refused and is stored', async () => {
  expect((await found((world) => Object.assign(world.sent(1), { fate: 'refused' })))[0]).toEqual(['answer']);
});

it('finds what was not answered and is stored twice', async () => {
  const [kinds] = await found((world) => {
    world.sent(1).fate = 'unknown';
    world.messages.push({ ...world.messages[1]!, id: 'another' });
  });
  expect(kinds).toEqual(['duplicate']);
});

describe('the broadcasts of a room', () => {
  it('have a hole', async () => {
    const [kinds, texts] = await found((world) => world.envelopes.splice(3, 1));
    expect(kinds).toContain('loss');
    expect(texts).toContain('has holes before the offsets 5');
  });

  it('show messages out of order', async () => {
    const [kinds] = await found(({ envelopes }) => {
      for (const [at, seq] of [
        [1, 2],
        [2, 1],
      ] as const) {
        const { frame } = envelopes[at]!;
        envelopes[at] = { ...envelopes[at]!, frame: frame!.replace(/"seq":\d/, `"seq":${seq}`) };
      }
    });
    expect(kinds).toContain('reordering');
  });

  it.each<[string, Record<string, unknown>]>([
    ['offset', { last_offset: 7 }],
    ['seq', { last_seq: 2 }],
    ['number of members', { member_count: 2 }],
  ])('end elsewhere than the %s of its row', async (_, row) => {
    expect((await found(({ room }) => Object.assign(room, row)))[0]).toEqual(['loss']);
  });

  it('know of other members than there are', async () => {
    const [kinds] = await found((world) => {
      world.members.push({ room_id: ROOM, user_id: BEN });
      world.room.member_count = 2;
    });
    expect(kinds).toEqual(['leak', 'loss']);
  });
});

describe('a device', () => {
  it('has got what was broadcast after its user was removed', async () => {
    const [kinds, texts] = await found((world) => world.give(world.ben, 6));
    expect(kinds).toContain('leak');
    expect(texts).toContain(`device of ${BEN}, room room: got 6, not being a member then`);
  });

  it('has got what was broadcast to a room of others', async () => {
    expect((await found((world) => world.give(world.stranger, 2)))[0]).toContain('leak');
  });

  it('has got another text than others', async () => {
    const [kinds] = await found((world) => {
      world.ann.log.frames.get(ROOM)!.set(3, 0);
    });
    expect(kinds).toEqual(['reordering']);
  });

  it.each<[string, number[], string[]]>([
    ['one broadcast twice', [1, 2, 2, 3, 4, 5, 6], ['duplicate']],
    ['broadcasts out of order', [1, 3, 2, 3, 4, 5, 6], ['loss', 'reordering']],
    ['all but one broadcast', [1, 2, 4, 5, 6], ['loss']],
    ['all but the last broadcast', [1, 2, 3, 4, 5], ['loss']],
    ['nothing', [], ['loss']],
  ])('has handed on %s', async (_, offsets, kinds) => {
    expect((await found((world) => world.ann.log.handled.set(ROOM, offsets)))[0]).toEqual(kinds);
  });

  it('has skipped an offset on one connection', async () => {
    expect((await found((world) => world.ann.log.jumps.push({ roomId: ROOM, from: 2, to: 4 })))[0]).toEqual(['loss']);
  });

  it('may skip what it was not a member for', async () => {
    const [kinds] = await found((world) => {
      // Added again, after somebody else was.
      world.envelopes.splice(5, 0, { ...world.envelopes[3]!, joined: [`${BEN}`] });
      world.envelopes.forEach((envelope, at) => {
        const frame = envelope.frame!.replace(/"offset":\d/, `"offset":${at + 1}`);
        world.envelopes[at] = { ...envelope, offset: at + 1, frame };
      });
      world.room.last_offset = 7;
      world.room.member_count = 2;
      world.members.push({ room_id: ROOM, user_id: BEN });
      world.ledger.membership(ROOM, BEN, true).settle(true, 'acked');
      for (const log of [world.ann.log, world.ben.log]) log.frames.delete(ROOM);
      world.ann.log.handled.set(ROOM, []);
      world.ben.log.handled.set(ROOM, []);
      for (const offset of [1, 2, 3, 4, 5, 6, 7]) world.give(world.ann, offset);
      for (const offset of [1, 2, 3, 4, 6, 7]) world.give(world.ben, offset);
      world.ben.log.jumps.push({ roomId: ROOM, from: 4, to: 6 });
    });
    expect(kinds).toEqual([]);
  });

  it('was told that a room of its present membership cannot be caught up with', async () => {
    const reload = (code: number | undefined) => (world: SoundWorld) =>
      world.ann.log.reloads.push({ roomId: ROOM, after: 3, code });
    expect((await found(reload(undefined)))[0]).toEqual(['loss']);
    expect((await found(reload(4002)))[0]).toEqual([]);
  });

  it.each<[string, { code: number | undefined; deleted: boolean; handled: number[] }, string[]]>([
    ['was told that the room is gone, then of its end', { code: 4004, deleted: true, handled: [1, 2, 5] }, []],
    ['was told to load anew, then of its end', { code: undefined, deleted: true, handled: [1, 2, 5] }, ['loss']],
    ['was told to be no member, then of its end', { code: 4002, deleted: true, handled: [1, 2, 5] }, ['loss']],
    ['was told that a room is gone that is not', { code: 4004, deleted: false, handled: [1, 2, 5] }, ['loss']],
    ['skipped what came before the end of a room', { code: 4004, deleted: true, handled: [1, 2, 4, 5] }, ['loss']],
  ])('%s', (_, { code, deleted, handled }, kinds) => {
    const log = new DeviceLog(ANN, 'device');
    const digests = [1, 2, 3, 4, 5].map((offset) => [offset, offset] as const);
    const room: RoomTruth = {
      id: ROOM,
      lastOffset: 5,
      frames: new Map(digests),
      stays: new Map([[ANN, [{ from: 1, to: deleted ? 5 : Number.POSITIVE_INFINITY }]]]),
      holes: [],
      seqs: [],
      isDeleted: deleted,
    };
    log.handled.set(ROOM, handled);
    log.reloads.push({ roomId: ROOM, after: 2, code });
    const report = new QuietReport();
    checkDevice({ log, lastOf: () => 5 }, room, report);
    expect(report.kinds).toEqual(kinds);
  });
});

describe('memory', () => {
  const kinds = (start: number, end: number, most: number) => {
    const report = new QuietReport();
    checkMemory({ 'worker 1': start }, { 'worker 1': end }, { 'worker 1': most }, report);
    return report.kinds;
  };

  it('that has grown is found, and what a process needs is not', () => {
    expect(kinds(150, 160, 260)).toEqual([]);
    expect(kinds(150, 310, 310)).toEqual(['memory']);
    expect(kinds(150, 150, 800)).toEqual(['memory']);
  });
});

it('counts a breach of which it keeps no text any more', () => {
  const report = new QuietReport();
  for (let number = 0; number < 300; number++) report.breach('loss', `message ${number} of user ${ANN}`);
  expect(report.breachCount('loss')).toBe(300);
  expect(report.breachCount()).toBe(300);
  expect(report.breaches.length).toBeLessThan(300);
});
