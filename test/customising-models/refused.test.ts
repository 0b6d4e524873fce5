/** Models, serializers and room types that do not fit: createChat says so, in a sentence that names the setting. */
import { DataTypes, Model, Sequelize } from 'sequelize';
import { afterAll, describe, expect, test } from 'vitest';
import {
  AbstractGroupChat,
  AbstractMessage,
  AbstractReadReceipt,
  AbstractRoomType,
  AbstractSession,
  ChannelListSerializer,
  type ChatSettings,
  type Columns,
  createChat,
  GroupChatSerializer,
  Joi,
  MessageSerializer,
  type ModelContext,
  ReadReceiptSerializer,
  RoomPolymorphicSerializer,
  RoomSerializer,
  type SerializerFields,
  UserSerializer,
} from '../../src/index.js';

const sequelize = new Sequelize({ dialect: 'sqlite', storage: ':memory:', logging: false });

afterAll(() => sequelize.close());

/** What createChat says to these settings. */
function sentence(settings: unknown): string {
  try {
    createChat({ database: sequelize, logLevel: 'error', ...(settings as ChatSettings) });
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('createChat took it.');
}

/** A message model with one more column. */
function messageWith(column: object) {
  return class CustomMessage extends AbstractMessage {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), priority: { type: DataTypes.STRING, ...column } };
    }
  };
}

/** A message serializer with these fields. */
function showing(declared: unknown) {
  return class CustomMessageSerializer extends MessageSerializer {
    static override fields = declared as SerializerFields;
  };
}

const Message = messageWith({});
const rule = { schema: Joi.string() };

/** Both together. */
const pair = (column: object, declared: unknown) => ({
  models: { Message: messageWith(column) },
  serializers: { MessageSerializer: showing(declared) },
});

describe('a model', () => {
  test('that fits is taken, and one without own columns needs no serializer', async () => {
    class Same extends AbstractMessage {}
    for (const settings of [pair({}, { priority: rule }), { models: { Message: Same } }]) {
      await createChat({ database: sequelize, logLevel: 'error', ...(settings as ChatSettings) }).close();
    }
  });

  test.each([
    [
      'without its serializer',
      { models: { Message } },
      'Setting models.Message adds the column "priority", but MessageSerializer does not know of it: give serializers.MessageSerializer a subclass of MessageSerializer with static fields.',
    ],
    [
      'that lacks a column',
      {
        models: {
          GroupChat: class Bare extends AbstractGroupChat {
            static override columns(context: ModelContext): Columns {
              // biome-ignore lint/complexity/noThisInStatic: what a subclass leaves out.
              const { name: _, avatar: __, ...rest } = super.columns(context);
              return rest;
            }
          },
        },
      },
      'Setting models.GroupChat: Bare lacks the columns "name", "avatar", which the chat needs; return { ...super.columns(context), own: {...} } from its static method columns.',
    ],
    [
      'that gives no columns',
      {
        models: {
          Message: class Empty extends AbstractMessage {
            static override columns(): Columns {
              return undefined as never;
            }
          },
        },
      },
      /^Setting models\.Message: columns\(\) of Empty gives no columns/,
    ],
    [
      'that extends another one',
      { models: { Message: class Wrong extends AbstractGroupChat {} } },
      'Setting models.Message must be a subclass of AbstractMessage, but is the class Wrong.',
    ],
    [
      'of plain Sequelize',
      { models: { Message: class Plain extends Model {} } },
      'Setting models.Message must be a subclass of AbstractMessage, but is the class Plain.',
    ],
    ['of a wrong name', { models: { Mesage: Message } }, /^Unknown setting models\.Mesage.*models\.Message\?$/],
    [
      'with a column that nobody fills in',
      pair({ allowNull: false }, { priority: rule }),
      'Setting models.Message: the column "priority" of CustomMessage must have a value and nobody gives one: add a defaultValue, allow null, or let serializers.MessageSerializer declare it with a required schema.',
    ],
    [
      'with such a column of a model that no client writes',
      {
        models: {
          Session: class Named extends AbstractSession {
            static override columns(context: ModelContext): Columns {
              // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
              return { ...super.columns(context), device: { type: DataTypes.STRING, allowNull: false } };
            }
          },
        },
      },
      /^Setting models\.Session: the column "device" of Named must have a value .* allow null\.$/,
    ],
    [
      'in a file that is not there',
      { models: { Message: './no-such-file.js#Message' } },
      /^Setting models\.Message names \.\/no-such-file\.js, which cannot be loaded/,
    ],
  ])('%s is refused', (_, settings, expected) => {
    const said = sentence(settings);
    if (typeof expected === 'string') expect(said).toBe(expected);
    else expect(said).toMatch(expected);
  });
});

