/** Shapes of what the servers beside ours send, so that all send the same amount. */

/** A user, as in a message. */
export interface WireUser {
  readonly id: number;
  readonly username: string;
  readonly email: null;
  readonly first_name: string | null;
  readonly last_name: string | null;
}

/** A stored message. */
export interface StoredMessage {
  readonly id: string;
  readonly seq: number;
  readonly room_id: string;
  readonly content: string;
  readonly created_at: Date;
}

/** A Message of this project's protocol. */
export type WireMessage = ReturnType<typeof wireMessage>;

/** The same keys as a Message of this project's protocol, of one that nobody has got yet. */
export function wireMessage(message: StoredMessage, sender: WireUser) {
  return {
    id: message.id,
    seq: message.seq,
    client_id: message.id,
    room: { id: message.room_id },
    sender,
    content: message.content,
    is_deleted: false,
    is_edited: false,
    is_forwarded: false,
    forwarded_from: null,
    parent_message: null,
    delivered_to: [] as (string | null)[],
    delivered_count: 0,
    read_receipts: [] as object[],
    read_count: 0,
    reactions: [] as object[],
    reaction_counts: {} as Record<string, number>,
    attachments: [] as object[],
    created_at: message.created_at,
    updated_at: message.created_at,
  };
}
