/**
 * A worker that dies after the commit: its job runs a second time elsewhere, or a third time by somebody who knows of
 * no earlier run. Every event that writes tells the same then, to the same people, and no row changes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/protocol/envelope.js';
import { chatJob, DATABASES, keepingBroadcast, openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

/** What happened before, in a chat of three: ann made everything unless it says so. */
interface Before {
  readonly ann: number;
  readonly ben: number;
  readonly cat: number;
  group(members?: number[], fields?: object): Promise<string>;
  channel(members?: number[], fields?: object): Promise<string>;
  pair(): Promise<string>;
  message(roomId: string, sender?: number): Promise<string>;
  do(userId: number, type: string, data: object): Promise<Record<string, unknown>>;
}

interface Scenario {
  readonly name: string;
  /** Event types of all frames that others get, in order: broadcasts, exits in their place, targeted ones. */
  readonly tells: string[];
  readonly status?: string;
  prepare(before: Before): Promise<[userId: number, type: string, data: object]>;
}

const image = {
  media_url: 'https://example.org/a.png',
  media_type: 'image',
  mime_type: 'image/png',
  file_size: 10,
};

const modify = (name: string, action: string, data: (before: Before) => object, first?: string): Scenario => ({
  name: `room.modify ${name}`,
  tells: ['roomupdate.dispatch'],
  async prepare(before) {
    const isChannel = action.endsWith('moderator');
    const room_id = isChannel ? await before.channel([before.ben]) : await before.group([before.ben]);
    if (first) await before.do(before.ann, 'room.modify', { room_id, action: first, data: data(before) });
    return [before.ann, 'room.modify', { room_id, action, data: data(before) }];
  },
});

const users = ({ ben }: Before) => ({ users: [ben] });
const permission = ({ ben }: Before) => ({ users: [ben], permission: ['can_remove_participants'] });

