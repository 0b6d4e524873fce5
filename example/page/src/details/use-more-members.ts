import type { Room, RoomShape, UserShape } from 'express-realtime-chat/client';
import { useState } from 'react';
import { membersOf } from '../conversation/context.ts';

const pageSize = 500;

/**
 * The members that a room lists, and in large rooms those it does not, loaded on demand. Who leaves or joins meanwhile
 * changes the number of members, and the loaded ones are loaded anew when they are asked for again.
 */
export function useMoreMembers(room: RoomShape, actions: Room) {
  const listed = membersOf(room);
  const [more, setMore] = useState<{ users: readonly UserShape[]; cursor: string | null | undefined; of: number }>();
  const loaded = more?.of === room.member_count ? more : undefined;
  const known = new Set(listed.map(({ id }) => String(id)));
  const members = [...listed, ...(loaded?.users.filter(({ id }) => !known.has(String(id))) ?? [])];
  return {
    members,
    hasMore: members.length < room.member_count && loaded?.cursor !== null,
    async loadMore() {
      let users = loaded?.users ?? [];
      let cursor = loaded?.cursor ?? undefined;
      const before = members.length;
      // The first pages are those that the room lists already.
      do {
        const page = await actions.members({ limit: pageSize, ...(cursor && { cursor }) });
        users = [...users, ...page.members.map(({ user }) => user)];
        cursor = page.next_cursor ?? undefined;
      } while (cursor && users.filter(({ id }) => !known.has(String(id))).length + listed.length <= before);
      setMore({ users, cursor: cursor ?? null, of: room.member_count });
    },
  };
}
