/** The checks at the end: what people were told and what their devices hold, against the database. */
import type { Connection } from 'mysql2/promise';
import type { DeviceLog } from './device-log.js';
import type { Ledger, SentMessage } from './ledger.js';
import type { Report } from './report.js';
import { isPresent, type RoomTruth, readRoom, stayAt } from './truth.js';

/** A device, as far as it is checked. */
export interface CheckedDevice {
  readonly log: DeviceLog;
  /** The last offset of a room that it holds. */
  lastOf(roomId: string): number | undefined;
}

/** What is checked. */
export interface CheckOptions {
  readonly database: Pick<Connection, 'query'>;
  readonly ledger: Ledger;
  readonly devices: readonly CheckedDevice[];
  readonly report: Report;
}

type Rows = ReadonlyArray<Record<string, unknown>>;

/** All checks that need only the database and the books. */
export async function checkEverything({ database, ledger, devices, report }: CheckOptions): Promise<void> {
  const query = async (sql: string, values: unknown[] = []) => (await database.query(sql, values))[0] as Rows;
  const ids = (await query('SELECT DISTINCT room_id AS id FROM chat_outcomes WHERE room_id IS NOT NULL')).map(
    ({ id }) => String(id),
  );
  for (const id of ids) {
    const room = await readRoom(database, id);
    report.count('broadcasts checked', room.frames.size);
    await checkRoom(query, room, report);
    for (const device of devices) checkDevice(device, room, report);
  }
  await checkMessages(query, ledger, report);
  await checkRest(query, ledger, report);
}

/** Runs a statement. */
export type Query = (sql: string, values?: unknown[]) => Promise<ReadonlyArray<Record<string, unknown>>>;

/** Numbers without holes, counters that are true. */
async function checkRoom(query: Query, room: RoomTruth, report: Report): Promise<void> {
  if (room.holes.length > 0) report.breach('loss', `Room ${room.id} has holes before the offsets ${room.holes}.`);
  room.seqs.forEach((seq, index) => {
    if (index > 0 && seq !== room.seqs[index - 1]! + 1) {
      report.breach('reordering', `Room ${room.id} broadcast seq ${seq} after ${room.seqs[index - 1]}.`);
    }
  });
  const [row] = await query('SELECT last_offset, last_seq, member_count FROM chat_rooms WHERE id = ?', [room.id]);
  if (room.isDeleted !== (row === undefined)) {
    report.breach(
      'loss',
      `Room ${room.id}: ${room.isDeleted ? 'deleted' : 'not deleted'}, but its row says otherwise.`,
    );
  }
  if (!row) return;
  const members = (await query('SELECT user_id FROM chat_room_members WHERE room_id = ?', [room.id])).map(
    ({ user_id }) => Number(user_id),
  );
  const told = [...room.stays.keys()].filter((userId) => isPresent(room, userId));
  if (members.sort().join() !== told.sort().join()) {
    report.breach('leak', `Room ${room.id} has the members ${members}, but its broadcasts made ${told} members.`);
  }
  if (Number(row.member_count) !== members.length) {
    report.breach('loss', `Room ${room.id} counts ${row.member_count} members, and has ${members.length}.`);
  }
  if (Number(row.last_offset) !== room.lastOffset || Number(row.last_seq) !== (room.seqs.at(-1) ?? 0)) {
    report.breach('loss', `Room ${room.id} stands at ${row.last_offset}/${row.last_seq}, not at its last broadcast.`);
  }
}

