import type { Sequelize } from 'sequelize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatModels } from '../../src/models/index.js';
import { createGroup, createMessage, createTestChat } from './chat.js';
import { createDatabases, type Databases, DIALECTS } from './databases.js';

describe.each(DIALECTS)('constraints on %s', (dialect) => {
  let databases: Databases;
  let sequelize: Sequelize;
  let models: ChatModels;

  beforeAll(async () => {
    databases = await createDatabases(dialect);
    sequelize = await databases.open();
    models = await createTestChat(sequelize);
  });
  afterAll(() => databases?.close());

  const refused = async (attempt: Promise<unknown>, column?: string) => {
    const error = await attempt.then(
      () => undefined,
      (caught: Error & { fields?: Record<string, unknown> | string[] }) => caught,
    );
    expect(error, 'the database took it').toBeDefined();
    if (column === undefined) return;
    expect(error?.name).toBe('SequelizeUniqueConstraintError');
    const fields = error?.fields ?? {};
    expect(Array.isArray(fields) ? fields : Object.keys(fields)).toContain(column);
  };

  it('refuses a second one-to-one chat of the same two users', async () => {
    const [first, second] = await Promise.all([1, 2].map(() => models.Room.create({ type: 'OneToOneChat' })));
    await models.OneToOneChat.create({ room_id: first!.id, first_user_id: 1, second_user_id: 2 });
    await refused(
      models.OneToOneChat.create({ room_id: second!.id, first_user_id: 1, second_user_id: 2 }),
      'first_user_id',
    );
    await models.OneToOneChat.create({ room_id: second!.id, first_user_id: 1, second_user_id: 3 });
  });

  it('refuses a second room of the same request, but not another user, another id or none', async () => {
    const create = (created_by_id: number | null, client_id: string | null) =>
      models.Room.create({ type: 'GroupChat', created_by_id, client_id });
    await create(1, 'request');
    await refused(create(1, 'request'), 'client_id');
    await create(2, 'request');
    await create(1, 'Request');
    await create(1, 'request ');
    await create(1, null);
    await create(1, null);
  });

  it('refuses a second message of the same sender and client id, compared byte by byte', async () => {
    const room = await createGroup(models);
    await createMessage(models, room.id, { client_id: 'é👍' });
    await refused(createMessage(models, room.id, { client_id: 'é👍' }), 'client_id');
    for (const client_id of ['é👎', 'É👍', 'é👍 ', 'e\u0301👍', 'é👍\0'])
      await createMessage(models, room.id, { client_id });
    await createMessage(models, room.id, { client_id: 'é👍', sender_id: 2 });
  });

  it('refuses a seq that the room has, and takes it in another room', async () => {
    const [room, other] = [await createGroup(models), await createGroup(models)];
    await createMessage(models, room.id, { seq: 1 });
    await refused(createMessage(models, room.id, { seq: 1 }), 'seq');
    await createMessage(models, other.id, { seq: 1 });
  });

  it('refuses a message that is a reply and a forward at once', async () => {
    const room = await createGroup(models);
    const { id } = await createMessage(models, room.id);
    await createMessage(models, room.id, { parent_message_id: id });
    await createMessage(models, room.id, { forwarded_from_id: id });
    await refused(createMessage(models, room.id, { parent_message_id: id, forwarded_from_id: id }));
  });

  it('keeps the id of a parent that was deleted', async () => {
    const room = await createGroup(models);
    const parent = await createMessage(models, room.id);
    const reply = await createMessage(models, room.id, { parent_message_id: parent.id });
    await parent.destroy();
    await reply.reload();
    expect(reply.parent_message_id).toBe(parent.id);
  });

  it('takes the media of the protocol and refuses other types and negative sizes', async () => {
    const { id: message_id } = await createMessage(models, (await createGroup(models)).id);
    const attach = (values: Record<string, unknown>) =>
      models.MessageMediaAsset.create({
        message_id,
        media_url: 'https://example.org/a',
        media_type: 'image',
        mime_type: 'image/png',
        file_size: 0,
        ...values,
      });
    const office = 'application/vnd.openxmlformats-officedocument';
    const mimeTypes = [
      ...'jpeg png gif webp bmp heic'.split(' ').map((kind) => `image/${kind}`),
      ...'mpeg mp4 aac ogg wav opus'.split(' ').map((kind) => `audio/${kind}`),
      ...'mp4 quicktime webm ogg x-msvideo x-matroska'.split(' ').map((kind) => `video/${kind}`),
      ...'pdf msword vnd.ms-excel vnd.ms-powerpoint'.split(' ').map((kind) => `application/${kind}`),
      `${office}.wordprocessingml.document`,
      `${office}.spreadsheetml.sheet`,
      `${office}.presentationml.presentation`,
      'text/plain',
      'text/csv',
    ];
    for (const mime_type of mimeTypes) await attach({ mime_type });
    for (const media_type of ['image', 'video', 'audio', 'file']) await attach({ media_type });
    for (const mime_type of ['image/svg+xml', 'text/html', 'IMAGE/PNG', 'image/pngx', '']) {
      await refused(attach({ mime_type }));
    }
    for (const media_type of ['photo', 'Image', '']) await refused(attach({ media_type }));
    await refused(attach({ file_size: -1 }));
    const stored = await attach({ file_size: 5_000_000_000, metadata: { width: 2 }, caption: '🙂' });
    await stored.reload();
    expect(stored).toMatchObject({ file_size: 5_000_000_000, metadata: { width: 2 }, caption: '🙂' });
  });

  it('refuses a second receipt, delivery or reaction of a user, and a member or permission twice', async () => {
    const room = await createGroup(models);
    const { id: message_id } = await createMessage(models, room.id);
    const twice = async (create: () => Promise<unknown>) => {
      await create();
      await refused(create());
    };
    await twice(() => models.ReadReceipt.create({ message_id, user_id: 2 }));
    await twice(() => models.MessageDelivery.create({ message_id, user_id: 2 }));
    await twice(() => models.Reaction.create({ message_id, user_id: 2, reaction_content: '👍' }));
    await refused(models.Reaction.create({ message_id, user_id: 2, reaction_content: '👎' }), 'message_id');
    await models.Reaction.create({ message_id, user_id: 3, reaction_content: '👎' });
    await twice(() => models.RoomMember.create({ room_id: room.id, user_id: 2 }));
    await twice(() => models.RoomPermission.create({ room_id: room.id, user_id: 2, codename: 'can_send_messages' }));
    await twice(() => models.RoomProperty.create({ room_id: room.id }));
  });

  it('tells emoji apart that collations hold for equal', async () => {
    const { id: message_id } = await createMessage(models, (await createGroup(models)).id);
    await models.Reaction.create({ message_id, user_id: 1, reaction_content: '👍' });
    await models.Reaction.create({ message_id, user_id: 2, reaction_content: '👎' });
    const found = await models.Reaction.findAll({ where: { message_id, reaction_content: '👎' } });
    expect(found.map((reaction) => [reaction.user_id, reaction.reaction_content])).toEqual([[2, '👎']]);
  });

  it('refuses the same notification, session, outcome place and outcome offset twice', async () => {
    const room = await createGroup(models);
    const { id: message_id } = await createMessage(models, room.id);
    const notify = (actor_id: number) =>
      models.ChatNotification.create({
        recipient_id: 1,
        room_id: room.id,
        message_id,
        actor_id,
        notification_type: 'REACTION',
      });
    await notify(2);
    await refused(notify(2), 'notification_type');
    await notify(3);
    await models.Session.create({ user_id: 1, channel_name: `channel-${dialect}` });
    await refused(models.Session.create({ user_id: 2, channel_name: `channel-${dialect}` }), 'channel_name');
    const job_id = room.id;
    await models.Outcome.create({ job_id, position: 0, room_id: room.id, room_offset: 1 });
    await refused(models.Outcome.create({ job_id, position: 0 }));
    await refused(models.Outcome.create({ job_id, position: 1, room_id: room.id, room_offset: 1 }), 'room_offset');
    await models.Outcome.create({ job_id, position: 1, room_id: null, reply: '{}' });
    await models.Outcome.create({ job_id, position: 2, room_id: null, reply: '{}' });
  });

  it('refuses rows of rooms, messages and users that do not exist', async () => {
    const room = await createGroup(models);
    await refused(createMessage(models, '00000000-0000-7000-8000-000000000000'));
    await refused(createMessage(models, room.id, { sender_id: 99 }));
    await refused(models.RoomMember.create({ room_id: room.id, user_id: 99 }));
    await refused(models.Reaction.create({ message_id: room.id, user_id: 1, reaction_content: 'x' }));
  });

  it('removes what belongs to a room with it, but not its outcomes', async () => {
    const room = await createGroup(models);
    const { id: message_id } = await createMessage(models, room.id);
    await models.RoomMember.create({ room_id: room.id, user_id: 2 });
    await models.Reaction.create({ message_id, user_id: 2, reaction_content: 'x' });
    await models.Outcome.create({ job_id: message_id, position: 0, room_id: room.id, room_offset: 1 });
    await room.destroy();
    const left = await Promise.all([
      models.GroupChat.count({ where: { room_id: room.id } }),
      models.RoomMember.count({ where: { room_id: room.id } }),
      models.Message.count({ where: { room_id: room.id } }),
      models.Reaction.count({ where: { message_id } }),
      models.Outcome.count({ where: { room_id: room.id } }),
    ]);
    expect(left).toEqual([0, 0, 0, 0, 1]);
  });

  it('removes what a user did with the user, and keeps what they created without their name', async () => {
    await models.User.create({ id: 7, username: 'dan' });
    const room = await createGroup(models);
    await room.update({ created_by_id: 7 });
    await models.GroupChat.update({ creator_id: 7 }, { where: { room_id: room.id } });
    const theirs = await createMessage(models, room.id, { sender_id: 7 });
    await models.RoomMember.create({ room_id: room.id, user_id: 7 });
    await models.User.destroy({ where: { id: 7 } });
    expect(await models.Message.findByPk(theirs.id)).toBeNull();
    expect(await models.RoomMember.count({ where: { user_id: 7 } })).toBe(0);
    await room.reload({ include: models.Room.withDetails() });
    expect([room.created_by_id, room.group_chat?.creator_id]).toEqual([null, null]);
  });
});

describe('constraints on sqlite alone', () => {
  let databases: Databases;
  beforeAll(async () => {
    databases = await createDatabases('sqlite');
  });
  afterAll(() => databases?.close());

  it('refuse a text where bytes belong, which would be equal to nothing', async () => {
    const sequelize = await databases.open();
    const models = await createTestChat(sequelize);
    const { id } = await createMessage(models, (await createGroup(models)).id);
    const attempt = sequelize.query(`UPDATE chat_messages SET client_id = 'text' WHERE id = '${id}'`);
    await expect(attempt).rejects.toThrow();
  });
});
