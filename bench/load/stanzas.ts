/** XML by hand: what an XMPP server sends is cut into stanzas by their last tag, and nothing in them is parsed. */

/** What `StanzaReader` tells: the stanza is `bytes` from `start` to `end`, good until the call returns. */
export type OnStanza = (name: string, bytes: Buffer, start: number, end: number) => void;

const LESS = 0x3c;
const GREATER = 0x3e;
const SLASH = 0x2f;
const QUESTION = 0x3f;

/** Cuts what a server sends into stanzas, without copying those that came whole. */
export class StanzaReader {
  readonly #onStanza: OnStanza;
  #rest: Buffer | undefined;

  constructor(onStanza: OnStanza) {
    this.#onStanza = onStanza;
  }

  /** Takes bytes as they came; they may be overwritten afterwards. */
  push(chunk: Buffer): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      at = bytes.indexOf(LESS, at);
      if (at < 0) break;
      // No attribute holds the sign itself: servers write it as an entity.
      const head = bytes.indexOf(GREATER, at) + 1;
      if (head === 0) break;
      const name = nameAt(bytes, at + 1);
      const end = endOf(bytes, head, name);
      if (end < 0) break;
      this.#onStanza(name, bytes, at, end);
      at = end;
    }
    this.#rest = at >= 0 && at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined;
  }
}

/** The name of the element at that place, without a copy for the one that there are thousands of. */
function nameAt(bytes: Buffer, at: number): string {
  if (bytes[at] === 0x6d && bytes[at + 1] === 0x65 && bytes[at + 7] === 0x20) return 'message';
  let end = at;
  while (bytes[end]! > 0x20 && bytes[end] !== GREATER && (bytes[end] !== SLASH || end === at)) end++;
  return bytes.toString('latin1', at, end);
}

/** Where an element ends whose first tag ends at `head`; negative when that has not come yet. */
function endOf(bytes: Buffer, head: number, name: string): number {
  const before = bytes[head - 2];
  // The stream's own tags stay open as long as the connection does.
  if (before === SLASH || before === QUESTION || name === 'stream:stream' || name.startsWith('/')) return head;
  const tag = `</${name}>`;
  const last = bytes.indexOf(tag, head, 'latin1');
  return last < 0 ? -1 : last + tag.length;
}
