const COLLECT_FOR = 250;
const MOST_IDS = 100;

/** Collects what was delivered and read, and tells the server in few events. */
export class Receipts {
  #connection;
  #delivered = new Set();
  #read = new Set();
  #done = new Set();
  #timer = null;

  /** @param {import('./connection.js').Connection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  acknowledge(ids) {
    for (const id of ids) this.#delivered.add(id);
    this.#schedule();
  }

  /** A message is reported as read once; later calls do nothing. */
  read(id) {
    if (this.#done.has(id)) return;
    this.#done.add(id);
    this.#read.add(id);
    this.#schedule();
  }

  /** Sends what is left from before the link broke. */
  resume() {
    this.#schedule();
  }

  #schedule() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      // Reading counts as acknowledging.
      for (const id of this.#read) this.#delivered.delete(id);
      this.#flush('message.read', this.#read);
      this.#flush('message.acknowledged', this.#delivered);
    }, COLLECT_FOR);
  }

  #flush(eventType, ids) {
    if (!this.#connection.isOpen) return;
    const all = [...ids];
    ids.clear();
    for (let at = 0; at < all.length; at += MOST_IDS) this.#send(eventType, all.slice(at, at + MOST_IDS), ids);
  }

  async #send(eventType, list, waiting) {
    try {
      await this.#connection.request(eventType, { message_id: list });
    } catch (error) {
      const isLater = error.code === 0 || error.code === 4503 || error.code === 4029;
      if (isLater) {
        for (const id of list) waiting.add(id);
        if (error.code !== 0) setTimeout(() => this.#schedule(), 2000);
      } else if (list.length > 1) {
        // One deleted message refuses the whole list.
        for (const id of list) this.#send(eventType, [id], waiting);
      }
    }
  }
}
