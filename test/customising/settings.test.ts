/** Settings: classes from files, wrong kinds refused at start, and chats that do not meet. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ChatConnection,
  ChatMessagingConsumer,
  type ChatSettings,
  createChat,
  EventHandler,
  ExceptionHandler,
  everyone,
  mapEventTypesToHandlers,
  PermissionHandler,
} from '../../src/index.js';
import { openTestChat, type TestChat } from '../../src/testing/index.js';

const opened: TestChat[] = [];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chat-settings-'));
  writeFileSync(join(folder, 'good.mjs'), 'export class Handler {}; export const mapper = () => ({});');
  writeFileSync(join(folder, 'broken.mjs'), 'throw new Error("This file is broken.");');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(async () => {
  for (const host of opened.splice(0)) await host.close();
});

async function open(settings: ChatSettings): Promise<TestChat> {
  const host = await openTestChat(settings);
  opened.push(host);
  return host;
}

/** What createChat says about these settings. */
function complaint(settings: ChatSettings): string {
  try {
    createChat({ database: 'sqlite::memory:', ...settings });
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('No complaint.');
}

const file = (name: string) => pathToFileURL(join(folder, name)).href;

class Connecting extends ChatMessagingConsumer {
  async connect() {}
}
class Pythonic extends EventHandler {
  async create_message() {}
}
class Misspelt extends EventHandler {
  async _retreiveMessages() {}
}
class SnakePermissions extends PermissionHandler {
  async have_room_permission() {}
}

const wrong: ReadonlyArray<[what: string, settings: () => ChatSettings, sentence: RegExp]> = [
  [
    'a handler of another kind',
    () => ({ eventHandlerClass: PermissionHandler }),
    /eventHandlerClass must be a subclass of EventHandler, but is the class PermissionHandler/,
  ],
  [
    'a function for a class',
    () => ({ permissionHandlerClass: (() => {}) as never }),
    /permissionHandlerClass must be a subclass of PermissionHandler/,
  ],
  ['an object for a class', () => ({ exceptionHandlerClass: {} as never }), /exceptionHandlerClass must be a class/],
  [
    'another consumer',
    () => ({ consumerClass: ChatConnection }),
    /consumerClass must be a subclass of ChatMessagingConsumer/,
  ],
  [
    'another connection',
    () => ({ connectionClass: ChatMessagingConsumer }),
    /connectionClass must be a subclass of ChatConnection/,
  ],
  [
    'a class for a function',
    () => ({ eventMapper: class Mapper {} as never }),
    /eventMapper must be a function, but is the class Mapper/,
  ],
  [
    'a text without an export',
    () => ({ eventHandlerClass: './handlers.js' }),
    /eventHandlerClass must be a class, or a text such as '\.\/file\.js#Export'/,
  ],
  [
    'a file that is not there',
    () => ({ consumerClass: './nowhere.js#Consumer' }),
    /consumerClass names \.\/nowhere\.js, which cannot be loaded/,
  ],
  [
    'a file that fails',
    () => ({ consumerClass: `${file('broken.mjs')}#Consumer` }),
    /consumerClass names .*broken\.mjs, which cannot be loaded: This file is broken\./,
  ],
  [
    'an export that is not there',
    () => ({ eventHandlerClass: `${file('good.mjs')}#Handlr` }),
    /eventHandlerClass names Handlr of .*good\.mjs, which has no such export: did you mean Handler\?/,
  ],
  [
    'an export of another kind',
    () => ({ eventHandlerClass: `${file('good.mjs')}#Handler` }),
    /eventHandlerClass must be a subclass of EventHandler, but is the class Handler/,
  ],
  [
    'a method of the connection on the consumer',
    () => ({ consumerClass: Connecting }),
    /consumerClass has a method connect, which nothing calls there: .* in setting connectionClass\./,
  ],
  [
    'a method spelt as in Python',
    () => ({ eventHandlerClass: Pythonic }),
    /eventHandlerClass has a method create_message, which nothing calls: did you mean createMessage\?/,
  ],
  [
    "a method in the original's spelling",
    () => ({ eventHandlerClass: Misspelt }),
    /has a method _retreiveMessages, which nothing calls: did you mean _retrieveMessages\?/,
  ],
  [
    'a question spelt as in Python',
    () => ({ permissionHandlerClass: SnakePermissions }),
    /permissionHandlerClass has a method have_room_permission, .* did you mean haveRoomPermission\?/,
  ],
  ['a map that is none', () => ({ eventMapper: () => undefined }), /eventMapper must return the map of events/],
  [
    'a map that comes later',
    () => ({ eventMapper: async () => ({}) }),
    /eventMapper must return the map of events to their registrations, at once/,
  ],
  [
    'a mapper that throws',
    () => ({
      eventMapper: () => {
        throw new Error('Not today');
      },
    }),
    /eventMapper failed \(Not today\)/,
  ],
  [
    'an event that is a bare method',
    () => ({
      eventMapper: ((consumer: ChatMessagingConsumer) => ({
        ...mapEventTypesToHandlers(consumer),
        ping: consumer.receiveRoomList,
      })) as never,
    }),
    /eventMapper registers ping without a guard/,
  ],
  [
    'an event without a handler',
    () => ({ eventMapper: () => ({ ping: { guard: everyone } }) }),
    /eventMapper registers ping without a handler/,
  ],
  [
    'an event without a schema',
    () => ({ eventMapper: () => ({ ping: { guard: everyone, handler: async () => {} } }) }),
    /eventMapper registers ping without a schema/,
  ],
  [
    'a schema that is none',
    () => ({ eventMapper: () => ({ ping: { guard: everyone, handler: async () => {}, schema: {} } }) }),
    /eventMapper registers ping with a schema that is not of Joi/,
  ],
];

describe('a wrong part', () => {
  test.each(wrong)('is refused at start, in one sentence that names the setting: %s', (_, settings, sentence) => {
    const message = complaint(settings());
    expect(message).toMatch(sentence);
    expect(message).toMatch(/^Setting /);
    expect(message).not.toContain('\n');
  });
});

test('the right kinds are taken, the default ones too', async () => {
  const { chat } = await open({
    consumerClass: ChatMessagingConsumer,
    connectionClass: ChatConnection,
    eventHandlerClass: EventHandler,
    permissionHandlerClass: PermissionHandler,
    exceptionHandlerClass: ExceptionHandler,
    eventMapper: mapEventTypesToHandlers,
  });
  await expect(chat.ready()).resolves.toBeUndefined();
});

test('chat.settings has every setting with its default, and cannot be changed', async () => {
  const { chat } = await open({ messageSoftDelete: true });
  expect(chat.settings).toMatchObject({ messageSoftDelete: true, enableNotification: true, inactivityThreshold: 60 });
  expect(() => {
    (chat.settings as { messageSoftDelete: boolean }).messageSoftDelete = false;
  }).toThrow(TypeError);
  expect(() => {
    (chat.settings.allowedOrigins as string[]).push('https://evil.example');
  }).toThrow(TypeError);
});

describe('two chats in one process', () => {
  test('do not meet, each with settings of its own', async () => {
    class Shouting extends EventHandler {
      override async _createMessage(...[data, user, options]: Parameters<EventHandler['_createMessage']>) {
        return super._createMessage({ ...data, content: data.content.toUpperCase() }, user, options);
      }
    }
    const loud = await open({ eventHandlerClass: Shouting, messageSoftDelete: true, websocketPath: 'loud/' });
    const plain = await open({ enableNotification: false });
    const rooms: string[] = [];
    for (const host of [loud, plain]) {
      const { ann, ben } = host.people;
      const room = await host.group(ann, ben);
      rooms.push(room);
      const client = await host.connect(ben, { takeFirst: host === loud });
      // Without a first frame, an answer shows that it is in its rooms.
      await client.request('session.heartbeat', {});
      const { message_id } = await host.chat.as(ann).send('message.send', { room_id: room, content: 'hello' });
      await client.expect('message.dispatch');
      await host.chat.as(ann).send('message.modify', { action: 'delete', message_id: String(message_id) });
      await client.expect('messagemodification.dispatch');
      await client.silence();
    }
    expect(await loud.texts(rooms[0]!)).toEqual(['HELLO']);
    expect(await plain.texts(rooms[1]!)).toEqual([]);
    expect(await plain.texts(rooms[0]!)).toEqual([]);
    await expect(plain.chat.as(plain.people.ann).send('room.info', { room_id: rooms[0]! })).rejects.toMatchObject({
      code: 4004,
    });
  });

  test('share one database under two table prefixes', async () => {
    const first = await open({});
    const second = createChat({
      userModel: first.User as never,
      tablePrefix: 'second_',
      logger: first.chat.settings.logger,
    });
    await second.migrate();
    const { ann } = first.people;
    const { room_id } = await second.as(ann).send('room.create', { type: 'GroupChat', name: 'Second' });
    await expect(first.chat.as(ann).send('room.info', { room_id: String(room_id) })).rejects.toMatchObject({
      code: 4004,
    });
    expect(await second.models.Room.count()).toBe(1);
    expect(await first.chat.models.Room.count()).toBe(0);
    await second.close();
  });
});