/** Nothing foreign, nothing changed, nothing twice, no hole. */
export function checkDevice(device: CheckedDevice, room: RoomTruth, report: Report): void {
  const { log } = device;
  const who = `${log.name}, room ${room.id}`;
  const frames = log.frames.get(room.id);
  if (frames) {
    for (const [offset, digest] of frames) {
      if (!stayAt(room, log.userId, offset)) report.breach('leak', `${who}: got ${offset}, not being a member then.`);
      if (room.frames.get(offset) !== digest) report.breach('reordering', `${who}: ${offset} is not what was stored.`);
    }
  }
  for (const { from, to } of log.jumps.filter(({ roomId }) => roomId === room.id)) {
    const stay = stayAt(room, log.userId, to);
    // Between two stays there is nothing to get.
    if (stay && stay.from <= from) report.breach('loss', `${who}: after ${from} came ${to} on one connection.`);
  }
  for (const { after, code } of log.reloads.filter(({ roomId }) => roomId === room.id)) {
    const stay = after === undefined ? undefined : stayAt(room, log.userId, after);
    if (code === undefined && stay && stay.to === Number.POSITIVE_INFINITY) {
      report.breach('loss', `${who}: what came after ${after} could not be had any more.`);
    }
  }
  const handled = log.handled.get(room.id) ?? [];
  handled.forEach((offset, index) => {
    const before = handled[index - 1];
    if (before === undefined) return;
    if (offset === before) report.breach('duplicate', `${who}: its client handed ${offset} on twice.`);
    else if (offset < before) report.breach('reordering', `${who}: its client handed ${offset} on after ${before}.`);
    else if (offset > before + 1) {
      const stay = stayAt(room, log.userId, offset);
      if (!stay || stay.from > before) return;
      const reload = log.reloads.find(({ roomId, after }) => roomId === room.id && after === before);
      // It asked when the room was gone already, and heard of the deletion itself behind that answer: nothing is left to get.
      if (reload?.code === 4004 && room.isDeleted && offset === room.lastOffset) return;
      const came = log.frames.get(room.id)?.has(before + 1) ? 'came' : 'never came';
      const told = reload ? `it was told to load anew (${reload.code ?? 'still a member'})` : 'it was told nothing';
      const where = `the next one ${came} to it, ${told}, member from ${stay.from} to ${stay.to}`;
      report.breach('loss', `${who}: its client has nothing between ${before} and ${offset}: ${where}.`);
    }
  });
  if (!isPresent(room, log.userId)) return;
  const last = device.lastOf(room.id);
  // The closing message has gone to every room, so everybody has something.
  if (last !== room.lastOffset) report.breach('loss', `${who}: ends at ${last}, the room at ${room.lastOffset}.`);
}

/** Each acknowledged message is one row, in the order of its sender; nothing else is more than one. */
export async function checkMessages(query: Query, ledger: Ledger, report: Report): Promise<void> {
  const rows = await query('SELECT id, room_id, sender_id, seq, content, client_id FROM chat_messages');
  const byId = new Map(rows.map((row) => [String(row.id), row]));
  const alive = new Set((await query('SELECT id FROM chat_rooms')).map(({ id }) => String(id)));
  const times = new Map<string, number>();
  // The first content is in the broadcast; an edit changes the row's.
  for (const message of ledger.messages) {
    if (message.fate !== 'acked') continue;
    report.count('messages acknowledged');
    times.set(message.id!, (times.get(message.id!) ?? 0) + 1);
    const row = byId.get(message.id!);
    if (!row) {
      if (message.isDeleted === undefined && alive.has(message.roomId)) {
        report.breach('loss', `The acknowledged message ${message.id} ("${message.content}") is not stored.`);
      }
      continue;
    }
    if (message.isDeleted === 'acked') report.breach('loss', `The deleted message ${message.id} is still stored.`);
    const isRight =
      row.room_id === message.roomId && Number(row.sender_id) === message.userId && Number(row.seq) === message.seq;
    if (!isRight) report.breach('loss', `The message ${message.id} is stored with other facts than acknowledged.`);
    if (!message.edited.allows(String(row.content))) {
      report.breach('loss', `The message ${message.id} reads "${row.content}", not ${message.edited}.`);
    }
  }
  for (const [id, count] of times) {
    if (count > 1) report.breach('duplicate', `${count} sends were acknowledged with the message ${id}.`);
  }
  const contents = new Map<string, number>();
  for (const { content } of rows) contents.set(String(content), (contents.get(String(content)) ?? 0) + 1);
  for (const { content, fate } of ledger.messages) {
    const count = contents.get(content) ?? 0;
    if (count > 1) report.breach('duplicate', `"${content}" (${fate}) is stored ${count} times.`);
    if (count > 0 && fate === 'refused') report.breach('answer', `"${content}" was refused, and is stored.`);
    report.count(`sends ${fate}`);
  }
  checkLines(ledger.messages, report);
}

