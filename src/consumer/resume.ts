import type { ActingUser } from '../permissions/permission-handler.js';
import { ErrorCode } from '../protocol/errors.js';
import type { StoreContext } from '../store/context.js';
import { completeRanges } from '../store/outcomes.js';
import { loadStandings, type Pair, pairKey } from '../store/standing.js';

/** What a resuming client is told about one room. */
export interface ResumedRoom {
  readonly recovered: boolean;
  /** The room's last offset; absent when the user may not see it. */
  readonly offset?: number;
  readonly code?: number;
}

/** Offsets to replay: `after` < offset <= `upTo`. */
export type ReplayRange = [roomId: string, after: number, upTo: number];

/**
 * Decides, per room, whether all broadcasts since the client's offset can be replayed: they are kept, few enough, young
 * enough, and all from the user's present membership.
 */
export async function planResume(
  context: StoreContext,
  user: ActingUser,
  rooms: Readonly<Record<string, number>>,
): Promise<{ answer: Record<string, ResumedRoom>; ranges: ReplayRange[] }> {
  const pairs = Object.keys(rooms).map((roomId): Pair => [roomId, user.id]);
  const standings = await loadStandings(context, pairs);
  const answer: Record<string, ResumedRoom> = {};
  const candidates: Array<{ roomId: string; after: number; upTo: number }> = [];
  for (const [roomId, after] of Object.entries(rooms)) {
    const standing = standings.get(pairKey(roomId, user.id));
    if (!standing?.membership) {
      answer[roomId] = { recovered: false, code: standing ? ErrorCode.permissionDenied : ErrorCode.notFound };
      continue;
    }
    const upTo = Number(standing.facts.last_offset);
    answer[roomId] = { recovered: false, offset: upTo };
    const isFromNow = after >= standing.membership.joinedOffset - 1 && after <= upTo;
    if (isFromNow && upTo - after <= context.settings.recoverableBroadcasts) candidates.push({ roomId, after, upTo });
  }
  const complete = await completeRanges(context, candidates);
  const recovered = candidates.filter(({ roomId }) => complete.has(roomId));
  for (const { roomId, upTo } of recovered) answer[roomId] = { recovered: true, offset: upTo };
  return {
    answer,
    ranges: recovered
      .filter(({ after, upTo }) => upTo > after)
      .map(({ roomId, after, upTo }): ReplayRange => [roomId, after, upTo]),
  };
}
