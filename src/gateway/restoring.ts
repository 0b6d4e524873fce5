import type { GroupMember, Groups } from './groups.js';

/** A room of a user, its last broadcast, and the one that the user joined with. */
type MemberRoom = [roomId: string, offset: number, joinedOffset: number];

export interface RestoringOptions {
  readonly groups: Groups;
  /** Asks the workers, who have the database. */
  ask(type: '$memberships' | '$offsets', data: object): Promise<unknown>;
  /** Whether a connection is in all its rooms; one that is being set up reads them itself. */
  isReady(member: GroupMember): boolean;
  /** Whether the gateway was away again: then what was read may be old, and is read anew by somebody else. */
  isSuperseded(): boolean;
}

/** Rooms and users one question to a worker may name. */
const questionSize = 1000;

/**
 * Brings a gateway up to date after its link was cut, it was frozen, or Redis was emptied: who is a member now, and what
 * every room here missed. While the groups are paused nothing is delivered before it is known who is no member any more.
 */
export async function restore({ groups, ask, isReady, isSuperseded }: RestoringOptions): Promise<void> {
  const held = groups.held();
  const memberships = new Map<string, MemberRoom[]>();
  for (const user_ids of inQuestions(groups.userIds)) {
    const answer = (await ask('$memberships', { user_ids })) as Record<string, MemberRoom[]>;
    for (const [userId, rooms] of Object.entries(answer)) memberships.set(userId, rooms);
  }
  // After the memberships: whoever was removed before they were read was so at one of these offsets, or at none.
  const offsets = new Map<string, number>();
  for (const room_ids of inQuestions(groups.roomIds)) {
    const answer = (await ask('$offsets', { room_ids })) as Array<[string, number]>;
    for (const [roomId, offset] of answer) offsets.set(roomId, offset);
  }
  if (isSuperseded()) return;
  if (groups.isPaused) {
    for (const [roomId, members] of goneFrom(held, memberships)) {
      await groups.dismiss(roomId, offsets.get(roomId) ?? 0, members);
    }
    if (isSuperseded()) return;
    groups.resume();
  }
  await groups.verify([...offsets]);
  if (isSuperseded()) return;
  for (const [userId, rooms] of memberships) {
    // A room that a connection is not in although its user is a member was joined meanwhile, and everything in it since
    // was missed.
    const joined = rooms.map(([roomId, , joinedOffset]) => [roomId, joinedOffset - 1] as const);
    for (const member of groups.connectionsOf(userId)) {
      if (isReady(member)) await Promise.all(joined.map(([roomId, offset]) => groups.attach(member, roomId, offset)));
    }
  }
}

/** By room, the connections that were in it and whose users are no members now. */
function goneFrom(
  held: ReadonlyMap<GroupMember, readonly string[]>,
  memberships: ReadonlyMap<string, readonly MemberRoom[]>,
): Map<string, GroupMember[]> {
  const gone = new Map<string, GroupMember[]>();
  for (const [member, roomIds] of held) {
    const rooms = memberships.get(member.userId);
    // Came while the workers were asked: its memberships were read since.
    if (!rooms) continue;
    const present = new Set(rooms.map(([roomId]) => roomId));
    for (const roomId of roomIds) {
      if (!present.has(roomId)) gone.set(roomId, [...(gone.get(roomId) ?? []), member]);
    }
  }
  return gone;
}

function inQuestions(ids: readonly string[]): string[][] {
  const questions: string[][] = [];
  for (let at = 0; at < ids.length; at += questionSize) questions.push(ids.slice(at, at + questionSize));
  return questions;
}
