'use strict';
const { randomUUID } = require('node:crypto');
const { readConfiguration } = require('../migrations/chat-support/v1/configuration.cjs');
const { openDatabase, quote } = require('../migrations/chat-support/v1/database.cjs');
const { readUsers } = require('../migrations/chat-support/v1/users.cjs');

/**
 * Demo data: three users, one room of each type, a few messages. Running it again adds only what is missing; undoing
 * removes these rooms and users, and nothing else. Ids are fixed, which is how both know them.
 */
const PEOPLE = [
  { username: 'demo_alice', first_name: 'Alice', last_name: 'Demo', email: 'demo_alice@example.invalid' },
  { username: 'demo_bob', first_name: 'Bob', last_name: 'Demo', email: 'demo_bob@example.invalid' },
  { username: 'demo_carol', first_name: 'Carol', last_name: 'Demo', email: 'demo_carol@example.invalid' },
];

const id = (number) => `019aa3c0-0000-7000-8000-${String(number).padStart(12, '0')}`;

/** `members` and `from` are places in PEOPLE; the first member made the room. */
const ROOMS = [
  {
    id: id(1),
    type: 'OneToOneChat',
    members: [0, 1],
    messages: [
      { id: id(101), from: 0, content: 'Hi Bob, did you see the new chat?' },
      { id: id(102), from: 1, content: 'I am writing in it &#128578;' },
    ],
  },
  {
    id: id(2),
    type: 'GroupChat',
    name: 'Lunch',
    description: 'Where to eat today',
    members: [0, 1, 2],
    messages: [
      { id: id(201), from: 2, content: 'Noodles or <b>pizza</b>?' },
      { id: id(202), from: 1, content: 'Pizza, please.', parent: id(201) },
      { id: id(203), from: 0, content: '12:30 at the door.' },
    ],
  },
  {
    id: id(3),
    type: 'Channel',
    name: 'Announcements',
    description: 'What everybody should know',
    members: [2, 0, 1],
    messages: [{ id: id(301), from: 2, content: 'Welcome! This channel is public: anyone may join and read.' }],
  },
];

module.exports = {
  async up(queryInterface) {
    const chat = await openChat(queryInterface);
    const users = await findOrAddUsers(chat);
    for (const room of ROOMS) {
      // Where the host's table takes no demo users, there may be only two people.
      const members = room.members.map((place) => users[place]).filter((user) => user !== undefined);
      await addRoom(chat, room, members, (place) => users[place] ?? users[0]);
    }
  },

  async down(queryInterface) {
    const chat = await openChat(queryInterface);
    // The rest goes with its room.
    await queryInterface.bulkDelete(chat.table('rooms'), { id: ROOMS.map((room) => room.id) });
    await queryInterface.bulkDelete(chat.table('outcomes'), { room_id: ROOMS.map((room) => room.id) });
    if (!chat.takesDemoUsers) return;
    for (const { username, email } of PEOPLE) {
      await queryInterface.bulkDelete(chat.users.table, chat.userColumns.email ? { username, email } : { username });
    }
  },
};

async function openChat(queryInterface) {
  const configuration = await readConfiguration(queryInterface);
  const database = openDatabase(queryInterface, undefined);
  const users = await readUsers(database, configuration);
  const table = (name) => configuration.tablePrefix + name;
  if ((await database.columns(table('rooms'))).size === 0) {
    throw new Error(`The table ${table('rooms')} does not exist: run "npx sequelize-cli db:migrate" first.`);
  }
  const userColumns = await queryInterface.describeTable(users.table);
  const takesDemoUsers =
    userColumns.username !== undefined &&
    Object.entries(userColumns).every(
      ([name, column]) =>
        valueFor(PEOPLE[0], name, column, users.key) !== undefined || isOptional(name, column, users.key),
    );
  return { queryInterface, database, users, table, userColumns, takesDemoUsers };
}

/** Columns that may stay out of an INSERT. Integer keys are taken to count up by themselves. */
function isOptional(name, column, key) {
  return column.allowNull || column.defaultValue != null || (name === key && /INT/i.test(column.type));
}

