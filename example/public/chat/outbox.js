/** Codes after which the same message is sent again, with the same client id: it cannot arrive twice. */
const AGAIN = new Set([4029, 4503]);

/** Sends messages one after the other, across broken links, until each is answered. */
export class Outbox {
  #connection;
  #store;
  #onSent;
  #isSending = false;

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {import('./store.js').Store} store
   * @param {(roomId: string, messageId: string) => void} onSent
   */
  constructor(connection, store, onSent) {
    this.#connection = connection;
    this.#store = store;
    this.#onSent = onSent;
  }

  add(roomId, content, parent) {
    this.#store.outbox.push({
      clientId: createId(),
      roomId,
      content,
      parent,
      status: 'sending',
      createdAt: new Date(),
    });
    this.#store.changed('messages');
    this.resume();
  }

  retry(entry) {
    entry.status = 'sending';
    this.#store.changed('messages');
    this.resume();
  }

  discard(entry) {
    this.#store.outbox = this.#store.outbox.filter((other) => other !== entry);
    this.#store.changed('messages');
  }

  async resume() {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let entry = this.#next(); entry && this.#connection.isOpen; entry = this.#next()) await this.#send(entry);
    } finally {
      this.#isSending = false;
    }
  }

  #next() {
    return this.#store.outbox.find((entry) => entry.status === 'sending');
  }

  async #send(entry) {
    try {
      const { data } = await this.#connection.request('message.send', {
        room_id: entry.roomId,
        content: entry.content,
        client_id: entry.clientId,
        ...(entry.parent && { extra_fields: { parent_message_id: entry.parent.id } }),
      });
      // The message itself comes as a broadcast, which takes the entry away.
      entry.status = 'sent';
      this.#onSent(entry.roomId, data.message_id);
    } catch (error) {
      if (error.code === 0) return;
      if (AGAIN.has(error.code)) await new Promise((resolve) => setTimeout(resolve, (error.retryAfter ?? 1) * 1000));
      else {
        entry.status = 'failed';
        entry.reason = error.message;
      }
    }
    this.#store.changed('messages');
  }
}

/** A random id; `crypto.randomUUID` is missing on plain http, except on localhost. */
function createId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
