/** Serializers of the host's own. */
import { DataTypes, Model, type Sequelize } from 'sequelize';
import { afterEach, describe, expect, test } from 'vitest';
import {
  AbstractChannel,
  ChannelListSerializer,
  ChannelSerializer,
  type ChatSettings,
  type Columns,
  GroupChatListSerializer,
  GroupChatSerializer,
  Joi,
  type LoadedMessage,
  type LoadedUser,
  MessageSerializer,
  type ModelContext,
  UserSerializer,
} from '../../src/index.js';
import { openTestChat, type TestChat } from '../../src/testing/index.js';

let host: TestChat;

afterEach(() => host?.close());

/** A user model that has a picture. */
function pictured(sequelize: Sequelize) {
  class User extends Model {}
  User.init(
    { username: DataTypes.STRING, email: DataTypes.STRING, profile_picture: DataTypes.STRING },
    { sequelize, tableName: 'users', modelName: 'PicturedUser', timestamps: false },
  );
  return User;
}

async function openUsers(settings: ChatSettings) {
  host = await openTestChat((sequelize) => ({ userModel: pictured(sequelize), userCacheFor: 0, ...settings }));
  await host.sequelize.query("UPDATE users SET profile_picture = '/' || username, email = username || '@example.org'");
}

/** All objects in a value that look like users. */
function usersIn(value: unknown): Array<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return [];
  const found = Object.values(value).flatMap(usersIn);
  return 'username' in value && !('room_id' in value) ? [value as Record<string, unknown>, ...found] : found;
}

describe('a user serializer with a profile picture', () => {
  class PictureSerializer extends UserSerializer {
    static override fields = { profile_picture: {} };
  }

  test('is seen wherever a user is: sender, members, creator, admins, peer, readers, reactions, nested messages', async () => {
    await openUsers({ serializers: { UserSerializer: PictureSerializer } });
    const { ann, ben } = host.people;
    const room_id = await host.group(ann, ben);
    const [as, bs] = [host.chat.as(ann), host.chat.as(ben)];
    await as.send('room.create', { type: 'OneToOneChat', participants: [ben.id] });
    const { message_id } = await as.send('message.send', { room_id, content: 'x' });
    await bs.send('message.read', { message_id: message_id as string });
    await bs.send('message.react', { type: 'add', message_id: message_id as string, reaction_content: '👍' });
    await bs.send('message.send', { room_id, content: 'y', extra_fields: { parent_message_id: message_id as string } });
    const seen = [
      await as.send('room.info', { room_id }),
      await as.send('room.list', {}),
      await as.send('room.members', { room_id }),
      await as.send('room.messages', { room_id }),
      (await host.connect(ann, { takeFirst: false }).then((client) => client.next())).data,
    ];
    const counts = seen.map((one) => usersIn(one).length);
    // creator, 2 participants, 1 admin; creator, peer, sender of the last message and its parent's; 2; 2 senders, parent's, reader, reacting; 3.
    expect(
      counts.every((count) => count >= 2),
      JSON.stringify(counts),
    ).toBe(true);
    for (const user of usersIn(seen)) expect(user.profile_picture).toBe(`/${user.username}`);
    const [peer] = (seen[1] as unknown as Array<Record<string, unknown>>).flatMap((one) => usersIn(one.peer));
    expect(peer).toMatchObject({ username: 'ben', profile_picture: '/ben', email: null });
  });

  test('shows email addresses only by exposeEmail', async () => {
    await openUsers({ exposeEmail: true });
    const { ann } = host.people;
    const room = await host.chat.as(ann).send('room.info', { room_id: await host.group(ann) });
    expect(room.creator).toMatchObject({ email: 'ann@example.org' });
  });
});

describe('a serializer', () => {
  class Brief extends UserSerializer {
    override serialize = ({ id, username }: never): never => ({ id, username }) as never;
  }
  class Nameless extends UserSerializer {
    override serialize = (user: LoadedUser) => ({ ...super.serialize(user), first_name: null, last_name: null });
  }

  test.each([Brief, Nameless])('narrows a shape in one line', async (UserSerializer) => {
    await openUsers({ serializers: { UserSerializer } });
    const { ann } = host.people;
    const room = await host.chat.as(ann).send('room.info', { room_id: await host.group(ann) });
    expect(room.creator).toMatchObject(ann);
    if (UserSerializer === Brief) expect(room.creator).toEqual(ann);
  });

  test('may add what is computed, also to nested messages', async () => {
    class Loud extends MessageSerializer {
      override serialize(message: LoadedMessage) {
        return { ...super.serialize(message), length: message.content.length };
      }
    }
    host = await openTestChat({ serializers: { MessageSerializer: Loud } });
    const { ann, ben } = host.people;
    const room_id = await host.group(ann, ben);
    const bens = await host.connect(ben);
    const { message_id } = await host.chat.as(ann).send('message.send', { room_id, content: 'four' });
    expect((await bens.expect('message.dispatch')).data).toMatchObject({ length: 4 });
    await host.chat.as(ann).send('message.send', {
      room_id,
      content: 'x',
      extra_fields: { parent_message_id: message_id as string },
    });
    expect((await bens.expect('message.dispatch')).data).toMatchObject({ length: 1, parent_message: { length: 4 } });
  });

  class Topical extends AbstractChannel {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), topic: { type: DataTypes.STRING(20), defaultValue: 'none' } };
    }
  }
  class TopicalSerializer extends ChannelSerializer {
    static override fields = { topic: { schema: Joi.string() } };
  }
  class Silent extends ChannelListSerializer {
    static override fields = {};
  }

  test.each([
    ['that is the default shows', {}, ['cars', 'cars']],
    ['that says nothing shows', { ChannelListSerializer: class extends ChannelListSerializer {} }, ['cars', 'cars']],
    ['with fields of its own hides', { ChannelListSerializer: Silent }, [undefined, undefined]],
  ])('of a list %s what the room type declares', async (_, own, expected) => {
    host = await openTestChat({
      models: { Channel: Topical },
      serializers: { ChannelSerializer: TopicalSerializer, ...own },
    });
    await host.sequelize.query('ALTER TABLE chat_channels ADD COLUMN topic VARCHAR(20)');
    const as = host.chat.as(host.people.ann);
    await as.send('room.create', { type: 'Channel', name: 'c', extra_fields: { topic: 'cars', is_public: true } });
    const { rooms } = (await host.chat.as(host.people.ben).send('room.discover', {})) as { rooms: object[] };
    const list = (await as.send('room.list', {})) as unknown as object[];
    const topics = [rooms[0], list[0]].map((shown) => (shown as { topic?: string }).topic);
    expect(topics).toEqual(expected);
  });

  test('is found by its name', async () => {
    class Group extends GroupChatSerializer {}
    class GroupList extends GroupChatListSerializer {}
    host = await openTestChat({
      serializers: { GroupChatSerializer: Group, GroupChatListSerializer: GroupList, UserSerializer },
    });
    expect(host.chat.getSerializer('GroupChatSerializer')).toBeInstanceOf(Group);
    expect(host.chat.getSerializer('GroupChatListSerializer')).toBeInstanceOf(GroupList);
    expect(() => host.chat.getSerializer('NoSerializer')).toThrow('no serializer named NoSerializer');
    expect(() => host.chat.getModel('NoModel' as never)).toThrow('There is no model named NoModel; those are Session');
  });
});
