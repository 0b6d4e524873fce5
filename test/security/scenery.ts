/** A chat with somebody who tries what they may not, and rooms, messages and users in every state that an id can be in. */
import type { Model, ModelStatic } from 'sequelize';
import { createLogger, transports } from 'winston';
import { createUserModel, initModels } from '../../src/models/index.js';
import type { ChatSettings } from '../../src/settings/settings.js';
import { acknowledged, createRoom } from '../helpers/chat.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import type { Chatter } from '../helpers/stack.js';
import { openDatabase, type TestDatabase } from '../system/runtimes.js';
import { type ServedChat, serveChat } from '../system/served.js';

/** A room, and a message in it that the intruder wrote, where they ever were a member. */
export interface Place {
  readonly id: string;
  readonly messageId: string;
}

export interface Scenery {
  readonly database: TestDatabase;
  readonly gateways: readonly ServedChat[];
  /** Who tries; creator of the two home rooms, in which nobody else is connected. */
  readonly intruder: Chatter;
  /** Another device of the intruder. */
  readonly device: Chatter;
  /** Everybody else who is connected: members of the other rooms. */
  readonly owner: Chatter;
  readonly witness: Chatter;
  readonly home: Place;
  readonly homeChannel: Place;
  /** A group, a private channel and a one-to-one chat that the intruder never was in. */
  readonly foreign: readonly Place[];
  /** A public channel that the intruder never was in: to be found and joined, and until then to be left alone. */
  readonly publicChannels: readonly Place[];
  readonly left: readonly Place[];
  readonly removed: readonly Place[];
  /** Rooms that are gone; the messages in them too. */
  readonly deleted: readonly Place[];
  /** Deleted messages of a room that the intruder is in, and of one they are not. */
  readonly deletedMessages: readonly string[];
  /** A user who is in the home rooms; one who is in none; one who left the home rooms; one who was removed; one who is gone. */
  readonly mate: number;
  readonly stranger: number;
  readonly leaver: number;
  readonly outcast: number;
  readonly gone: number;
  /** The chat's own models. */
  readonly models: readonly ModelStatic<Model>[];
  /** Home rooms that nothing has happened in yet. */
  newHomes(): Promise<{ home: Place; homeChannel: Place }>;
  close(): Promise<void>;
}

const logger = createLogger({ silent: true, transports: [new transports.Console()] });