describe('a serializer', () => {
  test.each([
    [
      'for a column that the model lacks',
      { serializers: { MessageSerializer: showing({ priority: rule }) } },
      'Setting serializers.MessageSerializer: the field "priority" is no column of the model Message.',
    ],
    [
      'of something else',
      { serializers: { MessageSerializer: class Users extends UserSerializer {} } },
      'Setting serializers.MessageSerializer must be a subclass of MessageSerializer (or of Serializer), but Users is one of UserSerializer.',
    ],
    [
      'that is no serializer',
      { serializers: { UserSerializer: class Nothing {} } },
      'Setting serializers.UserSerializer must be a subclass of Serializer, but is the class Nothing.',
    ],
    [
      'whose fields are a list',
      pair({}, ['priority']),
      'Setting serializers.MessageSerializer: static fields must be an object such as { priority: { schema } }.',
    ],
    [
      'whose field is a bare schema',
      pair({}, { priority: Joi.string() }),
      'Setting serializers.MessageSerializer: the field "priority" is a bare schema; write { schema: ... } around it.',
    ],
    [
      'whose field is a text',
      pair({}, { priority: 'text' }),
      'Setting serializers.MessageSerializer: the field "priority" must be an object such as { schema, updatable: true }.',
    ],
    [
      'with a misspelt rule',
      pair({}, { priority: { ...rule, updateable: true } }),
      'Setting serializers.MessageSerializer: the field "priority" has "updateable"; did you mean "updatable".',
    ],
    [
      'with a schema that is none',
      pair({}, { priority: { schema: { type: 'string' } } }),
      'Setting serializers.MessageSerializer: the field "priority" has a schema that is none of Joi.',
    ],
    [
      'that lets a field be changed without a rule',
      pair({}, { priority: { updatable: true } }),
      /"priority" is updatable, but has no schema/,
    ],
    [
      'that lets clients write what no event takes',
      {
        models: {
          ReadReceipt: class Located extends AbstractReadReceipt {
            static override columns(context: ModelContext): Columns {
              // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
              return { ...super.columns(context), place: { type: DataTypes.STRING } };
            }
          },
        },
        serializers: {
          ReadReceiptSerializer: class extends ReadReceiptSerializer {
            static override fields = { place: rule };
          },
        },
      },
      /^Setting serializers\.ReadReceiptSerializer: the field "place" has a schema, but no event takes it/,
    ],
    [
      'of rooms of all types with fields',
      {
        serializers: {
          RoomPolymorphicSerializer: class extends RoomPolymorphicSerializer {
            static override fields = { topic: rule };
          },
        },
      },
      'Setting serializers.RoomPolymorphicSerializer: the field "topic" belongs on the serializer of a room type.',
    ],
    [
      'for a list with a field of no column',
      {
        serializers: {
          ChannelListSerializer: class extends ChannelListSerializer {
            static override fields = { topic: {} };
          },
        },
      },
      'Setting serializers.ChannelListSerializer: the field "topic" is no column of the model Channel.',
    ],
    [
      'of users with a field that the user model lacks',
      {
        serializers: {
          UserSerializer: class extends UserSerializer {
            static override fields = { profile_picture: {} };
          },
        },
      },
      'Setting serializers.UserSerializer: the field "profile_picture" is no column of the model User.',
    ],
  ])('%s is refused', (_, settings, expected) => {
    const said = sentence(settings);
    if (typeof expected === 'string') expect(said).toBe(expected);
    else expect(said).toMatch(expected);
  });

  test.each([
    ...['id', 'room', 'room_id', 'sender', 'sender_id', 'seq', 'client_id', 'parent_message', 'parent_message_id'],
    ...['forwarded_from', 'forwarded_from_id', 'is_forwarded', 'is_deleted', 'is_edited', 'content', 'created_at'],
    ...['updated_at', 'read_count', 'delivered_to', 'reactions', 'attachments', 'media', 'request_hash'],
  ])("cannot declare the message's %s", (name) => {
    expect(sentence({ serializers: { MessageSerializer: showing({ [name]: rule }) } })).toBe(
      `Setting serializers.MessageSerializer: the field "${name}" is the chat's own: clients can neither give nor change it.`,
    );
  });

  test.each(['room_id', 'id', 'type', 'creator', 'creator_id', 'participants', 'last_seq', 'property', 'name'])(
    "cannot declare the room's %s",
    (name) => {
      class Custom extends GroupChatSerializer {
        static override fields = { [name]: rule };
      }
      expect(sentence({ serializers: { GroupChatSerializer: Custom } })).toBe(
        `Setting serializers.GroupChatSerializer: the field "${name}" is the chat's own: clients can neither give nor change it.`,
      );
    },
  );
});

