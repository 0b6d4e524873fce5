/** XMPP over TCP, as far as a group chat needs it: signing in anonymously, joining rooms, messages to them. */
import type { LoadUser } from './protocols.js';
import type { Session, SessionEvents } from './socket.js';
import { StanzaReader } from './stanzas.js';

/** The names that the server and its rooms go by. */
export const xmppHost = 'localhost';
export const roomsHost = 'conference.localhost';

const STREAM = `<?xml version='1.0'?><stream:stream to='${xmppHost}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`;
const AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>";
const BIND = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";
const NO_HISTORY = "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>";

/** A message to a room, which comes back to its sender as to every member. */
export function groupMessage(roomId: string, content: string, id: number): string {
  return `<message to='${roomId}@${roomsHost}' type='groupchat' id='${id}'><body>${content}</body></message>`;
}

/** A conversation over an XMPP stream. Whoever joins is in when each room has sent its subject, which ends a join. */
export class XmppSession implements Session {
  readonly #user: LoadUser;
  readonly #events: SessionEvents;
  readonly #reader = new StanzaReader((name, bytes, start, end) => this.#take(name, bytes, start, end));
  #signedIn = false;
  #joining: number;

  constructor(user: LoadUser, events: SessionEvents) {
    this.#user = user;
    this.#events = events;
    this.#joining = user.rooms.length;
  }

  begin(): void {
    this.send(STREAM);
  }

  send(text: string): void {
    this.#events.write(text);
  }

  push(bytes: Buffer): void {
    this.#reader.push(bytes);
  }

  #take(name: string, bytes: Buffer, start: number, end: number): void {
    // Subjects end with the joining: what comes afterwards are messages, and there are many.
    if (name === 'message' && this.#joining === 0) this.#events.message(bytes, start);
    else this.#read(name, bytes.toString('utf8', start, end));
  }

  #read(name: string, text: string): void {
    if (name === 'failure' || name === 'stream:error') this.#events.fail(text.slice(0, 300));
    else if (/^[^>]* type=['"](error|get)['"]/.test(text)) this.#events.fault(text.slice(0, 300));
    else if (name === 'stream:features') this.send(this.#signedIn ? BIND : AUTH);
    else if (name === 'iq') this.#join();
    else if (name === 'message' && text.includes('<subject')) this.#joined();
    else if (name === 'success') {
      this.#signedIn = true;
      this.send(STREAM);
    }
  }

  #join(): void {
    for (const room of this.#user.rooms) {
      this.send(`<presence to='${room}@${roomsHost}/person_${this.#user.id}'>${NO_HISTORY}</presence>`);
    }
  }

  #joined(): void {
    if (--this.#joining === 0) this.#events.ready();
  }
}
