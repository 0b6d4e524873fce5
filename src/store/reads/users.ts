import type { UserId } from '../../protocol/shapes.js';
import type { LoadedUser } from '../../serializers/index.js';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';

/** Loaded users by id. */
export interface UserDirectory {
  /** The user; of one who is gone, `{ id }`. */
  of(id: UserId): LoadedUser;
}

/**
 * Loads users of the host's model in one query, without its default scope: that may hide columns or people that the
 * chat needs. Users of a paranoid model who were removed count as gone.
 */
export async function loadUsers(
  context: ReadContext,
  ids: Iterable<UserId>,
  { transaction }: TransactionOptions = {},
): Promise<UserDirectory> {
  const found = new Map<string, LoadedUser>();
  const missing = new Map<string, UserId>();
  for (const id of ids) {
    const kept = context.users?.get(id);
    if (kept) found.set(String(id), kept);
    else missing.set(String(id), id);
  }
  if (missing.size > 0) {
    const model = context.models.User.unscoped();
    const key = model.primaryKeyAttribute;
    const rows = await model.findAll({ where: { [key]: [...missing.values()] }, ...(transaction && { transaction }) });
    for (const row of rows) {
      const id = row.get(key) as UserId;
      found.set(String(id), row);
      context.users?.set(id, row);
    }
  }
  return { of: (id) => found.get(String(id)) ?? { id } };
}