describe('a room type', () => {
  class Ticket extends AbstractRoomType {
    static override readonly table = 'tickets';
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), status: { type: DataTypes.STRING } };
    }
  }
  class TicketSerializer extends RoomSerializer {
    serialize(): never {
      throw new Error('Not shown here.');
    }
  }
  const fine = { model: Ticket, serializer: TicketSerializer, listSerializer: TicketSerializer };
  const type = (given: object) => ({ roomTypes: { Ticket: { ...fine, ...given } } });

  test.each([
    ['without a serializer', type({ serializer: undefined }), 'Setting roomTypes.Ticket.serializer is required'],
    ['without a list serializer', type({ listSerializer: undefined }), 'Setting roomTypes.Ticket.listSerializer'],
    ['without a model', type({ model: undefined }), 'Setting roomTypes.Ticket.model is required'],
    [
      'with a plain model',
      type({ model: Message }),
      'Setting roomTypes.Ticket.model must be a subclass of AbstractRoomType',
    ],
    [
      'with a serializer of something else',
      type({ serializer: MessageSerializer }),
      'Setting roomTypes.Ticket.serializer must be a subclass of RoomSerializer',
    ],
    ['with a misspelt key', type({ memberField: 'agents' }), 'did you mean roomTypes.Ticket.membersField?'],
    ['with a name that is taken', { roomTypes: { Channel: fine } }, 'The room type Channel exists already'],
    ['named as a model', { roomTypes: { Message: fine } }, 'a room type cannot be called Message'],
    ['with a small first letter', { roomTypes: { ticket: fine } }, 'Setting roomTypes.ticket'],
    [
      'with a cap of no column',
      type({ cap: 'most' }),
      'Setting roomTypes.Ticket.cap is "most", but Ticket has no such column.',
    ],
    [
      'with a creator of no column',
      type({ creatorColumn: 'owner_id' }),
      'Setting roomTypes.Ticket.creatorColumn is "owner_id"',
    ],
    [
      'whose members are called as another field',
      type({ membersField: 'name' }),
      'Setting roomTypes.Ticket.membersField is "name"',
    ],
    [
      'without a table',
      type({ model: class Bare extends AbstractRoomType {} }),
      'Setting roomTypes.Ticket.model: Bare names no table',
    ],
    [
      'that lacks the key',
      type({
        model: class Keyless extends Ticket {
          static override columns(): Columns {
            return { status: { type: DataTypes.STRING } };
          }
        },
      }),
      'Setting roomTypes.Ticket.model: Keyless lacks the column "room_id"',
    ],
    [
      'that declares what it has no column for',
      type({
        serializer: class extends TicketSerializer {
          static override fields = { severity: rule };
        },
      }),
      'Setting roomTypes.Ticket.serializer: the field "severity" is no column of the model Ticket.',
    ],
  ])('%s is refused', (_, settings, expected) => {
    expect(sentence(settings)).toContain(expected);
  });
});
