import type { RoomType } from '../models/index.js';
import type { ActingUser } from '../permissions/permission-handler.js';
import type { RoomCreatePayload, UserId } from '../protocol/payload-types.js';
import type { RoomFacts } from '../store/standing.js';

/** The two of a one to one chat in the one order that the unique key knows. */
export function pairOf(one: UserId, other: UserId): { first_user_id: UserId; second_user_id: UserId } {
  const isOrdered = typeof one === 'number' && typeof other === 'number' ? one < other : String(one) < String(other);
  return isOrdered ? { first_user_id: one, second_user_id: other } : { first_user_id: other, second_user_id: one };
}

/** The row of the room's own type. Nothing in a payload names its room or its creator, whatever the schema let through. */
export function detailsOf({ model, creatorColumn }: RoomType, user: ActingUser, data: RoomCreatePayload): object {
  const attributes = model.getAttributes();
  const decided: Record<string, unknown> = {
    ...('name' in attributes && { name: data.name }),
    ...('description' in attributes && { description: data.description ?? '' }),
    ...(creatorColumn !== undefined && { [creatorColumn]: user.id }),
  };
  const chats = ['room_id', 'first_user_id', 'second_user_id', ...Object.keys(decided)];
  const given = Object.entries(data.extra_fields).filter(([name]) => name in attributes && !chats.includes(name));
  return { ...Object.fromEntries(given), ...decided };
}

/** How many members the room may have, as its type says. */
export function capOf({ cap }: RoomType, facts: RoomFacts): number | undefined {
  const most = typeof cap === 'string' ? facts[cap] : cap;
  return most === undefined || most === null ? undefined : Number(most);
}