/** Embedded on SQLite, or on MariaDB and Redis with two gateways. */
export async function setScenery(kind: 'embedded' | 'distributed', settings: ChatSettings = {}): Promise<Scenery> {
  const database = await openDatabase(kind === 'embedded' ? 'SQLite' : 'MariaDB', 8);
  const redis: TestRedis | undefined = kind === 'embedded' ? undefined : await startRedis();
  const sequelize = database.connect();
  const own = { database: sequelize, redis: redis?.url, logger, ...settings };
  const gateways = [await serveChat(own)];
  if (redis) gateways.push(await serveChat({ ...own, database: database.connect() }, { worker: false }));
  const close = async () => {
    for (const gateway of gateways) await gateway.close();
    await redis?.stop();
    await database.close();
  };
  const [intruderId, ownerId, witnessId, mate, stranger, leaver, outcast, gone] = database.userIds as [
    number,
    ...number[],
  ];
  const connect = async (id: number, index: number) => {
    const client = await gateways[index % gateways.length]!.connect(id);
    return Object.assign(client, { user: { id } }) as unknown as Chatter;
  };
  const intruder = await connect(intruderId, 0);
  const device = await connect(intruderId, 1);
  const owner = await connect(ownerId!, 1);
  const witness = await connect(witnessId!, 0);
  const everybody = [intruder, device, owner, witness];

  const say = async (author: Chatter, roomId: string) =>
    (await acknowledged(author, 'message.send', { room_id: roomId, content: 'x' })).message_id as string;
  const place = async (type: 'GroupChat' | 'Channel', creator: Chatter, members: number[], fields = {}) => {
    const others = members.map((id) => ({ user: { id } }) as unknown as Chatter);
    const { id } = await createRoom(type, creator, others, fields);
    return { id, messageId: await say(creator, id) };
  };
  const pair = async (): Promise<Place> => {
    const data = { type: 'OneToOneChat', participants: [witness.user.id] };
    const { room_id: id } = await acknowledged(owner, 'room.create', data);
    return { id: id as string, messageId: await say(owner, id as string) };
  };
  const inBoth = async (make: (type: 'GroupChat' | 'Channel') => Promise<Place>) => [
    await make('GroupChat'),
    await make('Channel'),
  ];
  const admins = (type: string) => (type === 'Channel' ? 'add_moderator' : 'add_admin');

  /** The owner's room, in which the intruder was an admin, until it ended in that way. */
  const once = (end: (room: Place) => Promise<unknown>) =>
    inBoth(async (type) => {
      const room = await place(type, owner, [intruderId, witness.user.id]);
      // Rights must end with the membership.
      const promotion = { room_id: room.id, action: admins(type), data: { users: [intruderId] } };
      await acknowledged(owner, 'room.modify', promotion);
      const messageId = await say(intruder, room.id);
      await end(room);
      return { id: room.id, messageId };
    });

  const newHomes = async () => ({
    home: await place('GroupChat', intruder, [mate!, leaver!, outcast!]),
    homeChannel: await place('Channel', intruder, [mate!, leaver!, outcast!]),
  });
  const { home, homeChannel } = await newHomes();
  for (const { id } of [home, homeChannel]) {
    await acknowledged(intruder, 'room.remove_members', { room_id: id, members: [outcast] });
    await gateways[0]!.chat.as({ id: leaver! }).send('room.leave', { room_id: id });
  }
  const foreign = [...(await inBoth((type) => place(type, owner, [witness.user.id]))), await pair()];
  const publicChannels = [await place('Channel', owner, [witness.user.id], { extra_fields: { is_public: true } })];
  const left = await once(({ id }) => acknowledged(intruder, 'room.leave', { room_id: id }));
  const removed = await once(({ id }) =>
    acknowledged(owner, 'room.remove_members', { room_id: id, members: [intruderId] }),
  );
  const deleted = await once(({ id }) => acknowledged(owner, 'room.modify', { room_id: id, action: 'delete' }));
  const deletedMessages = [await say(intruder, home.id), await say(owner, foreign[0]!.id)];
  await acknowledged(intruder, 'message.modify', { action: 'delete', message_id: deletedMessages[0] });
  await acknowledged(owner, 'message.modify', { action: 'delete', message_id: deletedMessages[1] });
  await sequelize.query('DELETE FROM users WHERE id = ?', { replacements: [gone] });
  await framesBefore(owner, everybody);
  const { User, ...others } = initModels(sequelize, { userModel: createUserModel(sequelize) });
  const models = Object.values(others).filter((model) => typeof model === 'function') as ModelStatic<Model>[];
  return {
    ...{
      database,
      gateways,
      intruder,
      device,
      owner,
      witness,
      home,
      homeChannel,
      foreign,
      publicChannels,
      left,
      removed,
      deleted,
    },
    ...{ deletedMessages, mate: mate!, stranger: stranger!, leaver: leaver!, outcast: outcast!, gone: gone! },
    ...{ models, newHomes, close },
  };
}

/** A frame that somebody got. */
export interface Leak {
  readonly to: number;
  readonly roomId: string | undefined;
  readonly frame: string;
}

/**
 * What these connections got that nobody took, up to a room and a message in it which the author makes now for all of
 * them: whatever was on its way before came before.
 */
export async function framesBefore(author: Chatter, everybody: readonly Chatter[]): Promise<Leak[]> {
  const members = [...new Set(everybody.map(({ user }) => user.id))].filter((id) => id !== author.user.id);
  const data = { type: 'GroupChat', name: 'fence', participants: members };
  const { room_id } = await acknowledged(author, 'room.create', data);
  await acknowledged(author, 'message.send', { room_id, content: 'fence' });
  await Promise.all(everybody.map((client) => client.expect('message.dispatch', (frame) => frame.room_id === room_id)));
  return everybody.flatMap((client) =>
    client.pending
      .splice(0)
      .filter((frame) => frame.room_id !== room_id)
      .map((frame) => ({ to: client.user.id, roomId: frame.room_id, frame: JSON.stringify(frame).slice(0, 500) })),
  );
}

/** All that is stored, without what moves by itself: when a session was last seen; and the rooms of the fences. */
export async function rowsOf({ database }: Scenery): Promise<Record<string, unknown>> {
  const { chat_sessions: _, ...rows } = await database.rows();
  const fences = await database.query<{ room_id: string }>("SELECT room_id FROM chat_group_chats WHERE name = 'fence'");
  const isOfFence = (row: string) => fences.some(({ room_id }) => row.includes(room_id));
  return Object.fromEntries(
    Object.entries(rows).map(([table, texts]) => [table, texts.filter((row) => !isOfFence(row))]),
  );
}
