/** What most protocol tests do: sign people up, make rooms, send, and check shapes, refusals and silence. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { TestClient, TestFrame } from '../../src/testing/client.js';
import {
  ATTACHMENT_KEYS,
  MESSAGE_KEYS,
  ROOM_TYPE_KEYS,
  USER_KEYS,
  type WireAck,
  type WireError,
  type WireMessage,
  type WireRoom,
} from './shapes.js';
import { type Chatter, type Person, type Stack, type StackKind, sharedStack } from './stack.js';

/** An id that is well formed and of nothing. */
export const NOBODYS_ID = '0190a000-0000-7000-8000-000000000000';

/** A user id of nobody. */
export const NOBODYS_USER_ID = 2_000_000_111;

/** What `useStack` gives: the shared stack's methods, and people who are signed up once for the file. */
export interface Scene {
  readonly stack: Stack;
  /** Connections of the file's first `count` people, each on its own, on gateways in turn. */
  people(count: number): Promise<Chatter[]>;
  /** Connections of people that no other test has seen. */
  strangers(count: number): Promise<Chatter[]>;
  /** One more connection of the same user, on the other gateway where there are two. */
  device(person: Person, gatewayIndex?: number): Promise<Chatter>;
}

/** Registers the hooks of a `describe` that runs on the shared stack of a kind; connections end after each test. */
export function useStack(kind: StackKind): Scene {
  let stack: Stack | undefined;
  const known: Person[] = [];
  const theStack = () => {
    if (!stack) throw new Error('The stack starts in beforeAll.');
    return stack;
  };
  beforeAll(async () => {
    stack = await sharedStack(kind);
  });
  afterEach(async () => {
    await stack?.disconnectAll();
  });
  afterAll(async () => {
    await stack?.disconnectAll();
  });
  return scene(theStack, known);
}

/** The same on a stack that the test started itself. */
export function sceneOn(stack: Stack): Scene {
  return scene(() => stack, []);
}

function scene(theStack: () => Stack, known: Person[]): Scene {
  const connectAll = (people: Person[]) =>
    Promise.all(people.map((person, index) => theStack().connect(person, index)));
  return {
    get stack() {
      return theStack();
    },
    async people(count) {
      const missing = Math.max(0, count - known.length);
      known.push(...(await Promise.all(Array.from({ length: missing }, () => theStack().newUser()))));
      return connectAll(known.slice(0, count));
    },
    async strangers(count) {
      return connectAll(await Promise.all(Array.from({ length: count }, () => theStack().newUser())));
    },
    device: (person, gatewayIndex = 1) => theStack().connect(person, gatewayIndex),
  };
}

/** A name that nothing else in the run has. */
export function uniqueName(prefix = 'room'): string {
  return `${prefix} ${randomBytes(6).toString('hex')}`;
}

type RoomType = 'OneToOneChat' | 'GroupChat' | 'Channel';

/** Makes a room; takes its `roomcreate.dispatch` from everybody who is connected. Resolves to the Room. */
export async function createRoom(
  type: RoomType,
  creator: Chatter,
  others: (Chatter | Person)[] = [],
  fields: Record<string, unknown> = {},
): Promise<WireRoom> {
  const members = [...new Set(others.map(({ user }) => user.id))];
  const data = {
    type,
    ...(type === 'OneToOneChat' ? {} : { name: uniqueName() }),
    [type === 'Channel' ? 'subscribers' : 'participants']: members,
    ...fields,
  };
  const { room_id } = await acknowledged(creator, 'room.create', data);
  const connected = [creator, ...others].filter((person): person is Chatter => 'pending' in person);
  const frames = await Promise.all(
    connected.map((client) => client.expect<WireRoom>('roomcreate.dispatch', (frame) => frame.room_id === room_id)),
  );
  return frames[0]!.data;
}

export const createGroup = createRoom.bind(null, 'GroupChat');
export const createChannel = createRoom.bind(null, 'Channel');
export const createOneToOne = createRoom.bind(null, 'OneToOneChat');

/** Sends a message and takes its dispatch from the sender and from `receivers`. Resolves to the Message. */
export async function sendMessage(
  sender: Chatter,
  room: { id: string },
  content: string | undefined,
  receivers: TestClient[] = [],
  fields: Record<string, unknown> = {},
): Promise<WireMessage> {
  const ack = await acknowledged(sender, 'message.send', { room_id: room.id, content, ...fields });
  const [frame] = await received<WireMessage>(
    [sender, ...receivers],
    'message.dispatch',
    ({ data }) => data.id === ack.message_id,
  );
  return frame!.data;
}

/** The dispatch of that type, taken from each of the clients, which must all have got the same. */
export async function received<T>(
  clients: TestClient[],
  eventType: string,
  predicate?: (frame: TestFrame<T>) => boolean,
): Promise<TestFrame<T>[]> {
  const frames = await Promise.all(clients.map((client) => client.expect<T>(eventType, predicate)));
  for (const frame of frames) expect(frame).toEqual(frames[0]);
  return frames;
}

/** Sends an event whose result is a broadcast or a targeted dispatch; checks its ack and resolves to the ack's data. */
export async function acknowledged(client: TestClient, eventType: string, data: unknown): Promise<WireAck> {
  const frame = await client.request<WireAck>(eventType, data);
  if (frame.eventType !== 'event.ack') throw new Error(`${eventType} was answered with ${JSON.stringify(frame)}`);
  expectKeys(frame, ['eventType', 'data', 'id']);
  expect(frame.data.status).toBe('successful');
  return frame.data;
}