const SCENARIOS: Scenario[] = [
  {
    name: 'message.send',
    tells: ['message.dispatch'],
    prepare: async (b) => [b.ann, 'message.send', { room_id: await b.group([b.ben]), content: 'hello' }],
  },
  {
    name: 'message.send with a client_id, a parent and media',
    tells: ['message.dispatch'],
    async prepare(b) {
      const room_id = await b.group([b.ben]);
      const extra_fields = { parent_message_id: await b.message(room_id), media: [image] };
      return [b.ann, 'message.send', { room_id, content: 'hello', client_id: `c-${room_id}`, extra_fields }];
    },
  },
  {
    name: 'message.send that forwards',
    tells: ['message.dispatch'],
    async prepare(b) {
      const forwarded_from_id = await b.message(await b.group([b.ben]));
      return [b.ann, 'message.send', { room_id: await b.group(), content: '', extra_fields: { forwarded_from_id } }];
    },
  },
  {
    name: 'message.acknowledged',
    tells: ['messagedelivered.dispatch'],
    prepare: async (b) => [b.ben, 'message.acknowledged', { message_id: await b.message(await b.group([b.ben])) }],
  },
  {
    name: 'message.acknowledged of two senders in two rooms',
    tells: ['messagedelivered.dispatch', 'messagedelivered.dispatch'],
    async prepare(b) {
      const ids = [await b.message(await b.group([b.ben])), await b.message(await b.group([b.ben, b.cat]), b.cat)];
      return [b.ben, 'message.acknowledged', { message_id: ids }];
    },
  },
  {
    name: 'message.read',
    tells: ['readreceipt.dispatch'],
    prepare: async (b) => [b.ben, 'message.read', { message_id: await b.message(await b.group([b.ben])) }],
  },
  {
    name: 'message.read in two rooms',
    tells: ['readreceipt.dispatch', 'readreceipt.dispatch'],
    async prepare(b) {
      const ids = [await b.message(await b.group([b.ben])), await b.message(await b.group([b.ben]))];
      return [b.ben, 'message.read', { message_id: ids }];
    },
  },
  {
    name: 'message.react add',
    tells: ['reaction.dispatch'],
    async prepare(b) {
      const message_id = await b.message(await b.group([b.ben]));
      return [b.ben, 'message.react', { type: 'add', message_id, reaction_content: '👍' }];
    },
  },
  {
    name: 'message.react that replaces',
    tells: ['reaction.dispatch'],
    async prepare(b) {
      const message_id = await b.message(await b.group([b.ben]));
      await b.do(b.ben, 'message.react', { type: 'add', message_id, reaction_content: '👍' });
      return [b.ben, 'message.react', { type: 'add', message_id, reaction_content: '👎' }];
    },
  },
  {
    name: 'message.react remove',
    tells: ['reaction.dispatch'],
    async prepare(b) {
      const message_id = await b.message(await b.group([b.ben]));
      await b.do(b.ben, 'message.react', { type: 'add', message_id, reaction_content: '👍' });
      return [b.ben, 'message.react', { type: 'remove', message_id, reaction_content: '👍' }];
    },
  },
  {
    name: 'message.react remove of what is not there',
    tells: [],
    status: 'failed',
    async prepare(b) {
      const message_id = await b.message(await b.group([b.ben]));
      return [b.ben, 'message.react', { type: 'remove', message_id, reaction_content: '👍' }];
    },
  },
  {
    name: 'message.modify update',
    tells: ['messagemodification.dispatch'],
    async prepare(b) {
      const message_id = await b.message(await b.group([b.ben]));
      return [b.ann, 'message.modify', { action: 'update', message_id, extra_fields: { content: 'better' } }];
    },
  },
  {
    name: 'message.modify delete',
    tells: ['messagemodification.dispatch'],
    async prepare(b) {
      const room = await b.group([b.ben]);
      return [
        b.ann,
        'message.modify',
        { action: 'delete', message_id: [await b.message(room), await b.message(room)] },
      ];
    },
  },
  {
    name: 'room.create of a group',
    tells: ['roomcreate.dispatch'],
    prepare: async (b) => [b.ann, 'room.create', { type: 'GroupChat', name: 'g', participants: [b.ben, b.cat] }],
  },
  {
    name: 'room.create of a channel with a client_id',
    tells: ['roomcreate.dispatch'],
    prepare: async (b) => [
      b.ann,
      'room.create',
      { type: 'Channel', name: 'c', subscribers: [b.ben], client_id: 'channel' },
    ],
  },
  {
    name: 'room.create of a one to one chat',
    tells: ['roomcreate.dispatch'],
    prepare: async (b) => [b.ben, 'room.create', { type: 'OneToOneChat', participants: [b.cat] }],
  },
  {
    name: 'room.join',
    tells: ['roomaddmembers.dispatch'],
    prepare: async (b) => [b.ben, 'room.join', { room_id: await b.channel([], { extra_fields: { is_public: true } }) }],
  },
  {
    name: 'room.join by a member',
    tells: [],
    prepare: async (b) => [
      b.ben,
      'room.join',
      { room_id: await b.channel([b.ben], { extra_fields: { is_public: true } }) },
    ],
  },
  {
    name: 'room.leave',
    tells: ['roomexit.dispatch', 'roomremovemembers.dispatch'],
    prepare: async (b) => [b.ben, 'room.leave', { room_id: await b.group([b.ben]) }],
  },
  {
    name: 'room.leave of the last member',
    tells: ['roomexit.dispatch', 'roomdelete.dispatch'],
    prepare: async (b) => [b.ann, 'room.leave', { room_id: await b.group() }],
  },
  {
    name: 'room.add_members',
    tells: ['roomaddmembers.dispatch'],
    prepare: async (b) => [b.ann, 'room.add_members', { room_id: await b.group(), members: [b.ben, b.cat] }],
  },
  {
    name: 'room.remove_members',
    tells: ['roomexit.dispatch', 'roomexit.dispatch', 'roomremovemembers.dispatch'],
    prepare: async (b) => [
      b.ann,
      'room.remove_members',
      { room_id: await b.group([b.ben, b.cat]), members: [b.ben, b.cat] },
    ],
  },
  modify('update', 'update', () => ({ name: 'another', property: { preferences: { colour: 'green' } } })),
  modify('add_admin', 'add_admin', users),
  modify('remove_admin', 'remove_admin', users, 'add_admin'),
  modify('add_moderator', 'add_moderator', users),
  modify('remove_moderator', 'remove_moderator', users, 'add_moderator'),
  modify('add_permission', 'add_permission', permission),
  modify('remove_permission', 'remove_permission', permission, 'add_permission'),
  {
    name: 'room.modify delete',
    tells: ['roomdelete.dispatch'],
    prepare: async (b) => [b.ann, 'room.modify', { room_id: await b.group([b.ben]), action: 'delete', data: {} }],
  },
  {
    name: 'room.modify delete of a one to one chat',
    tells: ['roomdelete.dispatch'],
    prepare: async (b) => [b.ann, 'room.modify', { room_id: await b.pair(), action: 'delete', data: {} }],
  },
];

