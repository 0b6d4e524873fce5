/** Who is given a room's broadcasts when what a gateway is told of the past is told late, or again. */
import { expect, it } from 'vitest';
import winston from 'winston';
import type { Control, GatewayLink } from '../../src/broadcast/broadcast.js';
import { type GroupMember, Groups, type RoomGroup } from '../../src/gateway/groups.js';
import type { Envelope } from '../../src/protocol/envelope.js';

type Join = Extract<Control, { kind: 'join' }>;

const roomId = 'r1';
const [join, exit, frame] = [
  (offset: number, userId: string): Envelope => ({ roomId, offset, frame: `join ${offset}`, joined: [userId] }),
  (offset: number, userId: string): Envelope => ({
    roomId,
    offset,
    frame: `exit ${offset}`,
    left: [{ userIds: [userId], frames: [`you left at ${offset}`] }],
  }),
  (offset: number): Envelope => ({ roomId, offset, frame: `message ${offset}` }),
];

/** A gateway's groups, with a room's log behind them. */
class Scene {
  readonly log: Envelope[] = [];
  readonly groups: Groups;

  constructor() {
    const link: GatewayLink = {
      subscribe: async () => {},
      unsubscribe: async () => {},
      watchUser: async () => {},
      unwatchUser: async () => {},
      history: async (_id, after) => this.log.filter(({ offset }) => offset > after),
      close: async () => {},
    };
    this.groups = new Groups({ link, logger: winston.createLogger({ silent: true }), replay: async () => [] });
  }

  /** Commits a broadcast, and publishes it. */
  tell(...envelopes: Envelope[]): void {
    this.log.push(...envelopes);
    for (const envelope of envelopes) this.groups.receive(envelope);
  }

  async connect(userId: string): Promise<{ member: GroupMember; got: string[]; take(): string[] }> {
    const got: string[] = [];
    const member: GroupMember = {
      userId,
      isClosed: false,
      rooms: new Set<RoomGroup>(),
      // Behind the two to four bytes that say how long it is.
      deliver: (bytes) => void got.push(bytes.subarray(bytes[1] === 126 ? 4 : 2).toString()),
      abandon: () => void got.push('abandoned'),
    };
    await this.groups.add(member);
    return { member, got, take: () => got.splice(0) };
  }
}

/** Until everything that was begun is done: nothing here waits for more than promises. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('a membership that was read before its end changes nothing when it comes after it', async () => {
  const scene = new Scene();
  const ann = await scene.connect('ann');
  scene.log.push(join(1, 'ann'), frame(2));
  await scene.groups.attach(ann.member, roomId, 2);
  scene.tell(frame(3), exit(4, 'ann'));
  expect(ann.take()).toEqual(['message 3', 'you left at 4']);
  await scene.groups.attach(ann.member, roomId, 0);
  scene.tell(frame(5));
  await settled();
  expect(ann.take()).toEqual([]);
});

it('a join that is told again after the user left gives nothing again', async () => {
  const scene = new Scene();
  const ann = await scene.connect('ann');
  scene.log.push(join(1, 'ann'));
  const told: Join = { kind: 'join', id: 'r1:1', userIds: ['ann'], roomId, offset: 1 };
  scene.groups.control(told);
  await settled();
  scene.tell(frame(2), exit(3, 'ann'));
  expect(ann.take()).toEqual(['join 1', 'message 2', 'you left at 3']);
  scene.groups.control(told);
  await settled();
  expect(ann.take()).toEqual([]);
  // A new stay begins as any.
  scene.tell(join(4, 'ann'));
  scene.groups.control({ ...told, id: 'r1:4', offset: 4 });
  await settled();
  scene.tell(frame(5));
  expect(ann.take()).toEqual(['join 4', 'message 5']);
});

it('the exit of an earlier stay is not told to who is in by a later one', async () => {
  const scene = new Scene();
  const [ann, ben] = [await scene.connect('ann'), await scene.connect('ben')];
  scene.log.push(join(1, 'ben'), join(2, 'ann'), exit(3, 'ann'), join(4, 'ann'), frame(5));
  // Ben's membership was read long ago, Ann's just now: the room is opened where Ben's stood.
  await Promise.all([scene.groups.attach(ben.member, roomId, 2), scene.groups.attach(ann.member, roomId, 5)]);
  scene.tell(frame(6));
  await settled();
  // The room is gone through from there for everybody; what Ann is given twice by that, clients know by its offset.
  expect(ann.take()).toEqual(['join 4', 'message 5', 'message 6']);
  expect(ben.take()).toEqual(['exit 3', 'join 4', 'message 5', 'message 6']);
});

it('who is removed while it comes in hears of it, and of nothing after', async () => {
  const scene = new Scene();
  const [ann, ben] = [await scene.connect('ann'), await scene.connect('ben')];
  scene.log.push(join(1, 'ben'), join(2, 'ann'));
  await scene.groups.attach(ben.member, roomId, 2);
  const coming = scene.groups.attach(ann.member, roomId, 2);
  scene.tell(frame(3), exit(4, 'ann'), frame(5));
  await coming;
  expect(ann.take()).toEqual(['message 3', 'you left at 4']);
  expect(ben.take()).toEqual(['message 3', 'exit 4', 'message 5']);
});
