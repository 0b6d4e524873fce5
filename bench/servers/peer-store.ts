/** What the peer does with its database. */
import { Op, QueryTypes } from 'sequelize';
import { v7 as newId } from 'uuid';
import { type StoredRow, shownMessages, userFields } from './peer-messages.js';
import { definePeerModels } from './peer-models.js';
import { type WireUser, wireMessage } from './wire.js';

/** Somebody is not allowed to. */
export class Denied extends Error {}

/** Everything the peer's sockets ask for. */
export type PeerStore = ReturnType<typeof createPeerStore>;

/** Opens it; tables are made by `migrate`. */
export function createPeerStore(url: string) {
  const models = definePeerModels(url);
  const { sequelize, User, Room, Member, Message, Notification, Recipient } = models;
  const plain = { raw: true, nest: true } as const;

  return {
    migrate: () => sequelize.sync(),
    close: () => sequelize.close(),

    async user(id: number): Promise<WireUser | null> {
      const found = await User.findByPk(id, { attributes: userFields, ...plain });
      return found && { ...(found as unknown as WireUser), email: null };
    },

    async roomsOf(userId: number): Promise<string[]> {
      const rows = await Member.findAll({ where: { user_id: userId }, attributes: ['room_id'], ...plain });
      return (rows as unknown as { room_id: string }[]).map(({ room_id }) => room_id);
    },

    /** What this user has not seen, newest first. */
    unseen(userId: number): Promise<object[]> {
      return sequelize.query(
        `SELECT n.id, n.notification_type, m.id AS message_id, m.room_id, m.sender_id, m.content, m.created_at
           FROM notification_recipients r JOIN notifications n ON n.id = r.notification_id
           JOIN messages m ON m.id = n.message_id
          WHERE r.user_id = ? ORDER BY r.notification_id DESC LIMIT 1000`,
        { replacements: [userId], type: QueryTypes.SELECT },
      );
    },

    /** One transaction: membership, message, notification with its recipients, last message. Gives the full message. */
    async send(sender: WireUser, room_id: string, content: string): Promise<{ id: string; message: object }> {
      const id = newId();
      const created_at = new Date();
      await sequelize.transaction(async (transaction) => {
        const members = (await Member.findAll({
          where: { room_id },
          attributes: ['user_id'],
          transaction,
          ...plain,
        })) as unknown as { user_id: number }[];
        if (!members.some(({ user_id }) => user_id === sender.id)) throw new Denied('You are not a member.');
        await Message.create({ id, room_id, sender_id: sender.id, content, created_at }, { transaction });
        const notification_id = newId();
        await Notification.create(
          { id: notification_id, message_id: id, notification_type: 'NEW_MESSAGE', created_at },
          { transaction },
        );
        const recipients = members.filter(({ user_id }) => user_id !== sender.id);
        await Recipient.bulkCreate(
          recipients.map(({ user_id }) => ({ user_id, notification_id })),
          { transaction },
        );
        // Last, because from here on nobody else can write to the room until the commit.
        await Room.update(
          { last_message_id: id, last_message_at: created_at },
          { where: { id: room_id }, transaction },
        );
      });
      return { id, message: wireMessage({ id, seq: 0, room_id, content, created_at }, sender) };
    },

    /** 50 messages of a page, newest first. */
    async history(userId: number, room_id: string, page: number): Promise<object> {
      const isMember = await Member.count({ where: { room_id, user_id: userId } });
      if (isMember === 0) throw new Denied('You are not a member.');
      // One more than the page, to know whether there is a next one.
      const rows = await Message.findAll({
        where: { room_id },
        include: { model: User, attributes: userFields },
        order: [
          ['created_at', 'DESC'],
          ['id', 'DESC'],
        ],
        limit: 51,
        offset: (page - 1) * 50,
        ...plain,
      });
      const messages = await shownMessages(models, rows.slice(0, 50) as unknown as StoredRow[]);
      return { page, size: 50, has_previous: page > 1, has_next: rows.length > 50, data: { room_id, messages } };
    },

    /** The user's rooms with last message and unread count. */
    async rooms(userId: number): Promise<object[]> {
      const room_ids = await this.roomsOf(userId);
      const rooms = (await Room.findAll({
        where: { id: { [Op.in]: room_ids } },
        include: { model: User, as: 'creator', attributes: userFields },
        order: [['last_message_at', 'DESC']],
        ...plain,
      })) as unknown as StoredRoom[];
      const [last, unread] = await Promise.all([
        Message.findAll({
          where: { id: { [Op.in]: rooms.map(({ last_message_id }) => last_message_id ?? '') } },
          include: { model: User, attributes: userFields },
          ...plain,
        }).then((rows) => shownMessages(models, rows as unknown as StoredRow[])),
        sequelize.query<{ room_id: string; count: number }>(
          `SELECT m.room_id, COUNT(*) AS count FROM notification_recipients r
             JOIN notifications n ON n.id = r.notification_id JOIN messages m ON m.id = n.message_id
            WHERE r.user_id = ? GROUP BY m.room_id`,
          { replacements: [userId], type: QueryTypes.SELECT },
        ),
      ]);
      const lastById = new Map(last.map((message) => [message.id, message]));
      const unreadByRoom = new Map(unread.map(({ room_id, count }) => [room_id, Number(count)]));
      return rooms.map(({ last_message_id, last_message_at: _, creator_id, creator, ...room }) => ({
        ...room,
        join_approval_required: Boolean(room.join_approval_required),
        group_locked: Boolean(room.group_locked),
        last_seq: 1,
        creator: creator_id === null ? null : { ...creator, email: null },
        last_message: lastById.get(last_message_id ?? '') ?? null,
        unread_count: unreadByRoom.get(room.id) ?? 0,
      }));
    },
  };
}

interface StoredRoom {
  readonly id: string;
  readonly creator_id: number | null;
  readonly creator: WireUser;
  readonly join_approval_required: number;
  readonly group_locked: number;
  readonly last_message_id: string | null;
  readonly last_message_at: Date | null;
}
