import { QueryTypes } from 'sequelize';
import type { StoreContext } from './context.js';
import type { UserId } from './standing.js';

/** The groups of a user, `group-<room id>`, of the rooms they are a member of. */
export async function readUserGroups({ models, sequelize }: StoreContext, userId: UserId): Promise<string[]> {
  const rows = await sequelize.query<{ room_id: string }>(
    `SELECT room_id FROM ${models.RoomMember.getTableName()} WHERE user_id = :userId ORDER BY joined_at, room_id`,
    { replacements: { userId }, type: QueryTypes.SELECT },
  );
  return rows.map(({ room_id }) => `group-${room_id}`);
}
