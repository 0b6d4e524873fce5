/** The load generator's XML: what it counts must be what came, however the bytes were cut on their way. */
import { expect, test } from 'vitest';
import { type OnStanza, StanzaReader } from '../../bench/load/stanzas.js';

const stanzas = [
  ['?xml', "<?xml version='1.0'?>"],
  ['stream:stream', "<stream:stream id='1' version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>"],
  ['stream:features', '<stream:features><mechanisms><mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>'],
  ['success', "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"],
  ['presence', "<presence from='a@b/c'><x><status code='110'/></x></presence>"],
  ['presence', "<presence from='a@b/d'/>"],
  ['message', "<message type='groupchat'><body>~1.2~ a &lt; b, naïve 👍</body><archived id='1'/></message>"],
  ['message', "<message type='groupchat'><subject/></message>"],
  ['/stream:stream', '</stream:stream>'],
] as const;

/** What a reader tells of bytes that come in such pieces. */
function read(bytes: Buffer, size: number): (readonly [string, string])[] {
  const told: (readonly [string, string])[] = [];
  const take: OnStanza = (name, all, start, end) => told.push([name, all.toString('utf8', start, end)]);
  const reader = new StanzaReader(take);
  const shared = Buffer.alloc(size);
  for (let from = 0; from < bytes.length; from += size) {
    const length = bytes.copy(shared, 0, from, Math.min(bytes.length, from + size));
    reader.push(shared.subarray(0, length));
  }
  return told;
}

test.each([1, 2, 7, 64, 100_000])('stanzas that come %i bytes at a time are told once, whole and in order', (size) => {
  expect(read(Buffer.from(stanzas.map(([, text]) => text).join('')), size)).toEqual(stanzas);
});

test('white space between stanzas, which keeps a connection alive, is nothing', () => {
  expect(read(Buffer.from(` \n${stanzas.map(([, text]) => text).join(' \n ')} `), 5)).toEqual(stanzas);
});
