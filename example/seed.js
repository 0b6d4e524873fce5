/** Demo users, rooms and messages. Everything may run again, and in two processes at once, without doubling anything. */

import { UniqueConstraintError } from 'sequelize';
import { DEMO_ROOMS } from './seed-rooms.js';
import { hashPassword } from './users/passwords.js';

export const DEMO_NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
export const DEMO_PASSWORD = 'password';

const LAST_NAMES = ['Adams', 'Brown', 'Clark', 'Davis', 'Evans', 'Fisher'];

/** Codes of an event that was refused: someone has changed the demo data since, which is their right. */
const REFUSED = new Set([4002, 4003, 4004, 4005]);

/** Makes the demo users that are missing. */
export async function seedUsers(User) {
  for (const [index, username] of DEMO_NAMES.entries()) {
    if (await User.findOne({ where: { username } })) continue;
    try {
      await User.create({
        username,
        email: `${username}@example.com`,
        first_name: username[0].toUpperCase() + username.slice(1),
        last_name: LAST_NAMES[index],
        password_hash: await hashPassword(DEMO_PASSWORD),
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintError)) throw error;
    }
  }
}

/**
 * Makes the demo rooms through the chat itself, as their users would. Fixed client ids make a second run find the
 * first one's results; a finished run is known by its last room, so that what users deleted since stays deleted.
 */
export async function seedRooms(chat, User) {
  const users = new Map();
  for (const username of DEMO_NAMES) users.set(username, await User.findOne({ where: { username } }));
  if (await isSeeded(chat, users)) return;
  for (const room of DEMO_ROOMS) await seedRoom(chat, users, room);
}

async function isSeeded(chat, users) {
  const last = DEMO_ROOMS.at(-1);
  const rooms = await chat.as(users.get(last.by)).send('room.list', {});
  return rooms.some((room) => room.name === last.data.name && room.last_seq >= last.messages.length);
}

async function seedRoom(chat, users, { key, by, members, data, messages }) {
  const ids = members.map((name) => users.get(name).id);
  const list = data.type === 'Channel' ? { subscribers: ids } : { participants: ids };
  const created = await unlessRefused(
    chat.as(users.get(by)).send('room.create', { ...data, ...list, client_id: `demo-${key}` }),
  );
  if (!created) return;
  const messageIds = [];
  for (const [index, message] of messages.entries()) {
    const parent = message.replyTo === undefined ? undefined : messageIds[message.replyTo];
    const sent = await unlessRefused(
      chat.as(users.get(message.by)).send('message.send', {
        room_id: created.room_id,
        content: message.text,
        client_id: `demo-${key}-${index}`,
        ...(parent && { extra_fields: { parent_message_id: parent } }),
      }),
    );
    messageIds.push(sent?.message_id);
    for (const [name, reaction] of Object.entries((sent && message.reactions) ?? {})) {
      await unlessRefused(
        chat.as(users.get(name)).send('message.react', {
          type: 'add',
          message_id: sent.message_id,
          reaction_content: reaction,
        }),
      );
    }
  }
}

/** @template T @param {Promise<T>} event @returns {Promise<T | undefined>} */
async function unlessRefused(event) {
  try {
    return await event;
  } catch (error) {
    if (REFUSED.has(error.code)) return undefined;
    throw error;
  }
}