/** What one device sent to one room stands there in the order it was sent. */
function checkLines(messages: readonly SentMessage[], report: Report): void {
  const lines = new Map<string, SentMessage>();
  for (const message of messages) {
    if (message.fate !== 'acked') continue;
    const before = lines.get(message.line);
    if (before && before.seq! >= message.seq!) {
      report.breach(
        'reordering',
        `${message.line}: "${before.content}" has seq ${before.seq}, the later "${message.content}" ${message.seq}.`,
      );
    }
    lines.set(message.line, message);
  }
}

/** Rooms, memberships, reactions and reads. */
async function checkRest(query: Query, ledger: Ledger, report: Report): Promise<void> {
  const rooms = new Set((await query('SELECT id FROM chat_rooms')).map(({ id }) => String(id)));
  for (const { id, isDeleted, name } of ledger.rooms) {
    if (id === undefined) continue;
    if (isDeleted === undefined && !rooms.has(id)) report.breach('loss', `The room "${name}" ${id} is gone.`);
    if (isDeleted === 'acked' && rooms.has(id)) report.breach('loss', `The deleted room "${name}" ${id} is there.`);
  }
  const names = await query(
    'SELECT name, COUNT(*) AS count FROM (SELECT name FROM chat_group_chats UNION ALL SELECT name FROM chat_channels) AS named GROUP BY name HAVING COUNT(*) > 1',
  );
  for (const { name, count } of names) {
    if (/^room \d+$/.test(String(name))) report.breach('duplicate', `There are ${count} rooms "${name}".`);
  }
  const members = new Set(
    (await query('SELECT room_id, user_id FROM chat_room_members')).map(
      ({ room_id, user_id }) => `${room_id} ${user_id}`,
    ),
  );
  for (const { roomId, userId, value } of ledger.memberships) {
    if (!rooms.has(roomId)) continue;
    const isMember = members.has(`${roomId} ${userId}`);
    if (!value.allows(isMember))
      report.breach('loss', `User ${userId} in ${roomId}: member ${isMember}, not ${value}.`);
  }
  const messages = new Set((await query('SELECT id FROM chat_messages')).map(({ id }) => String(id)));
  const reactions = new Map(
    (await query('SELECT message_id, user_id, reaction_content FROM chat_reactions')).map((row) => [
      `${row.message_id} ${row.user_id}`,
      String(row.reaction_content),
    ]),
  );
  for (const { messageId, userId, value } of ledger.reactions) {
    if (!messages.has(messageId)) continue;
    const stored = reactions.get(`${messageId} ${userId}`) ?? null;
    if (!value.allows(stored)) {
      report.breach('loss', `The reaction of ${userId} to ${messageId} is ${stored}, not ${value}.`);
    }
  }
  const receipts = new Set(
    (await query('SELECT message_id, user_id FROM chat_read_receipts')).map(
      (row) => `${row.message_id} ${row.user_id}`,
    ),
  );
  const senders = new Map(ledger.messages.map(({ id, userId }) => [id, userId]));
  for (const { messageId, userId } of ledger.reads) {
    if (!messages.has(messageId) || senders.get(messageId) === userId) continue;
    report.count('reads checked');
    if (!receipts.has(`${messageId} ${userId}`)) {
      report.breach('loss', `User ${userId} was told that ${messageId} is read, and it is not.`);
    }
  }
}