/** What a demo user has in a column of the host's users table; undefined where we do not know. */
function valueFor(person, name, column, key) {
  if (name === key && /UUID|CHAR/i.test(column.type)) return randomUUID();
  if (['created_at', 'updated_at', 'createdAt', 'updatedAt'].includes(name)) return new Date();
  return person[name];
}

async function findOrAddUsers({ queryInterface, database, users, userColumns, takesDemoUsers }) {
  const key = quote(users.key);
  const table = quote(users.table);
  if (!takesDemoUsers) {
    const rows = await database.select(`SELECT ${key} AS id FROM ${table} ORDER BY ${key} LIMIT ${PEOPLE.length}`);
    if (rows.length < 2) {
      throw new Error(
        `The table ${users.table} has columns that demo users cannot fill, and fewer than two users: add two users first.`,
      );
    }
    return rows.map((row) => row.id);
  }
  const found = [];
  for (const person of PEOPLE) {
    const find = async () =>
      (await database.select(`SELECT ${key} AS id FROM ${table} WHERE username = :username`, person))[0]?.id;
    let user = await find();
    if (user === undefined) {
      const row = Object.entries(userColumns)
        .map(([name, column]) => [name, valueFor(person, name, column, users.key)])
        .filter(([, value]) => value !== undefined);
      await queryInterface.bulkInsert(users.table, [Object.fromEntries(row)]);
      user = await find();
    }
    found.push(user);
  }
  return found;
}

async function addRoom(chat, room, members, userAt) {
  const { queryInterface, database, table } = chat;
  const has = async (name, column, value) =>
    (await database.select(`SELECT 1 FROM ${quote(table(name))} WHERE ${quote(column)} = :value`, { value })).length >
    0;
  const start = Date.now() - 3_600_000;
  const timeOf = (seq) => new Date(Math.floor(start / 1000) * 1000 + seq * 60_000);
  const pair = [members[0], members[1]].sort((a, b) => (a < b ? -1 : 1));

  if (!(await has('rooms', 'id', room.id))) {
    if (room.type === 'OneToOneChat' && (await hasPair(chat, pair))) return;
    await queryInterface.bulkInsert(table('rooms'), [
      {
        id: room.id,
        type: room.type,
        last_seq: room.messages.length,
        last_offset: 0,
        member_count: members.length,
        last_activity_at: timeOf(room.messages.length),
        created_by_id: members[0],
        created_at: timeOf(0),
        updated_at: timeOf(0),
      },
    ]);
  }
  if (!(await has('room_properties', 'room_id', room.id))) {
    await queryInterface.bulkInsert(table('room_properties'), [{ room_id: room.id, preferences: '{}' }]);
  }
  const [typeTable, details] = {
    OneToOneChat: ['one_to_one_chats', { first_user_id: pair[0], second_user_id: pair[1] }],
    GroupChat: ['group_chats', { name: room.name, description: room.description, creator_id: members[0] }],
    Channel: ['channels', { name: room.name, description: room.description, creator_id: members[0], is_public: true }],
  }[room.type];
  if (!(await has(typeTable, 'room_id', room.id))) {
    await queryInterface.bulkInsert(table(typeTable), [{ room_id: room.id, ...details }]);
    await queryInterface.bulkInsert(
      table('room_members'),
      members.map((user_id, place) => ({
        room_id: room.id,
        user_id,
        role: place === 0 && room.type !== 'OneToOneChat' ? 'admin' : 'member',
        joined_at: timeOf(0),
      })),
    );
  }
  for (const [index, message] of room.messages.entries()) {
    if (await has('messages', 'id', message.id)) continue;
    await queryInterface.bulkInsert(table('messages'), [
      {
        id: message.id,
        room_id: room.id,
        sender_id: userAt(message.from),
        client_id: Buffer.from(`demo-${message.id}`),
        seq: index + 1,
        content: message.content,
        parent_message_id: message.parent ?? null,
        created_at: timeOf(index + 1),
        updated_at: timeOf(index + 1),
      },
    ]);
  }
}

async function hasPair({ database, table }, [first, second]) {
  const rows = await database.select(
    `SELECT 1 FROM ${quote(table('one_to_one_chats'))} WHERE first_user_id = :first AND second_user_id = :second`,
    { first, second },
  );
  return rows.length > 0;
}