describe.each(DATABASES)('a job that runs again after its commit, on %s', (kind) => {
  let database: TestDatabase;
  let first: TestRuntime;
  let second: TestRuntime;
  let third: TestRuntime;
  let before: Before;
  const dying: { reached: () => void } = { reached: () => {} };

  beforeAll(async () => {
    database = await openDatabase(kind, 3);
    const setup = database.open();
    // Never resolves: the worker is killed before the first word of what it committed.
    first = database.open({
      broadcast: keepingBroadcast(() => {
        dying.reached();
        return new Promise(() => {});
      }),
    });
    second = database.open();
    third = database.open();
    const [ann, ben, cat] = database.userIds as [number, number, number];
    const act: Before['do'] = async (userId, type, data) => {
      const answer = await setup.run(userId, type, data);
      if (answer.error) throw new Error(`${type}: ${JSON.stringify(answer.error)}`);
      return answer.data;
    };
    const create = async (data: object) => String((await act(ann, 'room.create', data)).room_id);
    before = {
      ann,
      ben,
      cat,
      do: act,
      group: (participants = [], fields = {}) => create({ type: 'GroupChat', name: 'group', participants, ...fields }),
      channel: (subscribers = [], fields = {}) => create({ type: 'Channel', name: 'channel', subscribers, ...fields }),
      pair: () => create({ type: 'OneToOneChat', participants: [cat] }),
      message: async (room_id, sender = ann) =>
        String((await act(sender, 'message.send', { room_id, content: 'earlier' })).message_id),
    };
  });
  afterAll(() => database?.close());

  it.each(SCENARIOS)('$name', async ({ tells, status = 'successful', prepare }) => {
    const job = chatJob(...(await prepare(before)));
    const begun = await database.rows();
    const committed = new Promise<void>((resolve) => {
      dying.reached = resolve;
    });
    void first.runtime.runJob(job, { earlierRuns: 0 }).catch(() => {});
    await committed;
    const after = await database.rows();
    expect(after).not.toEqual(begun);
    expect(first.told).toEqual({ envelopes: [], controls: [], replies: [], whispers: [] });

    const again = await toldBy(second, () => second.runtime.runJob(job, { earlierRuns: 1 }));
    expect(await database.rows()).toEqual(after);
    expect([...framesOf(again.envelopes), ...again.targeted].map(typeOf)).toEqual(tells);
    expect(again.replies).toHaveLength(1);
    const answer = JSON.parse(again.replies[0]!.frames.at(-1)!);
    expect(answer).toMatchObject({ eventType: 'event.ack', id: 'event', data: { status } });
    expect(again.replies[0]!.after ?? []).toEqual(again.envelopes.map(({ roomId, offset }) => [roomId, offset]));

    // The queue came back empty and the gateway added the job anew: nobody knows that it ran.
    const anew = await toldBy(third, () => third.runtime.runJob(job, { earlierRuns: 0 }));
    expect(await database.rows()).toEqual(after);
    expect(anew).toEqual(again);
  });

  it('takes one connection, whatever the event: a worker with a pool of one is not stuck', async () => {
    const narrow = database.open({ connections: 1 });
    for (const { name, status = 'successful', prepare } of SCENARIOS) {
      const [userId, type, data] = await prepare(before);
      const answer = await narrow.run(userId, type, data);
      // The two may have one already.
      if (answer.error?.code === 4005) expect(data).toMatchObject({ type: 'OneToOneChat' });
      else expect(answer.data, `${name}: ${JSON.stringify(answer.error)}`).toMatchObject({ status });
    }
  });

  it('tells what was committed when the job is given up, not an error', async () => {
    const room_id = await before.group([before.ben]);
    const job = chatJob(before.ann, 'message.send', { room_id, content: 'given up' });
    const committed = new Promise<void>((resolve) => {
      dying.reached = resolve;
    });
    void first.runtime.runJob(job, { earlierRuns: 0 }).catch(() => {});
    await committed;
    const told = await toldBy(second, () => second.runtime.reportLost(job, 'its worker died too often'));
    expect(framesOf(told.envelopes).map(typeOf)).toEqual(['message.dispatch']);
    expect(told.replies.map(({ frames }) => frames.map(typeOf))).toEqual([['event.ack']]);
    const none = chatJob(before.ann, 'message.send', { room_id, content: 'never begun' });
    const refused = await toldBy(second, () => second.runtime.reportLost(none, 'its worker died too often'));
    expect(refused.envelopes).toEqual([]);
    expect(JSON.parse(refused.replies[0]!.frames[0]!)).toMatchObject({ error: { code: 4006 }, id: 'event' });
  });

  it('tells what a first run that dies at once would have told', async () => {
    const room_id = await before.group([before.ben]);
    const job = chatJob(before.ann, 'message.send', { room_id, content: 'whole' });
    const once = await toldBy(second, () => second.runtime.runJob(job, { earlierRuns: 0 }));
    const again = await toldBy(third, () => third.runtime.runJob(job, { earlierRuns: 1 }));
    expect(again).toEqual(once);
  });

  it('lets a connection in whose first worker died after it had registered the session', async () => {
    const job = chatJob(before.ann, '$connect', { channel_name: 'gateway.connection' });
    const session = async (of: TestRuntime) => {
      const { replies } = await toldBy(of, () => of.runtime.runJob(job, { earlierRuns: 1 }));
      return (replies[0]!.result as { sessionId: string }).sessionId;
    };
    const id = await session(second);
    expect(await session(third)).toBe(id);
    const rows = await database.query('SELECT id FROM chat_sessions WHERE channel_name = ?', ['gateway.connection']);
    expect(rows).toEqual([{ id }]);
    // The name belongs to one user.
    const foreign = chatJob(before.ben, '$connect', { channel_name: 'gateway.connection' });
    await expect(second.runtime.runJob(foreign, { earlierRuns: 0 })).rejects.toThrow();
  });

  it('runs a job twice at the same time and lets one of them win', async () => {
    const room_id = await before.group([before.ben]);
    for (const event of ['one', 'two', 'three', 'four', 'five']) {
      const job = chatJob(before.ann, 'message.send', { room_id, content: event });
      const run = (of: TestRuntime) => toldBy(of, () => of.runtime.runJob(job, { earlierRuns: 0 }));
      const [one, two] = await Promise.all([run(second), run(third)]);
      expect(one).toEqual(two);
    }
    const rows = await database.query('SELECT seq, content FROM chat_messages WHERE room_id = ? ORDER BY seq', [
      room_id,
    ]);
    expect(rows).toEqual(
      ['one', 'two', 'three', 'four', 'five'].map((content, index) => ({ seq: index + 1, content })),
    );
  });
});

const typeOf = (frame: string) => (JSON.parse(frame) as { eventType: string }).eventType;

/** Exit frames take the place of the broadcast for those who left, so they come first. */
const framesOf = (envelopes: Envelope[]) =>
  envelopes.flatMap(({ left = [], frame }) => [...left.flatMap(({ frames }) => frames), ...(frame ? [frame] : [])]);

/** What a run told, on its own. */
async function toldBy({ told }: TestRuntime, run: () => Promise<unknown>) {
  for (const list of Object.values(told)) list.length = 0;
  await run();
  const targeted = told.controls.flatMap((control) => (control.kind === 'frames' ? control.frames : []));
  return structuredClone({ ...told, targeted });
}