/** Sends an event whose result is a private dispatch of that type; resolves to its data. */
export async function answered<T>(client: TestClient, eventType: string, data: unknown, dispatch: string): Promise<T> {
  const frame = await client.request<T>(eventType, data);
  if (frame.eventType !== dispatch) throw new Error(`${eventType} was answered with ${JSON.stringify(frame)}`);
  expectKeys(frame, ['eventType', 'data', 'id']);
  return frame.data;
}

/** Sends an event that must fail with that code; checks the error's shape and resolves to the error. */
export async function refused(client: TestClient, code: number, eventType: string, data: unknown): Promise<WireError> {
  const frame = await client.request(eventType, data);
  return expectError(frame, code);
}

/** Checks an error frame that answers an event with an id. */
export function expectError(frame: TestFrame, code: number, withId = true): WireError {
  if (frame.error === undefined)
    throw new Error(`Error ${code} was expected, but the answer is ${JSON.stringify(frame)}`);
  expectKeys(frame, withId ? ['error', 'id'] : ['error']);
  const error = frame.error as WireError;
  expect(error, JSON.stringify(error)).toMatchObject({ code });
  const isList = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string');
  const { detail } = error;
  const fits = typeof detail === 'string' || isList(detail) || Object.values(detail).every(isList);
  expect(fits, `detail is a string, a list of strings, or field -> list of strings: ${JSON.stringify(detail)}`).toBe(
    true,
  );
  if (code === 4004) expect(detail).toBe('Resource not found.');
  return error;
}

/**
 * Proves that none of the clients has, or will get, a frame that was not taken: the author, whose last event was
 * answered, makes a new room with all of them and sends a message there. Both must be the first things they get.
 */
export async function quiet(author: Chatter, ...watchers: Chatter[]): Promise<void> {
  const others = watchers.filter(({ user }) => user.id !== author.user.id);
  const everybody = [author, ...watchers];
  const room = await createGroup(author, others);
  const devices = watchers.filter((client) => client !== author && client.user.id === author.user.id);
  // `createGroup` took the dispatch from everybody but the author's other devices.
  await Promise.all(
    devices.map((client) => client.expect<WireRoom>('roomcreate.dispatch', (frame) => frame.room_id === room.id)),
  );
  const message = acknowledged(author, 'message.send', { room_id: room.id, content: 'fence' });
  await Promise.all([
    message,
    ...everybody.map((client) => client.expect('message.dispatch', (frame) => frame.room_id === room.id)),
  ]);
  await Promise.all(everybody.map((client) => client.silence()));
}

/** Exactly these keys, in whatever order. */
export function expectKeys(value: unknown, keys: readonly string[]): void {
  expect(Object.keys(value as object).sort()).toEqual([...keys].sort());
}

/** ISO 8601, UTC, milliseconds. */
export function expectTime(value: unknown): void {
  expect(value).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
}

export function expectUser(user: unknown, person?: Person): void {
  expectKeys(user, USER_KEYS);
  if (!person) return;
  expect(user).toEqual({
    id: person.user.id,
    username: person.user.username,
    email: null,
    first_name: person.user.first_name,
    last_name: person.user.last_name,
  });
}

/** A Message: exact keys at every level, and types. */
export function expectMessage(message: WireMessage): void {
  expectKeys(message, MESSAGE_KEYS);
  expect(message.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(Number.isInteger(message.seq)).toBe(true);
  expectKeys(message.room, ['id']);
  expectUser(message.sender);
  expectTime(message.created_at);
  expectTime(message.updated_at);
  for (const receipt of message.read_receipts) {
    expectKeys(receipt, ['reader', 'read_at']);
    expectUser(receipt.reader);
    expectTime(receipt.read_at);
  }
  for (const reaction of message.reactions) {
    expectKeys(reaction, ['id', 'user', 'reaction_content', 'created_at']);
    expectUser(reaction.user);
    expectTime(reaction.created_at);
  }
  for (const attachment of message.attachments) expectKeys(attachment, ATTACHMENT_KEYS);
}

/** A Room of its type: exact keys, and types. */
export function expectRoom(room: WireRoom): void {
  const keys = ROOM_TYPE_KEYS[room.type];
  if (!keys) throw new Error(`A room type that is not known: ${room.type}`);
  expectKeys(room, keys);
  expectKeys(room.property, ['preferences']);
  expectTime(room.created_at);
  expectTime(room.updated_at);
  for (const list of [room.participants, room.admins, room.subscribers, room.moderators]) {
    for (const user of list ?? []) expectUser(user);
  }
}

/** User ids of a list of users, sorted. */
export function idsOf(users: { id: number }[]): number[] {
  return users.map(({ id }) => id).sort((a, b) => a - b);
}

/** The newest messages of a room as that client sees them, newest first. */
export async function historyOf(client: TestClient, room: { id: string }): Promise<WireMessage[]> {
  const answer = await answered<{ data: { room_id: string; messages: WireMessage[] } }>(
    client,
    'room.messages',
    { room_id: room.id },
    'roommessages.dispatch',
  );
  return answer.data.messages;
}
