/** How the peer shows messages that it has stored: with files, and who got, read and reacted to each, as ours are. */
import type { Model, ModelStatic } from 'sequelize';
import type { PeerModels } from './peer-models.js';
import { type WireMessage, type WireUser, wireMessage } from './wire.js';

/** Columns of users that are shown. */
export const userFields = ['id', 'username', 'first_name', 'last_name'];

/** A message as it is read, its sender joined. */
export interface StoredRow {
  readonly id: string;
  readonly room_id: string;
  readonly content: string;
  readonly created_at: Date;
  readonly user: WireUser;
}

/** Entries of a list that are shown. */
const newest = 50;

interface OfMessage {
  readonly message_id: string;
}

type FromUser = OfMessage & { readonly id: string; readonly user: WireUser };

/** Four questions at a time, however many messages. */
export async function shownMessages(models: PeerModels, rows: readonly StoredRow[]): Promise<WireMessage[]> {
  const message_id = rows.map(({ id }) => id);
  const listOf = async <Row extends OfMessage>(model: ModelStatic<Model>, order: string, withUser: boolean) => {
    const found = await model.findAll({
      where: { message_id },
      order: [[order, 'ASC']],
      raw: true,
      nest: true,
      ...(withUser && { include: { model: models.User, attributes: userFields } }),
    });
    return byMessage(found as unknown as Row[]);
  };
  const [media, deliveries, receipts, reactions] = await Promise.all([
    listOf<OfMessage>(models.Media, 'id', false),
    listOf<FromUser>(models.Delivery, 'created_at', true),
    listOf<FromUser & { read_at: Date }>(models.Receipt, 'read_at', true),
    listOf<FromUser & { reaction_content: string; created_at: Date }>(models.Reaction, 'created_at', true),
  ]);
  return rows.map(({ user, ...row }) => {
    const [got, read, reacted] = [deliveries(row.id), receipts(row.id), reactions(row.id)];
    const counts: Record<string, number> = {};
    for (const { reaction_content: content } of reacted) counts[content] = (counts[content] ?? 0) + 1;
    return {
      ...wireMessage({ ...row, seq: 1 }, { ...user, email: null }),
      delivered_to: got.slice(-newest).map((one) => one.user.username),
      delivered_count: got.length,
      read_receipts: read.slice(-newest).map((one) => ({ reader: one.user, read_at: one.read_at })),
      read_count: read.length,
      reactions: reacted.slice(-newest).map(({ message_id: _, ...one }) => one),
      reaction_counts: counts,
      attachments: media(row.id).map(({ message_id: _, ...file }) => file),
    };
  });
}

function byMessage<Row extends OfMessage>(rows: readonly Row[]): (id: string) => readonly Row[] {
  const lists = new Map<string, Row[]>();
  for (const row of rows) {
    const list = lists.get(row.message_id);
    if (list) list.push(row);
    else lists.set(row.message_id, [row]);
  }
  return (id) => lists.get(id) ?? [];
}
