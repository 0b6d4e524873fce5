import { Op, QueryTypes, type Transaction, UniqueConstraintError } from 'sequelize';
import { v7 as newId } from 'uuid';
import type { ActingUser } from '../permissions/permission-handler.js';
import type { TransactionOptions } from '../store/context.js';
import { withRetry } from '../store/retry.js';
import type { UserId } from '../store/standing.js';
import { BaseHandler } from './base.js';

/** A row of `chat_sessions`: one open connection. */
export interface SessionRow {
  readonly id: string;
  readonly channel_name: string;
}

/** A room of a user, its last broadcast, and the one that the user joined with, read in one moment. */
export type MemberRoom = [roomId: string, offset: number, joinedOffset: number];

/** Sessions: one per connection, with when it was last heard of. Nobody is left out of a broadcast because of them. */
export abstract class SessionHandler extends BaseHandler {
  /** Registers a connection under its channel name. */
  async registerSession(user: ActingUser, channelName: string): Promise<SessionRow> {
    return this._registerSession(user, channelName, {});
  }

  async _registerSession(
    user: ActingUser,
    channelName: string,
    { transaction }: TransactionOptions = this.reading,
  ): Promise<SessionRow> {
    const session = this.newSession(user, channelName);
    try {
      await withRetry(() => this.models.Session.create(session, { transaction }));
      return session;
    } catch (error) {
      // The worker that registered it died before it could say so, or was too slow.
      const known = error instanceof UniqueConstraintError && (await this.#registered(user, channelName, transaction));
      if (!known) throw error;
      return known;
    }
  }

  /** The row of a session that begins now. */
  newSession(user: ActingUser, channelName: string) {
    const now = new Date();
    return { id: newId(), user_id: user.id, channel_name: channelName, last_seen: now, created_at: now };
  }

  async #registered(
    user: ActingUser,
    channelName: string,
    transaction: Transaction | null | undefined,
  ): Promise<SessionRow | null> {
    const where = { user_id: user.id, channel_name: channelName };
    return (await this.models.Session.findOne({ where, transaction, raw: true })) as SessionRow | null;
  }

  /** Channel names of a user's sessions heard of within `inactivityThreshold`. */
  async getActiveSessions(userId: UserId): Promise<string[]> {
    return this._getActiveSessions(userId, {});
  }

  async _getActiveSessions(userId: UserId, { transaction }: TransactionOptions = this.reading): Promise<string[]> {
    return this.#channelNames(userId, Op.gte, transaction);
  }

  /** Channel names of a user's sessions not heard of for longer. */
  async getExpiredSessions(userId: UserId): Promise<string[]> {
    return this._getExpiredSessions(userId, {});
  }

  async _getExpiredSessions(userId: UserId, { transaction }: TransactionOptions = this.reading): Promise<string[]> {
    return this.#channelNames(userId, Op.lt, transaction);
  }

  /** Notes that a session's client was heard of just now. */
  async updateSession(session: Pick<SessionRow, 'id'>): Promise<void> {
    return this._updateSession(session, {});
  }

  async _updateSession(
    session: Pick<SessionRow, 'id'>,
    { transaction }: TransactionOptions = this.reading,
  ): Promise<void> {
    await withRetry(() =>
      this.models.Session.update({ last_seen: new Date() }, { where: { id: session.id }, transaction }),
    );
  }

  /** Forgets the session of a connection that closed, and this user's expired ones. */
  async removeSession(user: ActingUser, sessionId: string): Promise<void> {
    await withRetry(() =>
      this.models.Session.destroy({
        where: { [Op.or]: [{ id: sessionId }, { user_id: user.id, last_seen: { [Op.lt]: this.#threshold() } }] },
      }),
    );
  }

  /** The same for many connections that closed at the same time. */
  async removeSessions(userIds: readonly UserId[], sessionIds: readonly string[]): Promise<void> {
    const { Session } = this.models;
    await withRetry(() => Session.destroy({ where: { id: [...sessionIds] } }));
    const expired = { user_id: [...new Set(userIds)], last_seen: { [Op.lt]: this.#threshold() } };
    await withRetry(() => Session.destroy({ where: expired }));
  }

  /** The rooms of these users, in one query. */
  async memberRooms(userIds: readonly UserId[]): Promise<Map<string, MemberRoom[]>> {
    const { models, sequelize } = this.context;
    const rooms = new Map<string, MemberRoom[]>(userIds.map((id) => [String(id), []]));
    if (userIds.length === 0) return rooms;
    type Row = { user_id: UserId; room_id: string; last_offset: number; joined_offset: number };
    const rows = await sequelize.query<Row>(
      `SELECT m.user_id, m.room_id, m.joined_offset, r.last_offset FROM ${models.RoomMember.getTableName()} m
         JOIN ${models.Room.getTableName()} r ON r.id = m.room_id WHERE m.user_id IN (:userIds)`,
      { replacements: { userIds: [...userIds] }, type: QueryTypes.SELECT },
    );
    for (const { user_id, room_id, last_offset, joined_offset } of rows) {
      rooms.get(String(user_id))?.push([room_id, Number(last_offset), Number(joined_offset)]);
    }
    return rooms;
  }

  async #channelNames(
    userId: UserId,
    comparison: typeof Op.gte | typeof Op.lt,
    transaction: Transaction | undefined,
  ): Promise<string[]> {
    const sessions = await this.models.Session.findAll({
      where: { user_id: userId, last_seen: { [comparison]: this.#threshold() } },
      order: ['created_at'],
      transaction,
    });
    return sessions.map((session) => session.channel_name);
  }

  #threshold(): Date {
    return new Date(Date.now() - this.settings.inactivityThreshold * 1000);
  }
}
