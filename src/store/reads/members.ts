import { Op } from 'sequelize';
import { NotFound } from '../../protocol/errors.js';
import type { MemberPageShape, MemberShape, UserId } from '../../protocol/shapes.js';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { ListQuery } from './room-list.js';
import { creatorOf, loadRooms } from './rooms.js';
import { loadUsers } from './users.js';

/** Members that `listMembers` gives when no limit is asked for. */
const DEFAULT_LIMIT = 100;

/** Lists a room's members with their roles, first joined first. NotFound when there is no such room. Three queries. */
export async function listMembers(
  context: ReadContext,
  roomId: string,
  query: ListQuery = {},
  options: TransactionOptions = {},
): Promise<MemberPageShape> {
  const limit = query.limit ?? Math.min(DEFAULT_LIMIT, context.settings.maxMemberPageSize);
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor, ['time', 'user']);
  const room = (await loadRooms(context, [roomId], options)).get(roomId);
  if (!room) throw new NotFound();
  const rows = await context.models.RoomMember.findAll({
    where: { room_id: roomId, ...(after && behind(new Date(after[0] as string), after[1] as UserId)) },
    order: [
      ['joined_at', 'ASC'],
      ['user_id', 'ASC'],
    ],
    limit: limit + 1,
    ...(options.transaction && { transaction: options.transaction }),
  });
  const page = rows.slice(0, limit);
  const users = await loadUsers(
    context,
    page.map(({ user_id }) => user_id),
    options,
  );
  const serializer = context.serializers.getSerializer('UserSerializer');
  const creator = creatorOf(context, room);
  const members = page.map(
    (row): MemberShape => ({
      user: serializer.serialize(users.of(row.user_id)),
      role: roleOf(room.type, row.role, creator !== null && String(row.user_id) === String(creator)),
      joined_at: row.joined_at.toISOString(),
    }),
  );
  const last = page.at(-1);
  const more = rows.length > limit && last;
  return {
    room_id: roomId,
    members,
    next_cursor: more ? encodeCursor([last.joined_at.toISOString(), last.user_id]) : null,
  };
}

/** The rows after one with this key. */
function behind(joinedAt: Date, userId: UserId) {
  return {
    [Op.or]: [{ joined_at: { [Op.gt]: joinedAt } }, { joined_at: joinedAt, user_id: { [Op.gt]: userId } }],
  };
}

function roleOf(type: string, role: string, isCreator: boolean): MemberShape['role'] {
  if (isCreator) return 'creator';
  if (role !== 'admin') return 'member';
  return type === 'Channel' ? 'moderator' : 'admin';
}
