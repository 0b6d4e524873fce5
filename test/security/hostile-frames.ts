/** Frames that no honest client sends: below WebSocket, at its level, and as events; the same for the same seed. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/** Numbers from a seed, so that what broke something can be sent again. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof createRandom>;

/** One frame as a client sends it: masked. `first` is the byte with FIN, reserved bits and opcode. */
export function encodeFrame(first: number, payload: Buffer, { masked = true, length = payload.length } = {}): Buffer {
  const maskBit = masked ? 0x80 : 0;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended);
  head[0] = first;
  head[1] = maskBit | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([head, mask, Buffer.from(payload.map((byte, index) => byte ^ mask[index & 3]!))]);
}

const text = (payload: string | Buffer) => encodeFrame(0x81, Buffer.from(payload));

const NASTY = [
  ...['null', 'true', '-0', '1e999', '""', '[]', '{}', '[[[[', '}}}}', '"\\ud800"', '"\\u0000"', '\\', '"', ',', ':'],
  ...['"__proto__":{}', '"constructor":1', '{"$gt":""}', "' OR 1=1 -- ", '9007199254740993', '0.1', '\u0000', '\ufeff'],
  ...[
    '[{}]',
    '"room_id"',
    '"message_id"',
    '"x"',
    '<script>',
    '"id":"y"',
    '"id":7',
    '{"a":'.repeat(40),
    'x'.repeat(5000),
  ],
];

/** An event that was valid once. */
function damagedEvent(events: readonly string[], random: Random): Buffer {
  let json = events[random(events.length)]!;
  for (let times = random(4); times > 0; times--) {
    const at = random(json.length + 1);
    const length = random(3) === 0 ? random(30) : random(3);
    json = json.slice(0, at) + NASTY[random(NASTY.length)] + json.slice(at + length);
  }
  return text(json);
}

/** What a WebSocket takes, but this protocol does not. */
function strangeFrame(random: Random): Buffer[] {
  const bytes = Buffer.from(Array.from({ length: random(200) }, () => random(256)));
  switch (random(9)) {
    case 0:
      return [encodeFrame(0x82, bytes)];
    case 1:
      return [text('')];
    case 2:
      return [encodeFrame(0x89, bytes.subarray(0, 125))];
    case 3:
      return [encodeFrame(0x8a, bytes.subarray(0, 125))];
    case 4:
      return [
        encodeFrame(0x01, Buffer.from('{"event_')),
        encodeFrame(0x89, Buffer.alloc(0)),
        encodeFrame(0x80, Buffer.from('type"')),
      ];
    case 5:
      return [
        encodeFrame(0x01, Buffer.alloc(0)),
        ...Array.from({ length: 20 }, () => encodeFrame(0x00, Buffer.alloc(0))),
        encodeFrame(0x80, Buffer.from('{}')),
      ];
    case 6:
      return [text(JSON.stringify(bytes.toString('latin1')))];
    case 7:
      return [text(`${'['.repeat(random(30_000))}`)];
    default:
      return [encodeFrame(0x82, Buffer.alloc(0))];
  }
}

/** What no WebSocket takes: the connection ends by it, or by its sender. */
function brokenFrame(random: Random): Buffer {
  const bytes = Buffer.from(Array.from({ length: 1 + random(300) }, () => random(256)));
  const small = bytes.subarray(0, 20);
  const broken = [
    bytes,
    encodeFrame(0x81, small, { masked: false }),
    encodeFrame(0x83 + random(5), small),
    encodeFrame(0x8b + random(5), small),
    encodeFrame(0x81 | ((1 + random(7)) * 16), small),
    encodeFrame(0x80, small),
    encodeFrame(0x81, Buffer.from([0xff, 0xfe, 0xc0, 0x80])),
    encodeFrame(0x81, Buffer.from([0xed, 0xa0, 0x80])),
    encodeFrame(0x89, Buffer.alloc(126)),
    encodeFrame(0x09, small),
    Buffer.concat([encodeFrame(0x01, small), encodeFrame(0x81, small)]),
    encodeFrame(0x81, small, { length: 65_000 }),
    encodeFrame(0x81, small, { length: 2 ** 20 }),
    encodeFrame(0x81, small, { length: 2 ** 52 }),
    encodeFrame(0x88, Buffer.from([3])),
    encodeFrame(0x88, Buffer.from([0, random(256)])),
    encodeFrame(0x88, Buffer.from([3, 237])),
    encodeFrame(0x88, Buffer.from([3, 232, 0xff])),
    encodeFrame(0x88, Buffer.alloc(0)),
    text(Buffer.alloc(70_000, 'x')),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0x81]),
    Buffer.from([0x81, 0xfe, 0xff]),
    Buffer.from([]),
  ];
  return broken[random(broken.length)]!;
}

/** Frames for one connection, of which the last one ends it. */
export function hostileFrames(count: number, events: readonly string[], random: Random): Buffer[] {
  const frames: Buffer[] = [];
  while (frames.length < count - 1) {
    if (random(4) === 0) frames.push(...strangeFrame(random));
    else frames.push(damagedEvent(events, random));
  }
  return [...frames, brokenFrame(random)];
}

/** Opens a WebSocket by hand, writes all of it in pieces of any size, and resolves when the connection has ended. */
export function attack(address: string, token: string, frames: readonly Buffer[], random: Random): Promise<void> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error('The server did not end a connection that its client ended.')),
      60_000,
    );
    const socket = connect(Number(port), host, () => {
      const lines = ['GET /messaging/ HTTP/1.1', `Host: ${address}`, 'Upgrade: websocket', 'Connection: Upgrade'];
      const key = randomBytes(16).toString('base64');
      lines.push('Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`, `Authorization: Bearer ${token}`, '', '');
      socket.write(lines.join('\r\n'));
    });
    const last = frames.at(-1)!;
    // One in three waits until all of it was carried out; the others cut it short wherever it is.
    const isPatient = random(3) === 0;
    const fence = isPatient ? [text('{"event_type":"room.list","data":{"limit":1},"id":"last"}')] : [last];
    const bytes = Buffer.concat([...frames.slice(0, -1), ...fence]);
    socket.once('data', () => {
      const cut = random(bytes.length);
      socket.write(bytes.subarray(0, cut));
      socket.write(bytes.subarray(cut));
      if (!isPatient) socket.end();
    });
    let heard = '';
    socket.on('data', (data) => {
      heard = (heard + data.toString('latin1')).slice(-100_000);
      if (isPatient && socket.writable && heard.includes('"id":"last"')) socket.end(last);
    });
    // The server may reset what goes on after its close.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(late);
      resolve();
    });
  });
}
